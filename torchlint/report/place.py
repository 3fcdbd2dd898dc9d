"""Where files and ranges are, as machines read it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.diagnostic import Range


def relative(path: str) -> str:
    """``path`` from the working directory, with ``/`` between folders; ``-`` is standard input."""
    try:
        return os.path.relpath(path).replace(os.sep, "/")
    except ValueError:  # another drive on Windows
        return path.replace(os.sep, "/")


def as_json(place: Range) -> dict[str, Any]:
    """1-based lines, 1-based columns in code points, the end exclusive."""
    return {
        "start": {"line": place.start.line, "column": place.start.column},
        "end": {"line": place.end.line, "column": place.end.column},
    }
