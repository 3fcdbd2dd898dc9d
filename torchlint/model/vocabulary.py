"""What names say, by the conventions of training code."""

from __future__ import annotations

from collections.abc import Iterable

_MODE_WORDS = ("training", "train", "is_eval", "eval", "evaluating", "inference", "is_test", "test")


def is_mode_word(word: str) -> bool:
    """Whether a name speaks of training or evaluation."""
    lowered = word.lower().strip("_")
    return lowered in _MODE_WORDS or "training" in lowered or lowered.startswith("is_train")


def is_optimizer(words: Iterable[str]) -> bool:
    """Whether an expression with these names is taken for an optimizer, or what scales its steps; by its last name."""
    *_, last = ("", *words)
    lowered = last.lower()
    return ("optim" in lowered and "sched" not in lowered) or lowered in ("opt", "scaler", "grad_scaler")
