"""Findings as a line of text and back. What is read may come from a stranger's disk: whatever is not as written is
refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torchlint.cache.fields import joined, parted
from torchlint.diagnostic import Diagnostic, Edit, Finding, Fix, Label, Position, Range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from torchlint.diagnostic import Safety, Severity

    T = TypeVar("T")

_SEVERITIES: dict[str, Severity] = {"error": "error", "warning": "warning", "note": "note"}
_SAFETIES: dict[str, Safety] = {"safe": "safe", "unsafe": "unsafe"}


class Malformed(Exception):
    """Not what :func:`write` makes."""


def write(diagnostics: tuple[Diagnostic, ...]) -> str:
    """The findings in one file, without its path: empty for none."""
    return joined(text for each in diagnostics for text in _texts(each))


def _texts(diagnostic: Diagnostic) -> Iterator[str]:
    yield from (diagnostic.code, diagnostic.name, diagnostic.severity)
    place, message, caption, labels, fix, advice = diagnostic.finding
    yield from (_place(place), message, caption, advice, str(len(labels)))
    for label in labels:
        yield from (_place(label.range), label.message)
    yield "" if fix is None else fix.safety
    if fix is not None:
        yield from (fix.message, str(len(fix.edits)))
        for edit in fix.edits:
            yield from (_place(edit.range), edit.content)


def _place(place: Range) -> str:
    start, end = place
    return f"{start.line} {start.column} {end.line} {end.column}"


def read(text: str, path: str) -> tuple[Diagnostic, ...]:
    """What :func:`write` wrote, for the file at ``path``. Raises :class:`Malformed`."""
    if not text:
        return ()
    try:
        return tuple(_Reader(parted(text)).diagnostics(path))
    except ValueError as error:
        raise Malformed(str(error)) from None


class _Reader:
    """Takes one text after the other."""

    def __init__(self, texts: list[str]) -> None:
        self._rest = list(reversed(texts))

    def diagnostics(self, path: str) -> Iterator[Diagnostic]:
        while self._rest:
            code, name = self._word(), self._word()
            severity = _SEVERITIES.get(self._text())
            if severity is None:
                raise Malformed("severity")
            yield Diagnostic(code, name, severity, path, self._finding())

    def _finding(self) -> Finding:
        place, message, caption, advice = self._range(), self._word(), self._word(), self._word()
        return Finding(place, message, caption, self._several(self._label), self._fix(), advice)

    def _label(self) -> Label:
        return Label(self._range(), self._word())

    def _fix(self) -> Fix | None:
        text = self._text()
        if not text:
            return None
        safety = _SAFETIES.get(text)
        if safety is None:
            raise Malformed("safety")
        return Fix(self._word(), self._several(self._edit), safety)

    def _edit(self) -> Edit:
        return Edit(self._range(), self._text())

    def _several(self, read: Callable[[], T]) -> tuple[T, ...]:
        return tuple(read() for _ in range(self._number(self._text())))

    def _range(self) -> Range:
        numbers = self._text().split(" ")
        if len(numbers) != 4:
            raise Malformed("range")
        line, column, last_line, last_column = map(self._number, numbers)
        if not (line and column and last_line and last_column):
            raise Malformed("position")
        return Range(Position(line, column), Position(last_line, last_column))

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise Malformed("number")
        return int(text)

    def _word(self) -> str:
        """Text for the terminal, which must not be able to control it."""
        text = self._text()
        if not text.replace("\n", " ").isprintable():
            raise Malformed("text")
        return text

    def _text(self) -> str:
        if not self._rest:
            raise Malformed("too short")
        return self._rest.pop()
