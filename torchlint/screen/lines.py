"""What of a syntax tree stands on some lines of the text: a word is found in a text much faster than in a tree."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from torchlint.screen.sketch import FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, TypeVar

    from torchlint.screen.scopes import FileSketch, Scope

    Found = TypeVar("Found", bound=ast.expr, covariant=True)

    class Search(Protocol[Found]):
        """Finds expressions in statements, those in the methods of classes only where it is told to."""

        def __call__(self, nodes: Iterable[ast.AST], *, in_classes: bool) -> Iterator[Found]: ...


def spans_any(node: ast.AST, lines: Sequence[int]) -> bool:
    """Whether a node stands on one of the lines; what has no place of its own stands on all."""
    first = getattr(node, "lineno", None)
    if first is None:
        return bool(lines)
    for decorator in getattr(node, "decorator_list", ()):
        first = min(first, decorator.lineno)
    at = bisect_left(lines, first)
    return at < len(lines) and lines[at] <= node.end_lineno  # type: ignore[attr-defined]


def nodes_on(nodes: Iterable[ast.AST], *lines: Sequence[int], in_classes: bool) -> Iterator[ast.AST]:
    """The nodes that stand on one of each of the ``lines``. The methods of a class are scopes of their own."""
    first, *others = lines
    stack: list[object] = list(nodes)
    while stack:
        node = stack.pop()
        if not isinstance(node, ast.AST) or (node.__class__ is ast.ClassDef and not in_classes):
            continue  # among the nodes are names as strings
        if spans_any(node, first) and (not others or all(spans_any(node, each) for each in others)):
            yield node
            for name in FIELDS[node.__class__]:
                child = getattr(node, name)
                if child.__class__ is list:
                    stack += child
                elif child is not None:
                    stack.append(child)


def statements_having(
    file: FileSketch, is_wanted: Callable[[ast.AST], bool], *lines: Sequence[int]
) -> Iterator[int]:
    """The top-level statements with a wanted node that stands on one of each of the ``lines``."""
    for index in sorted(file.outline.statements_on(lines[0])):
        if any(map(is_wanted, nodes_on([file.tree.body[index]], *lines, in_classes=True))):
            yield index


def statements_with(
    file: FileSketch, indices: Iterable[int], search: Search[Found], is_wanted: Callable[[Found, Scope], bool]
) -> Iterator[int]:
    """Those of some top-level statements in which what is searched for is wanted in a scope of its own.

    No scope is sketched in a statement that does not have it at all.
    """
    for index in indices:
        if next(search([file.tree.body[index]], in_classes=True), None) is None:
            continue
        if any(
            is_wanted(found, scope)
            for scope in file.scopes(index)
            for found in search(scope.nodes, in_classes=False)
        ):
            yield index
