"""The screen for calls of ``forward`` by its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from torchlint.screen.kinds import MODULE
from torchlint.screen.lines import nodes_on, statements_with
from torchlint.screen.scopes import FileSketch, Scope

_CALLED = re.compile(
    r"forward(?<!\wforward)(?<!def forward)(?<!\)\.forward)(?<![^.\w]self\.forward)[\s\\]*(?:#[^\n]*\n[\s\\]*)*\("
)
"""``self.body.forward(``, neither a definition nor ``super().forward(`` or ``self.forward(``. What a match begins with is
found fast."""


def forwarding(file: FileSketch) -> Iterator[int]:
    """The top-level statements with ``self.body.forward(...)``."""
    lines = file.outline.lines_matching(_CALLED)
    if lines:
        every = range(len(file.outline.statements))
        yield from statements_with(file, every, partial(_called, lines), _may_be_module)


def _may_be_module(node: ast.expr, scope: Scope) -> bool:
    return bool(scope.possible(node) & MODULE)


def _called(lines: Sequence[int], nodes: Iterable[ast.AST], *, in_classes: bool) -> Iterator[ast.expr]:
    """What ``forward`` is called of."""
    for node in nodes_on(nodes, lines, in_classes=in_classes):
        method = node.func if isinstance(node, ast.Call) else None
        if isinstance(method, ast.Attribute) and method.attr == "forward":
            kept = method.value.value if isinstance(method.value, ast.Subscript) else method.value
            if isinstance(kept, ast.Attribute) and isinstance(kept.value, ast.Name):
                yield method.value
