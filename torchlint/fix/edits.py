"""Text edits: where they fall, which of them get along, and what they make of the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from torchlint.diagnostic import Edit, Position
from torchlint.record import Record

_LINE_END = re.compile(r"\r\n|\r|\n")


class Splice(Record):
    """An edit in offsets: ``text[start:end]`` becomes ``content``."""

    start: int
    end: int
    content: str

    @property
    def inserts(self) -> bool:
        return self.start == self.end


class Offsets:
    """Where the positions of a text are. Lines end where Python ends them: ``\\n``, ``\\r\\n`` or ``\\r``."""

    def __init__(self, text: str) -> None:
        ends = list(_LINE_END.finditer(text))
        self._starts = [0, *(end.end() for end in ends)]
        self._stops = [*(end.start() for end in ends), len(text)]

    def offset(self, position: Position) -> int:
        """The offset of ``position``; raises :class:`ValueError` for a position outside the text.

        The first column of the line behind the last one is the end of the text, so that an edit can take out
        a last line that has no line end.
        """
        line, column = position
        if line == len(self._starts) + 1 and column == 1:
            return self._stops[-1]
        if not 1 <= line <= len(self._starts):
            raise ValueError(f"line {line} is outside the text")
        offset = self._starts[line - 1] + column - 1
        if column < 1 or offset > self._stops[line - 1]:
            raise ValueError(f"column {column} is outside line {line}")
        return offset

    def splice(self, edit: Edit) -> Splice:
        start, end = self.offset(edit.range.start), self.offset(edit.range.end)
        if end < start:
            raise ValueError(f"an edit ends before it starts: {edit.range}")
        return Splice(start, end, edit.content)


def dominant_newline(text: str) -> str:
    """The line end that most lines of ``text`` have; the earlier one of two that are equally frequent."""
    counts = Counter(_LINE_END.findall(text))
    return counts.most_common(1)[0][0] if counts else "\n"


def with_newline(splice: Splice, newline: str) -> Splice:
    """The same splice with the line ends of the file."""
    return splice._replace(content=_LINE_END.sub(newline, splice.content))


def overlapping(one: Splice, other: Splice) -> bool:
    """Whether two splices touch the same text, or the order of what they insert would be a guess."""
    if one.inserts or other.inserts:
        return one.start <= other.end and other.start <= one.end
    return one.start < other.end and other.start < one.end


def compatible(splices: Iterable[Splice], accepted: Iterable[Splice]) -> bool:
    """Whether ``splices`` can be applied with the ``accepted`` ones: apart, or the very same edit."""
    accepted = list(accepted)
    return not any(mine != yours and overlapping(mine, yours) for mine in splices for yours in accepted)


def combined(splices: Iterable[Splice]) -> tuple[Splice, ...]:
    """The splices of one fix in the order of the text; what it inserts at one place becomes one insertion."""
    merged: list[Splice] = []
    for splice in sorted(splices, key=lambda each: (each.start, each.end)):
        if merged and splice.inserts and merged[-1][:2] == splice[:2]:
            merged[-1] = splice._replace(content=merged[-1].content + splice.content)
        else:
            merged.append(splice)
    return tuple(merged)


def consistent(ordered: Sequence[Splice]) -> bool:
    """Whether the splices of one fix lie apart from each other."""
    return all(before.end <= after.start for before, after in pairwise(ordered))


def apply_splices(text: str, splices: Iterable[Splice]) -> str:
    """``text`` with every splice applied; the same splice twice counts once."""
    pieces: list[str] = []
    done = 0
    for start, end, content in sorted(dict.fromkeys(splices), key=lambda each: (each.start, each.end)):
        pieces += (text[done:start], content)
        done = end
    return "".join((*pieces, text[done:]))
