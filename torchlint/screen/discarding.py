"""The screen for statements that compute a tensor and drop it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial

from torchlint.model.vocabulary import MOVING_METHODS, PURE_FUNCTIONS, PURE_METHODS, pure_calls
from torchlint.project.outline import Outline, blocks_of
from torchlint.screen.kinds import LOST, PARAMETER, TENSOR
from torchlint.screen.lines import spans_any, statements_with
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import dotted_name

_INNER_IMPORT = re.compile(r"^[ \t]+(?:import|from)[ \t]", re.MULTILINE)


def dropping(file: FileSketch) -> Iterator[int]:
    """The top-level statements with a call on a line of its own that changes nothing."""
    if "torch" not in file.outline.text:
        return
    lines = file.outline.lines_at(pure_calls(file.outline.text))
    if lines:
        every = range(len(file.outline.statements))
        search = partial(_dropped, set(lines), lines, partial(_may_be_imported, file.outline))
        yield from statements_with(file, every, search, _may_be_tensor)


def _dropped(
    lines: Collection[int],
    ordered: Sequence[int],
    may_be_imported: Callable[[str], bool],
    nodes: Iterable[ast.AST],
    *,
    in_classes: bool,
) -> Iterator[ast.expr]:
    """What is called as a statement of its own, on one of these lines."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if (isinstance(node, ast.ClassDef) and not in_classes) or not spans_any(node, ordered):
            continue
        if isinstance(node, ast.Expr):
            callee = node.value.func if isinstance(node.value, ast.Call) else None
            if callee is not None and node.lineno in lines and _is_pure(callee, may_be_imported):
                yield callee
        else:
            stack += blocks_of(node)


def _is_pure(callee: ast.expr, may_be_imported: Callable[[str], bool]) -> bool:
    """Whether by its name a method is pure, or a function of what may be a library."""
    if isinstance(callee, ast.Attribute) and callee.attr in PURE_METHODS:
        return True
    dotted = dotted_name(callee)
    head, _, name = dotted.rpartition(".")
    return (name or head) in PURE_FUNCTIONS and may_be_imported(dotted.partition(".")[0])


def _may_be_imported(outline: Outline, name: str) -> bool:
    """Whether a name is one of the module level, or may be imported by a function."""
    return name in outline.bindings or _INNER_IMPORT.search(outline.text) is not None


def _may_be_tensor(callee: ast.expr, scope: Scope) -> bool:
    """Whether a method may be that of a tensor: one that moves a tensor is, as a rule, that of a module."""
    if not isinstance(callee, ast.Attribute) or callee.attr not in MOVING_METHODS:
        return True
    if scope.possible(callee.value) & (TENSOR | PARAMETER | LOST):
        return True
    name = dotted_name(callee.value)
    return "." not in name and any(
        binding.kind == "loop" and binding.node[1] for binding in scope.bindings(name)
    )
