"""The findings of earlier runs: which of them still hold, and what this run adds.

A result holds while nothing changed that its findings follow from. First only times and sizes are looked at, then
contents; where a file changed that answers were drawn from, the questions are asked again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from torchlint.cache import salt, scout
from torchlint.cache.columns import Row
from torchlint.cache.listings import Listings
from torchlint.cache.states import States, unchanged_files
from torchlint.cache.store import Malformed, Needs, Result, Store, Unusable
from torchlint.config import Config
from torchlint.diagnostic import Diagnostic
from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.cache.ledger import Ledger
    from torchlint.project.index import Project
    from torchlint.project.trace import Notes


class Held(Record):
    """A result that holds, with the text that its findings point into."""

    diagnostics: tuple[Diagnostic, ...]
    content: bytes = b""


_CLEAN = Held(())

_WORTH_A_SCOUT = 2_000
"""How many states there must be: with fewer, starting a process takes longer than to look."""

_LEADING_OUT = ("/", ".")
"""How a path may begin that is not below the working directory, as paths are shown."""

_DRIVE = ":" if os.sep != "/" else None
"""What is behind the letter of a drive."""


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
        self._rows: list[Row] | None = None
        self.listings = Listings(folder, self._started)
        self._states = States(self.base, self._store, self._started, self._seen, self.listings.times)
        self._ledger: Ledger | None = None
        self._doubtful: list[tuple[str, Result, Needs]] = []
        self._confirmed: list[tuple[str, Result]] = []
        self._files: Mapping[str, Config] = {}
        self._surroundings = salt.surroundings(self.base)
        # What is in front of a path, in the cache, that is here relative to the working directory.
        self._here = _below(self.base, os.getcwd())
        self._scout: scout.Scout | None = None

    def __str__(self) -> str:
        hits, again, misses = self.counts
        return (
            f"{hits} unchanged, {again} unchanged after asking again, {misses} checked ({self._store.path})"
        )

    # -- reading ---------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Read what the store has."""
        try:
            self._rows, listings = self._store.load()
            self.listings.load(listings)
        except Exception as error:
            self._give_up(error)

    def look_ahead(self) -> None:
        """Have the files looked at by another process, while those to check are found."""
        rows = self._rows
        if rows is None or len(rows) < _WORTH_A_SCOUT or not scout.is_possible():
            return
        try:
            self._scout = scout.Scout.send(lambda: unchanged_files(rows, self.base))
        except OSError:  # there may be no more processes
            return

    def _seen(self) -> bytes:
        """For each state whether the scout saw a file unchanged."""
        return self._scout.report() if self._scout else b""

    def close(self) -> None:
        """End what still looks ahead."""
        if self._scout is not None:
            self._scout.dismiss()

    def look_up(self, files: Mapping[str, Config]) -> dict[str, Held]:
        """The results that hold, by the paths of the files."""
        self._files = files
        try:
            if self._rows is not None:
                return self._look_up(self._rows)
        except Exception as error:
            self._give_up(error)
        finally:
            self.close()
        self._states = States(self.base, self._store, self._started)
        self._doubtful = []
        self._confirmed = []
        self.counts = Counts(misses=len(files))
        return {}

    def _give_up(self, error: Exception) -> None:
        """Do without what is kept."""
        self._warn(f"cache not read: {_describe(error)}")
        self._store.start_over = isinstance(error, Malformed) or not isinstance(error, Unusable)
        self._rows = None

    def _look_up(self, rows: list[Row]) -> dict[str, Held]:
        paths = self._paths()
        self._states.load(rows, self._store.results(paths))
        found: dict[str, Result] = {}
        for text, those in paths.items():
            if text in self._store.salts:
                found |= self._results(those, self._store.salts[text])
        held = self._without_changes(found)
        answers: dict[str, Held] = dict.fromkeys(held, _CLEAN)
        findings = self._states.findings
        for path, result in [each for each in held.items() if findings(*each[1])]:
            answer = self._read(path, result)
            if answer is None:
                del answers[path]
            else:
                answers[path] = answer
        self.counts = Counts(hits=len(answers), misses=len(self._files) - len(answers))
        return answers

    def _paths(self) -> dict[str, list[str]]:
        """The paths of all files, by salt."""
        by_config: dict[int, list[str]] = {}
        for path, config in self._files.items():
            by_config.setdefault(id(config), []).append(path)
        by_salt: dict[str, list[str]] = {}
        for key, paths in by_config.items():
            by_salt.setdefault(self._salts[key], []).extend(paths)
        return by_salt

    def _results(self, paths: Iterable[str], salt: int) -> dict[str, Result]:
        """The results for the files, if these are as they were."""
        kept = self._states.results(salt)
        found: dict[str, Result] = {}
        if self._here == "":  # then most paths are here as they are there
            found = {path: (kept[path], salt) for path in paths if path in kept}
            paths = [path for path in paths if path not in found]
        for path in paths:
            number = kept.get(self.short(path))
            if number is not None:
                found[path] = (number, salt)
        return found

    @cached_property
    def _salts(self) -> dict[int, str]:
        """The salts of all settings, by their identity."""
        configs = {id(config): config for config in self._files.values()}
        return {
            key: f"{self._surroundings} {salt.of_config(config, self.base)}"
            for key, config in configs.items()
        }

    def _without_changes(self, found: dict[str, Result]) -> dict[str, Result]:
        """The results of which nothing changed that they follow from; others are put aside."""
        needs: dict[Result, Needs] = {}
        is_few = len(found) * 4 < self._states.number_of_results
        if is_few:  # do not look at files that do not matter
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
            need = needs[result]
            same, drawn = _numbers(need[2]), _numbers(need[3])
            if not self._states.has(result[0], *same, *drawn):
                raise Malformed("a result that follows from what is not there")
            if not changed.isdisjoint(same):
                continue
            if changed.isdisjoint(drawn):
                held[path] = result
            else:
                self._doubtful.append((path, result, need))
        return held

    def _needs(self, found: dict[str, Result]) -> dict[Result, Needs]:
        rows = self._store.needs(number for number, _ in found.values())
        needs = {(row[0], row[1]): row for row in rows}
        if not needs.keys() >= set(found.values()):
            raise Malformed("a result that follows from nothing")
        return needs

    def _read(self, path: str, result: Result) -> Held | None:
        text = self._states.findings(*result)
        if not text:
            return _CLEAN
        from torchlint.cache import findings

        try:
            with open(path, "rb") as file:
                if not self._states.is_as_seen(result[0], os.fstat(file.fileno())):
                    return None
                content = file.read()
            return Held(findings.read(text, path), content)
        except (OSError, findings.Malformed):
            return None

    def short(self, path: str) -> str:
        """The path of a file as the cache has it."""
        if self._here is not None and path[:1] not in _LEADING_OUT and path[1:2] != _DRIVE:
            return self._here + path
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
        if not (fresh or self._confirmed or self._states.news or self.listings.worth_keeping):
            return
        try:
            from torchlint.cache import findings
            from torchlint.cache.keeping import Keeping

            wanted = set(self._salts.values())
            keeping = Keeping(self._states, self.listings, self.ledger, sorted(wanted))
            salts = {path: self._salts[id(config)] for path, config in self._files.items()}
            for path, result in self._confirmed:
                keeping.add(self.short(path), salts[path], self._states.findings(*result))
            for path, diagnostics in fresh.items():
                keeping.add(self.short(path), salts[path], findings.write(diagnostics))
            self._store.write(keeping.write)
        except Exception as error:
            self._warn(f"cache not written: {_describe(error)}")

    def learn(self, notes: Notes | None) -> None:
        """Take in what a process noted."""
        if notes is not None:
            self.ledger.add(notes)


def _below(base: str, folder: str) -> str | None:
    """The path from ``base`` to a folder below, to be put in front of names in it; ``None`` if it is elsewhere."""
    inside = os.path.join(base, "")
    path = os.path.join(folder, "")
    return path[len(inside) :].replace(os.sep, "/") if path.startswith(inside) else None


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, Unusable) else f"{type(error).__name__}: {error}"


def _numbers(text: str) -> list[int]:
    import json  # here, because a run without changes needs none

    numbers = json.loads(text)
    if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
        raise Malformed("row")
    return numbers
