"""Several texts in one line. JSON would do as well, but what reads it imports ``re``, which a run without changes does
not need."""

from __future__ import annotations

from collections.abc import Iterable

_BETWEEN = "\x1f"
"""ASCII's unit separator."""


def joined(texts: Iterable[str]) -> str:
    """The texts in a line, which SQLite takes whatever is in them."""
    return _BETWEEN.join([_escaped(text) for text in texts])


def parted(line: str) -> list[str]:
    """What :func:`joined` joined. Raises ``ValueError``."""
    texts = line.split(_BETWEEN)
    return [_unescaped(text) for text in texts] if "\\" in line else texts


def _escaped(text: str) -> str:
    if text.isprintable() and "\\" not in text:
        return text
    return text.encode("unicode_escape").decode("ascii")


def _unescaped(text: str) -> str:
    return text.encode("ascii").decode("unicode_escape") if "\\" in text else text
