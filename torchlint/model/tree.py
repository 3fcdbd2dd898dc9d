"""The concrete syntax tree of the statements of a file that can hold a finding.

Parsing with LibCST costs ten times ``ast.parse``, so only the top-level statements that are asked for are parsed,
all of them in one call, and positions are computed only where something is reported.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property

import libcst as cst
from libcst.metadata import CodeRange
from libcst.metadata.position_provider import PositionProvidingCodegenState

from torchlint.diagnostic import Position, Range

_LINE_END = re.compile(r"\r\n|\r")

Span = tuple[int, int]
"""First and last line of a statement, 1-based and inclusive."""


class Tree:
    """The parsed part of a file; ``module`` holds the asked-for statements in their order."""

    def __init__(self, lines: Sequence[str], spans: Iterable[Span]) -> None:
        self._lines = lines
        self._chosen = _merge(spans)
        self.module = cst.parse_module(self._text_of_chosen())

    def _text_of_chosen(self) -> str:
        text = "".join(line for first, last in self._chosen for line in self._lines[first - 1 : last])
        return _LINE_END.sub("\n", text) if "\r" in text else text

    @cached_property
    def _line_map(self) -> tuple[list[int], list[int]]:
        """Where each span starts in the parsed text (0-based), and what to add to get a line of the file."""
        starts: list[int] = []
        shifts: list[int] = []
        parsed = 0
        for first, last in self._chosen:
            starts.append(parsed)
            shifts.append(first - 1 - parsed)
            parsed += last - first + 1
        return starts, shifts

    @cached_property
    def _positions(self) -> dict[cst.CSTNode, CodeRange]:
        recorder = _Recorder()
        state = PositionProvidingCodegenState(
            default_indent=self.module.default_indent,
            default_newline=self.module.default_newline,
            provider=recorder,  # type: ignore[arg-type]  # only its `_computed` is used
        )
        self.module._codegen(state)
        return recorder._computed

    def _position(self, line: int, column: int) -> Position:
        starts, shifts = self._line_map
        return Position(line + shifts[bisect_right(starts, line - 1) - 1], column + 1)

    def range(self, node: cst.CSTNode) -> Range:
        """Where ``node`` stands in the file, without the parentheses around it."""
        found = self._positions[node]
        return Range(
            self._position(found.start.line, found.start.column),
            self._position(found.end.line, found.end.column),
        )

    def outer_range(self, node: cst.BaseExpression) -> Range:
        """Where ``node`` stands with the parentheses that LibCST counts to it (a tuple's own among them)."""
        inner = self.range(node)
        start = self.range(node.lpar[0]).start if node.lpar else inner.start
        end = self.range(node.rpar[-1]).end if node.rpar else inner.end
        return Range(start, end)

    def holds(self, node: cst.CSTNode) -> bool:
        return node in self._positions


class _Recorder:
    def __init__(self) -> None:
        self._computed: dict[cst.CSTNode, CodeRange] = {}


def _merge(spans: Iterable[Span]) -> list[Span]:
    """Sort, and join statements that share a line (``a; b``)."""
    merged: list[Span] = []
    for first, last in sorted(set(spans)):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
