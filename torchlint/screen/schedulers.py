"""The screens for learning rate schedulers: those that are made, those that are stepped in a loop, and what they are asked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from torchlint.model.vocabulary import is_optimizer, is_scheduler, mentions_scheduler, scheduler_names
from torchlint.project.outline import blocks_of
from torchlint.screen.kinds import ARGUMENT, SCHEDULER
from torchlint.screen.lines import nodes_on, spans_any, statements_with
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import dotted_name


def stepping(file: FileSketch) -> Iterator[int]:
    """The top-level statements in which something that may be a scheduler is stepped inside of a loop."""
    lines = file.outline.lines_with("step")
    indices = sorted(file.outline.statements_on(lines))
    yield from statements_with(file, indices, partial(_stepped_in_loops, lines), _may_be_scheduler)


def _stepped_in_loops(
    lines: Sequence[int], nodes: Iterable[ast.AST], *, in_classes: bool
) -> Iterator[ast.expr]:
    """What ``.step()`` is called on in the loops of some statements and of the functions in them.

    Only what stands on one of the ``lines`` with that word is looked at. The methods of a class are scopes of
    their own: what they say is only looked at there, or ``self`` is another.
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
    if is_optimizer(dotted_name(receiver).split(".")) or _is_part_of_something(receiver, scope):
        return False
    return bool(scope.possible(receiver) & (SCHEDULER | ARGUMENT))


def _is_part_of_something(receiver: ast.expr, scope: Scope) -> bool:
    """Whether it is an attribute that another method unpacks: ``self.optimizer, self.scheduler = pair``.

    What that gives is not known, and rules on a scheduler are silent where it may be something else.
    """
    head, _, name = dotted_name(receiver).partition(".")
    if scope.owner is None or head != scope.sketch.self_name or name in scope.sketch.stores:
        return False
    return scope.owner.unpacks(name)


def making(file: FileSketch) -> Iterator[int]:
    """The top-level statements in which something that may be a scheduler is made and kept under a name."""
    names = scheduler_names(file.outline.text)
    if names:
        search = partial(_assigned_calls, names)
        yield from statements_with(file, range(len(file.tree.body)), search, _may_make_scheduler)


def _assigned_calls(
    names: frozenset[str], nodes: Iterable[ast.AST], *, in_classes: bool
) -> Iterator[ast.Call]:
    """The calls of something with one of the names whose result is assigned."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            values = node.value.elts if isinstance(node.value, ast.Tuple | ast.List) else [node.value]
            for value in values:
                if isinstance(value, ast.Call) and any(map(names.__contains__, _words(value.func))):
                    yield value
        elif in_classes or not isinstance(node, ast.ClassDef):
            stack += blocks_of(node)


def _words(node: ast.expr) -> Iterator[str]:
    """The names in an expression."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _may_make_scheduler(call: ast.Call, scope: Scope) -> bool:
    return bool(scope.possible(call) & SCHEDULER)


def asking(file: FileSketch) -> Iterator[int]:
    """The top-level statements with a ``.get_lr()`` or a ``.step(metric)`` on something that may be a scheduler."""
    text = file.outline.text
    if not mentions_scheduler(text):
        return
    lines = file.outline.lines_matching(_ASKING)
    if lines:
        search = partial(_asked, lines, bool(scheduler_names(text)))
        yield from statements_with(file, sorted(file.outline.statements_on(lines)), search, _may_be_asked)


_ASKING = re.compile(r"\.\s*(?:step\s*\(\s*[^)\s]|get_lr\s*\()")


def _asked(
    lines: Sequence[int], is_named: bool, nodes: Iterable[ast.AST], *, in_classes: bool
) -> Iterator[ast.expr]:
    """What such a method is called on: where no class of a scheduler ``is_named``, by the name of one."""
    for node in nodes_on(nodes, lines, in_classes=in_classes):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            given = len(node.args) + len(node.keywords)
            asks = (node.func.attr == "get_lr" and not given) or (
                node.func.attr == "step" and given in (1, 2)
            )
            if asks and (is_named or is_scheduler(dotted_name(node.func.value).split("."))):
                yield node.func.value


def _may_be_asked(receiver: ast.expr, scope: Scope) -> bool:
    found = scope.possible(receiver) if not _is_part_of_something(receiver, scope) else 0
    return bool(found & SCHEDULER) or bool(
        found & ARGUMENT and is_scheduler(dotted_name(receiver).split("."))
    )
