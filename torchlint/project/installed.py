"""Where the files of imports are: the root of a project, its import folders, and the installed packages."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from torchlint.project.environment import package_folders
from torchlint.project.known import terminal
from torchlint.project.paths import absolute_path, is_below, parents, stem
from torchlint.project.trace import WHOLE, Trace, kind_of, whole
from torchlint.record import Record

_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", "torchlint.toml")
_IMPORT_FOLDERS = ("src", "lib", "python")
"""Folders below the root that a project puts on the path: by its packaging, or in a line of its scripts."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "site-packages", "dist-packages", "__pycache__"})
MAX_FILES = 5000
"""How many files of a project are looked through for the users of a name."""


def find_root(
    path: str | os.PathLike[str], start: str | os.PathLike[str] | None = None, folders: Folders | None = None
) -> str:
    """The folder of the project that ``path`` belongs to; never the home folder's parents, never ``/``.

    A ``.git`` decides; else the topmost marker file of Python packaging; else ``start`` (the working folder
    by default) where the file lies below it; else the folder that holds the file's topmost package.
    """
    folders = folders or Folders(Trace())
    folder = os.path.dirname(absolute_path(path))
    around = (folder, *parents(folder))
    home = absolute_path(os.path.expanduser("~"))  # stays relative to the working folder without a home
    outside = {around[-1], *parents(home)}
    candidates = [parent for parent in around if parent not in outside]
    marked = None
    for candidate in candidates:
        if folders.kind(candidate, ".git") is not None:
            return candidate
        if any(folders.kind(candidate, marker) is False for marker in _MARKERS):
            marked = candidate
    if marked is not None:
        return marked
    start = absolute_path(start or os.curdir)
    return start if start in candidates else _import_root(folder, folders)


def _import_root(folder: str, folders: Folders) -> str:
    """The first folder upwards that is no package."""
    above = (
        parent for parent in (folder, *parents(folder)) if folders.kind(parent, "__init__.py") is not False
    )
    return next(above, folder)


class Place(Record):
    """Where a module is: its file, its folder if it is a package; a namespace package has only a folder."""

    dotted: str
    file: str | None
    folder: str | None
    installed: bool = False


class _Listing:
    """The entries of a folder, true for a folder, and the names that were looked for."""

    __slots__ = ("asked", "bit", "entries")

    def __init__(self, bit: int) -> None:
        self.bit = bit
        self.entries: dict[str, bool] = {}
        self.asked: set[str] = set()


class Folders:
    """What is in folders. Each is listed once, and the trace is told which names were looked for."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._listings: dict[str, _Listing] = {}

    def kind(self, folder: str, name: str) -> bool | None:
        """True for a folder, false for a file, ``None`` for nothing of that name."""
        listing = self._listing(folder)
        self._trace.touched |= listing.bit
        found = listing.entries.get(name)
        if name not in listing.asked:
            listing.asked.add(name)
            self._trace.probe(folder, name, kind_of(found))
        return found

    def entries(self, folder: str) -> dict[str, bool]:
        """All of the entries; only Python files and folders may count."""
        listing = self._listing(folder)
        self._trace.touched |= listing.bit
        if WHOLE not in listing.asked:
            listing.asked.add(WHOLE)
            self._trace.probe(folder, WHOLE, whole(listing.entries))
        return listing.entries

    def add(self, folder: str, name: str) -> None:
        """Count a file that may exist only in an editor."""
        self._listing(folder).entries[name] = False

    def _listing(self, folder: str) -> _Listing:
        listing = self._listings.get(folder)
        if listing is None:
            listing = self._listings[folder] = _Listing(self._trace.bit(folder))
            self._read(folder, listing)
        return listing

    def _read(self, folder: str, listing: _Listing) -> None:
        try:
            mtime = os.stat(folder).st_mtime_ns if self._trace.recording else -1
            linked = False
            with os.scandir(folder) as entries:
                for entry in entries:
                    listing.entries[entry.name] = entry.is_dir()
                    linked = linked or entry.is_symlink()
            self._trace.folder(folder, mtime, linked)
        except OSError:
            listing.entries.clear()
            self._trace.nothing(folder)


class EmptyFolders(Folders):
    """Folders in which there is nothing but what is added."""

    def _read(self, folder: str, listing: _Listing) -> None:
        pass


class Finder:
    """Finds the files of modules, for one project."""

    def __init__(
        self,
        root: str | os.PathLike[str] | None,
        environment: Sequence[str | os.PathLike[str]] | None,
        trace: Trace | None = None,
        folders: Folders | None = None,
    ) -> None:
        self._trace = trace or Trace()
        self._folders = folders or Folders(self._trace)
        self._root = None if root is None else absolute_path(root)
        self._environment = tuple(
            map(absolute_path, package_folders() if environment is None else environment)
        )
        self._environment_prefixes = tuple(f"{folder}{os.sep}" for folder in self._environment)
        # What each of the kept answers was drawn from, by the same keys.
        self._touched: dict[object, int] = {}
        self._roots: dict[str, str] = {}
        self._search: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._found: dict[tuple[str, str], tuple[Place, ...]] = {}
        self._below: dict[tuple[str, str], Place | None] = {}
        self._in_torch: dict[str, tuple[bool, int]] = {}

    def root_of(self, folder: str) -> str:
        """The root for the files of ``folder``: the project's own where it holds them."""
        if folder not in self._roots:
            root = self._root
            inside = root is not None and is_below(folder, root)
            outer = self._trace.begin()
            self._roots[folder] = (
                root if inside and root else find_root(os.path.join(folder, "_.py"), folders=self._folders)
            )
            self._touched["root", folder] = self._trace.end(outer)
        else:
            self._trace.touched |= self._touched["root", folder]
        return self._roots[folder]

    def module_name(self, path: str) -> str:
        """The dotted name of a file, counted from the first folder upwards that is no package."""
        folder, name = os.path.split(path)
        parts = [] if name == "__init__.py" else [stem(name)]
        for parent in (folder, *parents(folder))[:-1]:
            if not self.is_file(parent, "__init__.py"):
                break
            parts.insert(0, os.path.basename(parent))
        return ".".join(parts)

    def in_torch(self, path: str) -> bool:
        """Whether ``path`` is a file of PyTorch's own source."""
        known = self._in_torch.get(path)
        if known is None:
            outer = self._trace.begin()
            tops = (
                found for found in parents(path) if not self.is_file(os.path.dirname(found), "__init__.py")
            )
            answer = self._is_torch(next(tops, path))
            known = self._in_torch[path] = (answer, self._trace.end(outer))
        else:
            self._trace.touched |= known[1]
        return known[0]

    def _is_torch(self, folder: str) -> bool:
        """Whether a folder is the source of PyTorch, not a project's own ``torch`` folder."""
        return os.path.basename(folder) == "torch" and self.is_file(
            os.path.join(folder, "nn", "modules"), "module.py"
        )

    def is_installed(self, path: str) -> bool:
        """Whether ``path`` belongs to an installed package."""
        return path.startswith(self._environment_prefixes)

    # ------------------------------------------------------------------------------------------- imports

    def absolute(self, dotted: str, folder: str) -> tuple[Place, ...]:
        """Where a module can be that a file in ``folder`` imports: the likeliest place first."""
        key = (dotted, folder)
        if key not in self._found:
            outer = self._trace.begin()
            self._found[key] = tuple(self._absolute(dotted, folder))
            self._touched["found", key] = self._trace.end(outer)
        else:
            self._trace.touched |= self._touched["found", key]
        return self._found[key]

    def _absolute(self, dotted: str, folder: str) -> Iterator[Place]:
        head = dotted.partition(".")[0]
        plain, packages = self._search_path(folder)
        if terminal(head):
            # Of the project's folders only one with an `__init__.py` can win over an installed package.
            shadows = [base for base in plain if self._is_regular(base, head)]
            yield from self._places(
                dotted, [base for base in shadows if not self._is_torch(os.path.join(base, head))]
            )
            return
        yield from self._places(dotted, [*plain, *packages])
        for place in self._places(dotted, self._environment):
            yield place._replace(installed=True)

    def _places(self, dotted: str, bases: Sequence[str]) -> Iterator[Place]:
        for base in bases:
            place = self.descend(Place("", None, base), dotted.split("."))
            if place is not None:
                yield place

    def _search_path(self, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The folders of the project that an absolute import can start from, nearest first.

        Research code is run from any folder. A folder that is itself a package comes last: only a script
        started inside it would see its neighbours as top-level modules.
        """
        if folder not in self._search:
            outer = self._trace.begin()
            root = self.root_of(folder)
            upwards = [base for base in (folder, *parents(folder)) if is_below(base, root)]
            packages = tuple(base for base in upwards if self.is_file(base, "__init__.py"))
            below = [os.path.join(root, name) for name in _IMPORT_FOLDERS]
            plain = [base for base in upwards if base not in packages]
            self._search[folder] = (tuple(dict.fromkeys([*plain, *below])), packages)
            self._touched["search", folder] = self._trace.end(outer)
        else:
            self._trace.touched |= self._touched["search", folder]
        return self._search[folder]

    def relative(self, level: int, module: str, importer: str) -> Place | None:
        """Where ``from ..module import`` leads; by folders, whether or not they have an ``__init__.py``."""
        folder = os.path.dirname(importer)
        for _ in range(level - 1):
            folder = os.path.dirname(folder)
        key = (module, folder)
        if key not in self._below:
            outer = self._trace.begin()
            file = os.path.join(folder, "__init__.py") if self.is_file(folder, "__init__.py") else None
            self._below[key] = self.descend(Place("", file, folder), module.split(".") if module else [])
            self._touched["below", key] = self._trace.end(outer)
        else:
            self._trace.touched |= self._touched["below", key]
        return self._below[key]

    def descend(self, place: Place, names: Sequence[str]) -> Place | None:
        """The submodule ``names`` of a package."""
        for name in names:
            folder = place.folder
            if folder is None:
                return None
            dotted = f"{place.dotted}.{name}" if place.dotted else name
            # As in Python, a regular package wins over a module, and a module over a folder.
            kind = self._folders.kind(folder, name)
            inner = os.path.join(folder, name)
            if kind and self.is_file(inner, "__init__.py"):
                place = Place(dotted, os.path.join(inner, "__init__.py"), inner, place.installed)
            elif self.is_file(folder, f"{name}.py"):
                place = Place(dotted, f"{inner}.py", None, place.installed)
            elif kind:
                place = Place(dotted, None, inner, place.installed)
            else:
                return None
        return place

    def _is_regular(self, base: str, name: str) -> bool:
        if self.is_file(base, f"{name}.py"):
            return True
        return self._folders.kind(base, name) is True and self.is_file(
            os.path.join(base, name), "__init__.py"
        )

    # ------------------------------------------------------------------------------------------- folders

    def add(self, path: str) -> bool:
        """Count ``path`` as a file although it may exist only in an editor; whether it is new."""
        folder, name = os.path.split(path)
        if self.is_file(folder, name):
            return False
        self._folders.add(folder, name)
        for memo in (self._found, self._below, self._search, self._in_torch):
            memo.clear()
        return True

    def is_file(self, folder: str, name: str) -> bool:
        """Whether ``folder`` has a file called ``name``."""
        return self._folders.kind(folder, name) is False

    # --------------------------------------------------------------------------------------------- files

    def project_files(self, root: str) -> Iterator[str]:
        """The Python files below ``root`` in a fixed order, without those of other people."""
        stack = [root]
        while stack:
            folder = stack.pop()
            listing = self._folders.entries(folder)
            yield from (
                os.path.join(folder, name)
                for name in sorted(listing)
                if name.endswith(".py") and not listing[name]
            )
            inner = [os.path.join(folder, name) for name in sorted(listing, reverse=True) if listing[name]]
            stack += [found for found in inner if self._is_searched(found)]

    def _is_searched(self, folder: str) -> bool:
        name = os.path.basename(folder)
        if name.startswith(".") or name in _SKIPPED_FOLDERS or os.path.islink(folder):
            return False
        return not self.is_file(folder, "pyvenv.cfg")
