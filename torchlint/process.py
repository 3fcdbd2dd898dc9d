"""The command as a process: its exit statuses, and streams that nobody reads any more."""

from __future__ import annotations

import os
from typing import TextIO

CLEAN, FOUND, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


def silence(stream: TextIO) -> None:
    """Let go of a stream that nobody reads any more; Python would complain about it once more at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
