"""What a run learnt, from all of its processes, and what the findings in a file follow from."""

from __future__ import annotations

import json
from collections.abc import Iterable

from torchlint.project.trace import Asker, Notes, State, digest
from torchlint.record import Record


class Basis(Record):
    """What the findings in a file follow from.

    ``same``: files whose content took part; ``drawn``: files and folders that answers come from; ``askers``: whose
    questions these were.
    """

    same: set[str]
    drawn: set[str]
    askers: list[Asker]


class Ledger:
    """Notes of several processes, put together. They only ever add up: a question has one answer in a run."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {}
        self.probes: dict[str, dict[str, str]] = {}
        self.asked: dict[Asker, dict[str, str]] = {}
        self.drawn: dict[Asker, set[str]] = {}
        self.looked: dict[Asker, set[str]] = {}
        self.outlines: dict[str, tuple[str, str]] = {}
        self.moved = False
        self._broken: set[Asker] = set()
        self._roots: dict[str, str] = {}

    def add(self, notes: Notes) -> None:
        """Take in the notes. Where two do not agree, the world ``moved`` during the run."""
        self.moved |= notes.moved
        for path, state in notes.states.items():
            self.moved |= self.states.setdefault(path, state).digest != state.digest
        for path, probes in notes.probes.items():
            self._agree(self.probes.setdefault(path, {}), probes)
        for asker, answers in notes.asked.items():
            self._agree(self.asked.setdefault(asker, {}), answers)
        for asker, paths in notes.drawn.items():
            self._meet(asker)
            self.drawn[asker].update(paths)
        for asker, paths in notes.looked.items():
            self.look(asker, paths)
        self._broken.update(notes.broken)
        self.outlines.update(notes.outlines)
        self._agree(self._roots, notes.roots)

    def look(self, asker: Asker, paths: Iterable[str]) -> None:
        """The model of the asker's file looked into these."""
        self._meet(asker)
        self.looked.setdefault(asker, set()).update(paths)

    def _meet(self, asker: Asker) -> None:
        if asker not in self.drawn:
            self.drawn[asker] = set()

    def _agree(self, known: dict[str, str], more: dict[str, str]) -> None:
        self.moved |= any(known.setdefault(key, value) != value for key, value in more.items())

    def basis(self, path: str) -> Basis | None:
        """What the findings in the file follow from, ``None`` where that is not known to the end."""
        found = Basis({path}, set(), [])
        waiting = [(self._roots[path], path)] if path in self._roots else []
        seen = set(waiting)
        while waiting:
            asker = waiting.pop()
            if asker in self._broken:
                return None
            found.askers.append(asker)
            found.drawn.update(self.drawn.get(asker, ()))
            looked = self.looked.get(asker, ())
            found.same.update(looked)
            more = {(asker[0], other) for other in looked} - seen
            seen |= more
            waiting += more
        return found


def record(ledger: Ledger, asker: Asker) -> str:
    """The questions of an asker, with a digest of the answers."""
    asked = ledger.asked.get(asker, {})
    questions = sorted(asked)
    looked = sorted(ledger.looked.get(asker, ()))
    return json.dumps([*asker, questions, answers_digest(asked, questions), looked], separators=(",", ":"))


def answers_digest(asked: dict[str, str], questions: list[str]) -> str:
    """One name for all the answers."""
    answers = "\0".join(asked[question] for question in questions)
    return digest(answers.encode("utf-8", "surrogatepass"))
