"""Saving and copying: does a fresh model that loads the state compute the same, and do copies keep what is shared?"""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from torchlint.observed import BrokenTie, FailedCopy, Observation, RoundTrip
from torchlint.runtime.autograd import tensors_in
from torchlint.runtime.creation import name_of
from torchlint.runtime.device import first_line
from torchlint.runtime.forward import difference
from torchlint.runtime.hiding import HiddenState, place
from torchlint.runtime.inputs import Inputs
from torchlint.runtime.registration import is_lazy, is_tensor, numel_of, storage_of, tensors_of


def ties(model: nn.Module) -> list[tuple[str, ...]]:
    """The names of each Parameter that has several."""
    names: dict[int, list[str]] = {}
    for name, tensor in tensors_of(model, "_parameters"):
        names.setdefault(id(tensor), []).append(name)
    return [tuple(each) for each in names.values() if len(each) > 1]


def broken_ties(model: nn.Module, other: nn.Module, operation: str) -> Iterator[BrokenTie]:
    """The names that mean one Parameter in ``model`` and several in ``other``."""
    named = dict(tensors_of(other, "_parameters"))
    for names in ties(model):
        found = [named[name] for name in names if name in named]
        if len({storage_of(tensor) or id(tensor) for tensor in found}) > 1:
            yield BrokenTie(
                **place(found[0], names[0], model, ""),
                numel=numel_of(found[0]),
                operation=operation,
                names=names,
            )


def copies(state: HiddenState) -> Iterator[Observation]:
    """Copy the model with ``copy.deepcopy`` and with ``pickle``, but for the values of its tensors."""
    model = state.registered.root
    if state.registered.is_scripted or state.registered.is_sharded:
        return  # these have ways of their own
    where: dict[str, Any] = {"owner": name_of(type(model)), "type": type(model).__name__}
    try:
        # Non-leaf tensors refuse to be copied, as they do in an ordinary copy; the others are shared.
        leaf = {id(each): _alike(each) for each in _all_tensors(state) if each.is_leaf and not is_lazy(each)}
        yield from broken_ties(
            model,
            copy.deepcopy(model, {**state.walk.shared, **leaf, **state.registered.lazy_copies()}),
            "copy.deepcopy",
        )
    except Exception as error:
        yield FailedCopy(**where, operation="copy.deepcopy", reason=first_line(error))
    try:
        _Pickler(state.walk.shared).dump(model)
    except Exception as error:
        yield FailedCopy(**where, operation="pickle", reason=first_line(error))


def _all_tensors(state: HiddenState) -> list[torch.Tensor]:
    return [
        *state.registered.tensors.values(),
        *state.inside.values(),
        *(each.thing for each in state.tensors),
    ]


def _alike(tensor: torch.Tensor) -> torch.Tensor:
    """Another tensor in the place of a copy, without its memory."""
    made = torch.empty_like(tensor, device="meta", requires_grad=False)
    return nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made


class _Pickler(pickle.Pickler):
    """Leaves out tensors and other large things, and classes, as a local class is no fault of the model."""

    def __init__(self, left_out: dict[int, Any]) -> None:
        super().__init__(io.BytesIO())
        self.left_out = left_out

    def persistent_id(self, thing: Any) -> str | None:
        return "" if is_tensor(thing) or issubclass(type(thing), type) or id(thing) in self.left_out else None


def round_trip(
    state: HiddenState, inputs: Inputs | None, factory: Callable[[], nn.Module]
) -> Iterator[RoundTrip | BrokenTie]:
    """Load the state into what the factory makes and compare the outputs in evaluation.

    Raises what the factory raises, and ``TypeError`` if it makes no module.
    """
    model = state.registered.root
    fresh = factory()
    if not isinstance(fresh, nn.Module):
        raise TypeError(f"the factory made no nn.Module, but {type(fresh).__name__}")
    for tensor in state.registered.tensors.values():
        fresh.to(tensor.device)
        break
    where: dict[str, Any] = {"owner": name_of(type(model)), "type": type(model).__name__}
    try:
        fresh.load_state_dict(model.state_dict(), strict=True)
    except Exception as error:
        yield RoundTrip(**where, strict=" ".join(str(error).split()))
        return
    yield from broken_ties(model, fresh, "load_state_dict")
    if inputs is None:
        return
    first, again = _outputs(model, inputs), _outputs(model, inputs)
    if difference(first, again):
        return  # the same model differs from itself: nothing can be said of another one
    if words := difference(first, _outputs(fresh, inputs)):
        yield RoundTrip(**where, difference=words)


def _outputs(model: nn.Module, inputs: Inputs) -> list[torch.Tensor]:
    """The outputs of one pass in evaluation, with the same random numbers each time."""
    model.eval()
    given = inputs.copy()
    with torch.random.fork_rng(), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return [tensor.detach().clone() for tensor in tensors_in(model(*given.args, **given.kwargs))]
