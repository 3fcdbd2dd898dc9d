"""The screen for learning rate schedulers that are stepped in a loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from torchlint.model.vocabulary import is_optimizer
from torchlint.project.outline import blocks_of
from torchlint.screen.kinds import ARGUMENT, SCHEDULER
from torchlint.screen.lines import spans_any
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import dotted_name


def stepping(file: FileSketch) -> Iterator[int]:
    """The top-level statements in which something that may be a scheduler is stepped inside of a loop."""
    lines = file.outline.lines_with("step")
    for index in sorted(file.outline.mentioning("step")):
        if next(_stepped_in_loops([file.tree.body[index]], lines, in_classes=True), None) is None:
            continue
        if any(
            _may_be_scheduler(item, scope)
            for scope in file.scopes(index)
            for item in _stepped_in_loops(scope.nodes, lines, in_classes=False)
        ):
            yield index


def _stepped_in_loops(nodes: list[ast.stmt], lines: Sequence[int], *, in_classes: bool) -> Iterator[ast.expr]:
    """What ``.step()`` is called on in the loops of some statements and of the functions in them.

    Only what stands on one of the ``lines`` with that word is looked at.
    The methods of a class are scopes of their own: what they say is only looked at there, or ``self`` is another.
    """
    stack: list[tuple[ast.AST, bool]] = [(node, False) for node in nodes]
    while stack:
        node, in_loop = stack.pop()
        if (isinstance(node, ast.ClassDef) and not in_classes) or not spans_any(node, lines):
            continue
        in_loop = in_loop or isinstance(node, ast.For | ast.AsyncFor | ast.While)
        if in_loop:
            receiver = _stepped(node)
            if receiver is not None:
                yield receiver
            stack += [(child, True) for child in ast.iter_child_nodes(node)]
        else:
            stack += [(child, False) for child in blocks_of(node)]


def _stepped(node: ast.AST) -> ast.expr | None:
    """The ``x`` of ``x.step()`` or ``x.step(metric)``; ``scheduler.step(noise, t, latents)`` is diffusion."""
    if not isinstance(node, ast.Call) or len(node.args) + len(node.keywords) > 1:
        return None
    callee = node.func
    return callee.value if isinstance(callee, ast.Attribute) and callee.attr == "step" else None


def _may_be_scheduler(receiver: ast.expr, scope: Scope) -> bool:
    if is_optimizer(dotted_name(receiver).split(".")):
        return False
    return bool(scope.possible(receiver) & (SCHEDULER | ARGUMENT))
