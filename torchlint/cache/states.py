"""What was at the paths that results follow from, and whether it still is there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from itertools import compress

from torchlint.cache.columns import Results, Row
from torchlint.cache.fields import parted
from torchlint.cache.store import Malformed, Store
from torchlint.project.trace import ABSENT, FOLDER, WHOLE, digest, kind_of, whole

RACY = 2_000_000_000
"""Nanoseconds in which a file may change once more without another time, on file systems that count coarsely."""

_LARGEST = 1 << 26
"""Bytes of a file that is read to see whether it changed; sources are smaller."""

_FEW = 8
"""How many names are looked for one by one; for more, a folder is listed."""

_NO_FILE = (ABSENT, FOLDER)

_PLAIN_FOLDER = (FOLDER, 0)
"""The digest and size of a folder without links in it, which is the same while its time is."""


def unchanged_files(rows: Iterable[Row], base: str) -> bytes:
    """For each state, 1 if it is of a file that looks as it did, else 0.

    For a process of its own, as it changes the working directory.
    """
    os.chdir(base)  # short paths are found faster
    return bytes([row[2] not in _NO_FILE and looks_the_same(row, "") for row in rows])


def probed_names(text: str | None) -> dict[str, str]:
    """Names that were looked for in a folder, with what they were. Raises :class:`Malformed`."""
    try:
        texts = parted(text or "")
        return dict(zip(texts[::2], texts[1::2], strict=True))
    except (ValueError, AttributeError):
        raise Malformed("probes") from None


def looks_the_same(row: Row, base: str) -> bool:
    """Whether what is at the path has the kind, size and time that it had; ``base`` ends with a slash."""
    _, path, digest, size, mtime = row
    try:
        status = os.stat(path if path[:1] == "/" else base + path)
    except OSError:
        return digest == ABSENT
    except ValueError:
        return False
    if status.st_mtime_ns != mtime or digest == ABSENT:
        return False
    if digest == FOLDER:  # where there are links in it, its own time says little
        return stat.S_ISDIR(status.st_mode) and not size
    return status.st_size == size and stat.S_ISREG(status.st_mode)


class States:
    """The states in the store, each looked at once when it matters.

    ``seen`` says for each state, in their order, whether another process saw a file unchanged; ``walked`` has the times
    of folders that were looked at already.

    ``refreshed`` are the sizes and times of what is unchanged although these differ; ``gone`` are the states of
    files that were deleted.
    """

    def __init__(
        self,
        base: str,
        store: Store,
        started: int,
        seen: Callable[[], bytes] = bytes,
        walked: Mapping[str, int] | None = None,
    ) -> None:
        self._base = os.path.join(base, "")
        self._store = store
        self._started = started
        self._rows: dict[int, Row] = {}
        self._results: Mapping[int, Results] = {}
        self._seen = seen
        self._walked = {} if walked is None else walked
        self._verdicts: dict[int, bool] = {}
        self._digests: dict[str, str] = {}
        self._probes: dict[int, str] = {}
        self._listings: dict[str, dict[str, bool]] = {}
        self._rehashed: dict[int, tuple[int, int]] = {}
        self.refreshed: dict[int, tuple[int, int]] = {}
        self.gone: set[int] = set()

    def load(self, rows: Iterable[Row], results: Mapping[int, Results]) -> None:
        """Take in the states of the store, and results by salt."""
        self._rows = {row[0]: row for row in rows}
        self._results = results

    @property
    def number_of_results(self) -> int:
        """How many files there are results for."""
        return sum(len(each.findings) for each in self._results.values())

    def has(self, *numbers: int) -> bool:
        """Whether there are such states."""
        return self._rows.keys() >= set(numbers)

    @cached_property
    def _by_path(self) -> dict[str, list[Row]]:
        by_path: dict[str, list[Row]] = {}
        for row in self._rows.values():
            by_path.setdefault(row[1], []).append(row)
        return by_path

    def of_path(self, path: str) -> list[Row]:
        """All that was at ``path``."""
        return self._by_path.get(path, [])

    def current(self, path: str) -> Row | None:
        """What was at ``path`` and still is."""
        return next((row for row in self.of_path(path) if self._holds(row)), None)

    @property
    def news(self) -> bool:
        """Whether this run knows more of what was kept."""
        return bool(self.refreshed or self.gone)

    def results(self, salt: int) -> dict[str, int]:
        """The states of files, by path, that there are results for under a salt, whatever became of the files."""
        rows = self._rows
        return {rows[number][1]: number for number in self._results[salt].findings}

    def findings(self, number: int, salt: int) -> str:
        """What was found in a file, as it was written down: empty for nothing."""
        return self._results[salt].findings[number]

    def changed(self, numbers: Iterable[int] | None = None) -> set[int]:
        """Those of the states (by default of all that the results follow from) that do not hold any more."""
        rows = self._rows
        parts = (each.needed for each in self._results.values()) if numbers is None else (numbers,)
        wanted = set().union(*parts)
        # First what the other process does not look at. It looks at all files: for a few, nobody waits for that.
        self._look_at_others([row for row in rows.values() if row[2] in _NO_FILE and row[0] in wanted])
        if numbers is None:
            self._verdicts = dict.fromkeys(compress(rows, self._seen()), True) | self._verdicts
        in_doubt = [number for number in wanted if not self._verdicts.get(number)]
        return {number for number in in_doubt if number not in rows or not self._holds(rows[number])}

    def _look_at_others(self, rows: list[Row]) -> None:
        times = self._walked
        unseen = [row for row in rows if times.get(row[1]) != row[4] or row[2:4] != _PLAIN_FOLDER]
        differing = [row for row in unseen if not looks_the_same(row, self._base)]
        self._verdicts.update(dict.fromkeys([row[0] for row in rows], True))
        self._probes = self._store.probes([row[0] for row in differing if row[2] == FOLDER])
        self._verdicts.update([(row[0], self._look(row)) for row in differing])

    def is_as_seen(self, number: int, status: os.stat_result) -> bool:
        """Whether a file that was found unchanged was not changed since."""
        size, mtime = self._rehashed.get(number) or self._rows[number][3:]
        return (size, mtime) == (status.st_size, status.st_mtime_ns)

    def trusted(self, mtime: int) -> int:
        """The time as it may be stored: none where the file was so new that it may have changed after."""
        return mtime if mtime < self._started - RACY else -1

    @cached_property
    def _with_results(self) -> set[int]:
        return set().union(*(each.findings for each in self._results.values()))

    # -- one state -------------------------------------------------------------------------------------------------

    def _holds(self, row: Row) -> bool:
        number = row[0]
        holds = self._verdicts.get(number)
        if holds is None:
            holds = self._verdicts[number] = looks_the_same(row, self._base) or self._look(row)
        return holds

    def _look(self, row: Row) -> bool:
        _, path, digest, size, _ = row
        try:
            status = os.stat(os.path.join(self._base, path))
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
        number, path, _, linked, _ = row
        probes = self._names(number)
        try:
            same = all(self._kind(path, name, len(probes)) == kind for name, kind in probes.items())
        except (OSError, ValueError):
            return False
        # Folders outside, such as that of temporary files, change all the time.
        if same and not linked and not os.path.isabs(path):
            self._refresh(row, 0, status.st_mtime_ns)
        return same

    def _names(self, number: int) -> dict[str, str]:
        """The names that were looked for in a folder, with what they were."""
        if number not in self._probes:
            self._probes.update(self._store.probes([number]))
        return probed_names(self._probes.get(number))

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
