"""The screen for random weights of an embedding with a row for padding."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from torchlint.model.vocabulary import RANDOM_INITS, may_pad
from torchlint.screen.lines import statements_having
from torchlint.screen.scopes import FileSketch

_RANDOM = re.compile(rf"(?:{'|'.join(RANDOM_INITS)})_?\b")


def randomising(file: FileSketch) -> Iterator[int]:
    """The top-level statements that may give random values to the weights of an embedding."""
    if not may_pad(file.outline.text):
        return
    yield from statements_having(file, _randomises, file.outline.lines_matching(_RANDOM))


def _randomises(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    callee = node.func
    name = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
    if name.rstrip("_") not in RANDOM_INITS:
        return False
    given = [*node.args, *(item.value for item in node.keywords), callee]
    return any(
        isinstance(inner, ast.Attribute) and inner.attr == "weight"
        for each in given
        for inner in ast.walk(each)
    )
