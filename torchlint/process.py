"""The command as a process: its exit statuses, its speed, how it ends, and streams that nobody reads any more."""

from __future__ import annotations

import gc
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TextIO

CLEAN, FOUND, UNUSABLE, INTERRUPTED = 0, 1, 2, 130


ours = False
"""Whether :func:`take_over` was called."""


def take_over() -> None:
    """Make the process torchlint's alone, which nobody else runs code in, and which lives for one run.

    Garbage is let be: Python would walk all the outlines and trees that are kept each time a few are added. Sketches and
    models are freed without it, as their circles are cut; hardly anything else is in one.
    """
    global ours
    ours = True
    gc.disable()


def leave(status: int) -> NoReturn:
    """End the process at once: Python would first free every object, which takes a fifth of the time of a check."""
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except OSError:  # nobody reads it any more
        status = status or UNUSABLE
    os._exit(status)


def silence(stream: TextIO) -> None:
    """Let go of a stream that nobody reads any more; Python would complain about it once more at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
