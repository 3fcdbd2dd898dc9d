"""The screen for methods with a misspelled name."""

from __future__ import annotations

from torchlint.model.vocabulary import MISSPELLED_METHODS
from torchlint.screen.scopes import ClassSketch


def may_misspell(cls: ClassSketch) -> bool:
    """Whether a method has a name that is one slip away from one that PyTorch calls."""
    return not MISSPELLED_METHODS.keys().isdisjoint(cls.outline.methods)
