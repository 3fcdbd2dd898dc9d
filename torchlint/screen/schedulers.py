"""The screen for learning rate schedulers that are stepped in a loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlint.model.vocabulary import is_optimizer
from torchlint.project.outline import blocks_of
from torchlint.screen.kinds import ARGUMENT, SCHEDULER
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import dotted_name


def stepping(file: FileSketch) -> Iterator[int]:
    """The top-level statements in which something that may be a scheduler is stepped inside of a loop."""
    if "step" not in file.outline.text:
        return
    for index, statement in enumerate(file.tree.body):
        if next(_stepped_in_loops([statement]), None) is None:
            continue
        if any(
            _may_be_scheduler(item, scope)
            for scope in file.scopes(index)
            for item in _stepped_in_loops(scope.nodes, classes=False)
        ):
            yield index


def _stepped_in_loops(nodes: list[ast.stmt], *, classes: bool = True) -> Iterator[ast.expr]:
    """What ``.step()`` is called on in the loops of some statements, those of functions and ``classes`` inside too.

    The methods of a class are scopes of their own: in that of a function around, ``self`` means nothing.
    """
    stack: list[ast.AST] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.ClassDef) and not classes:
            continue
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            for inner in ast.walk(node):
                if (
                    isinstance(inner, ast.Call)
                    and isinstance(inner.func, ast.Attribute)
                    and inner.func.attr == "step"
                ):
                    yield inner.func.value
        else:
            stack += blocks_of(node)


def _may_be_scheduler(receiver: ast.expr, scope: Scope) -> bool:
    if is_optimizer(dotted_name(receiver).split(".")):
        return False
    return bool(scope.possible(receiver) & (SCHEDULER | ARGUMENT))
