"""Paths as text: a ``pathlib.Path`` takes long to make and to compare, and pathlib itself long to import."""

from __future__ import annotations

import os
from collections.abc import Iterator


def absolute_path(path: str | os.PathLike[str]) -> str:
    """Absolute and without ``..``, but with symbolic links left as the user sees them."""
    text = os.fspath(path)
    if text.startswith("/") and not text.endswith("/") and "/." not in text and "//" not in text:
        return text  # it is so already: asked thousands of times
    return os.path.abspath(text)


def parents(path: str) -> Iterator[str]:
    """The folders around an absolute path, the nearest first."""
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def is_below(path: str, folder: str) -> bool:
    """Whether an absolute path is that of a folder, or of something in it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def stem(path: str) -> str:
    """The name of a file without its suffix."""
    return os.path.splitext(os.path.basename(path))[0]
