"""The screen for names of a module that hold a Parameter or a submodule, and may be assigned something else."""

from __future__ import annotations

import ast

from torchlint.screen.kinds import MODULE, PARAMETER, TENSOR
from torchlint.screen.scopes import ClassSketch, Scope

_DATA = (
    ast.Constant, ast.JoinedStr, ast.Lambda, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.DictComp,
    ast.SetComp, ast.GeneratorExp,
)  # fmt: skip


def may_rebind(cls: ClassSketch) -> bool:
    """Whether ``__init__`` may register what is assigned a tensor, or written data, in another place."""
    init = cls.methods.get("__init__")
    if init is None:
        return False
    for name, bindings in init.sketch.stores.items():
        values = cls.stored.get(name, ())
        if (
            len(values) > 1
            and not all(isinstance(binding.node, ast.Constant) for binding in bindings)
            and any(_may_be_other(scope, node) for scope, node in values)
            and any(scope is init and scope.possible(node) & (MODULE | PARAMETER) for scope, node in values)
        ):
            return True
    return False


def _may_be_other(scope: Scope, node: ast.expr) -> bool:
    if isinstance(node, ast.Constant) and node.value is None:
        return False
    return isinstance(node, _DATA) or bool(scope.possible(node) & TENSOR)
