"""The door for Python code: one text at a time, with no project and no disk behind it."""

from __future__ import annotations

import os
import threading

from torchlint.config import Config
from torchlint.diagnostic import Diagnostic
from torchlint.engine import check_source as check_in_project
from torchlint.project.detached import DetachedProject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# While a file is checked, Python's recursion limit is raised for the whole process.
_turn = threading.Lock()


def check_source(source: str | bytes, path: str, config: Config | None = None) -> list[Diagnostic]:
    """Check one file by its text alone; the diagnostics are sorted by their place.

    The result depends on the arguments and on nothing else, so it is the same on every machine and in any order.
    Nothing is read from disk: no settings, no installed packages, and no other file of the project, even where
    ``path`` exists. So a class whose base is in another file is a Module only where torchlint knows that base by
    name; ``torchlint check`` looks for it.

    ``path`` is what the diagnostics say, and what the patterns of ``config.per_file_ignores`` are matched with; any
    text will do. ``config`` defaults to the default rules; ``Config(select=("TL1",))`` runs others. Its ``exclude``
    says nothing here: whoever calls has chosen the file.

    Bytes are decoded as Python decodes a file. What cannot be checked, such as a syntax error, is a diagnostic
    with the code TL000 and not an exception.

    Function, arguments and result can be pickled. Threads may call at the same time, but wait for each other:
    processes are what makes it faster.
    """
    if config is not None:  # written by hand, it may hold lists
        lists: dict[str, Any] = {
            name: tuple(value) for name, value in config._asdict().items() if isinstance(value, list)
        }
        config = config._replace(**lists)
    with _turn:
        return check_in_project(source, path, config, DetachedProject())


def _forget_other_threads() -> None:
    """In a process that was forked while another thread had its turn, nobody is left to end that turn."""
    global _turn
    _turn = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
