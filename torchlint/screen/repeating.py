"""The screen for expressions that repeat one module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from torchlint.screen.kinds import MODULE
from torchlint.screen.lines import nodes_on
from torchlint.screen.scopes import FileSketch

_GAP = r"[\s()\\]*(?:#[^\n]*\n[\s()\\]*)*"
_REPETITION = re.compile(rf"\]{_GAP}\*|\*{_GAP}\[")
"""``[x] * n`` and ``n * [x]``, also over several lines."""


def repeating(file: FileSketch) -> Iterator[int]:
    """The top-level statements with ``[module] * n``."""
    lines = file.outline.lines_matching(_REPETITION)
    for index, statement in enumerate(file.tree.body if lines else ()):
        if next(_repeated([statement], lines, in_classes=True), None) is None:
            continue
        if any(
            scope.possible(module) & MODULE
            for scope in file.scopes(index)
            for module in _repeated(scope.nodes, lines, in_classes=False)
        ):
            yield index


def _repeated(nodes: Iterable[ast.AST], lines: Sequence[int], *, in_classes: bool) -> Iterator[ast.expr]:
    """The elements that are there several times."""
    for node in nodes_on(nodes, lines, in_classes=in_classes):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for side in (node.left, node.right):
                if isinstance(side, ast.List) and len(side.elts) == 1:
                    yield side.elts[0]
