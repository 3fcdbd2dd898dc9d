"""``verify`` and ``assert_registered``: every probe on one model, and what the rules make of what was seen."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from torchlint.observed import (
    BornInForward,
    BrokenTie,
    DerivedTensor,
    EmptyEntry,
    FailedCopy,
    ForeignTensors,
    HiddenModule,
    HiddenParameter,
    HiddenTensor,
    IdleSwitch,
    ModeSwitch,
    MutatedBuffer,
    Observation,
    RandomCall,
    RecurrentDropout,
    RepeatedEntry,
    RoundTrip,
    RunningStatistics,
    UncoveredParameter,
    UnequalOutputs,
    UninitialisedModule,
    UnreachedParameter,
)
from torchlint.runtime.creation import name_of
from torchlint.runtime.device import SIMULATED, DeviceResult, first_line, try_device, unavailable
from torchlint.runtime.forward import ForwardProbe
from torchlint.runtime.hiding import HiddenState, Seen
from torchlint.runtime.inputs import Inputs, needs_inputs
from torchlint.runtime.judging import Judge
from torchlint.runtime.layers import Layers
from torchlint.runtime.optimizers import coverage, optimized_by, optimizers_in
from torchlint.runtime.registration import Registered
from torchlint.runtime.report import NotRun, Report
from torchlint.runtime.restoring import restored
from torchlint.runtime.state_dicts import copies, round_trip
from torchlint.runtime.switching import switched
from torchlint.runtime.tree import tree

_HIDDEN = (HiddenModule, HiddenParameter, HiddenTensor, DerivedTensor)
_LAYERS = (EmptyEntry, IdleSwitch, RecurrentDropout, RepeatedEntry, RunningStatistics)
_FORWARD = (*_HIDDEN, BornInForward, MutatedBuffer, RandomCall, UnequalOutputs, UnreachedParameter)


def verify(
    model: nn.Module,
    args: object = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    optimizer: object = None,
    scheduler: object = None,
    factory: Callable[[], nn.Module] | None = None,
    devices: Sequence[str] = ("cpu",),
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
) -> Report:
    """Compare what a model has with what PyTorch sees of it, and what it does with what it should.

    Without ``args`` and ``kwargs``, the model is only looked at. With them it is called, as ``model(*args, **kwargs)``
    (what is no tuple or list is a single argument): twice in evaluation, twice in training, and once more on a copy
    that is moved to the first of ``devices`` that is there and not the CPU. Without one, moving is simulated. An
    ``optimizer``, or several in a list, is compared with the model's Parameters; a ``factory`` makes a fresh model of
    the same architecture, which must compute the same after loading the state of this one. A ``scheduler`` is checked
    over training steps, by :func:`watch`.

    ``select`` and ``ignore`` take codes, names and prefixes of rules. The model is left exactly as it was found, also
    when it raises; where it is called, it is kept in memory twice meanwhile.

    Raises ``TypeError`` if ``model`` is no :class:`torch.nn.Module` or ``optimizer`` no optimizer, ``RuntimeError`` for
    a device that torch does not know, and :class:`torchlint.settings.ConfigError` for a selector that means no rule.
    What goes wrong in a check is in ``report.not_run``, never raised.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"verify needs an nn.Module, not {type(model).__name__}")
    given = Inputs(tuple(args) if isinstance(args, (tuple, list)) else (args,), dict(kwargs or {}))
    others = [each for each in devices if torch.device(each).type not in ("cpu", SIMULATED)]
    return _Verification(model, Judge(select, ignore), optimizer, scheduler, factory).run(given, others)


def assert_registered(
    model: nn.Module, *, select: Iterable[str] | None = None, ignore: Iterable[str] | None = None
) -> None:
    """Raise :class:`VerificationError` if the model keeps modules or weights where PyTorch does not see them.

    One line in a test: the model is looked at, not called. Raises ``TypeError`` and ``ConfigError`` as :func:`verify`.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"assert_registered needs an nn.Module, not {type(model).__name__}")
    verification = _Verification(model, Judge(select, ignore))
    verification.judge_all(verification.state.observations())
    verification.report.raise_on("error")


def uninitialised_module(path: str, module: nn.Module) -> UninitialisedModule:
    """What is said of a module for which nobody called ``nn.Module.__init__``."""
    name = name_of(type(module))
    return UninitialisedModule(path=path, type=type(module).__name__, owner=name, assigned_in=name)


def never_initialised(cls: type[nn.Module], raised: str) -> Report:
    """The report on a class that could not be built, because ``nn.Module.__init__`` came too late or never."""
    report = Report(target=name_of(cls), torch=str(torch.__version__))
    name = name_of(cls)
    observed = UninitialisedModule(type=cls.__name__, owner=name, assigned_in=name, raised=raised)
    Judge().report([observed], report, {name: cls})
    return report


class _Verification:
    """One run of ``verify``."""

    def __init__(
        self,
        model: nn.Module,
        judge: Judge,
        optimizer: object = None,
        scheduler: object = None,
        factory: Callable[[], nn.Module] | None = None,
    ) -> None:
        self.model = model
        self.judge = judge
        self.optimizers = optimizers_in(optimizer)
        self.scheduler = scheduler
        self.factory = factory
        self.report = Report(target=name_of(type(model)), torch=str(torch.__version__))
        self.state = HiddenState(Registered(model))
        self.report.truncated += self.state.walk.truncated

    def run(self, given: Inputs, devices: Sequence[str]) -> Report:
        uninitialised = [uninitialised_module(*each) for each in self.state.registered.uninitialised]
        if uninitialised:
            self.judge_all(uninitialised)
            self._not_run("all other checks", f"`{uninitialised[0].type}` was never initialised")
        else:
            inputs = given if given.args or given.kwargs or not needs_inputs(self.model) else None
            self.judge_all(list(self._observations(inputs, devices)))
            self._judge_outputs()
        self.report.picture = tree(self.state, self.optimizers, self.report.findings)
        return self.report

    def judge_all(self, observations: Iterable[Observation]) -> None:
        classes = {name_of(type(each)): type(each) for _, each in self.state.registered.modules.values()}
        self.judge.report(observations, self.report, classes)

    def _observations(self, inputs: Inputs | None, devices: Sequence[str]) -> Iterator[Observation]:
        probe: ForwardProbe | None = None
        device: tuple[str, DeviceResult] | None = None
        is_called = inputs is not None or self.factory is not None
        if self.judge.wants(*_LAYERS):
            yield from self._guarded("layers", lambda: Layers(self.state.registered).observations())
        with restored(self.state) if is_called else contextlib.nullcontext():
            if inputs is None:
                self._not_run("forward", "no inputs were given")
            elif self.state.registered.is_sharded:
                self._not_run("forward", "FSDP has sharded the model: verify it before it is wrapped")
            elif any(tensor.is_meta for tensor in self.state.registered.tensors.values()):
                self._not_run("forward", "the model is on the meta device, where tensors have no values")
            elif self.judge.wants(*_FORWARD, ModeSwitch):
                self.report.devices[self._home()] = "run"
                device = self._moved(inputs, devices)
                yield from self._guarded("modes", lambda: switched(self.state))
                probe = self._forward(inputs)
                if probe is None or any(probe.errors):
                    self.report.devices[self._home()] = "failed"
            if self.judge.wants(BrokenTie, FailedCopy):
                yield from self._guarded("copies", lambda: copies(self.state))
            if self.factory is not None and self.judge.wants(RoundTrip, BrokenTie):
                factory = self.factory
                yield from self._guarded(
                    "state_dict round trip", lambda: round_trip(self.state, inputs, factory)
                )
        self._absent_devices(devices)
        if self.factory is None:
            self._not_run("state_dict round trip", "no factory was given")
        if not self.optimizers:
            self._not_run("optimizer", "no optimizer was given")
        if self.scheduler is not None:
            self._not_run("scheduler", "it is seen only over training steps: use runtime.watch")
        usable = probe if probe is not None and probe.state is self.state else None
        yield from self.state.observations(self._seen(usable, device))
        if device is not None:
            yield from device[1].caches
        if probe is not None:
            yield from probe.observations()
        self.probe = probe
        if self.judge.wants(UncoveredParameter, ForeignTensors):
            yield from coverage(self.state, self.optimizers, usable.in_graph if usable else None)

    def _seen(self, probe: ForwardProbe | None, device: tuple[str, DeviceResult] | None) -> Seen:
        seen = Seen(optimized=set(optimized_by(self.optimizers)) if self.optimizers else None)
        if probe is not None:
            seen.called, seen.in_graph = probe.called, probe.in_graph
            seen.still_training = probe.still_training
        if device is not None:
            seen.device, seen.breaks = device[0], device[1].breaks
        return seen

    def _forward(self, inputs: Inputs) -> ForwardProbe | None:
        """Run the passes; on a copy where a lazy module would learn its shape, which cannot be undone."""
        state = self.state
        if state.registered.is_lazy:
            try:
                state = HiddenState(Registered(copy.deepcopy(self.model, state.registered.lazy_copies())))
            except Exception as error:
                self._not_run("forward", f"a lazy model that cannot be copied: {first_line(error)}")
                return None
        try:
            probe = ForwardProbe(state, inputs)
        except Exception as error:  # not of forward, which may raise, but of `train()` and the like
            self._not_run("forward", first_line(error))
            return None
        for mode, raised in probe.errors:
            self._not_run(f"forward in {mode}", f"the model raised {first_line(raised)}")
        return probe

    def _home(self) -> str:
        """Where the model is."""
        return next((str(tensor.device) for tensor in self.state.registered.tensors.values()), "cpu")

    def _moved(self, inputs: Inputs, devices: Sequence[str]) -> tuple[str, DeviceResult] | None:
        """The pass on another device: on a real one, if there is one, as that counts more than the simulation."""
        if self.state.registered.is_lazy:
            self._not_run("device", "a lazy model has no tensors to move before its first call")
            return None
        device = next((each for each in devices if unavailable(each) is None), SIMULATED)
        result = try_device(self.state, inputs, device)
        name, status = ("simulated", "simulated") if device == SIMULATED else (device, "run")
        self.report.devices[device] = status if result.why is None else f"{status}, inconclusive"
        if result.why is not None:
            self._not_run(f"device ({name})", result.why)
        return name, result

    def _absent_devices(self, devices: Sequence[str]) -> None:
        """A device that is not there, or was not needed, is skipped, which is not the same as passed."""
        for each in devices:
            if each not in self.report.devices:
                why = unavailable(each) or "another device was there"
                self.report.devices[each] = f"skipped: {why}"
                self._not_run(each, f"skipped: {why}")

    def _judge_outputs(self) -> None:
        """Last, as what was found may explain why two passes differ."""
        if self.probe is None:
            return
        deliberate = [each for each in self.probe.random_calls() if each.deliberate and each.active]
        explained = [
            each.code
            for each in self.report.findings
            if each.code in _STOCHASTIC or each.evidence.get("training_after_eval")
        ]
        codes = tuple(dict.fromkeys([*explained, *("TL101" for _ in deliberate[:1])]))
        self.judge_all(self.probe.unequal(codes))

    def _guarded(self, check: str, run: Callable[[], Iterator[Observation]]) -> list[Observation]:
        found: list[Observation] = []
        try:
            found.extend(run())
        except Exception as error:
            self._not_run(check, first_line(error))
        return found

    def _not_run(self, check: str, why: str) -> None:
        self.report.not_run.append(NotRun(check, why))


_STOCHASTIC = ("TL101", "TL103", "TL104")
"""The rules whose findings make two passes differ."""
