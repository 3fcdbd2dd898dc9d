"""The flake8 plugin ``TL``: the findings of ``torchlint check`` under the same settings.

What is checked is the text that flake8 read, be that a file, standard input or an editor's buffer. LibCST is
not imported before a file needs it, since editors start a flake8 for every save.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from torchlint import __version__
from torchlint.config import ALWAYS_ON, Config, matches
from torchlint.diagnostic import Diagnostic
from torchlint.engine import check_source
from torchlint.project.index import Project
from torchlint.project.installed import find_root
from torchlint.settings import ConfigError, Settings

Reported = tuple[int, int, str, type]


class Plugin:
    """What flake8 makes for each file. It passes arguments by the names of the parameters."""

    name = "torchlint"
    version = __version__

    def __init__(self, tree: ast.AST, lines: Sequence[str], filename: str = "stdin") -> None:  # noqa: ARG002
        # flake8 calls plugins that take a "tree" once for each file; ours is built from the text.
        self.lines = lines
        self.filename = filename

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
        project = _project(find_root(Path(self.filename)))
        return check_source("".join(self.lines), self.filename, config, project)


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


@cache
def _project(root: Path) -> Project:
    return Project(root)
