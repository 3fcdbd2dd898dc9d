"""The screen for random weights of an embedding with a row for padding."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from torchlint.model.vocabulary import RANDOM_INITS, may_pad
from torchlint.screen.kinds import MODULE
from torchlint.screen.lines import nodes_on, statements_with
from torchlint.screen.scopes import FileSketch, Scope

_ENDS = [name for name in RANDOM_INITS if not any(name != end and name.endswith(end) for end in RANDOM_INITS)]
_RANDOM = [re.compile(rf"{end}_?\b") for end in _ENDS]
"""What their names end with, one by one: patterns that begin with a letter are found faster than several at once."""


def randomising(file: FileSketch) -> Iterator[int]:
    """The top-level statements that may give random values to the weights of an embedding."""
    if not may_pad(file.outline.text):
        return
    lines = sorted(line for pattern in _RANDOM for line in file.outline.lines_matching(pattern))
    indices = sorted(file.outline.statements_on(lines))
    yield from statements_with(file, indices, partial(_randomised, lines), _may_be_module)


def _randomised(lines: Sequence[int], nodes: Iterable[ast.AST], *, in_classes: bool) -> Iterator[ast.expr]:
    """The ``emb`` of ``emb.weight``, where that is given random values."""
    for node in nodes_on(nodes, lines, in_classes=in_classes):
        if not isinstance(node, ast.Call):
            continue
        callee = node.func
        name = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
        if name.rstrip("_") in RANDOM_INITS:
            for given in (*node.args, *(item.value for item in node.keywords), callee):
                yield from _holders(given)


def _holders(node: ast.expr) -> Iterator[ast.expr]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and inner.attr == "weight":
            yield inner.value


def _may_be_module(holder: ast.expr, scope: Scope) -> bool:
    return bool(scope.possible(holder) & MODULE)
