"""The screen for tests of a type that have ``or`` among the types."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from torchlint.screen.lines import statements_having
from torchlint.screen.scopes import FileSketch
from torchlint.screen.sketch import dotted_name

_GAP = r"[\s\\]*(?:#[^\n]*\n[\s\\]*)*"
_NAME = rf"[^\W\d]\w*(?:{_GAP}\.{_GAP}\w+)*"
_OR_NAME = re.compile(
    rf"or(?<!\wor)\b{_GAP}[(\s]*{_NAME}{_GAP}(?:$|[]:),}};#!\n]|(?<=\s)(?:or|if|else|for)\b)"
)
"""``or nn.Linear``, and nothing more of the operand: no call, no comparison."""

_TESTS = ("isinstance", "issubclass", "type")


def testing(file: FileSketch) -> Iterator[int]:
    """The top-level statements with ``isinstance(x, A or B)``, or ``type(x) == A or B``."""
    outline = file.outline
    if not any(word in outline.text for word in _TESTS):
        return
    either = outline.lines_matching(_OR_NAME)
    tests = sorted({line for word in _TESTS for line in outline.lines_with(word)}) if either else []
    yield from statements_having(file, _may_hold_types, either, tests)


def _may_hold_types(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        types = node.args[1] if len(node.args) == 2 and dotted_name(node.func) in _TESTS else None
        return any(isinstance(each, ast.BoolOp) for each in _elements(types))
    if not isinstance(node, ast.BoolOp) or not isinstance(node.op, ast.Or):
        return False
    first, *others = node.values
    test = first.left if isinstance(first, ast.Compare) else first
    tests = isinstance(test, ast.Call) and dotted_name(test.func) in _TESTS
    return tests and all(map(dotted_name, others))


def _elements(node: ast.expr | None) -> list[ast.expr]:
    """Those of a tuple, or the expression itself."""
    if isinstance(node, ast.Tuple):
        return node.elts
    return [node] if node is not None else []
