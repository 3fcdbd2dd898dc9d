"""What a method certainly reads and sets on ``self``: what the screen subtracts must be no more than that.

A sketch has all of a function, what is never reached too. The model leaves out the code behind a ``return``, and what
a closure with a ``self`` of its own does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from torchlint.record import Record

_LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_NOT_WALKED = (ast.ClassDef, ast.Delete, ast.pattern)
_COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NO_CODE = {"annotation", "returns", "format_spec", "type_params"}


class Uses(Record):
    """The attributes of ``self`` that are read and that are set."""

    loads: set[str]
    stores: set[str]


def leaves(statement: ast.stmt) -> bool:
    """Whether what stands behind a statement is never reached."""
    if isinstance(statement, _LEAVING):
        return True
    if isinstance(statement, ast.If):
        return _end_leaves(statement.body) and _end_leaves(statement.orelse)
    if isinstance(statement, ast.With | ast.AsyncWith):
        return _end_leaves(statement.body)
    if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
        return _end_leaves(statement.orelse)
    if isinstance(statement, ast.Try):
        if _end_leaves(statement.finalbody):
            return True
        through = _end_leaves(statement.body) or _end_leaves(statement.orelse)
        return through and all(_end_leaves(handler.body) for handler in statement.handlers)
    return False


def _end_leaves(body: Sequence[ast.stmt]) -> bool:
    return any(map(leaves, body))


def uses(body: Sequence[ast.stmt], self_name: str) -> Uses:
    """What the statements of a method use, those of its closures too."""
    found = Uses(set(), set())
    stack: list[ast.AST] = list(_reached(body))
    while stack:
        node = stack.pop()
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == self_name
        ):
            (found.loads if isinstance(node.ctx, ast.Load) else found.stores).add(node.attr)
        stack += _inside(node, self_name)
    return found


def times_read(body: Sequence[ast.stmt], name: str) -> int:
    """How often a function certainly reads a name, what its closures and comprehensions read left out."""
    found = 0
    stack: list[ast.AST] = list(_reached(body))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            found += node.id == name and isinstance(node.ctx, ast.Load)
        elif not isinstance(node, _FUNCTION + _COMPREHENSION):
            stack += _inside(node, "")
    return found


def _reached(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if leaves(statement):
            return


def _inside(node: ast.AST, self_name: str) -> Iterable[ast.AST]:
    if isinstance(node, _NOT_WALKED) or (isinstance(node, ast.AnnAssign) and node.value is None):
        return ()
    if isinstance(node, _FUNCTION):
        named = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        if self_name in named:
            return (node.args,)
    return _children(node)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for name, child in ast.iter_fields(node):
        if name in _NO_CODE or (name == "orelse" and isinstance(node, ast.Try) and _end_leaves(node.body)):
            continue
        if isinstance(child, list):
            statements = bool(child) and isinstance(child[0], ast.stmt)
            yield from (
                _reached(child) if statements else (item for item in child if isinstance(item, ast.AST))
            )
        elif isinstance(child, ast.AST):
            yield child
