"""The screen for modules in a list that callers of a class pass to its ``__init__``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlint.model.vocabulary import OWN_REGISTRY
from torchlint.screen.annotations import annotated
from torchlint.screen.certain import times_read
from torchlint.screen.kinds import ARGUMENT, CONTAINER, COPY, MODULE, held
from torchlint.screen.scopes import ClassSketch, Scope
from torchlint.screen.sketch import dotted_name


def may_be_given_modules(cls: ClassSketch) -> bool:
    """Whether an attribute that the forward pass loops over, or picks from, may be a list of modules from a caller."""
    init = cls.methods.get("__init__")
    if init is None or OWN_REGISTRY & cls.methods.keys():
        return False
    if not any(method.sketch.looped for method in cls.methods.values()):
        return False
    looped = {name for method in cls.used_by_forward for name in cls.methods[method].sketch.looped}
    given = [name for name in looped if cls.own_attribute(name) & (ARGUMENT | COPY)]
    sources = [node for name in given for node in _sources(name, init)]
    if any(_copies_elsewhere(node, init) for node in sources):
        return True
    plain = annotated(cls, as_data=True)
    if not any(_is_only_kept(node, init, plain) for node in sources):
        return False
    return any(
        _may_pass_modules(scope, cls)
        for outline in cls.file.project.users(cls.symbol)
        for index in outline.mentioning(cls.outline.name)
        for scope in cls.file.other(outline).scopes(index)
    )


def _sources(attribute: str, init: Scope) -> Iterator[ast.AST]:
    """What ``__init__`` makes an attribute from, with what it makes the variables from."""
    pending: list[ast.AST] = [
        binding.node for binding in init.sketch.stores.get(attribute, ()) if binding.kind == "value"
    ]
    seen: set[str] = set()
    while pending:
        for node in ast.walk(pending.pop()):
            yield node
            if isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                for binding in init.bindings(node.id):
                    source = binding.node[0] if isinstance(binding.node, tuple) else binding.node
                    if isinstance(source, ast.expr):
                        pending.append(source)


def _copies_elsewhere(node: ast.AST, init: Scope) -> bool:
    """``self.layers = copied([...])``: then it is the calls of that function that count."""
    if not isinstance(node, ast.Call) or not init.possible(node) & COPY:
        return False
    symbol = init.symbol(dotted_name(node.func))
    return symbol is None or symbol.kind != "external"


def _is_only_kept(node: ast.AST, init: Scope, plain: set[str]) -> bool:
    """Whether ``__init__`` may do nothing with a parameter but to keep it: only such a one counts."""
    if not isinstance(node, ast.Name) or node.id in plain or times_read(init.nodes, node.id) > 1:
        return False
    return any(binding.kind == "parameter" for binding in init.bindings(node.id))


def _may_pass_modules(scope: Scope, cls: ClassSketch) -> bool:
    for call in scope.sketch.calls:
        symbol = scope.symbol(call.callee) if call.callee else None
        if symbol is not None and symbol.kind != "value" and symbol != cls.symbol:
            continue
        for given in (*call.node.args, *(keyword.value for keyword in call.node.keywords)):
            kinds = scope.possible(given)
            if kinds & CONTAINER and held(kinds) & MODULE:
                return True
    return False
