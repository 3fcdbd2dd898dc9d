"""Which files to check: the paths the user names, their folders walked, what is ignored left out.

``.gitignore`` files count from the walked folder upward to the root of its repository and downward in every
folder; without a repository, those in and below the walked folder. The user's own global ignore file does not
count: two people who check the same folder see the same files. Links to folders are not followed, as in git.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence

from torchlint.config import FILE_NAMES, Config, matches
from torchlint.project.gitignore import Lines, pattern_of
from torchlint.record import Record

SUFFIXES = (".py", ".pyi")

# Folders that hold no code of the project. Not ``build``, ``dist`` or ``env``: real packages are named so.
EXCLUDED_FOLDERS = frozenset(
    {
        *(".bzr", ".git", ".git-rewrite", ".hg", ".svn"),
        *(".direnv", ".nox", ".pyenv", ".tox", ".venv", "venv", "site-packages"),
        *(".eggs", ".pants.d", "__pypackages__", "node_modules"),
        *(".hypothesis", ".mypy_cache", ".pytest_cache", ".pytype", ".ruff_cache", ".torchlint_cache"),
        *(".ipynb_checkpoints", ".vscode", "__pycache__"),
    }
)

NOTEBOOK = (
    "notebooks are not checked yet; export the code first, for instance with `jupyter nbconvert --to script`"
)


_SPECIAL = frozenset({".git", ".gitignore", *FILE_NAMES})
"""The names of what decides over a folder."""


class Unreadable(Record):
    """A file or folder that cannot be checked, and why."""

    path: str
    reason: str


class Discovery(Record):
    """The files to check, each of them once and in no order, and what stood in the way.

    ``files`` are by the paths that are shown, with the settings in force.
    """

    files: dict[str, Config]
    unreadable: list[Unreadable]
    missing: list[str]


class Exclusion(Record):
    """What the command line excludes; ``forced``: exclusion holds for paths that the user names, too."""

    patterns: tuple[str, ...] = ()
    forced: bool = False


def discover(
    paths: Sequence[str], config_of: Callable[[str], Config], exclusion: Exclusion | None = None
) -> Discovery:
    """Find the Python files at and below ``paths``. ``config_of`` gives the settings of a folder."""
    search = _Search(config_of, exclusion or Exclusion())
    for path in paths:
        search.start(path)
    return search.result()


def display(path: str) -> str:
    """The path as reports show it: with ``/``, relative to the working directory for what is below it."""
    absolute, here = os.path.abspath(path), os.getcwd()
    inside = os.path.join(here, "")
    shown = absolute[len(inside) :] if absolute.startswith(inside) else os.path.normpath(path)
    return shown.replace(os.sep, "/")


def excluded(
    path: str, config_of: Callable[[str], Config], exclusion: Exclusion, *, folder: bool = False
) -> bool:
    """Whether the path is excluded, or a folder above it that the shown path names."""
    parts = display(path).split("/")
    if EXCLUDED_FOLDERS.intersection(parts if folder else parts[:-1]):
        return True
    rules = _patterns_in(path if folder else os.path.dirname(path), config_of, exclusion)
    return any(matches(*rule, path, folder=folder) for rule in rules)


class _Search:
    def __init__(self, config_of: Callable[[str], Config], exclusion: Exclusion) -> None:
        self._config_of = config_of
        self._exclusion = exclusion
        self._found: dict[str, tuple[str, Config]] = {}  # by the real path of the file
        self._linked: set[str] = set()  # the real paths of files that only links led to
        self._excluded = _Patterns(exclusion.patterns, os.getcwd())
        self._unreadable: dict[str, str] = {}
        self._missing: list[str] = []
        self._walked: set[str] = set()

    def result(self) -> Discovery:
        return Discovery(
            dict(self._found.values()),
            [Unreadable(path, reason) for path, reason in sorted(self._unreadable.items())],
            list(dict.fromkeys(self._missing)),
        )

    def start(self, path: str) -> None:
        """Take in a path that the user named: it counts although it is ignored or has another suffix."""
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            self._missing.append(path)
            return
        except OSError as error:
            self._refuse(path, _reason(error))
            return
        folder = stat.S_ISDIR(status.st_mode)
        if self._exclusion.forced and excluded(path, self._config_of, self._exclusion, folder=folder):
            return
        if folder:
            self._walk(path)
        else:
            shown = display(path)
            config = self._config_of(os.path.dirname(shown))
            self._take(path, os.path.realpath(path), status, (shown, config), os.path.islink(path))

    def _take(
        self, path: str, real: str, status: os.stat_result, found: tuple[str, Config], linked: bool
    ) -> None:
        if not stat.S_ISREG(status.st_mode):
            # Opening a pipe waits for its writer, perhaps for ever.
            self._refuse(path, "is not a regular file")
        elif path.endswith(".ipynb"):
            self._refuse(path, NOTEBOOK)
        else:
            before = self._found.get(real)
            if before is None or (linked, found[0]) < (real in self._linked, before[0]):
                self._found[real] = found
                (self._linked.add if linked else self._linked.discard)(real)

    def _refuse(self, path: str, reason: str) -> None:
        self._unreadable[display(path)] = reason

    def _walk(self, root: str) -> None:
        ignores = _Ignores.above(root)
        if ignores.ignore(root, folder=True):
            # The user asked for an ignored folder: what ignores it must not hide all that is in it.
            ignores = _Ignores()
        config = self._config_of(root)
        lifted = [rule for rule in self._patterns(config) if matches(*rule, root, folder=True)]
        shown = display(os.path.join(root, "_"))[:-1]
        waiting = [_Folder(root, os.path.join(os.path.realpath(root), ""), shown, ignores, config)]
        while waiting:
            folder = waiting.pop()
            if folder.real in self._walked:
                continue
            self._walked.add(folder.real)
            try:
                listing = _listed(folder.path)
            except OSError as error:
                self._refuse(folder.path, _reason(error))
                continue
            ignores, config = folder.ignores, folder.config
            if listing.special:
                ignores = ignores.within(folder.path, listing.special)
                config = config if listing.special.isdisjoint(FILE_NAMES) else self._config_of(folder.path)
            patterns = [rule for rule in self._patterns(config) if rule not in lifted]
            if patterns or ignores.files:
                listing = listing.without(ignores, patterns)
            for entry in listing.folders:
                name = entry.name
                real, shown = folder.real + name + os.sep, f"{folder.shown}{name}/"
                waiting.append(_Folder(entry.path, real, shown, ignores, config))
            self._take_all(listing, folder, config)

    def _take_all(self, listing: _Listing, folder: _Folder, config: Config) -> None:
        found = self._found
        for entry in listing.files:
            name = entry.name
            real = folder.real + name
            if real not in found:  # nearly all are so
                found[real] = (folder.shown + name, config)
            else:
                self._take_entry(entry, folder, config)
        for entry in listing.others:
            self._take_entry(entry, folder, config)

    def _take_entry(self, entry: os.DirEntry[str], folder: _Folder, config: Config) -> None:
        linked = entry.is_symlink()
        try:
            if linked and (entry.is_dir() or entry.name.startswith(".#")):
                return  # a link to a folder, or the lock that Emacs keeps beside a file being edited
            real, shown = os.path.realpath(folder.real + entry.name), folder.shown + entry.name
            self._take(entry.path, real, entry.stat(), (shown, config), linked)
        except FileNotFoundError:
            self._refuse(entry.path, "is a link to a file that does not exist")
        except OSError as error:
            self._refuse(entry.path, _reason(error))

    def _patterns(self, config: Config) -> list[_Patterns]:
        if not (config.exclude or self._excluded.patterns):
            return []
        both = (_Patterns(config.exclude, config.root), self._excluded)
        return [rule for rule in both if rule.patterns]


class _Patterns(Record):
    patterns: tuple[str, ...]
    root: str


def _patterns_in(folder: str, config_of: Callable[[str], Config], exclusion: Exclusion) -> list[_Patterns]:
    config = config_of(folder)
    both = (_Patterns(config.exclude, config.root), _Patterns(exclusion.patterns, os.getcwd()))
    return [rule for rule in both if rule.patterns]


class _IgnoreFile(Record):
    folder: str
    lines: Lines


class _Folder(Record):
    """A folder to walk; ``real`` is its path without links, so that a loop of links ends.

    What is in it is shown with ``shown`` in front; both end where the names begin.
    """

    path: str
    real: str
    shown: str
    ignores: _Ignores
    config: Config


class _Listing(Record):
    """What there is in a folder: regular files with our suffixes, folders to walk, anything else that has our suffixes
    (links above all), and the names that decide over the folder."""

    files: list[os.DirEntry[str]]
    folders: list[os.DirEntry[str]]
    others: list[os.DirEntry[str]]
    special: set[str]

    def without(self, ignores: _Ignores, patterns: list[_Patterns]) -> _Listing:
        """What is not ignored and not excluded of it."""
        files, folders, others = (
            [entry for entry in entries if not _left_out(entry, entries is self.folders, ignores, patterns)]
            for entries in self[:3]
        )
        return _Listing(files, folders, others, self.special)


def _listed(folder: str) -> _Listing:
    """Raises ``OSError`` for what cannot be listed."""
    listing = _Listing([], [], [], set())
    files, folders, others, special = listing
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.endswith(SUFFIXES) and entry.is_file(follow_symlinks=False):
                files.append(entry)
            elif entry.is_dir(follow_symlinks=False):
                if name not in EXCLUDED_FOLDERS:
                    folders.append(entry)
            elif name.endswith(SUFFIXES):
                others.append(entry)
            if name in _SPECIAL:
                special.add(name)
    return listing


def _left_out(entry: os.DirEntry[str], folder: bool, ignores: _Ignores, patterns: list[_Patterns]) -> bool:
    if any(matches(*rule, entry.path, folder=folder) for rule in patterns):
        return True
    return ignores.ignore(entry.path, folder=folder)


class _Ignores(Record):
    """The ignore files in force in a folder, the deepest last: the first of them with a verdict decides."""

    files: tuple[_IgnoreFile, ...] = ()

    @classmethod
    def above(cls, folder: str) -> _Ignores:
        """Those from the root of the repository to the parent of ``folder``; none without a repository."""
        above: list[str] = []
        here = os.path.abspath(folder)
        while not os.path.exists(os.path.join(here, ".git")):
            if (parent := os.path.dirname(here)) == here:
                return cls()
            above.append(here := parent)
        ignores = cls()
        for parent in reversed(above):
            present = {name for name in (".git", ".gitignore") if os.path.exists(os.path.join(parent, name))}
            ignores = ignores.within(parent, present)
        return ignores

    def within(self, folder: str, names: set[str]) -> _Ignores:
        """Those in force inside ``folder``, which has entries called ``names``."""
        # A repository inside another is a world of its own.
        files = () if ".git" in names else self.files
        if ".git" in names:
            files = _ignore_file(folder, os.path.join(_git_folder(folder), "info", "exclude"))
        if ".gitignore" in names:
            files = (*files, *_ignore_file(folder, os.path.join(folder, ".gitignore")))
        return self if files == self.files else _Ignores(files)

    def ignore(self, path: str, *, folder: bool) -> bool:
        absolute = os.path.abspath(path) if self.files else path
        for file in reversed(self.files):
            relative = absolute[len(file.folder) :].lstrip(os.sep).replace(os.sep, "/")
            verdict = file.lines.verdict(f"{relative}/" if folder else relative)
            if verdict is not None:
                return verdict
        return False


def _ignore_file(folder: str, path: str) -> tuple[_IgnoreFile, ...]:
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = file.read().split("\n")
    except OSError:
        return ()  # as git: an ignore file that cannot be read ignores nothing
    found = (pattern_of(line) for line in reversed(lines))
    patterns = [pattern for pattern in found if pattern is not None]
    return (_IgnoreFile(os.path.abspath(folder), Lines(patterns)),) if patterns else ()


def _git_folder(folder: str) -> str:
    """The ``.git`` folder, or where the ``.git`` file of a submodule or work tree points."""
    git = os.path.join(folder, ".git")
    if os.path.isdir(git):
        return git
    try:
        with open(git, encoding="utf-8", errors="surrogateescape") as file:
            git = os.path.join(folder, file.read().removeprefix("gitdir:").strip())
        with open(os.path.join(git, "commondir"), encoding="utf-8", errors="surrogateescape") as file:
            return os.path.join(git, file.read().strip())
    except (OSError, ValueError):
        return git


def _reason(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"
