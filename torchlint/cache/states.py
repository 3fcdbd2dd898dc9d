"""What was at the paths that results follow from, and whether it still is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from functools import cached_property

from torchlint.cache.store import Malformed, Result, Row, Store
from torchlint.project.trace import ABSENT, FOLDER, WHOLE, digest, kind_of, whole

_RACY = 2_000_000_000
"""Nanoseconds in which a file may change once more without another time, on file systems that count coarsely."""

_LARGEST = 1 << 26
"""Bytes of a file that is read to see whether it changed; sources are smaller."""

_FEW = 8
"""How many names are looked for one by one; for more, a folder is listed."""


class States:
    """The states in the store, each looked at once when it matters.

    ``refreshed`` are the sizes and times of what is unchanged although these differ; ``gone`` are the states of
    files that were deleted.
    """

    def __init__(self, base: str, store: Store, started: int) -> None:
        self._base = os.path.join(base, "")
        self._store = store
        self._started = started
        self._rows: list[Row] = []
        self._by_path: dict[str, list[Row]] = {}
        self._results: dict[int, dict[int, str]] = {}
        self._verdicts: dict[int, bool] = {}
        self._digests: dict[str, str] = {}
        self._probes: dict[int, str] | None = None
        self._listings: dict[str, dict[str, bool]] = {}
        self._rehashed: dict[int, tuple[int, int]] = {}
        self.refreshed: dict[int, tuple[int, int]] = {}
        self.gone: set[int] = set()

    def load(self, rows: list[Row], results: dict[int, dict[int, str]]) -> None:
        """Take in the rows of the store."""
        self._rows = rows
        self._results = results
        by_path = self._by_path
        for row in rows:
            path = row[1]
            if path in by_path:
                by_path[path].append(row)
            else:
                by_path[path] = [row]

    def __len__(self) -> int:
        return len(self._by_path)

    def of_path(self, path: str) -> list[Row]:
        """All that was at ``path``."""
        return self._by_path.get(path, [])

    def current(self, path: str) -> Row | None:
        """What was at ``path`` and still is."""
        return next((row for row in self.of_path(path) if self._holds(row)), None)

    def results(
        self, paths: Iterable[str], salts: Iterable[int | None], seen: Iterable[os.stat_result | None]
    ) -> Iterator[Result | None]:
        """The result for each of some files as it is now."""
        for path, salt, status in zip(paths, salts, seen, strict=True):
            yield self._result(self._by_path.get(path, ()), salt, status) if salt is not None else None

    def _result(self, rows: Iterable[Row], salt: int, status: os.stat_result | None) -> Result | None:
        for row in rows:
            findings = self._results[salt].get(row[0])
            if findings is not None:
                if status is not None and status.st_mtime_ns == row[4] and status.st_size == row[3]:
                    self._verdicts[row[0]] = True
                    return row, salt, findings
                if self._holds(row, status):
                    return row, salt, findings
        return None

    def changed(self, numbers: Iterable[int] | None = None) -> set[int]:
        """Those of the states (by default of all) that do not hold any more."""
        verdicts = self._verdicts
        if numbers is None:
            rows = self._rows
            changed = set()
        else:
            wanted = set(numbers)
            rows = [row for row in self._rows if row[0] in wanted]
            changed = wanted.difference(row[0] for row in rows)
        for row in rows:
            holds = verdicts.get(row[0])
            if holds is None:
                holds = self._holds(row)
            if not holds:
                changed.add(row[0])
        return changed

    def is_as_seen(self, row: Row, status: os.stat_result) -> bool:
        """Whether a file that was found unchanged was not changed since."""
        return self._rehashed.get(row[0], (row[3], row[4])) == (status.st_size, status.st_mtime_ns)

    def probes(self, number: int) -> dict[str, str]:
        """The names that were looked for in a folder, with what they were."""
        import json  # here, because a run without changes needs none

        if self._probes is None:
            self._probes = self._store.probes()
        try:
            names = json.loads(self._probes[number])
        except (KeyError, ValueError, TypeError, RecursionError):
            raise Malformed("probes") from None
        if not isinstance(names, dict):
            raise Malformed("probes")
        return names

    def trusted(self, mtime: int) -> int:
        """The time as it may be stored: none where the file was so new that it may have changed after."""
        return mtime if mtime < self._started - _RACY else -1

    @cached_property
    def _with_results(self) -> set[int]:
        return set().union(*self._results.values())

    # -- one state -------------------------------------------------------------------------------------------------

    def _holds(self, row: Row, status: os.stat_result | None = None) -> bool:
        number = row[0]
        holds = self._verdicts.get(number)
        if holds is None:
            holds = self._verdicts[number] = self._look(row, status)
        return holds

    def _look(self, row: Row, status: os.stat_result | None) -> bool:
        _, path, digest, size, mtime = row
        try:
            status = status or os.stat(path if path[:1] == "/" else self._base + path)
        except OSError as error:
            if digest != ABSENT and isinstance(error, FileNotFoundError) and row[0] in self._with_results:
                self.gone.add(row[0])
            return digest == ABSENT
        except ValueError:
            return False
        if digest == ABSENT:
            return not os.access(os.path.join(self._base, path), os.R_OK)
        if digest == FOLDER:
            return stat.S_ISDIR(status.st_mode) and self._is_same_folder(row, status)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size or size > _LARGEST:
            return False
        if status.st_mtime_ns == mtime:
            return True
        return self._is_same_content(row, status)

    def _is_same_content(self, row: Row, status: os.stat_result) -> bool:
        number, path, digest, _, _ = row
        if self._digest(path) != digest:
            return False
        self._rehashed[number] = (status.st_size, status.st_mtime_ns)
        self._refresh(row, status.st_size, status.st_mtime_ns)
        return True

    def _refresh(self, row: Row, size: int, mtime: int) -> None:
        if self.trusted(mtime) != row[4]:
            self.refreshed[row[0]] = (size, self.trusted(mtime))

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            try:
                with open(os.path.join(self._base, path), "rb") as file:
                    self._digests[path] = digest(file.read())
            except OSError:
                self._digests[path] = ABSENT
        return self._digests[path]

    def _is_same_folder(self, row: Row, status: os.stat_result) -> bool:
        number, path, _, linked, mtime = row
        if status.st_mtime_ns == mtime and not linked:
            return True
        probes = self.probes(number)
        try:
            same = all(self._kind(path, name, len(probes)) == kind for name, kind in probes.items())
        except (OSError, ValueError):
            return False
        # Folders outside, such as that of temporary files, change all the time.
        if same and not linked and not os.path.isabs(path):
            self._refresh(row, 0, status.st_mtime_ns)
        return same

    def _kind(self, path: str, name: str, count: int) -> str:
        """What the entry of a folder is; all are listed where more than a few are asked for."""
        if name == WHOLE:
            return whole(self._listing(path))
        if count > _FEW:
            return kind_of(self._listing(path).get(name))
        entry = os.path.join(self._base, path, name)
        return kind_of(os.path.isdir(entry) if os.path.lexists(entry) else None)

    def _listing(self, path: str) -> dict[str, bool]:
        if path not in self._listings:
            with os.scandir(os.path.join(self._base, path)) as entries:
                self._listings[path] = {entry.name: entry.is_dir() for entry in entries}
        return self._listings[path]
