"""The findings of earlier runs: which of them still hold, and what this run adds.

A result holds while nothing changed that its findings follow from. First only times and sizes are looked at, then
contents; where a file changed that answers were drawn from, the questions are asked again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from torchlint.cache import salt
from torchlint.cache.states import States
from torchlint.cache.store import Malformed, Needs, Result, Store, Unusable
from torchlint.config import Config
from torchlint.diagnostic import Diagnostic
from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from torchlint.cache.ledger import Ledger
    from torchlint.project.index import Project
    from torchlint.project.trace import Notes

    class File(Protocol):
        """A file to check, and its settings."""

        @property
        def path(self) -> str: ...

        @property
        def config(self) -> Config: ...


class Held(Record):
    """A result that holds, with the text that its findings point into."""

    diagnostics: tuple[Diagnostic, ...]
    content: bytes = b""


_CLEAN = Held(())

_LEADING_OUT = ("/", ".")
"""How a path may begin that is not below the working directory, as paths are shown."""


class Counts(Record):
    """How many files were answered for: at once (``hits``), after asking again, and not at all."""

    hits: int = 0
    asked_again: int = 0
    misses: int = 0


class ResultCache:
    """The results in ``folder``. Nothing here raises: what does not work is told to ``warn``, and done without."""

    def __init__(self, folder: str, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self.base = os.path.dirname(folder)
        self.counts = Counts()
        self._store = Store(folder)
        self._warn = warn
        self._started = time.time_ns()
        self._states = States(self.base, self._store, self._started)
        self._ledger: Ledger | None = None
        self._doubtful: list[tuple[str, Result, Needs]] = []
        self._confirmed: list[tuple[str, Result]] = []
        self._files: Sequence[File] = ()
        self._surroundings = salt.surroundings(self.base)
        self._salts: dict[int, str] = {}
        self._starts_here = os.getcwd() == self.base

    def __str__(self) -> str:
        hits, again, misses = self.counts
        return (
            f"{hits} unchanged, {again} unchanged after asking again, {misses} checked ({self._store.path})"
        )

    # -- reading ---------------------------------------------------------------------------------------------------

    def look_up(self, files: Sequence[File], seen: Sequence[os.stat_result | None]) -> dict[str, Held]:
        """The results that hold, by the paths of the files; ``seen`` is what discovery knows about each of these."""
        self._files = files
        try:
            return self._look_up(files, seen)
        except Exception as error:
            self._warn(f"cache not read: {_describe(error)}")
            self._store.start_over = isinstance(error, Malformed) or not isinstance(error, Unusable)
        self._states = States(self.base, self._store, self._started)
        self._doubtful = []
        self._confirmed = []
        self.counts = Counts(misses=len(files))
        return {}

    def _look_up(self, files: Sequence[File], seen: Sequence[os.stat_result | None]) -> dict[str, Held]:
        self._states.load(*self._store.load(self._texts()))
        known = {key: self._store.salts.get(self._salt(config)) for key, config in self._configs().items()}
        paths = [file.path for file in files]
        results = self._states.results(
            map(self.short, paths), [known[id(file.config)] for file in files], seen
        )
        found = {path: result for path, result in zip(paths, results, strict=True) if result is not None}
        answers = {}
        for path, held in self._without_changes(found).items():
            answer = self._read(path, held) if held[2] else _CLEAN
            if answer is not None:
                answers[path] = answer
        self.counts = Counts(hits=len(answers), misses=len(files) - len(answers))
        return answers

    def _configs(self) -> dict[int, Config]:
        """The settings of all files, each once."""
        return {id(file.config): file.config for file in self._files}

    def _texts(self) -> list[str]:
        """The salts of all files, each once."""
        return list(dict.fromkeys(map(self._salt, self._configs().values())))

    def _without_changes(self, found: dict[str, Result]) -> dict[str, Result]:
        """The results of which nothing changed that they follow from; others are put aside."""
        needs: dict[tuple[int, int], Needs] = {}
        if len(found) * 4 < len(self._states):  # few of many: do not look at files that do not matter
            needs = self._needs(found)
            wanted = {number for row in needs.values() for part in row[2:4] for number in _numbers(part)}
            changed = self._states.changed(wanted)
        else:
            changed = self._states.changed()
        if not changed:
            return found
        needs = needs or self._needs(found)
        held = {}
        for path, result in found.items():
            row, number, _ = result
            need = needs[row[0], number]
            if not changed.isdisjoint(_numbers(need[2])):
                continue
            if changed.isdisjoint(_numbers(need[3])):
                held[path] = result
            else:
                self._doubtful.append((path, result, need))
        return held

    def _needs(self, found: dict[str, Result]) -> dict[tuple[int, int], Needs]:
        rows = self._store.needs(row[0] for row, _, _ in found.values())
        needs = {(row[0], row[1]): row for row in rows}
        if any((row[0], number) not in needs for row, number, _ in found.values()):
            raise Malformed("a result that follows from nothing")
        return needs

    def _read(self, path: str, result: Result) -> Held | None:
        row, _, text = result
        if not text:
            return _CLEAN
        from torchlint.cache import findings

        try:
            with open(path, "rb") as file:
                if not self._states.is_as_seen(row, os.fstat(file.fileno())):
                    return None
                content = file.read()
            return Held(findings.read(text, path), content)
        except (OSError, findings.Malformed):
            return None

    def _salt(self, config: Config) -> str:
        text = self._salts.get(id(config))
        if text is None:
            text = self._salts[id(config)] = f"{self._surroundings} {salt.of_config(config, self.base)}"
        return text

    def short(self, path: str) -> str:
        """The path of a file as the cache has it."""
        if self._starts_here and path[:1] not in _LEADING_OUT and (os.sep == "/" or path[1:2] != ":"):
            return path
        absolute = os.path.abspath(path)
        inside = os.path.join(self.base, "")
        return (absolute[len(inside) :] if absolute.startswith(inside) else absolute).replace(os.sep, "/")

    # -- asking again ----------------------------------------------------------------------------------------------

    @property
    def ledger(self) -> Ledger:
        """What this run learnt so far."""
        if self._ledger is None:
            from torchlint.cache.ledger import Ledger

            self._ledger = Ledger()
        return self._ledger

    def ask_again(self, project_of: Callable[[str], Project]) -> dict[str, Held]:
        """The results that hold although something changed that answers were drawn from.

        ``project_of`` gives the project of a file.
        """
        if not self._doubtful:
            return {}
        from torchlint.cache.replay import Replay

        replay = Replay(self._store, self.base, self.ledger)
        answers = {}
        for path, result, need in self._doubtful:
            if replay.holds(_numbers(need[4]), project_of(path)):
                answer = self._read(path, result)
                if answer is not None:
                    answers[path] = answer
                    self._confirmed.append((path, result))
        again = len(answers)
        self.counts = self.counts._replace(asked_again=again, misses=self.counts.misses - again)
        return answers

    # -- writing ---------------------------------------------------------------------------------------------------

    def keep(self, fresh: Mapping[str, tuple[Diagnostic, ...]]) -> None:
        """Write down the findings of this run, by file, and what is known anew about files that did not change."""
        if not (fresh or self._confirmed or self._states.refreshed or self._states.gone):
            return
        try:
            from torchlint.cache import findings
            from torchlint.cache.keeping import Keeping

            keeping = Keeping(self._states, self.ledger, self._texts())
            salts = {file.path: self._salt(file.config) for file in self._files}
            for path, (_, _, text) in self._confirmed:
                keeping.add(self.short(path), salts[path], text)
            for path, diagnostics in fresh.items():
                keeping.add(self.short(path), salts[path], findings.write(diagnostics))
            self._store.write(keeping.write)
        except Exception as error:
            self._warn(f"cache not written: {_describe(error)}")

    def learn(self, notes: Notes | None) -> None:
        """Take in what a process noted."""
        if notes is not None:
            self.ledger.add(notes)


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, Unusable) else f"{type(error).__name__}: {error}"


def _numbers(text: str) -> list[int]:
    import json  # here, because a run without changes needs none

    numbers = json.loads(text)
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        raise Malformed("row")
    return numbers
