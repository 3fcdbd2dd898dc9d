"""The projects that the checked files belong to: one for each root, so that files share what is known about it."""

from __future__ import annotations

import os
from collections.abc import Collection

from torchlint.project.index import Project
from torchlint.project.installed import Folders, find_root
from torchlint.project.paths import absolute_path
from torchlint.project.shelf import Shelf
from torchlint.project.trace import Trace
from torchlint.project.trees import Trees
from torchlint.stopwatch import is_on

MOST_CHARACTERS = 100_000_000
"""How much text may be known before all begin anew, so that memory does not grow with the number of files for ever.

What many files ask about is soon known again.
"""


class Projects:
    """Projects with one trace, which records where there is a cache, in ``folder``."""

    def __init__(self, folder: str | None = None) -> None:
        self.folder = folder
        base = None if folder is None else os.path.dirname(folder)
        self._kind, self.trace = _measured(base) if is_on() else (Project, Trace(base))
        self._shelf = self._outlines(folder)
        self._folders = Folders(self.trace)
        self._roots: dict[str, tuple[str, int]] = {}
        self._projects: dict[str, Project] = {}
        self._trees = Trees()

    def of_file(self, path: str) -> Project:
        """The project of a file."""
        absolute = absolute_path(path)
        folder = os.path.dirname(absolute)
        if folder not in self._roots:
            outer = self.trace.begin()
            found = find_root(absolute, folders=self._folders)
            self._roots[folder] = (found, self.trace.end(outer))
        root, touched = self._roots[folder]
        self.trace.rooted(absolute, root, touched)
        if sum(known.characters for known in self._projects.values()) > MOST_CHARACTERS:
            self._projects.clear()
        if root not in self._projects:
            self._projects[root] = self._kind(root, trace=self.trace, shelf=self._shelf, trees=self._trees)
        return self._projects[root]

    def parsed(self) -> list[str]:
        """The files that were parsed since this was asked last, because others asked about them, too."""
        return self._trees.take_added()

    def expect_files(self, paths: Collection[str]) -> None:
        """Say which files will be checked."""
        self._trees.expect_files(paths)

    def keeps_tree_of(self, path: str) -> bool:
        return path in self._trees

    def let_go(self, path: str) -> None:
        """Keep no tree of a file that was checked: others hardly ever ask for it then."""
        self._trees.drop(path)

    def close(self) -> None:
        """Let go of the cache."""
        self._shelf.close()

    def _outlines(self, folder: str | None) -> Shelf:
        if folder is None:
            return Shelf()
        from torchlint.cache.shelf import KeptOutlines

        return KeptOutlines(folder, self.trace)


def _measured(base: str | None) -> tuple[type[Project], Trace]:
    """What takes note of the time that it takes."""
    from torchlint.measured import MeasuredProject, MeasuredTrace

    return MeasuredProject, MeasuredTrace(base)
