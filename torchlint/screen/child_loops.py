"""The screen for loops over the children of a module that may initialise weights."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from torchlint.model.vocabulary import CHILDREN
from torchlint.screen.lines import statements_having
from torchlint.screen.scopes import FileSketch

_CHILDREN = re.compile(r"\.\s*(?:named_)?children\b")


def looping(file: FileSketch) -> Iterator[int]:
    """The top-level statements with a loop over ``children()`` that may write to a weight or bias."""
    text = file.outline.text
    if ".weight" in text or ".bias" in text:
        yield from statements_having(file, _may_initialise, file.outline.lines_matching(_CHILDREN))


def _may_initialise(node: ast.AST) -> bool:
    if not isinstance(node, ast.For) or not isinstance(node.iter, ast.Call):
        return False
    callee = node.iter.func
    if not isinstance(callee, ast.Attribute) or callee.attr not in CHILDREN:
        return False
    return any(
        isinstance(inner, ast.Attribute) and inner.attr in ("weight", "bias")
        for statement in node.body
        for inner in ast.walk(statement)
    )
