"""The screen for tests of a type that have ``or`` among the types."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from torchlint.model.vocabulary import LONGEST_TEST
from torchlint.screen.kinds import ANY_THING, CALLABLE, CLASS, NAMESPACE
from torchlint.screen.lines import nodes_on, statements_with
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import dotted_name

_GAP = r"[\s\\]*(?:#[^\n]*\n[\s\\]*)*"
_NAME = rf"[^\W\d]\w*(?:{_GAP}\.{_GAP}\w+)*"
_OR_NAME = rf"or(?<!\wor)\b{_GAP}[(\s]*{_NAME}{_GAP}(?:$|[]:),}};#!\n]|(?<=\s)(?:or|if|else|for)\b)"
"""``or nn.Linear``, and nothing more of the operand: no call, no comparison."""

_TESTS = ("isinstance", "issubclass", "type")


def testing(file: FileSketch) -> Iterator[int]:
    """The top-level statements with ``isinstance(x, A or B)``, or ``type(x) == A or B``."""
    outline = file.outline
    tests = sorted(place for word in _TESTS for place in outline.places_of(word))
    either = outline.lines_at(_alternatives(outline.text, tests))
    if either:
        search = partial(_tests_on, either, outline.lines_at(tests))
        yield from statements_with(file, sorted(outline.statements_on(either)), search, _may_be_of_modules)


def _alternatives(text: str, tests: Iterable[int]) -> Iterator[int]:
    """Where there is an ``or`` with a name behind it, not far behind a test."""
    done = 0
    for test in tests:
        end = test + LONGEST_TEST
        for found in re.compile(_OR_NAME).finditer(text, max(test, done), end + LONGEST_TEST):
            if found.start() < end:
                yield found.start()
        done = max(done, end)


def _tests_on(
    either: Sequence[int], tests: Sequence[int], nodes: Iterable[ast.AST], *, in_classes: bool
) -> Iterator[ast.expr]:
    """The tests, with what stands behind ``or``."""
    for node in nodes_on(nodes, either, tests, in_classes=in_classes):
        if isinstance(node, ast.expr) and any(True for _ in _types(node)):
            yield node


def _types(node: ast.expr) -> Iterator[ast.expr]:
    """The types that are named in a test with an ``or``."""
    if isinstance(node, ast.Call):
        given = node.args[1] if len(node.args) == 2 and dotted_name(node.func) in _TESTS else None
        for each in _elements(given):
            if isinstance(each, ast.BoolOp):
                yield from each.values
    elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        first, *others = node.values
        test = first.left if isinstance(first, ast.Compare) else first
        is_test = isinstance(test, ast.Call) and dotted_name(test.func) in _TESTS
        if is_test and all(map(dotted_name, others)):
            yield from others
            if isinstance(first, ast.Compare):
                yield from first.comparators
            elif isinstance(first, ast.Call) and first.args:
                yield from _elements(first.args[-1])


def _elements(node: ast.expr | None) -> list[ast.expr]:
    """Those of a tuple, or the expression itself."""
    if isinstance(node, ast.Tuple):
        return node.elts
    return [node] if node is not None else []


def _may_be_of_modules(node: ast.expr, scope: Scope) -> bool:
    """Whether all of the types may be classes, and one of them a Module class."""
    types = list(_types(node))
    return all(_may_be_class(each, scope) for each in types) and any(
        _may_be_class(each, scope, of_module=True) for each in types
    )


def _may_be_class(node: ast.expr, scope: Scope, *, of_module: bool = False) -> bool:
    dotted = dotted_name(node)
    symbol = scope.symbol(dotted) if dotted else None
    if symbol is not None and symbol.kind != "value":
        return not of_module or scope.file.project.is_module(symbol) is True
    others = 0 if of_module else NAMESPACE | CALLABLE
    return bool(scope.possible(node) & (CLASS | ANY_THING | others))
