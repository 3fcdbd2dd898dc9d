"""The comments of a file, found with :mod:`tokenize`: text inside a string is never taken for one."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from torchlint.diagnostic import Position, Range
from torchlint.record import Record

_LINE_END = re.compile(r"\r\n|\r")


class Comment(Record):
    """One comment: from its ``#`` to the end of the line. ``code`` is what stands before it on the line."""

    start: Position
    text: str
    code: str

    @property
    def stands_alone(self) -> bool:
        return not self.code.strip()

    @property
    def end(self) -> Position:
        return Position(self.start.line, self.start.column + len(self.text))

    def range(self, start: int, end: int) -> Range:
        """The place of ``text[start:end]``."""
        line, column = self.start
        return Range(Position(line, column + start), Position(line, column + end))


class Layout(Record):
    """The comments of a file, and which lines belong together.

    ``statements`` and ``physical`` map a line to the first and last line of its logical line and of what
    flake8 takes for its physical line; a line that stands for itself is in neither.
    """

    comments: tuple[Comment, ...] = ()
    statements: Mapping[int, tuple[int, int]] = {}
    physical: Mapping[int, tuple[int, int]] = {}
    first_statement: float = float("inf")

    @classmethod
    def of(cls, text: str) -> Layout:
        """Read the layout of ``text``; empty where Python cannot split it into tokens."""
        import tokenize  # costs milliseconds, and few files have a comment that matters

        try:
            return _read_layout(_LINE_END.sub("\n", text))
        except (tokenize.TokenError, SyntaxError):
            return cls()

    def statement_lines(self, line: int) -> tuple[int, int]:
        return self.statements.get(line, (line, line))

    def physical_lines(self, line: int) -> tuple[int, int]:
        return self.physical.get(line, (line, line))


def _read_layout(text: str) -> Layout:
    import tokenize

    layout_only = {tokenize.ENCODING, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = text.split("\n")
    comments: list[Comment] = []
    statements: dict[int, tuple[int, int]] = {}
    physical: dict[int, tuple[int, int]] = {}
    first_statement = statement = block = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in layout_only:
            continue
        row, column = token.start
        block = block or row
        if token.type == tokenize.COMMENT:
            line = lines[row - 1]
            comments.append(Comment(Position(row, column + 1), line[column:], line[:column]))
        elif token.type != tokenize.NL and statement is None:
            statement = row
            first_statement = first_statement or row
        if token.type in (tokenize.NL, tokenize.NEWLINE):
            _join(physical, block, row)
            block = None
        if token.type == tokenize.NEWLINE and statement is not None:
            _join(statements, statement, row)
            statement = None
    return Layout(tuple(comments), statements, physical, first_statement or float("inf"))


def _join(spans: dict[int, tuple[int, int]], first: int, last: int) -> None:
    if first != last:
        spans.update(dict.fromkeys(range(first, last + 1), (first, last)))
