"""The screen for statements that compute a tensor and drop it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from torchlint.model.vocabulary import (
    MOVING_METHODS,
    PURE_FUNCTIONS,
    PURE_METHODS,
    pure_calls,
    pure_imports,
    speaks_of_loader,
)
from torchlint.project.outline import blocks_of
from torchlint.screen.lines import spans_any
from torchlint.screen.scopes import FileSketch
from torchlint.screen.sketch import dotted_name

_LOOP = re.compile(r"^[ \t]*(?:async[ \t]+)?for\b[^:]*?\bin\b", re.MULTILINE)


def dropping(file: FileSketch) -> Iterator[int]:
    """The top-level statements with a call on a line of its own that changes nothing."""
    text = file.outline.text
    lines = file.outline.lines_at(pure_calls(text, pure_imports(text)))
    for index, statement in enumerate(file.tree.body):
        if _has_dropped(statement, lines, file):
            yield index


def _has_dropped(statement: ast.stmt, lines: Sequence[int], file: FileSketch) -> bool:
    """Whether a pure function or method is called as a statement of its own, on one of these lines."""
    stack = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Expr):
            if isinstance(node.value, ast.Call) and _is_pure(node.value.func, file):
                return True
        elif spans_any(node, lines):
            stack += [inner for inner in blocks_of(node) if spans_any(inner, lines)]
    return False


def _is_pure(callee: ast.expr, file: FileSketch) -> bool:
    """Whether by its name it is a pure method of what may be a tensor, or a function of what may be a library."""
    if isinstance(callee, ast.Attribute) and callee.attr in PURE_METHODS:
        if callee.attr not in MOVING_METHODS:
            return True
        if isinstance(callee.value, ast.Name) and _may_move(callee.value.id, file):
            return True
    dotted = dotted_name(callee)
    head, _, name = dotted.rpartition(".")
    return (name or head) in PURE_FUNCTIONS and file.outline.may_name_torch(dotted.partition(".")[0])


def _may_move(name: str, file: FileSketch) -> bool:
    """Whether a name may be one of several variables of a loop, or be made by a function of torch."""
    text = file.outline.text
    if speaks_of_loader(text) and any(
        "," in found[0] and re.search(rf"\b{name}\b", found[0]) for found in _LOOP.finditer(text)
    ):
        return True
    for found in re.finditer(rf"{name}[ \t]*(?::[^=\n]*)?=[\s(]*(\w+)((?:\.\w+)*)", text):
        before = text[max(found.start() - 200, 0) : found.start()].rstrip(" \t")[-1:]
        last = (found[2] or found[1]).rpartition(".")[2]
        makes_object = last[:1].isupper() and not last.endswith("Tensor")
        if before in "\r\n=;:" and not makes_object and file.outline.may_name_torch(found[1]):
            return True
    return False
