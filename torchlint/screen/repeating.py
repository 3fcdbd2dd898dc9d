"""The screen for expressions that repeat one module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from torchlint.screen.kinds import MODULE
from torchlint.screen.lines import nodes_on, statements_with
from torchlint.screen.scopes import FileSketch, Scope

_GAP = r"[\s()\\]*(?:#[^\n]*\n[\s()\\]*)*"
_REPETITIONS = (re.compile(rf"\]{_GAP}\*"), re.compile(rf"\*{_GAP}\["))
"""``[x] * n`` and ``n * [x]``, also over several lines: two patterns, as one finds its first letter much faster."""


def repeating(file: FileSketch) -> Iterator[int]:
    """The top-level statements with ``[module] * n``."""
    lines = sorted({line for each in _REPETITIONS for line in file.outline.lines_matching(each)})
    indices = sorted(file.outline.statements_on(lines))
    yield from statements_with(file, indices, partial(_repeated, lines), _may_be_module)


def _may_be_module(node: ast.expr, scope: Scope) -> bool:
    return bool(scope.possible(node) & MODULE)


def _repeated(lines: Sequence[int], nodes: Iterable[ast.AST], *, in_classes: bool) -> Iterator[ast.expr]:
    """The elements that are there several times."""
    for node in nodes_on(nodes, lines, in_classes=in_classes):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for side in (node.left, node.right):
                if (
                    isinstance(side, ast.List)
                    and len(side.elts) == 1
                    and not isinstance(side.elts[0], ast.Constant)
                ):
                    yield side.elts[0]
