"""The lines that a fix changes, with their numbers before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchlint.diagnostic import Edit, Fix
from torchlint.model.source import Source
from torchlint.record import Record


class Change(Record):
    """A line taken out (``-``) or put in (``+``); up to ``same`` it is like the one it goes with."""

    sign: str
    number: int
    line: str
    same: int = 0


def changes(source: Source, fix: Fix) -> list[Change]:
    """What ``fix`` does to the text, or nothing where its edits do not fit the text."""
    lines = source.lines
    shift = 0
    found: list[Change] = []
    for group in _groups(fix.edits):
        first, last = group[0].range.start.line, group[-1].range.end.line
        if last > len(lines) + 1:
            return []
        old = lines[first - 1 : last]
        new = Source(source.path, _edited(old, first, group)).lines
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        removed, added = old[head : len(old) - tail], new[head : len(new) - tail]
        number = first + head
        found += _changed("-", number, removed, added)
        found += _changed("+", number + shift, added, removed)
        shift += len(added) - len(removed)
    return found


def _changed(sign: str, number: int, lines: Sequence[str], others: Sequence[str]) -> Iterator[Change]:
    for i, line in enumerate(lines):
        other = others[i] if i < len(others) else ""
        yield Change(sign, number + i, line, _common(line, other))


def _groups(edits: Sequence[Edit]) -> Iterator[list[Edit]]:
    """Edits that share a line belong together."""
    group: list[Edit] = []
    for edit in sorted(edits, key=lambda each: each.range):
        if group and edit.range.start.line > group[-1].range.end.line:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _edited(lines: Sequence[str], first: int, edits: Sequence[Edit]) -> str:
    """The text of ``lines``, the first of which has the number ``first``, with the edits applied."""
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    text = "".join(lines)
    pieces = []
    done = 0
    for place, content in edits:
        start, end = (starts[min(at.line - first, len(lines))] + at.column - 1 for at in place)
        pieces += [text[done:start], content]
        done = end
    return "".join((*pieces, text[done:]))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines are equal from the start."""
    count = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        count += 1
    return count
