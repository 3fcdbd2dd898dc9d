"""Forward passes under observation: two in evaluation, two in training, with the same inputs.

The passes of one mode are compared with each other: what is there in both was kept somewhere, what is new each time
was created by the pass.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from torchlint.observed import (
    BornInForward,
    Hidden,
    HiddenModule,
    HiddenParameter,
    HiddenTensor,
    MutatedBuffer,
    Observation,
    RandomCall,
    UnequalOutputs,
    UnreachedParameter,
)
from torchlint.runtime.autograd import Leaves, leaves, tensors_in
from torchlint.runtime.creation import name_of
from torchlint.runtime.hiding import HiddenState, place, reads_mode
from torchlint.runtime.hooks import Birth, Calls, watched_calls
from torchlint.runtime.inputs import Inputs
from torchlint.runtime.modes import FunctionMode, LeafUse, RandomUse
from torchlint.runtime.outside import name_outside, root_of
from torchlint.runtime.registration import (
    Registered,
    attributes_of,
    is_parameter,
    join,
    modules_of,
    numel_of,
    registry,
    tensors_of,
)
from torchlint.runtime.walk import walk

_DROPOUTS = (nn.modules.dropout._DropoutNd, nn.RReLU)


@dataclass
class Pass:
    """One forward pass: its outputs and what was seen of it, or the error that it raised.

    The outputs are detached and the leaves of their graph noted, so that the graph itself is gone.
    """

    calls: Calls
    functions: FunctionMode
    outputs: list[torch.Tensor] = field(default_factory=list)
    leaves: Leaves = field(default_factory=lambda: Leaves({}))
    error: Exception | None = None


def run_pass(model: nn.Module, inputs: Inputs, known: set[int]) -> Pass:
    """Call the model once; what it raises is kept, not raised."""
    given = inputs.copy()
    own = {id(tensor) for tensor in tensors_in([given.args, given.kwargs])}
    with (
        eagerly(),
        watched_calls() as calls,
        FunctionMode(calls, known | own) as functions,
        torch.enable_grad(),
    ):
        done = Pass(calls, functions)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outputs = tensors_in(model(*given.args, **given.kwargs))
            done.leaves = leaves(outputs)
            done.outputs = [tensor.detach().clone() for tensor in outputs]
        except Exception as error:
            done.error = error.with_traceback(None)  # whose frames would keep what was computed
    return done


def eagerly() -> contextlib.AbstractContextManager[object]:
    """Run what is compiled as it is written: hooks and modes do not see into compiled code."""
    stance = getattr(torch.compiler, "set_stance", None) if "torch._dynamo" in sys.modules else None
    return contextlib.nullcontext() if stance is None else stance("force_eager")


class ForwardProbe:
    """Runs the passes on a model, whose state must be restored by the caller, and tells what they have shown."""

    def __init__(self, state: HiddenState, inputs: Inputs) -> None:
        self.state = state
        self.model = state.registered.root
        self.still_training = self._set_mode(train=False)
        self.evaluated = self._passes(inputs)
        now = Registered(self.model)
        self.kept = set(now.modules)
        self.now_hidden = {id(each.thing): each for each in walk(now).hidden}
        self.changed_in_eval = self.changed
        self._set_mode(train=True)
        self.trained = self._passes(inputs)

    def _set_mode(self, *, train: bool) -> set[int]:
        """Ask the model, as a user would; the identities of the hidden modules that train afterwards."""
        self.model.train() if train else self.model.eval()
        hidden = [module for each in self.state.modules for _, module in modules_of(each.thing)]
        return {
            id(module) for module in hidden if attributes_of(module).get("training") and reads_mode(module)
        }

    def _passes(self, inputs: Inputs) -> list[Pass]:
        """Two passes, or one where it fails. Buffers that the second changes are noted: the first may fill a cache."""
        self.changed: set[str] = set()
        first = run_pass(self.model, inputs, self.state.known)
        if first.error is not None:
            return [first]
        before = {name: tensor.detach().clone() for name, tensor in tensors_of(self.model, "_buffers")}
        second = run_pass(self.model, inputs, self.state.known)
        for name, tensor in tensors_of(self.model, "_buffers"):
            if name in before and not equal(tensor, before[name]):
                self.changed.add(name)
        return [first, second]

    @property
    def errors(self) -> Iterator[tuple[str, Exception]]:
        for mode, passes in (("evaluation", self.evaluated), ("training", self.trained)):
            for each in passes:
                if each.error is not None:
                    yield mode, each.error

    @property
    def all_passes(self) -> list[Pass]:
        return [each for each in (*self.evaluated, *self.trained) if each.error is None]

    # ------------------------------------------------------------------------------- what the walk has found already

    @property
    def called(self) -> set[int]:
        return {key for each in self.all_passes for key in each.calls.called}

    @property
    def in_graph(self) -> set[int]:
        return {key for each in self.all_passes for key in each.leaves.tensors}

    # -------------------------------------------------------------------------------------------------- observations

    def observations(self) -> Iterator[Observation]:
        yield from self.random_calls()
        yield from self.births()
        yield from self.outsiders()
        yield from self.unreached()
        yield from self.mutated()

    def random_calls(self) -> Iterator[RandomCall]:
        for mode, passes in (("eval", self.evaluated), ("train", self.trained)):
            for use in passes[0].functions.random:
                yield self._random_call(use, mode)

    def _random_call(self, use: RandomUse, mode: str) -> RandomCall:
        written = use.switched
        return RandomCall(
            path=self.path_of(use.within),
            type=type(use.within).__name__,
            owner=name_of(type(use.within)),
            created=use.site,
            function=use.function.__name__,
            argument=use.random.switch or use.random.rate,
            mode=mode,
            active=use.active,
            given=written != "left out",
            deliberate=written == "true",
            rate=use.rate,
            evidence={"mode": mode, "rate": use.rate},
        )

    def births(self) -> Iterator[BornInForward]:
        first, *rest = self.evaluated
        again = {birth.site for each in rest for birth in self._births(each)}
        for birth in self._births(first):
            yield BornInForward(
                **place(
                    birth.tensor,
                    self.path_of(birth.within),
                    birth.within,
                    site=birth.site,
                    type_of=birth.module,
                ),
                numel=numel_of(birth.tensor),
                again=birth.site in again,
                kept=id(birth.module) in self.kept,
            )
        for module in self._strangers(first):
            if isinstance(module, _DROPOUTS) and reads_mode(module) and not self._is_met_again(module):
                yield self._born_dropout(first, module)

    def _births(self, done: Pass) -> Iterator[Birth]:
        """Parameters that are new, and buffers of modules that are, and that nobody has replaced since."""
        for birth in done.calls.births:
            there = {id(tensor) for _, tensor in tensors_of(birth.module)}
            is_old = id(birth.tensor) in self.state.known or id(birth.tensor) not in there
            is_cache = id(birth.module) in self.state.known_modules and not is_parameter(birth.tensor)
            if not is_old and not is_cache:
                yield birth

    def _born_dropout(self, done: Pass, module: nn.Module) -> BornInForward:
        caller = self._nearest(done.calls.callers[id(module)], done.calls)
        return BornInForward(
            **place(module, self.path_of(caller), caller, site=done.calls.sites[id(module)]),
            dropout=True,
            again=True,
        )

    def outsiders(self) -> Iterator[Observation]:
        """Modules and leaves that both passes used and that cannot be reached from the model: globals and caches."""
        if len(self.evaluated) < 2 or self.evaluated[1].error is not None:
            return
        first, second = self.evaluated
        inside: set[int] = {id(birth.tensor) for each in self.evaluated for birth in each.calls.births}
        for module in self._strangers(first):
            tensors = [tensor for _, tensor in tensors_of(module) if id(tensor) not in self.state.known]
            inside.update(map(id, tensors))
            if id(module) in second.calls.called and (tensors or reads_mode(module)):
                yield self._outside_module(first, module, tensors)
        for key, use in first.functions.leaves.items():
            if key not in inside:
                yield from self._leaf(use, kept=key in second.functions.leaves)

    def _strangers(self, done: Pass) -> Iterator[nn.Module]:
        """The modules that were called and that the walk does not know; of a tree, its root alone."""
        calls = done.calls
        known = self.state.known_modules
        for key, module in calls.called.items():
            caller = calls.callers[key]
            if key not in known and key not in self.kept and (caller is None or id(caller) in known):
                yield module

    def _is_met_again(self, module: nn.Module) -> bool:
        return any(id(module) in each.calls.called for each in self.evaluated[1:])

    def _outside_module(self, done: Pass, module: nn.Module, tensors: list[torch.Tensor]) -> HiddenModule:
        where, holder = self._where(module, self._nearest(done.calls.callers[id(module)], done.calls))
        trainable = [tensor for tensor in tensors if is_parameter(tensor)]
        site = done.calls.sites[id(module)]
        return HiddenModule(
            **{**where, "created": where["created"] or site},
            holder=holder,
            numel=sum(map(numel_of, tensors)),
            parameters=sum(map(numel_of, trainable)),
            buffers=sum(map(numel_of, tensors)) - sum(map(numel_of, trainable)),
            frozen=bool(trainable) and not any(tensor.requires_grad for tensor in trainable),
            asks_for_mode=reads_mode(module),
            training_after_eval=module.training,
            evidence={"called": True, "in_parameters": False, "in_state_dict": False, "moved": False},
        )

    def _leaf(self, use: LeafUse, *, kept: bool) -> Iterator[Observation]:
        """A leaf that is there in each pass is kept outside of the model; a Parameter that is not, was born in it."""
        tensor = use.tensor
        if not kept:
            if is_parameter(tensor):
                where = place(tensor, self.path_of(use.within), use.within, site=use.site)
                yield BornInForward(**where, numel=numel_of(tensor), again=True)
            return
        where, holder = self._where(tensor, use.within)
        where["created"] = where["created"] or use.site
        evidence = {"in_graph": True, "in_parameters": False, "in_state_dict": False, "moved": False}
        kind: type[Hidden] = HiddenParameter if is_parameter(tensor) else HiddenTensor
        extra: dict[str, Any] = {} if kind is HiddenParameter else {"trainable": True}
        yield kind(**where, **extra, holder=holder, numel=numel_of(tensor), evidence=evidence)

    def _where(self, thing: object, user: nn.Module | None) -> tuple[dict[str, Any], str]:
        """Where a thing is kept that both passes used: on the model since the first, or in a global, or somewhere."""
        if found := self.now_hidden.get(id(thing)):
            return place(thing, found.path, found.owner, found.attribute), found.holder
        _, path, holder = name_outside(thing, user)
        return place(thing, path, user, root_of(path), assigned=False), holder

    def unequal(self, explained: tuple[str, ...]) -> Iterator[UnequalOutputs]:
        """Whether the two passes in evaluation differ; ``explained`` are the codes that say why they do."""
        outputs = [each.outputs for each in self.evaluated if each.error is None]
        words = difference(*outputs) if len(outputs) == 2 else ""
        if words:
            cls = type(self.model)
            yield UnequalOutputs(owner=name_of(cls), type=cls.__name__, difference=words, explained=explained)

    def unreached(self) -> Iterator[UnreachedParameter]:
        """Parameters without a path from any output. Nothing is known of them where a node hides what is below it."""
        done = [each for each in self.all_passes if each.leaves.tensors]
        if not done or not all(each.leaves.complete for each in done):
            return
        for name, tensor in self.state.registered.trainable.items():
            if id(tensor) not in self.in_graph:
                owner, _, attribute = name.rpartition(".")
                module = self.module_at(owner)
                yield UnreachedParameter(
                    **place(tensor, name, module, attribute), numel=numel_of(tensor), passes=len(done)
                )

    def mutated(self) -> Iterator[MutatedBuffer]:
        for path, module in modules_of(self.model):
            for name in attributes_of(module).get("_non_persistent_buffers_set", ()):
                full = join(path, name)
                if full in self.changed and full not in self.changed_in_eval:
                    tensor = registry(module, "_buffers")[name]
                    yield MutatedBuffer(**place(tensor, full, module, name), numel=numel_of(tensor))

    # --------------------------------------------------------------------------------------------------------- names

    def path_of(self, module: nn.Module | None) -> str:
        return self.state.registered.modules.get(id(module), ("", None))[0]

    def module_at(self, path: str) -> nn.Module | None:
        return next((each for key, each in self.state.registered.modules.values() if key == path), None)

    def _nearest(self, module: nn.Module | None, calls: Calls) -> nn.Module | None:
        """The module itself, or the next registered one that its call came from."""
        while module is not None and id(module) not in self.state.registered.modules:
            module = calls.callers.get(id(module))
        return module


def equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether values agree, up to what the order of a sum may change."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not (one.is_floating_point() or one.is_complex()):
        return bool(torch.equal(one, other))
    return bool(torch.allclose(one.detach(), other.detach(), rtol=1e-4, atol=1e-6, equal_nan=True))


def difference(first: list[torch.Tensor], second: list[torch.Tensor]) -> str:
    """In words, how the outputs of two passes differ; ``""`` where they do not."""
    if len(first) != len(second):
        return f"{len(first)} and {len(second)} tensors"
    for one, other in zip(first, second, strict=True):
        if one.shape != other.shape:
            return f"shapes {tuple(one.shape)} and {tuple(other.shape)}"
        if not equal(one, other):
            gap = (one.double() - other.double()).abs() if not one.is_complex() else (one - other).abs()
            return f"by up to {gap.nan_to_num().max().item():.3g}"
    return ""
