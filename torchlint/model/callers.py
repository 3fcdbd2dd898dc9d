"""Who calls a function of the project and what they pass, and what a call runs: one level, across files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from torchlint.model.flow import Function, Place
from torchlint.model.kinds import Kind
from torchlint.model.module_class import ClassModel
from torchlint.model.values import Value, Values, argument
from torchlint.project.index import Symbol


@dataclass(frozen=True, eq=False)
class Call:
    """A call of a function of the project, with the place it stands at."""

    node: cst.Call
    place: Place


def function_of(value: Value, function: Function) -> Function | None:
    """The function whose parameter ``value`` is."""
    scope: Function | None = value.function or function
    while scope is not None and all(item.name != value.name for item in scope.parameters):
        scope = scope.outer
    return scope


def argument_for(call: cst.Call, name: str, function: Function) -> cst.BaseExpression | None:
    names = [item.name for item in function.parameters if item.kind == "positional"]
    if function.self_name is not None and names[:1] == [function.self_name]:
        names = names[1:]
    return argument(call, name, names.index(name) if name in names else None)


def callers(function: Function) -> Iterator[Call]:
    """The calls of a function (for ``__init__``: of its class) in its file and in the files that import it."""
    owner = function.owner
    if owner is not None and function.name != "__init__":
        yield from _calls_of_method(owner, function.name)
        return
    symbol = owner.symbol if owner is not None else _symbol_of(function)
    if symbol is None:
        return
    for outline in function.file.project.users(symbol):
        file = function.file.program.file(outline)
        name = function.name if owner is None else owner.name
        mentioning = {index for index in outline.mentioning(name) if not file.is_import(index)}
        for other in file.all_functions(mentioning):
            for site in other.calls:
                called = file.evaluator.symbol(site.node.func, other)
                if called is not None and called == symbol:
                    yield Call(site.node, site.place)


def _calls_of_method(owner: ClassModel, name: str) -> Iterator[Call]:
    for function in owner.functions():
        for site in function.calls:
            callee = site.node.func
            if (
                isinstance(callee, cst.Attribute)
                and callee.attr.value == name
                and isinstance(callee.value, cst.Name)
                and callee.value.value == function.self_name
            ):
                yield Call(site.node, site.place)


def _symbol_of(function: Function) -> Symbol | None:
    if function.outer is not None or function.node is None:
        return None
    return function.file.project.resolve(function.file.outline, function.name)


def given_values(value: Value, function: Function) -> Iterator[tuple[Call, Values]]:
    """What each caller passes for the parameter that ``value`` is."""
    called = function_of(value, function)
    for call in callers(called) if called is not None else ():
        given = argument_for(call.node, value.name, called) if called is not None else None
        if given is not None:
            where = call.place.function
            yield call, where.file.evaluator.values(given, where)


def called_function(call: cst.Call, function: Function, *, with_word: str = "") -> Function | None:
    """The function or method of the project that a call runs: ``helper(x)``, ``self.helper(x)``, ``Net.helper(x)``.

    A function ``helper`` whose text does not have the word is left out, and not even parsed.
    """
    evaluator = function.file.evaluator
    callee = call.func
    if isinstance(callee, cst.Attribute):
        for value in evaluator.values(callee.value, function):
            if value.kind is Kind.SELF:
                return function.owner.method(callee.attr.value) if function.owner is not None else None
            if value.kind is Kind.SYMBOL and value.symbol is not None and value.symbol.kind == "class":
                model = function.file.program.class_model(value.symbol)
                return model.method(callee.attr.value) if model is not None else None
    for value in evaluator.values(callee, function):
        if value.kind is Kind.FUNCTION and value.function is not None:
            return next((inner for inner in value.function.nested if inner.node is value.node), None)
    symbol = evaluator.symbol(callee, function)
    program = function.file.program
    return program.function(symbol) if symbol is not None and program.has_word(with_word, symbol) else None
