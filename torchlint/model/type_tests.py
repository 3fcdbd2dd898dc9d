"""Tests of the type of a module in which ``or`` stands between the types."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import libcst as cst

from torchlint.diagnostic import Fix, Range
from torchlint.model.file import File
from torchlint.model.flow import Function
from torchlint.model.vocabulary import LONGEST_TEST


@dataclass(frozen=True, eq=False)
class TypeTest:
    """``isinstance(m, A or B)``, which tests for ``A`` alone, or ``type(m) == A or B``, which is always true.

    ``node`` is all of it, ``either`` the expression with ``or`` and ``types`` what stands on both sides of that word.
    """

    file: File
    function: Function
    node: cst.BaseExpression
    either: cst.BooleanOperation
    types: tuple[cst.BaseExpression, ...]
    tested: cst.BaseExpression

    @property
    def range(self) -> Range:
        return self.file.range(self.node)

    @property
    def spelled(self) -> str:
        return self.file.code(self.node)

    @property
    def names(self) -> list[str]:
        """The types as the user wrote them."""
        return [self.file.code(node) for node in self.types]

    @property
    def subject(self) -> str:
        """What is tested: ``m``."""
        return self.file.code(self.tested)

    @property
    def is_always_true(self) -> bool:
        """Whether the word stands behind the test and not in it: a class counts as true."""
        return self.node is self.either

    @property
    def is_of_modules(self) -> bool:
        """Whether all types are classes, and one of them is a Module class."""
        symbols = [self.file.evaluator.symbol(node, self.function) for node in self.types]
        known = [symbol for symbol in symbols if symbol is not None]
        return len(known) == len(symbols) and any(self.file.project.is_module(symbol) for symbol in known)

    @property
    def fix(self) -> Fix:
        """All types in a tuple."""
        types = f"({', '.join(self.names)})"
        if not self.is_always_true:
            return Fix("test for all of them", (self.file.replace(self.either, types),))
        test = self.either.left
        while isinstance(test, cst.BooleanOperation):
            test = test.left
        if isinstance(test, cst.Call):
            text = f"{self.file.code(test.func)}({self.subject}, {types})"
        else:
            text = f"type({self.subject}) in {types}"
        return Fix("test for all of them", (self.file.replace(self.either, text),))


def type_tests(file: File, wanted: Collection[int]) -> Iterator[TypeTest]:
    """Those in the top-level statements with these indices."""
    for test in _all_type_tests(file, wanted):
        if len(file.text(test.range)) <= LONGEST_TEST:
            yield test


def _all_type_tests(file: File, wanted: Collection[int]) -> Iterator[TypeTest]:
    for function in file.all_functions(wanted):
        for call in function.calls:
            if _is_isinstance(call.node):
                tested, types = (item.value for item in call.node.args)
                for either in [types, *_elements(types)]:
                    if isinstance(either, cst.BooleanOperation):
                        operands = tuple(_operands(either))
                        if operands:
                            yield TypeTest(file, function, call.node, either, operands, tested)
        for node in function.walked:
            if isinstance(node, cst.BooleanOperation):
                first, *others = _operands(node) or [node]
                test = _tested_for(first)
                if test is not None and others:
                    tested, types = test
                    yield TypeTest(file, function, node, node, (*_elements(types), *others), tested)


def _is_isinstance(node: cst.CSTNode) -> bool:
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Name)
        and node.func.value in ("isinstance", "issubclass")
        and len(node.args) == 2
        and not any(item.star or item.keyword for item in node.args)
    )


def _elements(node: cst.BaseExpression) -> list[cst.BaseExpression]:
    """Those of a tuple, or the expression itself."""
    return [item.value for item in node.elements] if isinstance(node, cst.Tuple) else [node]


def _operands(node: cst.BooleanOperation) -> list[cst.BaseExpression]:
    """What stands between ``or``; nothing where there is an ``and``, too."""
    if not isinstance(node.operator, cst.Or) or isinstance(node.right, cst.BooleanOperation):
        return []
    left = _operands(node.left) if isinstance(node.left, cst.BooleanOperation) else [node.left]
    return [*left, node.right] if left else []


def _tested_for(
    node: cst.BaseExpression,
) -> tuple[cst.BaseExpression, cst.BaseExpression] | None:
    """What ``type(m) == A`` or ``isinstance(m, A)`` tests, and for which types."""
    if isinstance(node, cst.Call) and _is_isinstance(node):
        return node.args[0].value, node.args[1].value
    if not isinstance(node, cst.Comparison) or len(node.comparisons) != 1:
        return None
    call, comparison = node.left, node.comparisons[0]
    if (
        isinstance(comparison.operator, (cst.Equal, cst.Is))
        and isinstance(call, cst.Call)
        and isinstance(call.func, cst.Name)
        and call.func.value == "type"
        and len(call.args) == 1
    ):
        return call.args[0].value, comparison.comparator
    return None
