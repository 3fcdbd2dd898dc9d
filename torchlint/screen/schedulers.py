"""The screen for learning rate schedulers that are stepped in a loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from torchlint.model.vocabulary import is_optimizer
from torchlint.screen.kinds import ARGUMENT, SCHEDULER
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import dotted_name

_STEP = re.compile(r"\bstep\b")


def stepping(file: FileSketch) -> Iterator[int]:
    """The top-level statements in which something that may be a scheduler is stepped inside of a loop."""
    if not _STEP.search(file.outline.text):
        return
    for index in sorted(file.outline.mentioning("step")):
        if any(_steps_scheduler(scope) for scope in file.scopes(index)):
            yield index


def _steps_scheduler(scope: Scope) -> bool:
    if not any(_is_step(call.node) for call in scope.sketch.calls):
        return False
    return any(_may_be_scheduler(receiver, scope) for receiver in _stepped_in_loops(scope.nodes))


def _is_step(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step"


def _stepped_in_loops(nodes: list[ast.stmt]) -> Iterator[ast.expr]:
    stack: list[ast.AST] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            for inner in ast.walk(node):
                if _is_step(inner):
                    yield inner.func.value  # type: ignore[attr-defined]
        else:
            stack += [child for child in ast.iter_child_nodes(node) if isinstance(child, _HOLDERS)]


_HOLDERS = (ast.stmt, ast.ExceptHandler, ast.match_case)


def _may_be_scheduler(receiver: ast.expr, scope: Scope) -> bool:
    if is_optimizer(dotted_name(receiver).split(".")):
        return False
    return bool(scope.possible(receiver) & (SCHEDULER | ARGUMENT))
