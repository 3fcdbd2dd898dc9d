"""The screen for methods of ``nn.Module`` that a class overrides, or hides behind an attribute."""

from __future__ import annotations

from torchlint.model.vocabulary import CALLED_BY_TORCH
from torchlint.screen.scopes import ClassSketch


def may_override(cls: ClassSketch) -> bool:
    """Whether the class has a ``train`` or ``eval`` of its own, or keeps something under the name of such a method."""
    return bool({"train", "eval"} & cls.methods.keys() or CALLED_BY_TORCH & cls.stored.keys())
