"""The screen for statements that compute a tensor and drop it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from torchlint.model.vocabulary import (
    MOVING_METHODS,
    PURE_FUNCTIONS,
    PURE_METHODS,
    may_give_batches,
    pure_calls,
    pure_imports,
)
from torchlint.project.outline import blocks_of
from torchlint.screen.calls import callee_of, may_call, words
from torchlint.screen.lines import spans_any, statements_with
from torchlint.screen.scopes import FileSketch, Scope
from torchlint.screen.sketch import Call, dotted_name


def dropping(file: FileSketch) -> Iterator[int]:
    """The top-level statements with a call on a line of its own that changes nothing."""
    text = file.outline.text
    if not file.outline.imports_torch:
        return
    lines = file.outline.lines_at(pure_calls(text, pure_imports(text)))
    indices = sorted(file.outline.statements_on(lines))
    yield from statements_with(file, indices, partial(_dropped, lines, file), _may_be_pure)


def _dropped(
    lines: Sequence[int], file: FileSketch, nodes: Iterable[ast.AST], *, in_classes: bool
) -> Iterator[ast.Call]:
    """The calls of what has the name of a pure function or method that are statements of their own, on these lines."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if (isinstance(node, ast.ClassDef) and not in_classes) or not spans_any(node, lines):
            continue
        if isinstance(node, ast.Expr):
            if isinstance(node.value, ast.Call) and _is_pure(node.value.func, file):
                yield node.value
        else:
            stack += blocks_of(node)


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
    return "oader" in text or "OADER" in text or any(_made_in(text, name, file))


def _made_in(text: str, name: str, file: FileSketch) -> Iterator[bool]:
    """Whether what a text assigns to a name may come from a function of torch, for each assignment."""
    for found in re.finditer(rf"{name}[ \t]*(?::[^=\n]*)?=[\s(]*(\w+)((?:\.\w+)*)", text):
        before = text[max(found.start() - 200, 0) : found.start()].rstrip(" \t")[-1:]
        last = (found[2] or found[1]).rpartition(".")[2]
        makes_object = last[:1].isupper() and not last.endswith("Tensor")
        yield before in "\r\n=;:" and not makes_object and file.outline.may_name_torch(found[1])


def _may_be_pure(node: ast.Call, scope: Scope) -> bool:
    """Whether what is called may be a function of torch, or a method of a tensor."""
    callee = node.func
    if any(item.arg == "out" for item in node.keywords):
        return False
    if isinstance(callee, ast.Attribute) and callee.attr in MOVING_METHODS:
        holder = callee.value
        return isinstance(holder, ast.Name) and _may_be_tensor(holder.id, scope)
    if isinstance(callee, ast.Attribute) and callee.attr in PURE_METHODS:
        return True
    call = Call(dotted_name(callee), node)
    return callee_of(call, scope) is None or may_call(call, scope, _is_of_torch)


def _may_be_tensor(name: str, scope: Scope) -> bool:
    """Whether a variable may be one of several of a loop over batches, or what a function of torch makes."""
    for binding in scope.bindings(name):
        if binding.kind == "loop":
            iterable, path = binding.node
            if path and _may_give_batches(iterable):
                return True
        elif binding.kind in ("value", "unpacked"):
            value = binding.node if binding.kind == "value" else binding.node[0]
            if _begins_with_torch(value, scope.file):
                return True
    return False


def _begins_with_torch(node: ast.expr, file: FileSketch) -> bool:
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return isinstance(node, ast.Name) and file.outline.may_name_torch(node.id)


def _may_give_batches(iterable: ast.expr) -> bool:
    names = list(words(iterable))
    return any("loader" in name.lower() for name in names) or may_give_batches(names)


def _is_of_torch(dotted: str) -> bool:
    module, _, name = dotted.rpartition(".")
    return module in ("torch", "torch.nn.functional") and name in PURE_FUNCTIONS
