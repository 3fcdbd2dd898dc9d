"""Which files to check: the paths the user names, their folders walked, what is ignored left out.

``.gitignore`` files count from the walked folder upward to the root of its repository and downward in every
folder; without a repository, those in and below the walked folder. The user's own global ignore file does not
count: two people who check the same folder see the same files. Links to folders are not followed, as in git.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence

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


class Listing(Record):
    """The names in a folder: of regular files with our suffixes, of folders to walk, of anything else that has our
    suffixes (links above all), and those that decide over the folder."""

    files: list[str]
    folders: list[str]
    others: list[str]
    special: list[str]


def listed(folder: str) -> Listing:
    """What is in a folder. Raises ``OSError`` for what cannot be listed."""
    listing = Listing([], [], [], [])
    files, folders, others, special = listing
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.endswith(SUFFIXES) and entry.is_file(follow_symlinks=False):
                files.append(name)
            elif entry.is_dir(follow_symlinks=False):
                if name not in EXCLUDED_FOLDERS:
                    folders.append(name)
            elif name.endswith(SUFFIXES):
                others.append(name)
            if name in _SPECIAL:
                special.append(name)
    return listing


def _listed(folder: str, _real: str) -> Listing:
    return listed(folder)


def discover(
    paths: Sequence[str],
    config_of: Callable[[str], Config],
    exclusion: Exclusion | None = None,
    listing_of: Callable[[str, str], Listing] | None = None,
) -> Discovery:
    """Find the Python files at and below ``paths``.

    ``config_of`` gives the settings of a folder, ``listing_of`` what :func:`listed` does, of its path, also that
    without links.
    """
    search = _Search(config_of, exclusion or Exclusion(), listing_of or _listed)
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
    def __init__(
        self,
        config_of: Callable[[str], Config],
        exclusion: Exclusion,
        listing_of: Callable[[str, str], Listing],
    ) -> None:
        self._config_of = config_of
        self._exclusion = exclusion
        self._listing_of = listing_of
        self._walked_files: list[_Files] = []
        # Links, and files that were named, by the real path of the file.
        self._found: dict[str, tuple[str, Config]] = {}
        self._linked: set[str] = set()  # the real paths of files that only links led to
        self._excluded = _Patterns(exclusion.patterns, os.getcwd())
        self._unreadable: dict[str, str] = {}
        self._missing: list[str] = []
        self._walked: set[str] = set()

    def result(self) -> Discovery:
        return Discovery(
            self._files(),
            [Unreadable(path, reason) for path, reason in sorted(self._unreadable.items())],
            list(dict.fromkeys(self._missing)),
        )

    def _files(self) -> dict[str, Config]:
        """All files by the paths that are shown, each once: a link or another name may lead to one that was walked."""
        if not self._found:  # no folder is walked twice
            return {shown + name: config for _, shown, config, names in self._walked_files for name in names}
        for real, shown, config, names in self._walked_files:
            for name in names:
                self._take_found(real + name, (shown + name, config), linked=False)
        return dict(self._found.values())

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
            self._take_found(real, found, linked)

    def _take_found(self, real: str, found: tuple[str, Config], linked: bool) -> None:
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
        path, real = os.path.join(root, ""), os.path.join(os.path.realpath(root), "")
        waiting = [_Folder(path, real, shown, ignores, config)]
        while waiting:
            waiting += self._enter(waiting.pop(), lifted)

    def _enter(self, folder: _Folder, lifted: list[_Patterns]) -> list[_Folder]:
        """Take in what is in a folder; the folders in it, which are to be walked. ``lifted`` patterns do not count."""
        path, real, shown, ignores, config = folder
        if real in self._walked:
            return []
        self._walked.add(real)
        try:
            listing = self._listing_of(path, real)
        except OSError as error:
            self._refuse(path, _reason(error))
            return []
        if listing.special:
            ignores = ignores.within(path, listing.special)
            if any(name in FILE_NAMES for name in listing.special):
                config = self._config_of(path)
        patterns = [rule for rule in self._patterns(config) if rule not in lifted]
        if patterns or ignores.files:
            listing = _without(listing, path, ignores, patterns)
        if listing.files:
            self._walked_files.append(_Files(real, shown, config, listing.files))
        for name in listing.others:
            self._take_entry(name, folder, config)
        return [
            _Folder(path + name + os.sep, real + name + os.sep, f"{shown}{name}/", ignores, config)
            for name in listing.folders
        ]

    def _take_entry(self, name: str, folder: _Folder, config: Config) -> None:
        path = folder.path + name
        try:
            linked = os.path.islink(path)
            if linked and (os.path.isdir(path) or name.startswith(".#")):
                return  # a link to a folder, or the lock that Emacs keeps beside a file being edited
            real, shown = os.path.realpath(folder.real + name), folder.shown + name
            self._take(path, real, os.stat(path), (shown, config), linked)
        except FileNotFoundError:
            self._refuse(path, "is a link to a file that does not exist")
        except OSError as error:
            self._refuse(path, _reason(error))

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

    What is in it is shown with ``shown`` in front. All three end where the names begin.
    """

    path: str
    real: str
    shown: str
    ignores: _Ignores
    config: Config


class _Files(Record):
    """Regular files in a folder that was walked."""

    real: str
    shown: str
    config: Config
    names: list[str]


def _without(listing: Listing, folder: str, ignores: _Ignores, patterns: list[_Patterns]) -> Listing:
    """What is not ignored and not excluded of it; ``folder`` ends where the names begin."""
    files, folders, others = (
        [name for name in names if not _left_out(folder + name, names is listing.folders, ignores, patterns)]
        for names in listing[:3]
    )
    return Listing(files, folders, others, listing.special)


def _left_out(path: str, folder: bool, ignores: _Ignores, patterns: list[_Patterns]) -> bool:
    if any(matches(*rule, path, folder=folder) for rule in patterns):
        return True
    return ignores.ignore(path, folder=folder)


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
            present = [name for name in (".git", ".gitignore") if os.path.exists(os.path.join(parent, name))]
            ignores = ignores.within(parent, present)
        return ignores

    def within(self, folder: str, names: Iterable[str]) -> _Ignores:
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
