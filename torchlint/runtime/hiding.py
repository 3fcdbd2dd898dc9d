"""What is hidden of a model: the things that the walk came upon, told apart by what they mean to PyTorch."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import nn

from torchlint.observed import DerivedTensor, Hidden, HiddenModule, HiddenParameter, HiddenTensor
from torchlint.runtime.autograd import leaves
from torchlint.runtime.creation import assignment, created, name_of
from torchlint.runtime.registration import (
    Registered,
    attributes_of,
    is_lazy,
    is_parameter,
    is_tensor,
    modules_of,
    moved_by,
    numel_of,
    storage_of,
    tensors_of,
)
from torchlint.runtime.walk import Reached, Walk, walk

_DROPPING = (
    nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip


def place(
    thing: object,
    path: str,
    owner: nn.Module | None,
    attribute: str = "",
    *,
    site: str | None = None,
    type_of: object = None,
    assigned: bool = True,
) -> dict[str, Any]:
    """The fields of an :class:`~torchlint.observed.Observation` that say what and where a thing is.

    ``site`` is the line that created it, where that was seen; ``type_of`` is named in its stead; and unless it is
    ``assigned``, no line is looked for that does so.
    """
    cls: Any = type(owner)
    found = assignment(cls, attribute) if owner is not None and attribute and assigned else None
    return {
        "path": path,
        "paths": (path,),
        "type": type(thing if type_of is None else type_of).__name__,
        "owner": "" if owner is None else name_of(type(owner)),
        "attribute": attribute,
        "assigned": found.place if found else None,
        "assigned_in": name_of(found.cls) if found else None,
        "created": site or created(thing),
    }


@dataclass
class Seen:
    """What the probes have seen of tensors and modules, by identity; ``None`` for those that did not run.

    ``optimized``: in a parameter group. ``breaks``: the operation that fails on ``device``.
    """

    optimized: set[int] | None = None
    called: set[int] | None = None
    in_graph: set[int] | None = None
    still_training: set[int] | None = None
    breaks: dict[int, str] = field(default_factory=dict)
    device: str | None = None


class HiddenState:
    """The hidden modules and tensors of one model, and what is known of each by its identity."""

    def __init__(self, registered: Registered) -> None:
        self.registered = registered
        self.walk: Walk = walk(registered)
        self.moved = moved_by(registered)
        self.modules = [each for each in self.walk.modules if not self._is_elsewhere(each)]
        self.tensors = self.walk.tensors
        inside = (tensor for each in self.modules for _, tensor in tensors_of(each.thing))
        self.inside = {id(tensor): tensor for tensor in inside if not registered.shares(tensor)}
        self.known = {*registered.names, *self.inside, *(id(each.thing) for each in self.tensors)}
        self.listed: set[int] = set()
        self.saved: set[int | None] = set()
        self.optimized = {
            id(tensor)
            for each in self.walk.shared.values()
            if isinstance(each, torch.optim.Optimizer)
            for group in each.param_groups
            for tensor in group["params"]
        }
        self.known_modules = {*registered.modules} | {
            id(module) for each in self.walk.modules for _, module in modules_of(each.thing)
        }

    def _is_elsewhere(self, found: Reached) -> bool:
        """Whether a module is a parent of the model that a part refers to, or another instance that its class lists."""
        if id(self.registered.root) in {id(each) for _, each in modules_of(found.thing)}:
            return True
        is_of_class = found.attribute not in attributes_of(found.owner)
        return is_of_class and type(found.thing) is type(found.owner)

    def observations(self, seen: Seen | None = None) -> Iterator[Hidden]:
        """One for each hidden thing that matters; what was not ``seen`` is ``None`` in its evidence."""
        seen = seen or Seen()
        if self.modules or self.tensors:
            self._ask_the_model()
        for each in self.modules:
            tensors = self._own(each.thing)
            evidence = self._evidence(tensors, seen) | {
                "called": _any_in(map(id, _submodules(each.thing)), seen.called),
                "training_after_eval": _any_in(map(id, _submodules(each.thing)), seen.still_training),
            }
            yield from self._module(each, tensors, evidence, _all_in(tensors, seen.optimized, self.optimized))
        for each in self.tensors:
            if not self.registered.shares(each.thing) and id(each.thing) not in self.inside:
                evidence = self._evidence([each.thing], seen)
                yield from self._tensor(each, evidence, _all_in([each.thing], seen.optimized, self.optimized))

    def _ask_the_model(self) -> None:
        """What its own methods, which a user may have overridden, say of hidden tensors; nothing where they raise."""
        with contextlib.suppress(Exception):
            self.listed = {id(tensor) for tensor in self.registered.root.parameters()}
        with contextlib.suppress(Exception):
            saved = self.registered.root.state_dict().values()
            self.saved = {storage_of(tensor) for tensor in saved if is_tensor(tensor)}

    def _evidence(self, tensors: list[torch.Tensor], seen: Seen) -> dict[str, Any]:
        return {
            "in_parameters": bool(tensors) and all(id(tensor) in self.listed for tensor in tensors),
            "in_state_dict": bool(tensors) and all(storage_of(tensor) in self.saved for tensor in tensors),
            "moved": self._is_moved(tensors),
            "in_graph": _any_in(map(id, tensors), seen.in_graph),
            "breaks_at": next(
                (seen.breaks[id(tensor)] for tensor in tensors if id(tensor) in seen.breaks), None
            ),
            "device": seen.device,
        }

    def _own(self, module: nn.Module) -> list[torch.Tensor]:
        """The tensors of a hidden module that nothing else registers, each once."""
        own = {id(tensor): tensor for _, tensor in tensors_of(module) if not self.registered.shares(tensor)}
        return list(own.values())

    def _is_moved(self, tensors: list[torch.Tensor]) -> bool | None:
        if self.moved is None or not tensors:
            return None
        return all(id(tensor) in self.moved for tensor in tensors)

    def _module(
        self, found: Reached, tensors: list[torch.Tensor], evidence: dict[str, Any], optimized: bool | None
    ) -> Iterator[HiddenModule]:
        module: nn.Module = found.thing
        new = [each for each in _submodules(module) if id(each) not in self.registered.modules]
        asks = any(reads_mode(each) for each in new)
        if not tensors and not asks:
            return
        parameters = [tensor for tensor in tensors if is_parameter(tensor)]
        yield HiddenModule(
            **place(module, found.path, found.owner, found.attribute),
            holder=found.holder,
            numel=sum(map(numel_of, tensors)),
            parameters=sum(map(numel_of, parameters)),
            buffers=sum(map(numel_of, tensors)) - sum(map(numel_of, parameters)),
            lazy=any(map(is_lazy, tensors)),
            frozen=bool(parameters) and not any(tensor.requires_grad for tensor in parameters),
            asks_for_mode=asks,
            training_after_eval=evidence["training_after_eval"],
            in_optimizer=optimized,
            evidence=evidence,
        )

    def _tensor(self, found: Reached, evidence: dict[str, Any], optimized: bool | None) -> Iterator[Hidden]:
        tensor: torch.Tensor = found.thing
        where = place(tensor, found.path, found.owner, found.attribute)
        numel = numel_of(tensor)
        common: dict[str, Any] = {
            "holder": found.holder,
            "numel": numel,
            "in_optimizer": optimized,
            "evidence": evidence,
        }
        if is_parameter(tensor):
            yield HiddenParameter(**where, **common, frozen=not tensor.requires_grad)
        elif tensor.requires_grad and tensor.grad_fn is not None:
            if self._is_lost(tensor):
                operation = type(tensor.grad_fn).__name__.removesuffix("0").removesuffix("Backward")
                yield DerivedTensor(**where, **common, operation=operation)
        elif tensor.requires_grad:
            yield HiddenTensor(**where, **common, trainable=True)
        elif numel and tensor.dim() and not evidence["moved"]:
            yield HiddenTensor(**where, **common, breaks_at=evidence["breaks_at"])

    def _is_lost(self, tensor: torch.Tensor) -> bool:
        """Whether a Parameter that nothing else keeps is below a tensor, or a leaf of the user's alone."""
        below = leaves([tensor]).tensors
        unknown = [leaf for key, leaf in below.items() if key not in self.known]
        if any(is_parameter(leaf) for leaf in unknown):
            return True
        return bool(unknown) and len(unknown) == len(below)


def reads_mode(module: nn.Module) -> bool:
    """Whether a module behaves differently in training, as far as its class shows."""
    if isinstance(module, _DROPPING):
        return bool(module.p > 0)
    if isinstance(module, (nn.RReLU, nn.modules.batchnorm._BatchNorm)):
        return True
    own = [
        cls for cls in type(module).__mro__ if not cls.__module__.startswith("torch.") and cls is not object
    ]
    methods = (each for cls in own for each in vars(cls).values() if type(each) is FunctionType)
    return any("training" in code.co_names for code in map(_code_of, methods))


def _code_of(method: FunctionType) -> CodeType:
    """Of a decorated method, its own code."""
    inner = inspect.unwrap(method)
    return inner.__code__ if isinstance(inner, FunctionType) else method.__code__


def _submodules(module: nn.Module) -> list[nn.Module]:
    return [each for _, each in modules_of(module)]


def _any_in(keys: Iterable[int], known: set[int] | None) -> bool | None:
    return None if known is None else any(key in known for key in keys)


def _all_in(tensors: list[torch.Tensor], given: set[int] | None, own: set[int]) -> bool | None:
    """Whether all that are trainable are in an optimizer: one that was given, or one that the model keeps."""
    trainable = [id(tensor) for tensor in tensors if tensor.requires_grad]
    if trainable and all(key in own or key in (given or ()) for key in trainable):
        return True
    return None if given is None else False
