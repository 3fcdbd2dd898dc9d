"""What stays behind when the model is moved: a forward pass on another device, real or simulated.

The simulation needs no GPU: the tensors that ``.to()`` would move become ``meta`` tensors, the others stay where they
are, and every operation that mixes the two is one that would fail on a GPU. Each is repaired and the pass goes on, so
that one run shows them all. ``meta`` tensors have no values, so a model that looks at values cannot be judged.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from torchlint.observed import HiddenTensor
from torchlint.runtime.creation import call_site
from torchlint.runtime.hiding import HiddenState, place
from torchlint.runtime.inputs import Inputs
from torchlint.runtime.outside import root_of, things_named_by
from torchlint.runtime.registration import Registered, is_tensor, numel_of
from torchlint.runtime.walk import walk

SIMULATED = "meta"

# Operations that move by themselves, or that may index a tensor on another device, as on CUDA.
_MAY_MIX = ("copy", "_to_copy", "_copy_from", "index", "index_put", "_index_put_impl", "_unsafe_index")


class Mixed(NamedTuple):
    """An operation with tensors of two devices: what those that stayed behind were computed from, by identity."""

    words: str
    origins: frozenset[int]


@dataclass(eq=False)
class DeviceMix(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes and repairs operations that mix ``home`` with the CPU.

    A tensor on the CPU is traced back to what it was computed from; what it was not computed from, is itself.
    """

    home: torch.device
    mixed: list[Mixed] = field(default_factory=list)
    made: dict[int, tuple[torch.Tensor, frozenset[int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name.partition("::")[2]
        given = [each for each in tree_flatten((args, kwargs))[0] if is_tensor(each)]
        strays = [each for each in given if each.device.type == "cpu"]
        behind = [each for each in strays if each.dim()]
        if (
            behind
            and any(each.device.type == self.home.type for each in given)
            and name.rstrip("_") not in _MAY_MIX
        ):
            site = call_site()
            words = f"`{name}` at {site}" if site else f"`{name}`"
            self.mixed.append(Mixed(words, self._origins_of(behind)))
            args, kwargs = tree_map(self._repaired, (args, kwargs))
        result = func(*args, **kwargs)
        for each in tree_flatten(result)[0]:
            if is_tensor(each) and each.device.type == "cpu":
                self.made[id(each)] = (each, self._origins_of(strays) or frozenset({id(each)}))
        return result

    def origins(self, tensor: torch.Tensor) -> frozenset[int]:
        return self.made[id(tensor)][1] if id(tensor) in self.made else frozenset({id(tensor)})

    def _origins_of(self, tensors: list[torch.Tensor]) -> frozenset[int]:
        return frozenset(origin for each in tensors for origin in self.origins(each))

    def _repaired(self, value: Any) -> Any:
        if is_tensor(value) and value.device.type == "cpu" and value.dim():
            return (
                torch.empty_like(value, device=self.home)
                if self.home.type == SIMULATED
                else value.to(self.home)
            )
        return value


@dataclass
class DeviceResult:
    """``breaks`` maps the hidden tensors of the model that met an operation on the wrong device to that operation.

    ``caches`` are those that the pass itself left in an attribute, a cache or a global. ``why`` says why the pass did
    not reach its end, if it did not: what is beyond is unknown.
    """

    breaks: dict[int, str] = field(default_factory=dict)
    caches: list[HiddenTensor] = field(default_factory=list)
    why: str | None = None


def try_device(state: HiddenState, inputs: Inputs, device: str) -> DeviceResult:
    """Run one pass of a moved copy of the model, in evaluation; the model itself is not touched."""
    home = torch.device(device)
    memo: dict[int, Any] = dict(state.walk.shared)
    try:
        if device == SIMULATED:
            memo = _simulated(state)
        originals = {id(made): key for key, made in memo.items()}
        copied = copy.deepcopy(state.registered.root, memo)
        if device != SIMULATED:
            copied.to(home)
    except Exception as error:
        return DeviceResult(why=f"the model cannot be copied: {first_line(error)}")
    if device != SIMULATED:
        originals = {id(memo[key]): key for key in state.known if key in memo}
    result = DeviceResult()
    mode = DeviceMix(home)
    try:
        copied.eval()
        moved = inputs.to(home)
        with warnings.catch_warnings(), torch.no_grad(), mode:
            warnings.simplefilter("ignore")
            copied(*moved.args, **moved.kwargs)
    except Exception as error:
        result.why = first_line(error)
    for mixed in mode.mixed:
        hidden = {originals.get(origin, origin) for origin in mixed.origins} & state.known
        result.breaks.update((key, mixed.words) for key in hidden if key not in result.breaks)
    if mode.mixed:
        result.caches = list(_caches(copied, mode, state, originals, device))
    return result


def _caches(
    copied: nn.Module, mode: DeviceMix, state: HiddenState, originals: dict[int, int], device: str
) -> Iterator[HiddenTensor]:
    """Tensors that are kept now, that the model did not have before, and that a mixed operation was computed from."""
    registered = Registered(copied)
    kept = [
        (each.thing, each.path, each.owner, each.attribute, each.holder) for each in walk(registered).tensors
    ]
    for module in {type(module): module for _, module in registered.modules.values()}.values():
        kept += (
            (*each[:2], module, root_of(each.path), each.holder)
            for each in things_named_by(module)
            if is_tensor(each.thing)
        )
    seen: set[int] = set()
    for tensor, path, owner, attribute, holder in kept:
        words = next((mixed.words for mixed in mode.mixed if mixed.origins & mode.origins(tensor)), None)
        if (
            words is None
            or tensor.requires_grad
            or {id(tensor), originals.get(id(tensor))} & (state.known | seen)
        ):
            continue
        seen.add(id(tensor))
        yield HiddenTensor(
            **place(tensor, path, owner, attribute),
            holder=holder,
            numel=numel_of(tensor),
            breaks_at=words,
            evidence={"in_state_dict": False, "moved": False, "breaks_at": words, "device": device},
        )


def _simulated(state: HiddenState) -> dict[int, Any]:
    """The memo of a deep copy in which what would be moved is on ``meta``, and the hidden rest is copied as it is."""
    moved = state.moved if state.moved is not None else set(state.registered.names)
    tensors = (
        dict(state.registered.tensors) | state.inside | {id(each.thing): each.thing for each in state.tensors}
    )
    memo: dict[int, Any] = dict(state.walk.shared)
    for key, tensor in tensors.items():
        with torch.no_grad():
            made = tensor.detach().to(SIMULATED) if key in moved else tensor.detach().clone()
            if isinstance(tensor, nn.Parameter):
                made = nn.Parameter(made, requires_grad=tensor.requires_grad)
        memo[key] = made
    return memo


def first_line(error: BaseException) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def unavailable(device: str) -> str | None:
    """Why there is no such device here, or ``None``. Raises ``RuntimeError`` for what is no name of a device."""
    kind = torch.device(device).type
    if kind == "cuda" and not torch.cuda.is_available():
        return "no CUDA"
    try:
        torch.empty(0, device=device)
    except Exception as error:
        return first_line(error)
    return None
