"""The screen for tests of a type that have ``or`` among the types."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlint.screen.lines import nodes_on
from torchlint.screen.scopes import FileSketch
from torchlint.screen.sketch import dotted_name

_TESTS = ("isinstance", "issubclass", "type")


def testing(file: FileSketch) -> Iterator[int]:
    """The top-level statements with ``isinstance(x, A or B)``, or ``type(x) == A or B``."""
    outline = file.outline
    tests = sorted({line for word in _TESTS for line in outline.lines_with(word)})
    either = outline.lines_with("or") if tests else []
    for index in sorted(outline.mentioning("or")) if either else ():
        nodes = nodes_on([file.tree.body[index]], tests, either, in_classes=True)
        if any(map(_may_hold_types, nodes)):
            yield index


def _may_hold_types(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return dotted_name(node.func) in _TESTS and len(node.args) == 2
    if not isinstance(node, ast.BoolOp) or not isinstance(node.op, ast.Or):
        return False
    first = node.values[0]
    return isinstance(first, ast.Compare | ast.Call) and any(dotted_name(each) for each in node.values[1:])
