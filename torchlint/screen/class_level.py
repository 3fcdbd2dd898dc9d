"""The screen for modules and Parameters that stand in the body of a class."""

from __future__ import annotations

import ast

from torchlint.screen.kinds import MODULE, PARAMETER, held
from torchlint.screen.scopes import ClassSketch


def may_share_modules(cls: ClassSketch) -> bool:
    """Whether the body of the class may assign a module, or a container of modules."""
    if not any(map(_may_make, cls.node.body)):
        return False
    for bindings in cls.body.sketch.definitions.values():
        for binding in bindings:
            kinds = cls.body.possible(binding.node) if binding.kind == "value" else 0
            if (kinds | held(kinds)) & (MODULE | PARAMETER):
                return True
    return False


def _may_make(statement: ast.stmt) -> bool:
    """Whether a statement may assign what a call returns; a block may do anything."""
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        return statement.value is not None and any(
            isinstance(node, ast.Call) for node in ast.walk(statement.value)
        )
    return isinstance(statement, ast.If | ast.With | ast.Try | ast.For | ast.While | ast.AsyncFor | ast.Match)
