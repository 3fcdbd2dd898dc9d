"""The names in folders, as earlier runs found them: they still are the same while the folder's own times are.

The walk asks for each folder. To look at its times is a fraction of listing it, and of telling files from links.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from torchlint.cache.columns import Listed, is_text
from torchlint.cache.folder import dated_device
from torchlint.cache.states import RACY
from torchlint.project.discover import Listing, listed

_IN_PATHS, _BETWEEN = "/", "//"
"""What no name has in it stands between names, and twice between lists of them."""

_POSITIVE = (1 << 63) - 1
"""The part of an inode's number that is kept."""


class Listings:
    """What the store in ``folder`` knows of the folders beside it, and below.

    ``times`` are when folders were changed, as this run saw them; ``used`` are those that are as they were; ``fresh``
    are the listings that this run made and that may be kept, each with its file system.
    """

    def __init__(self, folder: str, started: int) -> None:
        self._folder = folder
        self._inside = os.path.join(os.path.realpath(os.path.dirname(folder)), "")
        self._started = started
        self._kept: Mapping[str, Listed] | None = None
        self.times: dict[str, int] = {}
        self.used: set[str] = set()
        self.fresh: dict[str, tuple[int, Listed]] = {}

    def load(self, kept: Mapping[str, Listed] | None) -> None:
        """Take in the listings of the store."""
        self._kept = kept

    @property
    def worth_keeping(self) -> bool:
        """Whether this run knows more than the store, if it is one that keeps listings at all.

        Where none of them held, later runs may fare no better: some file systems number folders anew all the time.
        """
        return bool(self.fresh) and self._kept is not None and (bool(self.used) or not self._kept)

    def of(self, path: str, real: str) -> Listing:
        """The listing of the folder ``path``; ``real`` is its path without links. Raises ``OSError``."""
        if os.name != "posix" or not real.startswith(self._inside):
            return listed(path)
        status = os.stat(path)
        mark = _mark(status)
        folder = real[len(self._inside) : -1]
        self.times[folder] = mark[1]
        kept = self._kept.get(folder) if self._kept else None
        if kept is not None and kept[:3] == mark and kept[3].count(_BETWEEN) == 2:
            self.used.add(folder)
            return _read(kept[3])
        listing = listed(path)
        # What a link leads to may change without the folder, and so may what was changed just now.
        if not listing.others and max(mark[1:]) < self._started - RACY:
            text = _written(listing)
            if is_text(text):
                self.fresh[folder] = (status.st_dev, (*mark, text))
        return listing

    def to_keep(self, kept: Mapping[str, Listed] | None) -> dict[str, Listed] | None:
        """The listings that the store shall have, in the place of those that it has.

        It has none where its file system does not tell when something is added to a folder.
        """
        device = dated_device(self._folder)
        if device is None:
            return None
        seen = {folder: listing for folder, (where, listing) in self.fresh.items() if where == device}
        others = {
            folder: listing
            for folder, listing in (kept or {}).items()
            if folder in self.used or os.path.isdir(self._inside + folder)
        }
        return others | seen


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    """What a folder is known by: its number, and when it was changed."""
    return status.st_ino & _POSITIVE, status.st_mtime_ns, status.st_ctime_ns


def _written(listing: Listing) -> str:
    return _BETWEEN.join(
        [_IN_PATHS.join(names) for names in (listing.files, listing.folders, listing.special)]
    )


def _read(text: str) -> Listing:
    files, folders, special = [part.split(_IN_PATHS) if part else [] for part in text.split(_BETWEEN)]
    return Listing(files, folders, [], special)
