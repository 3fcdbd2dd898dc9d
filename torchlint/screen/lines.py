"""What of a syntax tree stands on some lines of the text: a word is found in a text much faster than in a tree."""

from __future__ import annotations

import ast
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

_END = sys.maxsize


def spans_any(node: ast.AST, lines: Sequence[int]) -> bool:
    first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", _END)
    for decorator in getattr(node, "decorator_list", ()):
        first = min(first, decorator.lineno)
    at = bisect_left(lines, first)
    return at < len(lines) and lines[at] <= last


def nodes_on(nodes: Iterable[ast.AST], *lines: Sequence[int], in_classes: bool) -> Iterator[ast.AST]:
    """The nodes that stand on one of each of the ``lines``. The methods of a class are scopes of their own."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if not in_classes and isinstance(node, ast.ClassDef):
            continue
        if all(spans_any(node, each) for each in lines):
            yield node
            stack += ast.iter_child_nodes(node)
