"""The screen for calls of torch layers that rules look at wherever they stand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from torchlint.project.index import Symbol
from torchlint.project.outline import Outline
from torchlint.rule import Calls, Rule
from torchlint.screen.calls import argument, callee_of, words
from torchlint.screen.kinds import ANY_THING, CALLABLE, CLASS
from torchlint.screen.lines import spans_any
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import Call, dotted_name

Watched = Mapping[str, Sequence[tuple[Calls, int]]]
"""For each layer what rules look for in its calls, and at which position."""


def calling(file: FileSketch, rules: Sequence[Rule]) -> Iterator[int]:
    """The top-level statements that may call a layer which one of the ``rules`` looks at."""
    watched = _watched(file.outline.text, rules)
    if not watched:
        return
    in_script = _may_call(file.script, watched)
    lines = _lines_with_words(file.outline, watched)
    for index, statement in enumerate(file.tree.body):
        if lines is not None and not spans_any(statement, lines):
            continue
        scopes = (scope for scope in file.scopes(index) if scope is not file.script)
        if (in_script and file.in_script(index)) or any(_may_call(scope, watched) for scope in scopes):
            yield index


def _lines_with_words(outline: Outline, watched: Watched) -> list[int] | None:
    """The lines with a word that must be in an argument; nothing where an argument without one is looked at, too."""
    words = {calls.word for several in watched.values() for calls, _ in several}
    if "" in words:
        return None
    return outline.lines_matching(re.compile("|".join(sorted(words)), re.IGNORECASE))


def _watched(text: str, rules: Sequence[Rule]) -> Watched:
    """The layers that are named in a text which has one of the words that go with them."""
    found: dict[str, list[tuple[Calls, int]]] = {}
    for rule in rules:
        for calls in rule.calls:
            if _common(tuple(calls.functions)) not in text:
                continue
            if calls.hints and not any(hint in text for hint in calls.hints):
                continue
            for function, position in calls.functions.items():
                if _last(function) in text:
                    found.setdefault(function, []).append((calls, position))
    return found


def _last(function: str) -> str:
    return function.rpartition(".")[2]


@cache
def _common(functions: tuple[str, ...]) -> str:
    """The longest text that is in the names of all functions: most files do not have it, and one search says so."""
    first, *others = map(_last, functions)
    ends = range(len(first) + 1)
    parts = (first[start:end] for start in ends for end in ends if start <= end)
    return max((part for part in parts if all(part in other for other in others)), key=len)


def _may_call(scope: Scope, watched: Watched) -> bool:
    looked_for = {each for several in watched.values() for each in several}
    return any(
        any(_gives(call.node, calls, position, scope) for calls, position in looked_for)
        and _may_be_watched(call, scope, watched)
        for call in scope.sketch.calls
    )


def _gives(call: ast.Call, calls: Calls, position: int, scope: Scope) -> bool:
    """Whether an argument is given; in ``functools.partial``, all of them stand one place further on."""
    written = [argument(call, calls.argument, each) for each in (position, position + 1)]
    return any(
        node is not None
        and _speaks_of(node, calls.word)
        and (calls.between is None or _may_be_between(node, calls.between, scope))
        for node in written
    )


def _may_be_between(node: ast.expr, bounds: tuple[float, float], scope: Scope) -> bool:
    """Whether something may be a number between these: a literal, or a constant of the module, is one or is not."""
    sources: list[ast.expr | None] = [node]
    if isinstance(node, ast.Name) and next(scope.bindings(node.id), None) is None:
        constants = scope.file.script.sketch.definitions.get(node.id, ())
        sources = [item.node if item.kind == "value" else None for item in constants] or [None]
    return any(not isinstance(each, ast.Constant) or _is_between(each.value, bounds) for each in sources)


def _is_between(value: object, bounds: tuple[float, float]) -> bool:
    return isinstance(value, int | float) and bounds[0] <= value < bounds[1]


def _speaks_of(node: ast.expr, word: str) -> bool:
    return not word or any(word in each.lower() for each in _names(node))


def _names(node: ast.expr) -> Iterator[str]:
    """The names in an expression, and its strings, which may be keys."""
    yield from words(node)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def _may_be_watched(call: Call, scope: Scope, watched: Watched) -> bool:
    callee = callee_of(call, scope)
    if isinstance(callee, Symbol) and callee.dotted == "functools.partial" and call.node.args:
        inner = call.node.args[0]
        callee = callee_of(Call(dotted_name(inner), ast.Call(inner, [], [])), scope)
    if callee is None:
        return False
    if isinstance(callee, Symbol):
        return callee.dotted in watched
    if callee & ANY_THING:
        return True
    if not callee & (CALLABLE | CLASS):
        return False
    symbols = list(scope.file.possibilities.symbols_in(callee))
    return not symbols or any(
        symbol.dotted in watched or symbol.dotted == "functools.partial" for symbol in symbols
    )
