"""The inputs of a forward pass: a copy for each pass, as a model may write to them, and a copy for each device."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from torchlint.runtime.registration import attributes_of, is_tensor


class Inputs(NamedTuple):
    """What ``model(*args, **kwargs)`` is called with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def copy(self) -> Inputs:
        return self.mapped(_copied)

    def to(self, device: torch.device | str) -> Inputs:
        return self.mapped(lambda tensor: _copied(tensor, device))

    def mapped(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Inputs:
        return Inputs(tuple(_mapped(each, change) for each in self.args), _mapped(self.kwargs, change))


def _copied(tensor: torch.Tensor, device: torch.device | str | None = None) -> torch.Tensor:
    made = tensor.detach().clone() if device is None else tensor.detach().to(device)
    return made.requires_grad_(tensor.requires_grad)


def _mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Nested lists, tuples and dicts with other tensors; other objects are copied, if they can be."""
    if is_tensor(value):
        return change(value)
    if type(value) is dict:
        return {key: _mapped(each, change) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_mapped(each, change) for each in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_mapped(each, change) for each in value))
    if isinstance(value, nn.Module):
        return value
    memo = {id(each): change(each) for each in attributes_of(value).values() if is_tensor(each)}
    try:
        return copy.deepcopy(value, memo)
    except Exception:
        return value


def needs_inputs(model: nn.Module) -> bool:
    """Whether ``forward`` takes anything; what takes nothing can be called without being given inputs."""
    try:
        return bool(inspect.signature(model.forward).parameters)
    except (TypeError, ValueError):
        return True
