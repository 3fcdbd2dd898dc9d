"""Whether the answers are still those that findings were made from: the questions are asked once more."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from torchlint.cache.ledger import Ledger, answers_digest
from torchlint.cache.store import Store, Unusable
from torchlint.project.index import Project
from torchlint.project.paths import absolute_path
from torchlint.project.questions import ask_again


class Replay:
    """Asks the questions of records, each record once. What comes of it is noted in the ``ledger``."""

    def __init__(self, store: Store, base: str, ledger: Ledger) -> None:
        self._store = store
        self._base = base
        self._ledger = ledger
        self._known: dict[tuple[int, Project], bool] = {}

    def holds(self, numbers: Iterable[int], project: Project) -> bool:
        """Whether all the answers of some records are what they were, in the project of the file they are about."""
        return all(self._is_same(number, project) for number in numbers)

    def _is_same(self, number: int, project: Project) -> bool:
        key = (number, project)
        if key not in self._known:
            try:
                self._known[key] = self._ask(number, project)
            except Exception:  # what was asked about is gone, or the record is not ours
                self._known[key] = False
            # What could not be asked here may not be asked any more where the file is checked.
            self._ledger.add(project.trace.news()._replace(broken=[]))
        return self._known[key]

    def _ask(self, number: int, project: Project) -> bool:
        root, path, questions, expected, looked = json.loads(self._store.record(number))
        if not all(isinstance(text, str) for text in (root, path, *questions, expected, *looked)):
            raise Unusable("malformed record")
        if project.root is None or root != project.trace.short(project.root):
            return False
        ask_again(project, path, questions, lambda short: absolute_path(os.path.join(self._base, short)))
        self._ledger.add(project.trace.news())
        asker = (root, path)
        same = bool(answers_digest(self._ledger.asked.get(asker, {}), questions) == expected)
        if same:
            self._ledger.look(asker, looked)
        return same
