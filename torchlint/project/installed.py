"""Where the files of imports are: the root of a project, its import folders, and the installed packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from torchlint.project.known import terminal

_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", "torchlint.toml")
_IMPORT_FOLDERS = ("src", "lib", "python")
"""Folders below the root that a project puts on the path: by its packaging, or in a line of its scripts."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "site-packages", "dist-packages", "__pycache__"})
MAX_FILES = 5000
"""How many files of a project are looked through for the users of a name."""


def absolute_path(path: Path) -> Path:
    """Absolute and without ``..``, but with symbolic links left as the user sees them."""
    return Path(os.path.abspath(path))  # noqa: PTH100  # `resolve` would follow links


def find_root(path: Path, start: Path | None = None) -> Path:
    """The folder of the project that ``path`` belongs to; never the home folder's parents, never ``/``.

    A ``.git`` decides; else the topmost marker file of Python packaging; else ``start`` (the working folder
    by default) where the file lies below it; else the folder that holds the file's topmost package.
    """
    folder = absolute_path(path).parent
    home = absolute_path(Path("~").expanduser())  # stays relative to the working folder without a home
    outside = {Path(folder.anchor), *home.parents}
    candidates = [parent for parent in (folder, *folder.parents) if parent not in outside]
    marked = None
    for candidate in candidates:
        if (candidate / ".git").exists():
            return candidate
        if any((candidate / marker).is_file() for marker in _MARKERS):
            marked = candidate
    if marked is not None:
        return marked
    start = absolute_path(start or Path.cwd())
    return start if start in candidates else import_root(folder)


def import_root(folder: Path) -> Path:
    """The first folder upwards that is no package."""
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def default_environment() -> tuple[Path, ...]:
    """The folders of installed packages: of the running interpreter and of an activated environment."""
    folders = [Path(entry) for entry in sys.path if entry]
    if active := os.environ.get("VIRTUAL_ENV"):
        folders += [
            *sorted(Path(active).glob("lib/python*/site-packages")),
            Path(active, "Lib", "site-packages"),
        ]
    found = (folder for folder in folders if folder.name in ("site-packages", "dist-packages"))
    return tuple(dict.fromkeys(folder for folder in found if folder.is_dir()))


def _is_torch(folder: Path) -> bool:
    """Whether a folder is the source of PyTorch, not a project's own ``torch`` folder."""
    return folder.name == "torch" and (folder / "nn" / "modules" / "module.py").is_file()


class Place(NamedTuple):
    """Where a module is: its file, its folder if it is a package; a namespace package has only a folder."""

    dotted: str
    file: Path | None
    folder: Path | None
    installed: bool = False


class Finder:
    """Finds the files of modules, for one project. Folders are listed once."""

    def __init__(self, root: Path | None, environment: Sequence[Path] | None) -> None:
        self._root = None if root is None else absolute_path(root)
        self._environment = tuple(default_environment() if environment is None else environment)
        self._listings: dict[Path, dict[str, bool]] = {}
        self._roots: dict[Path, Path] = {}
        self._search: dict[Path, tuple[tuple[Path, ...], tuple[Path, ...]]] = {}
        self._found: dict[tuple[str, Path], tuple[Place, ...]] = {}
        self._in_torch: dict[Path, bool] = {}

    def root_of(self, folder: Path) -> Path:
        """The root for the files of ``folder``: the project's own where it holds them."""
        if folder not in self._roots:
            inside = self._root is not None and folder.is_relative_to(self._root)
            self._roots[folder] = self._root if inside and self._root else find_root(folder / "_.py")
        return self._roots[folder]

    def module_name(self, path: Path) -> str:
        """The dotted name of a file, counted from the first folder upwards that is no package."""
        parts = [] if path.name == "__init__.py" else [path.stem]
        folder = path.parent
        while self._is_file(folder, "__init__.py") and folder.parent != folder:
            parts.insert(0, folder.name)
            folder = folder.parent
        return ".".join(parts)

    def in_torch(self, path: Path) -> bool:
        """Whether ``path`` is a file of PyTorch's own source."""
        folder = path.parent
        if folder not in self._in_torch:
            tops = (parent for parent in path.parents if not self._is_file(parent.parent, "__init__.py"))
            self._in_torch[folder] = _is_torch(next(tops, folder))
        return self._in_torch[folder]

    def is_installed(self, path: Path) -> bool:
        """Whether ``path`` belongs to an installed package."""
        return any(path.is_relative_to(folder) for folder in self._environment)

    # ------------------------------------------------------------------------------------------- imports

    def absolute(self, dotted: str, folder: Path) -> tuple[Place, ...]:
        """Where a module can be that a file in ``folder`` imports: the likeliest place first."""
        key = (dotted, folder)
        if key not in self._found:
            self._found[key] = tuple(self._absolute(dotted, folder))
        return self._found[key]

    def _absolute(self, dotted: str, folder: Path) -> Iterator[Place]:
        head = dotted.partition(".")[0]
        plain, packages = self._search_path(folder)
        if terminal(head):
            # Of the project's folders only one with an `__init__.py` can win over an installed package.
            shadows = [base for base in plain if self._is_regular(base, head)]
            yield from self._places(dotted, [base for base in shadows if not _is_torch(base / head)])
            return
        yield from self._places(dotted, [*plain, *packages])
        for place in self._places(dotted, self._environment):
            yield place._replace(installed=True)

    def _places(self, dotted: str, bases: Sequence[Path]) -> Iterator[Place]:
        for base in bases:
            place = self.descend(Place("", None, base), dotted.split("."))
            if place is not None:
                yield place

    def _search_path(self, folder: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """The folders of the project that an absolute import can start from, nearest first.

        Research code is run from any folder. A folder that is itself a package comes last: only a script
        started inside it would see its neighbours as top-level modules.
        """
        if folder not in self._search:
            root = self.root_of(folder)
            upwards = [base for base in (folder, *folder.parents) if base.is_relative_to(root)]
            packages = tuple(base for base in upwards if self._is_file(base, "__init__.py"))
            below = [root / name for name in _IMPORT_FOLDERS]
            plain = [base for base in upwards if base not in packages]
            self._search[folder] = (tuple(dict.fromkeys([*plain, *below])), packages)
        return self._search[folder]

    def relative(self, level: int, module: str, importer: Path) -> Place | None:
        """Where ``from ..module import`` leads; by folders, whether or not they have an ``__init__.py``."""
        folder = importer.parent
        for _ in range(level - 1):
            folder = folder.parent
        file = folder / "__init__.py" if self._is_file(folder, "__init__.py") else None
        return self.descend(Place("", file, folder), module.split(".") if module else [])

    def descend(self, place: Place, names: Sequence[str]) -> Place | None:
        """The submodule ``names`` of a package."""
        for name in names:
            folder = place.folder
            if folder is None:
                return None
            dotted = f"{place.dotted}.{name}" if place.dotted else name
            # As in Python, a regular package wins over a module, and a module over a folder.
            if self._is_file(folder / name, "__init__.py"):
                place = Place(dotted, folder / name / "__init__.py", folder / name, place.installed)
            elif self._is_file(folder, f"{name}.py"):
                place = Place(dotted, folder / f"{name}.py", None, place.installed)
            elif self._list(folder).get(name) is True:
                place = Place(dotted, None, folder / name, place.installed)
            else:
                return None
        return place

    def _is_regular(self, base: Path, name: str) -> bool:
        return self._is_file(base, f"{name}.py") or self._is_file(base / name, "__init__.py")

    # ------------------------------------------------------------------------------------------- folders

    def add(self, path: Path) -> bool:
        """Count ``path`` as a file although it may exist only in an editor; whether it is new."""
        if self._is_file(path.parent, path.name):
            return False
        self._list(path.parent)[path.name] = False
        for memo in (self._found, self._search, self._in_torch):
            memo.clear()
        return True

    def _is_file(self, folder: Path, name: str) -> bool:
        return self._list(folder).get(name) is False

    def _list(self, folder: Path) -> dict[str, bool]:
        """The entries of a folder: true for a folder, false for a file."""
        listing = self._listings.get(folder)
        if listing is None:
            try:
                with os.scandir(folder) as entries:
                    listing = {entry.name: entry.is_dir() for entry in entries}
            except OSError:
                listing = {}
            self._listings[folder] = listing
        return listing

    # --------------------------------------------------------------------------------------------- files

    def project_files(self, root: Path) -> Iterator[Path]:
        """The Python files below ``root`` in a fixed order, without those of other people."""
        stack = [root]
        while stack:
            folder = stack.pop()
            listing = self._list(folder)
            yield from (
                folder / name for name in sorted(listing) if name.endswith(".py") and not listing[name]
            )
            inner = [folder / name for name in sorted(listing, reverse=True) if listing[name]]
            stack += [found for found in inner if self._is_searched(found)]

    def _is_searched(self, folder: Path) -> bool:
        name = folder.name
        if name.startswith(".") or name in _SKIPPED_FOLDERS or folder.is_symlink():
            return False
        return not self._is_file(folder, "pyvenv.cfg")
