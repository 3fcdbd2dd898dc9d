"""Screens for what a Module class keeps on ``self``."""

from __future__ import annotations

import ast

from torchlint.model.vocabulary import OWN_REGISTRY, REGISTERING_METHODS, speaks_of_inplace
from torchlint.screen.kinds import CONTAINER, LOST, MODULE, PARAMETER, TENSOR, held
from torchlint.screen.scopes import ClassSketch


def may_hide_modules(cls: ClassSketch) -> bool:
    """Whether a plain container on ``self`` may hold modules or Parameters that the class makes itself."""
    if OWN_REGISTRY & cls.methods.keys():
        return False
    return any(kinds & CONTAINER and held(kinds) & (MODULE | PARAMETER) for _, kinds in cls.stored_kinds)


def may_keep_plain_tensor(cls: ClassSketch) -> bool:
    """Whether ``__init__`` may assign a tensor that the forward pass reads."""
    if cls.methods.keys() & {"_apply", "to", "cuda"}:
        return False
    tensors = {name for name, kinds in cls.stored_kinds if kinds & TENSOR}
    if not tensors:
        return False
    tensors &= {load for name in cls.used_by_forward for load in cls.methods[name].sketch.loads}
    early = cls.used_by_init - cls.used_by_forward
    late = {name for method in cls.methods.keys() - early for name in cls.methods[method].sketch.stores}
    return bool(tensors - late) or (bool(tensors) and bool(tensors - _certainly_set_late(cls)))


def _certainly_set_late(cls: ClassSketch) -> set[str]:
    """The attributes that other methods than ``__init__`` and its helpers set, code that is never reached left out."""
    early = cls.used_by_init - cls.reachable("forward", "__call__", certainly=True)
    return {name for method in cls.methods.keys() - early for name in cls.certain_uses(method).stores}


def may_lose_parameter(cls: ClassSketch) -> bool:
    """Whether an attribute may get a tensor that is computed from a new Parameter."""
    return any(kinds & LOST or (kinds & CONTAINER and held(kinds) & LOST) for _, kinds in cls.stored_kinds)


def may_keep_registration(cls: ClassSketch) -> bool:
    """Whether an attribute is assigned what ``self.register_buffer()`` and the like return."""
    return any(
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr in REGISTERING_METHODS
        for values in cls.stored.values()
        for _, value in values
    )


def may_overwrite_input(cls: ClassSketch) -> bool:
    """Whether the file has an activation that works in place, and the class a forward pass."""
    return "forward" in cls.methods and speaks_of_inplace(cls.file.outline.text)
