"""The functions that a forward pass calls, where they drop at random or use a tensor that nothing registers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from torchlint.runtime.creation import Written, argument_as_written, call_site, is_torch_frame, user_frame
from torchlint.runtime.hooks import Calls
from torchlint.runtime.registration import is_tensor


class Random(NamedTuple):
    """Where a function takes its rate and its switch: names, positions and defaults.

    Without a ``switch``, as in ``scaled_dot_product_attention``, the rate is all there is.
    """

    rate: str
    at: int
    default: float
    switch: str = ""
    switch_at: int = -1
    on: bool = True


_DROPOUT = Random("p", 1, 0.5, "training", 2)
_OFF_BY_DEFAULT = Random("p", 1, 0.5, "training", 2, on=False)

RANDOM: dict[Callable[..., Any], Random] = {
    F.dropout: _DROPOUT,
    F.dropout1d: _DROPOUT,
    F.dropout2d: _DROPOUT,
    F.dropout3d: _DROPOUT,
    F.alpha_dropout: _OFF_BY_DEFAULT,
    F.feature_alpha_dropout: _OFF_BY_DEFAULT,
    F.rrelu: Random("upper", 2, 1 / 3, "training", 3, on=False),
    F.multi_head_attention_forward: Random("dropout_p", 10, 0.0, "training", 13),
    F.scaled_dot_product_attention: Random("dropout_p", 4, 0.0),
    torch.dropout: Random("p", 1, 0.5, "train", 2),
    torch.feature_dropout: Random("p", 1, 0.5, "train", 2),
    torch.alpha_dropout: Random("p", 1, 0.5, "train", 2),
    torch.feature_alpha_dropout: Random("p", 1, 0.5, "train", 2),
}
"""Defaults as in the signatures of torch 2.13."""


@dataclass
class RandomUse:
    """One call of a random function from code of the user's."""

    function: Callable[..., Any]
    random: Random
    rate: float
    active: bool
    within: nn.Module | None
    site: str | None

    @property
    def switched(self) -> Written | None:
        """How the caller passes the switch; the function itself sees its default as if it were given."""
        if not self.random.switch:
            return "given"
        return argument_as_written(
            self.site, self.function.__name__, self.random.switch, self.random.switch_at
        )


@dataclass
class LeafUse:
    """A trainable leaf that a function was called with, and that was not known before."""

    tensor: torch.Tensor
    within: nn.Module | None
    site: str | None


@dataclass(eq=False)
class FunctionMode(TorchFunctionMode):
    """Notes random functions, and uses of leaves that are neither ``known`` nor inputs."""

    calls: Calls
    known: set[int]
    random: list[RandomUse] = field(default_factory=list)
    leaves: dict[int, LeafUse] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        described = RANDOM.get(func)
        if described is not None:
            self._note_random(func, described, args, kwargs)
        if torch.is_grad_enabled():
            for value in (*args, *kwargs.values()):
                if is_tensor(value):
                    self._note_leaf(value)
        return func(*args, **kwargs)

    def _note_random(self, func: Any, described: Random, args: Any, kwargs: Any) -> None:
        caller = _caller(sys._getframe(2))
        if caller is None or is_torch_frame(caller):
            return  # a layer of torch, which asks its module
        rate = _argument(args, kwargs, described.rate, described.at, described.default)
        on = not described.switch or _argument(
            args, kwargs, described.switch, described.switch_at, described.on
        )
        self.random.append(
            RandomUse(func, described, float(rate), bool(on) and rate > 0, self._within(), call_site(caller))
        )

    def _note_leaf(self, tensor: torch.Tensor) -> None:
        if not tensor.requires_grad or tensor.grad_fn is not None or id(tensor) in self.known:
            return
        if id(tensor) not in self.leaves:
            site = call_site(user_frame(sys._getframe(2)))
            self.leaves[id(tensor)] = LeafUse(tensor, self._within(), site)

    def _within(self) -> nn.Module | None:
        return self.calls.stack[-1] if self.calls.stack else None


def _argument(args: Any, kwargs: Any, name: str, position: int, default: Any) -> Any:
    return kwargs[name] if name in kwargs else args[position] if position < len(args) else default


def _caller(frame: FrameType | None) -> FrameType | None:
    """Who called the function: the first frame that is not the function's own, nor of the machinery between."""
    while frame is not None and frame.f_code.co_filename.endswith(
        ("functional.py", "overrides.py", "_jit_internal.py")
    ):
        if not is_torch_frame(frame):
            break
        frame = frame.f_back
    return frame
