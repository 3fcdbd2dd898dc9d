"""The screen for iterators over Parameters that are kept under a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from torchlint.model.vocabulary import may_make_iterator
from torchlint.screen.lines import statements_having
from torchlint.screen.scopes import FileSketch

_WORD = re.compile("parameters")


def keeping(file: FileSketch) -> Iterator[int]:
    """The top-level statements that bind a name to what may be an iterator over Parameters."""
    if not file.outline.imports_torch:
        return
    yield from statements_having(file, _keeps_iterator, file.outline.lines_matching(_WORD))


def _keeps_iterator(node: ast.AST) -> bool:
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        return False
    given = node.value
    several = given.elts if isinstance(given, ast.Tuple | ast.List) else [given]
    return any(map(_may_iterate, several))


def _may_iterate(node: ast.expr | None) -> bool:
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.GeneratorExp)
    callee = node.func
    name = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
    return may_make_iterator(name)
