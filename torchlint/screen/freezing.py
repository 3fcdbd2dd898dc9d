"""The screen for assignments to ``.requires_grad``, and to what is taken for it, of something that is no tensor."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from torchlint.model.vocabulary import (
    GRADIENT_SWITCHES,
    MODULE_METHODS,
    PARAMETER_ITERATORS,
)
from torchlint.screen.kinds import MODULE, OWNER
from torchlint.screen.lines import nodes_on, statements_with
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import Call, dotted_name

_LIKE_A_SWITCH = re.compile(r"req(?<!\wreq)\w*")
"""The words that begin as all switches do: one search instead of eleven."""


def switching(file: FileSketch) -> Iterator[int]:
    """The top-level statements that may switch the gradients of a module, or misspell those of a tensor."""
    outline = file.outline
    found = (word.start() for word in _LIKE_A_SWITCH.finditer(outline.text) if word[0] in GRADIENT_SWITCHES)
    lines = sorted(set(outline.lines_at(found)))
    if lines:
        indices = sorted(outline.statements_on(lines))
        yield from statements_with(file, indices, partial(_switched, lines), _may_be_of_interest)


def _switched(lines: Sequence[int], nodes: Iterable[ast.AST], *, in_classes: bool) -> Iterator[ast.Attribute]:
    """The ``x.requires_grad`` that are assigned to, and the ``x.requires_grad_`` that are nothing but read."""
    for node in nodes_on(nodes, lines, in_classes=in_classes):
        if isinstance(node, ast.Expr):
            if isinstance(node.value, ast.Attribute) and node.value.attr == "requires_grad_":
                yield node.value
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and node.attr in GRADIENT_SWITCHES
        ):
            yield node


def _may_be_of_interest(target: ast.Attribute, scope: Scope) -> bool:
    """Whether it may be on a module, which has no such attribute; every other name than ``requires_grad`` is wrong."""
    if target.attr != "requires_grad" or scope.possible(target.value) & (MODULE | OWNER):
        return True
    name = dotted_name(target.value)
    if "." not in name and any(map(_may_give_modules, _loops_over(name, scope))):
        return True
    return bool(name) and any(_is_used_as_module(name, call) for call in _calls_around(scope))


def _loops_over(name: str, scope: Scope) -> Iterator[ast.expr]:
    """What the loops that bind a name are over."""
    return (binding.node[0] for binding in scope.bindings(name) if binding.kind == "loop")


def _may_give_modules(iterable: ast.expr) -> bool:
    """Whether a loop may be over something else than ``net.parameters()``."""
    callee = iterable.func if isinstance(iterable, ast.Call) else None
    return not (isinstance(callee, ast.Attribute) and callee.attr in PARAMETER_ITERATORS)


def _calls_around(scope: Scope) -> Iterable[Call]:
    scopes = [scope] if scope.owner is None else scope.owner.methods.values()
    return chain.from_iterable(each.sketch.calls for each in scopes)


def _is_used_as_module(name: str, call: Call) -> bool:
    holder, _, method = call.callee.rpartition(".")
    return call.callee == name or (holder == name and method in MODULE_METHODS)
