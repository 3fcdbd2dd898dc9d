"""The text of one file: decoded as Python decodes it, split where Python splits it."""

from __future__ import annotations

from functools import cached_property

from torchlint.decoding import decode as decode_bytes

# Python's own line ends. ``str.splitlines`` also splits at form feeds, U+2028 and others, which shifts every
# line number behind them.
_LINE = r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+"


class SourceError(Exception):
    """The bytes are not text in the encoding that the file declares."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Source:
    """``text`` is without the byte order mark; ``path`` is as the user wrote it."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The physical lines with their line ends."""
        text = self.text
        lines = text.splitlines(keepends=True)  # many times as fast, and the same in nearly all files
        if "\r" in text or len(lines) != text.count("\n") + (text[-1:] not in ("\n", "")):
            import re  # a run without changes needs none

            return re.findall(_LINE, text)
        return lines


def decode(content: bytes | str, path: str) -> Source:
    """Decode a file by its byte order mark or coding cookie (PEP 263), UTF-8 otherwise.

    Raises :class:`SourceError` for bytes that are not text in that encoding, and for an unknown encoding.
    """
    if isinstance(content, str):
        return Source(path, content.removeprefix("\ufeff"))
    try:
        return Source(path, decode_bytes(content))
    except SyntaxError as error:
        raise SourceError(f"cannot be decoded: {error.msg or error}") from None
    except (UnicodeDecodeError, LookupError) as error:
        raise SourceError(f"cannot be decoded: {error}") from None
