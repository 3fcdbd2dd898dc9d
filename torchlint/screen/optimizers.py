"""The screens for what optimizers are given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from torchlint.project.outline import blocks_of
from torchlint.screen.calls import may_call
from torchlint.screen.lines import nodes_on, spans_any
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import dotted_name

_ASKED = re.compile(r"parameters\(")
_CHANGING_METHODS = ("add_module", "resize_token_embeddings")


def changing(file: FileSketch) -> Iterator[int]:
    """The top-level statements that may make an optimizer for a model, and give the model another layer afterwards."""
    text = file.outline.text
    if "optim" not in text or "parameters(" not in text:
        return
    lines = file.outline.lines_matching(_ASKED)
    script = [index for index in range(len(file.tree.body)) if file.in_script(index)]
    in_script = _may_change([file.tree.body[index] for index in script], lines) and any(
        map(_may_optimize, chain.from_iterable(map(file.scopes, script)))
    )
    for index, statement in enumerate(file.tree.body):
        if file.in_script(index):
            if in_script:
                yield index
        elif spans_any(statement, lines) and _changes_anywhere([statement], lines):
            scopes = (scope for scope in file.scopes(index) if _changes_anywhere(scope.nodes, lines))
            if any(map(_may_optimize, scopes)):
                yield index


def _changes_anywhere(nodes: Iterable[ast.stmt], lines: Sequence[int]) -> bool:
    """Whether something is set too late in some statements, or in a function in them."""
    nodes = list(nodes)
    bodies = [nodes, *(function.body for node in nodes for function in _functions(node))]
    return any(_may_change(body, lines) for body in bodies)


def _may_optimize(scope: Scope) -> bool:
    """Whether a function may make an optimizer of PyTorch."""
    return any(may_call(call, scope, _is_of_optim) for call in scope.sketch.calls if call.node.args)


def _is_of_optim(dotted: str) -> bool:
    return dotted.startswith("torch.optim.")


def grouping(file: FileSketch) -> Iterator[int]:
    """The top-level statements that ask modules for their Parameters, where there may be an optimizer."""
    text = file.outline.text
    if "optim" not in text or "parameters(" not in text:
        return
    lines = file.outline.lines_matching(_ASKED)
    asking = [index for index, statement in enumerate(file.tree.body) if spans_any(statement, lines)]
    in_script = any(map(file.in_script, asking))
    for index, statement in enumerate(file.tree.body):
        if file.in_script(index):
            if in_script:  # what the groups are bound to may stand in another statement
                yield index
        elif spans_any(statement, lines):
            yield index


def _functions(statement: ast.stmt) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Those in a statement, however deep."""
    stack = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        stack += blocks_of(node)


def _may_change(body: Sequence[ast.stmt], lines: Sequence[int]) -> bool:
    """Whether something is set in what was asked for its Parameters on a line above, or on the same."""
    on_lines = [node for node in body if spans_any(node, lines)]
    asked: set[str] = set()
    first = 0
    for node in nodes_on(on_lines, lines, in_classes=True):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and "parameters" in node.func.attr
        ):
            name = dotted_name(node.func.value)
            first = min(first, node.lineno) if asked else node.lineno
            asked.add(name)
    asked.discard("")
    return bool(asked) and any(
        name == given or name.startswith(f"{given}.") for name in _changed(body, first) for given in asked
    )


def _changed(body: Iterable[ast.stmt], first: int) -> Iterator[str]:
    """The names that begin what is assigned to, behind a line."""
    stack = list(body)
    while stack:
        node = stack.pop()
        if (node.end_lineno or node.lineno) < first:
            continue
        stack += blocks_of(node)
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            callee = node.value.func
            if isinstance(callee, ast.Attribute) and callee.attr in _CHANGING_METHODS:
                targets = [callee]
        while targets:
            target = targets.pop()
            if isinstance(target, ast.Tuple | ast.List):
                targets += target.elts
            elif isinstance(target, ast.Attribute | ast.Subscript):
                yield _path(target)


def _path(node: ast.expr) -> str:
    """The dotted name of an expression as far as it is one: ``net.layers`` of ``net.layers[0].fc``."""
    while True:
        name = dotted_name(node)
        if name or not isinstance(node, ast.Attribute | ast.Subscript):
            return name
        node = node.value
