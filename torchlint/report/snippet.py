"""Lines of source as a terminal can show them: tabs and wide characters do not shift what stands below."""

from __future__ import annotations

import unicodedata

from torchlint.record import Record

TAB = "    "

# A line of generated data can be a megabyte long: around the finding, this much of it is shown.
LONGEST = 160
_BEFORE = 40

# Characters that would turn the direction of the text, and so show another program than there is.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Window(Record):
    """The shown part of a line, from code point ``start`` up to ``end``."""

    line: str
    start: int
    end: int

    @classmethod
    def around(cls, line: str, start: int, end: int) -> Window:
        """All of the line where it is short, else what is around the span ``start`` to ``end``."""
        line = line.rstrip("\r\n")
        if len(line) <= LONGEST:
            return cls(line, 0, len(line))
        first = max(0, min(start - _BEFORE, len(line) - LONGEST)) if end > LONGEST else 0
        return cls(line, first, min(len(line), first + LONGEST))

    @property
    def text(self) -> str:
        left = "…" if self.start else ""
        right = "…" if self.end < len(self.line) else ""
        return f"{left}{visible(self.line[self.start : self.end])}{right}".rstrip()

    def underline(self, start: int, end: int, mark: str) -> str:
        """``mark`` below the code points ``start`` up to ``end``, at least once."""
        start = min(max(start, self.start), self.end)
        end = min(max(end, start), self.end)
        before = (1 if self.start else 0) + width(visible(self.line[self.start : start]))
        return " " * before + mark * max(1, width(visible(self.line[start:end])))


def visible(text: str) -> str:
    """``text`` without anything that moves the cursor or changes the terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def width(text: str) -> int:
    """How many columns ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _shown(character: str) -> str:
    if " " <= character <= "~":
        return character
    if character == "\t":
        return TAB
    if character < " ":
        return chr(0x2400 + ord(character))
    if character in _TURNING or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return "\ufffd"
    return character


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
