"""Screens for calls in the methods of a Module class, and in the functions that its forward pass calls."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from torchlint.model.facts import torch_facts
from torchlint.model.vocabulary import METHODS_OF_DATA, is_mode_word
from torchlint.project.index import Symbol
from torchlint.rule import Calls, Rule
from torchlint.screen.kinds import (
    ANY_THING,
    CALLABLE,
    CLASS,
    FOREIGN,
    MODULE,
    NAMESPACE,
    PARAMETER,
    TENSOR,
    Kinds,
)
from torchlint.screen.scopes import ClassSketch, Scope
from torchlint.screen.sketch import Call

Watched = Mapping[str, Sequence[tuple[Calls, int]]]
"""For each function what rules look for in its calls, and at which position."""


@lru_cache(maxsize=8)
def _by_function(rules: tuple[Rule, ...]) -> Watched:
    found: dict[str, list[tuple[Calls, int]]] = {}
    for rule in rules:
        for calls in rule.calls:
            for function, position in calls.functions.items():
                found.setdefault(function, []).append((calls, position))
    return found


def may_hold_calls(cls: ClassSketch, rules: tuple[Rule, ...]) -> bool:
    """Whether a rule may look at a call of the class."""
    if any(
        not rule.calls and not rule.constructions for rule in rules
    ):  # it declares nothing, so it wants all
        return True
    watched = _by_function(rules)
    constructions = any(rule.constructions for rule in rules)
    made_late: set[str] = _late(cls) if constructions else set()
    called: set[str] = set()
    for name, method in cls.methods.items():
        if _may_match(method, watched, called, makes=name in made_late):
            return True
    functions = (cls.file.function(name) for name in sorted(called))
    return any(
        function is not None and _may_match(function, watched, set(), makes=False) for function in functions
    )


def _late(cls: ClassSketch) -> set[str]:
    """The methods that the forward pass may run, and ``__init__`` does not."""
    if not cls.used_by_forward & cls.used_by_init:
        return cls.used_by_forward
    return cls.used_by_forward - cls.reachable("__init__", certainly=True)


def _may_match(scope: Scope, watched: Watched, called: set[str], *, makes: bool) -> bool:
    """Whether a call in a function is one that a rule may look at; notes the functions of the file that are ``called``."""
    named: dict[str, Symbol | Kinds | None] = {}
    for call in scope.sketch.calls:
        if call.callee not in named or not call.callee:
            named[call.callee] = callee_of(call, scope)
        callee = named[call.callee]
        if callee is None:
            continue
        if isinstance(callee, Symbol):
            if makes and _makes_module(callee, call, scope):
                return True
            symbols: Iterable[Symbol] = (callee,)
        elif (makes and callee & CLASS) or (callee & CALLABLE and callee & ANY_THING):
            return True
        else:
            symbols = scope.file.possibilities.symbols_in(callee) if callee & CALLABLE else ()
        for symbol in symbols:
            if _is_watched(symbol, call, scope, watched):
                return True
            if symbol.kind == "function" and symbol.outline is scope.file.outline:
                called.add(symbol.qualname)
    return False


def callee_of(call: Call, scope: Scope) -> Symbol | Kinds | None:
    """What is called: by its own name, or what a variable may hold; nothing where that is known to be neither."""
    dotted = call.callee
    head, _, rest = dotted.partition(".")
    if head and head == scope.sketch.self_name:
        if scope.owner is None or "." in rest:
            return scope.possible(call.node.func)
        return scope.owner.attribute(rest)
    symbol = scope.symbol(dotted) if head else None
    if symbol is not None and symbol.kind != "value":
        return symbol
    func = call.node.func
    if isinstance(func, ast.Attribute) and func.attr in METHODS_OF_DATA:
        return None  # `x.view(...)` of whatever a variable holds
    holder = func.value if isinstance(func, ast.Attribute) else func
    return scope.possible(func) if _may_name(holder, scope) else None


def may_call(call: Call, scope: Scope, is_wanted: Callable[[str], bool]) -> bool:
    """Whether what is called may be a class or function of a wanted name."""
    callee = callee_of(call, scope)
    if callee is None:
        return False
    if isinstance(callee, Symbol):
        return is_wanted(callee.dotted)
    symbols = scope.file.possibilities.symbols_in(callee)
    return bool(callee & ANY_THING) or any(is_wanted(symbol.dotted) for symbol in symbols)


def _may_name(node: ast.expr, scope: Scope) -> bool:
    """Whether a local name, or an expression, may stand for a class, a function or a module by its name."""
    if isinstance(node, ast.Name):
        bindings = list(scope.bindings(node.id))
        return (
            not bindings
            or not scope.binds(node.id)
            or any(
                binding.kind in ("loop", "unpacked", "import", "class", "function")
                or (binding.kind == "value" and _may_name_value(binding.node, scope))
                for binding in bindings
            )
        )
    return _may_name_value(node, scope)


def _may_name_value(node: ast.expr, scope: Scope) -> bool:
    if isinstance(node, ast.Call):
        return bool(scope.possible(node) & (CLASS | CALLABLE | NAMESPACE | FOREIGN))
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.IfExp | ast.BoolOp | ast.NamedExpr)


def _makes_module(symbol: Symbol, call: Call, scope: Scope) -> bool:
    """Whether a call makes a module with Parameters or a mode, or a Parameter."""
    if symbol.kind not in ("class", "external") or symbol.dotted in torch_facts().stateless_modules:
        return False  # a loss may be given weights, which are none that are trained
    if not scope.file.possibilities.of_symbol(symbol, scope.file) & CLASS:
        return False
    if symbol.class_outline is not None:
        return scope.file.may_hold_weights(symbol)
    return bool(scope.file.evaluator.call_symbol(symbol, call.node, scope) & (MODULE | PARAMETER))


def _is_watched(symbol: Symbol, call: Call, scope: Scope, watched: Watched) -> bool:
    """Whether a call of ``symbol`` is one that a rule looks at."""
    if symbol.kind != "external" or symbol.dotted not in watched:
        return False
    return any(_concerns(calls, position, call, scope) for calls, position in watched[symbol.dotted])


def _concerns(calls: Calls, position: int, call: Call, scope: Scope) -> bool:
    written = argument(call.node, calls.argument, position)
    if written is None or not calls.given:
        return (written is None) != calls.given
    if calls.mode is not None and calls.mode != _speaks_of_mode(written, calls):
        return False
    if calls.mode is False and isinstance(written, ast.Constant) and written.value == 0:
        return False  # a rate that drops nothing
    if not calls.tensor:
        return True
    # A part of a tensor is neither an attribute of its own nor a tensor that is made here.
    return not isinstance(written, ast.Subscript) and bool(scope.possible(written) & TENSOR)


def argument(call: ast.Call, name: str, position: int) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    before = call.args[: position + 1]
    if len(before) <= position or any(isinstance(item, ast.Starred) for item in before):
        return None
    return before[position]


def _speaks_of_mode(node: ast.expr, calls: Calls) -> bool:
    """``True`` as a rate is taken for a mode by the rules that look for one."""
    if calls.mode and isinstance(node, ast.Constant) and node.value is True:
        return True
    return any(is_mode_word(word) for word in words(node))


def words(node: ast.expr) -> Iterable[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, ast.keyword) and inner.arg:
            yield inner.arg
