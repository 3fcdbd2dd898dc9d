"""A repaired file as a patch that ``git apply`` and ``patch -p1`` accept."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator

_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def unified(path: str, before: bytes, after: bytes) -> str:
    """The change of ``path`` from ``before`` to ``after``, empty where there is none.

    Bytes that are not UTF-8 are surrogate escapes in the patch: written with ``errors="surrogateescape"``, it
    applies to a file in any encoding.
    """
    name = path.replace(os.sep, "/").removeprefix("./").lstrip("/")
    lines = difflib.unified_diff(
        _lines(before), _lines(after), _quoted(f"a/{name}"), _quoted(f"b/{name}"), lineterm="\n"
    )
    return "".join(_with_final_newlines(lines))


def _lines(content: bytes) -> list[str]:
    """The lines as patch tools see them: only a line feed ends one."""
    text = content.decode("utf-8", "surrogateescape")
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _with_final_newlines(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _quoted(name: str) -> str:
    """``name`` as git writes it in a patch header: in quotes where it would be ambiguous."""
    if any(character in _ESCAPES or character < " " for character in name):
        return '"' + "".join(_ESCAPES.get(character, character) for character in name) + '"'
    # Both tools read the name up to a tab, and up to the first space where there is none.
    return f"{name}\t" if " " in name else name
