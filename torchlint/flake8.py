"""The flake8 plugin ``TL``: the findings of ``torchlint check`` under the same settings.

What is checked is the text that flake8 read, be that a file, standard input or an editor's buffer. LibCST is
not imported before a file needs it, since editors start a flake8 for every save.

Where ``torchlint check`` left a cache, what other files define is read from there; nothing is written to it.
"""

from __future__ import annotations

import ast
import atexit
import gc
import os
from collections.abc import Iterator, Sequence
from functools import cache

from torchlint import __version__
from torchlint.cache.folder import DATABASE, cache_folder
from torchlint.config import ALWAYS_ON, Config, matches
from torchlint.diagnostic import Diagnostic
from torchlint.engine import check_source
from torchlint.project.index import Project
from torchlint.project.installed import find_root
from torchlint.project.paths import absolute_path
from torchlint.project.shelf import Shelf
from torchlint.project.trees import Trees
from torchlint.settings import ConfigError, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace as Options

Reported = tuple[int, int, str, type]


class Plugin:
    """What flake8 makes for each file. It passes arguments by the names of the parameters."""

    name = "torchlint"
    version = __version__

    def __init__(self, tree: ast.AST, lines: Sequence[str], filename: str = "stdin") -> None:
        self.tree = tree
        self.lines = lines
        self.filename = filename

    @classmethod
    def parse_options(cls, options: Options) -> None:  # noqa: ARG003
        """Called by flake8 before it forks its workers, which inherit what is found here."""
        _collect_less_often()
        _shelf()

    def run(self) -> Iterator[Reported]:
        """The findings, with columns that start at 0. An exception here would end flake8 for every file."""
        config = _config(self.filename)
        try:
            found = self._check(config)
        except Exception as error:
            yield self._reported(1, 1, f"{ALWAYS_ON} internal error: {type(error).__name__}: {error}")
            return
        for diagnostic in found:
            yield self._reported(*diagnostic.range.start, f"{diagnostic.code} {diagnostic.message}")

    def _reported(self, line: int, column: int, message: str) -> Reported:
        return line, column - 1, " ".join(message.split("\n")), type(self)

    def _check(self, config: Config) -> list[Diagnostic]:
        if config.exclude and matches(config.exclude, config.root, self.filename):
            return []
        project = _project(find_root(self.filename))
        text = "".join(self.lines)
        if isinstance(self.tree, ast.Module):  # flake8 has parsed the very text
            project.trees.add(absolute_path(self.filename), text, self.tree)
        return check_source(text, self.filename, config, project)


def _collect_less_often() -> None:
    """Let garbage wait, unless somebody has said when to look for it.

    What is known of a project is many objects, and Python would walk all of them again and again: that took a quarter
    of flake8's time. mypy and others do the same.
    """
    if gc.get_threshold() == _USUAL:
        gc.set_threshold(200_000, 30, 30)
        atexit.register(gc.freeze)  # at its end, Python would walk all of it once more


_USUAL = gc.get_threshold()
"""As Python starts with them."""


@cache
def _settings() -> Settings:
    return Settings()


def _config(filename: str) -> Config:
    """The settings for the file. Broken settings end flake8 with one line, as they end the command line."""
    try:
        return _settings().of_file(filename)
    except ConfigError as error:
        from flake8.exceptions import ExecutionError  # type: ignore[import-untyped]

        raise ExecutionError(f"torchlint: {error}") from None


_FEW = 400_000
"""Characters of text of which the trees are kept: flake8 parses each file itself, and Python frees all at the end."""


@cache
def _project(root: str) -> Project:
    return Project(root, shelf=_shelf(), trees=Trees(_FEW))


@cache
def _shelf() -> Shelf:
    """The outlines in the cache of the working directory, where there is one. Without, nothing but speed is lost."""
    try:
        config = _settings().of_folder(os.curdir)
        folder = cache_folder(None, config.cache_dir, config.origin)
        if os.path.isfile(os.path.join(folder, DATABASE)):
            from torchlint.cache.shelf import KeptOutlines

            return KeptOutlines(folder)
    except Exception:  # such as broken settings, which are reported where a file is checked
        return Shelf()
    return Shelf()
