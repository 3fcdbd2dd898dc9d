"""The screen for calls of torch layers that rules look at wherever they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from torchlint.project.index import Symbol
from torchlint.rule import Rule
from torchlint.screen.calls import argument, callee_of
from torchlint.screen.kinds import ANY_THING, CALLABLE, CLASS, FOREIGN, NAMESPACE
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import Call, dotted_name

Watched = Mapping[str, Sequence[tuple[str, int]]]
"""For each layer the arguments that rules look at, with their positions."""


def calling(file: FileSketch, rules: Sequence[Rule]) -> Iterator[int]:
    """The top-level statements that may call a layer which one of the ``rules`` looks at."""
    watched = _watched(file.outline.text, rules)
    if not watched:
        return
    in_script = _may_call(file.script, watched)
    for index in range(len(file.outline.statements)):
        scopes = (scope for scope in file.scopes(index) if scope is not file.script)
        if (in_script and file.in_script(index)) or any(_may_call(scope, watched) for scope in scopes):
            yield index


def _watched(text: str, rules: Sequence[Rule]) -> Watched:
    """The layers that are named in a text which has one of the words that go with them."""
    found: dict[str, list[tuple[str, int]]] = {}
    for rule in rules:
        for calls in rule.calls:
            if not calls.hints or any(hint in text for hint in calls.hints):
                for function, position in calls.functions.items():
                    if function.rpartition(".")[2] in text:
                        found.setdefault(function, []).append((calls.argument, position))
    return found


def _may_call(scope: Scope, watched: Watched) -> bool:
    arguments = {each for several in watched.values() for each in several}
    return any(
        any(_gives(call.node, name, position) for name, position in arguments)
        and _may_be_watched(call, scope, watched)
        for call in scope.sketch.calls
    )


def _gives(call: ast.Call, name: str, position: int) -> bool:
    """Whether an argument is given, also in ``functools.partial``, where all others stand one place further on."""
    return argument(call, name, position) is not None


def _may_be_watched(call: Call, scope: Scope, watched: Watched) -> bool:
    callee = callee_of(call, scope)
    if isinstance(callee, Symbol) and callee.dotted == "functools.partial" and call.node.args:
        inner = call.node.args[0]
        callee = callee_of(Call(dotted_name(inner), ast.Call(inner, [], [])), scope)
    if callee is None:
        return False
    if isinstance(callee, Symbol):
        return callee.dotted in watched
    if callee & ANY_THING or callee & (FOREIGN | NAMESPACE):
        return True
    if not callee & (CALLABLE | CLASS):
        return False
    symbols = list(scope.file.possibilities.symbols_in(callee))
    return not symbols or any(
        symbol.dotted in watched or symbol.dotted == "functools.partial" for symbol in symbols
    )
