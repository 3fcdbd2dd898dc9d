"""``verify`` and ``assert_registered``: every probe on one model, and what the rules make of what was seen."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from torchlint.observed import (
    BornInForward,
    BrokenTie,
    DerivedTensor,
    FailedCopy,
    ForeignTensors,
    HiddenModule,
    HiddenParameter,
    HiddenTensor,
    MutatedBuffer,
    Observation,
    RandomCall,
    RoundTrip,
    UncoveredParameter,
    UnequalOutputs,
    UnreachedParameter,
)
from torchlint.runtime.creation import name_of
from torchlint.runtime.device import SIMULATED, DeviceResult, first_line, try_device, unavailable
from torchlint.runtime.forward import ForwardProbe
from torchlint.runtime.hiding import HiddenState
from torchlint.runtime.inputs import Inputs, needs_inputs
from torchlint.runtime.judging import Judge
from torchlint.runtime.optimizers import coverage, optimized_by, optimizers_in
from torchlint.runtime.registration import Registered
from torchlint.runtime.report import NotRun, Report
from torchlint.runtime.restoring import restored
from torchlint.runtime.state_dicts import copies, round_trip
from torchlint.runtime.tree import tree

_HIDDEN = (HiddenModule, HiddenParameter, HiddenTensor, DerivedTensor)
_FORWARD = (*_HIDDEN, BornInForward, MutatedBuffer, RandomCall, UnequalOutputs, UnreachedParameter)


def verify(
    model: nn.Module,
    args: Sequence[Any] | torch.Tensor = (),
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

    Without ``args`` and ``kwargs``, the model is only looked at. With them it is called, as ``model(*args, **kwargs)``:
    twice in evaluation, twice in training, and once more for each of ``devices`` on a copy that is moved there. Where
    no GPU is among ``devices``, moving is simulated. An ``optimizer``, or several in a list, is compared with the
    model's Parameters; a ``factory`` makes a fresh model of the same architecture, which must compute the same after
    loading the state of this one. A ``scheduler`` is checked over training steps, by :func:`watch`.

    ``select`` and ``ignore`` take codes, names and prefixes of rules. The model is left exactly as it was found, also
    when it raises; it is kept in memory twice meanwhile.

    Raises ``TypeError`` if ``model`` is no :class:`torch.nn.Module`, and :class:`torchlint.settings.ConfigError` for a
    selector that means no rule. What goes wrong in a check is in ``report.not_run``, never raised.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"verify needs an nn.Module, not {type(model).__name__}")
    given = Inputs((args,) if isinstance(args, torch.Tensor) else tuple(args), dict(kwargs or {}))
    return _Verification(model, Judge(select, ignore), optimizer, scheduler, factory).run(given, devices)


def assert_registered(
    model: nn.Module, *, select: Iterable[str] | None = None, ignore: Iterable[str] | None = None
) -> None:
    """Raise :class:`VerificationError` if the model keeps modules or weights where PyTorch does not see them.

    One line in a test: the model is looked at, not called.
    """
    verify(model, select=select, ignore=ignore).raise_on("error")


class _Verification:
    """One run of ``verify``."""

    def __init__(
        self,
        model: nn.Module,
        judge: Judge,
        optimizer: object,
        scheduler: object,
        factory: Callable[[], nn.Module] | None,
    ) -> None:
        self.model = model
        self.judge = judge
        self.optimizers = optimizers_in(optimizer)
        self.scheduler = scheduler
        self.factory = factory
        self.report = Report(target=name_of(type(model)), torch=str(torch.__version__))
        self.state = HiddenState(Registered(model))

    def run(self, given: Inputs, devices: Sequence[str]) -> Report:
        inputs = given if given.args or given.kwargs or not needs_inputs(self.model) else None
        observations = list(self._observations(inputs, devices))
        classes = {name_of(type(each)): type(each) for _, each in self.state.registered.modules.values()}
        self.judge.report(observations, self.report, classes)
        self._judge_outputs(classes)
        self.report.truncated += self.state.walk.truncated
        self.report.picture = tree(self.state, self.optimizers, self.report.findings)
        return self.report

    def _observations(self, inputs: Inputs | None, devices: Sequence[str]) -> Iterator[Observation]:
        probe: ForwardProbe | None = None
        device: tuple[str, DeviceResult] | None = None
        with restored(self.state):
            if inputs is None:
                self._not_run("forward", "no inputs were given: pass args or kwargs")
            elif self.judge.wants(*_FORWARD):
                device = self._moved(inputs, devices)
                probe = self._forward(inputs)
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
        yield from self.state.observations(
            optimized=set(optimized_by(self.optimizers)) if self.optimizers else None,
            called=usable.called if usable else None,
            in_graph=usable.in_graph if usable else None,
            still_training=usable.still_training if usable else None,
            breaks=device[1].breaks if device else None,
            device=device[0] if device else None,
        )
        if device is not None:
            yield from device[1].caches
        if probe is not None:
            yield from probe.observations()
        self.probe = probe
        if self.judge.wants(UncoveredParameter, ForeignTensors):
            yield from coverage(self.state, self.optimizers, usable.in_graph if usable else None)

    def _forward(self, inputs: Inputs) -> ForwardProbe | None:
        """Run the passes; on a copy where a lazy module would learn its shape, which cannot be undone."""
        state = self.state
        if state.registered.is_lazy:
            try:
                state = HiddenState(Registered(copy.deepcopy(self.model, state.registered.lazy_copies())))
            except Exception as error:
                self._not_run("forward", f"a lazy model that cannot be copied: {first_line(error)}")
                return None
        probe = ForwardProbe(state, inputs)
        for mode, raised in probe.errors:
            self._not_run(f"forward in {mode}", f"the model raised {first_line(raised)}")
        return probe

    def _moved(self, inputs: Inputs, devices: Sequence[str]) -> tuple[str, DeviceResult] | None:
        """The pass on another device that counts: a real one before the simulation."""
        self.report.devices["cpu"] = "run"
        real = [each for each in devices if torch.device(each).type not in ("cpu", SIMULATED)]
        usable = [each for each in real if unavailable(each) is None]
        if self.state.registered.is_lazy:
            self._not_run("device", "a lazy model has no tensors to move before its first call")
            return None
        device = usable[0] if usable else SIMULATED
        result = try_device(self.state, inputs, device)
        self.report.devices[device] = "simulated" if device == SIMULATED else "run"
        if result.why is not None:
            self._not_run(f"device ({'simulated' if device == SIMULATED else device})", result.why)
        return ("simulated" if device == SIMULATED else device), result

    def _absent_devices(self, devices: Sequence[str]) -> None:
        """A device that is not there is skipped, which is not the same as passed."""
        for each in devices:
            if torch.device(each).type not in ("cpu", SIMULATED) and (why := unavailable(each)):
                self.report.devices[each] = f"skipped: {why}"
                self._not_run(each, f"skipped: {why}")

    def _judge_outputs(self, classes: Mapping[str, type]) -> None:
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
        self.judge.report(self.probe.unequal(codes), self.report, classes)

    def _guarded(self, check: str, run: Callable[[], Iterator[Observation]]) -> list[Observation]:
        try:
            return list(run())
        except Exception as error:
            self._not_run(check, first_line(error))
            return []

    def _not_run(self, check: str, why: str) -> None:
        self.report.not_run.append(NotRun(check, why))


_STOCHASTIC = ("TL101", "TL103", "TL104")
"""The rules whose findings make two passes differ."""
