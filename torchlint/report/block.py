"""One finding for people: where it is, the lines it is on, the other places that explain it, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from torchlint.diagnostic import DOCS_URL
from torchlint.model.source import Source
from torchlint.record import Record
from torchlint.report.patch import Change, changes
from torchlint.report.snippet import Window, visible
from torchlint.report.style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.diagnostic import Diagnostic, Range
    from torchlint.run import Result

_SEVERITY_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}

# A fix that rewrites a whole class would push the next finding off the screen.
_MOST_CHANGES = 24


class _Mark(Record):
    """A place to underline, and the words beside it."""

    place: Range
    words: str
    primary: bool

    @property
    def line(self) -> int:
        return self.place.start.line

    def columns(self, line: str) -> tuple[int, int]:
        """Where to underline, from 0; a place over several lines is underlined to the end of its first."""
        start = self.place.start.column - 1
        if self.place.end.line > self.place.start.line:
            return start, len(line.rstrip())
        return start, self.place.end.column - 1


class Block:
    """One diagnostic."""

    def __init__(self, diagnostic: Diagnostic, source: Source, result: Result, style: Style) -> None:
        self._diagnostic = diagnostic
        self._source = source
        self._style = style
        self._unsafe = result.needs_unsafe(diagnostic)
        self._colour = _SEVERITY_COLOURS[diagnostic.severity]
        finding = diagnostic.finding
        marks = [
            _Mark(finding.range, finding.caption, primary=True),
            *(_Mark(label.range, label.message, primary=False) for label in finding.labels),
        ]
        # A file that could not be read, or has vanished, has no lines to show.
        self._marks = [mark for mark in marks if 1 <= mark.line <= len(source.lines)]
        self._changes = changes(source, finding.fix) if finding.fix else []
        numbers = [mark.line for mark in self._marks] + [change.number for change in self._changes]
        self._width = len(str(max(numbers, default=1)))

    def lines(self) -> Iterator[str]:
        yield self._headline()
        start = self._diagnostic.range.start
        arrow = self._style.paint("-->", "blue", "bold")
        yield f"{' ' * self._width}{arrow} {self._diagnostic.path}:{start.line}:{start.column}"
        if self._marks:
            yield self._gutter()
            yield from self._snippet()
            yield self._gutter()
        yield from self._advice()

    def _headline(self) -> str:
        diagnostic, paint = self._diagnostic, self._style.paint
        severity = paint(f"{diagnostic.severity}[{diagnostic.code}]", self._colour, "bold")
        message = " ".join(visible(diagnostic.message).split())
        return f"{severity} {paint(diagnostic.name, 'bold')}: {message}"

    def _gutter(self, number: int | None = None) -> str:
        shown = "" if number is None else str(number)
        return self._style.paint(f"{shown:>{self._width}} |", "blue", "bold")

    def _snippet(self) -> Iterator[str]:
        shown = 0
        for number, group in groupby(sorted(self._marks, key=_reading_order), key=lambda mark: mark.line):
            if shown and number == shown + 2:
                yield self._source_line(number - 1, 0, 0)[0]
            elif shown and number > shown + 2:
                yield self._style.paint("...", "blue", "bold")
            yield from self._marked(number, list(group))
            shown = number

    def _marked(self, number: int, marks: list[_Mark]) -> Iterator[str]:
        columns = marks[0].columns(self._source.lines[number - 1])
        shown, window = self._source_line(number, *columns)
        yield shown
        for mark in marks:
            symbol, colour = ("^", self._colour) if mark.primary else ("-", "blue")
            underline = window.underline(*mark.columns(window.line), symbol)
            words = f" {' '.join(visible(mark.words).split())}" if mark.words else ""
            indent = len(underline) - len(underline.lstrip())
            painted = self._style.paint(f"{underline.lstrip()}{words}", colour, "bold")
            yield f"{self._gutter()} {' ' * indent}{painted}"

    def _source_line(self, number: int, start: int, end: int) -> tuple[str, Window]:
        window = Window.around(self._source.lines[number - 1], start, end)
        return f"{self._gutter(number)} {window.text}".rstrip(), window

    def _advice(self) -> Iterator[str]:
        finding = self._diagnostic.finding
        if finding.fix:
            yield self._remark("help", finding.fix.message)
            yield from self._patch()
        elif finding.help:
            yield self._remark("help", finding.help)
        if self._unsafe:
            yield self._remark("note", "unsafe fix: review it; `--fix` applies it only with `--unsafe-fixes`")
        code = self._diagnostic.code
        yield self._remark("docs", f"{DOCS_URL}/{code} (or: torchlint explain {code})")

    def _remark(self, kind: str, text: str) -> str:
        sign = self._style.paint("=", "blue", "bold")
        text = " ".join(text.split())
        return f"{' ' * self._width} {sign} {self._style.paint(f'{kind}:', 'bold')} {text}"

    def _patch(self) -> Iterator[str]:
        for change in self._changes[:_MOST_CHANGES]:
            yield self._change(change)
        if rest := len(self._changes[_MOST_CHANGES:]):
            yield f"{' ' * self._width}   ... and {rest} more changed lines"

    def _change(self, change: Change) -> str:
        shown = Window.around(change.line, change.same, change.same + 1).text
        number = self._style.paint(f"{change.number:>{self._width}}", "blue", "bold")
        colour = "red" if change.sign == "-" else "green"
        return f"{number} {self._style.paint(f'{change.sign} {shown}'.rstrip(), colour)}"


def _reading_order(mark: _Mark) -> tuple[int, bool, int]:
    return mark.line, not mark.primary, mark.place.start.column
