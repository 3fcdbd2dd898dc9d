"""The screen for tensors that are viewed in a permutation of their own shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from torchlint.model.dimensions import Reshape, may_permute, reshapes
from torchlint.project.outline import blocks_of
from torchlint.screen.lines import spans_any
from torchlint.screen.scopes import FileSketch

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def viewing(file: FileSketch) -> Iterator[int]:
    """The top-level statements with a ``view`` or ``reshape`` that may be such."""
    text = file.outline.text
    if not file.outline.imports_torch:
        return
    found = [each for each in reshapes(text) if may_permute(each, text)]
    views = [(file.outline.lines_at([each.start])[0], each) for each in found]
    for index, statement in enumerate(file.tree.body) if views else ():
        inside = [each for each in views if spans_any(statement, [each[0]])]
        if any(_may_view_own_shape(statement, line, view) for line, view in inside):
            yield index


def _may_view_own_shape(statement: ast.stmt, line: int, view: Reshape) -> bool:
    """Whether the names that a call is given may be dimensions of the tensor as it is there."""
    if any(each.place is not None for argument in view.arguments for each in argument):
        return True
    return _is_unpacked_before(_body_around(statement, line), line, view.tensor)


def _body_around(statement: ast.stmt, line: int) -> Sequence[ast.stmt]:
    """The body of the innermost function that a line stands in, or the statement itself."""
    body: Sequence[ast.stmt] = [statement]
    pending = [statement]
    while pending:
        node = pending.pop()
        if spans_any(node, [line]):
            if isinstance(node, _FUNCTIONS):
                body = node.body
            pending += blocks_of(node)
    return body


def _is_unpacked_before(body: Sequence[ast.stmt], line: int, tensor: str) -> bool:
    """Whether the shape of a tensor may be unpacked before a line, and the tensor be the same there.

    It is another one where it is assigned in between, whatever branch is taken. Where a loop leads back from behind the
    line, it may be the same.
    """
    unpacked = False
    while True:
        inner: list[ast.stmt] = []
        for statement in body:
            if spans_any(statement, [line]):
                inner = blocks_of(statement)
                if isinstance(statement, _LOOPS) and _unpacks_anywhere(statement, tensor):
                    return True
                if not inner:
                    return unpacked
                break
            if _unpacks_anywhere(statement, tensor):
                unpacked = True
            elif _rebinds(statement, tensor):
                unpacked = False
        else:
            return unpacked
        body = inner


def _unpacks_anywhere(statement: ast.stmt, tensor: str) -> bool:
    """Whether ``b, c = x.shape`` stands in a statement."""
    pending = [statement]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Assign) and _is_shape(node.value, tensor):
            return True
        pending += blocks_of(node)
    return False


def _is_shape(node: ast.expr, tensor: str) -> bool:
    if isinstance(node, ast.Call):
        node = node.func
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("shape", "size")
        and isinstance(node.value, ast.Name)
        and node.value.id == tensor
    )


def _rebinds(statement: ast.stmt, tensor: str) -> bool:
    """Whether a statement always assigns a name."""
    targets = list(statement.targets) if isinstance(statement, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id == tensor for target in targets)
