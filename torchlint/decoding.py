"""Python source is text in the encoding that it declares."""

from __future__ import annotations

import codecs


def decode(content: bytes) -> str:
    """The text of a Python file without its byte order mark, by that mark or a coding cookie (PEP 263), else as UTF-8.

    Raises :class:`SyntaxError` for an unknown encoding, :class:`UnicodeDecodeError` for bytes that are no such text.
    """
    encoding = _declared(content) if b"coding" in _first_two_lines(content) else "utf-8"
    return content.decode(encoding).removeprefix("\ufeff" if content.startswith(codecs.BOM_UTF8) else "")


def _first_two_lines(content: bytes) -> bytes:
    end = content.find(b"\n", content.find(b"\n") + 1)
    return content[: end if end >= 0 else None]


def _declared(content: bytes) -> str:
    import io
    import tokenize  # these cost milliseconds, and few files have a cookie

    return tokenize.detect_encoding(io.BytesIO(content).readline)[0]
