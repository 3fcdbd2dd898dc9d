"""The screen for Parameters that are made of memory as it was found."""

from __future__ import annotations

from torchlint.model.vocabulary import EMPTY_TENSORS
from torchlint.screen.kinds import PARAMETER
from torchlint.screen.scopes import ClassSketch

_WORDS = tuple(name.rpartition(".")[2] for name in EMPTY_TENSORS)


def may_leave_empty(cls: ClassSketch) -> bool:
    """Whether an attribute may get a Parameter in a file that speaks of such memory."""
    text = cls.file.outline.text
    if not any(word in text for word in _WORDS):
        return False
    return any(scope.possible(node) & PARAMETER for values in cls.stored.values() for scope, node in values)
