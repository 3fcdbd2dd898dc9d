"""``watch``: real training steps, and whether gradients, optimizers, schedulers and modes follow each other."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.data import dataloader

from torchlint.observed import (
    BackwardModes,
    BornInForward,
    Observation,
    OptimizerSteps,
    SchedulerPace,
    UnreachedParameter,
)
from torchlint.runtime.creation import call_site, called_from, is_torch_frame, name_of, tree_of
from torchlint.runtime.hiding import HiddenState, place
from torchlint.runtime.hooks import Birth, watched_calls
from torchlint.runtime.judging import Judge
from torchlint.runtime.optimizers import coverage, optimizers_in
from torchlint.runtime.registration import Registered, is_parameter, numel_of, tensors_of
from torchlint.runtime.report import Report

_HORIZONS = ("T_max", "total_steps", "total_iters")


@contextmanager
def watch(
    model: nn.Module,
    optimizer: object = None,
    scheduler: object = None,
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
) -> Iterator[Report]:
    """Watch the training steps in a ``with`` block; the report it gives is filled when the block ends.

    >>> with runtime.watch(model, optimizer, scheduler) as report:
    ...     train(model, optimizer, scheduler, epochs=2)
    >>> report.raise_on("error")

    One optimizer and scheduler, or several in a list; without them, all that step are watched. Epochs are the passes
    over a ``DataLoader``; with batches of another kind, a scheduler's pace is judged only by the loops in the source.
    The training itself is not changed, and runs as usual when the block raises: the report then has what was seen
    before.

    Raises ``TypeError`` for what is no module or no optimizer.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"watch needs an nn.Module, not {type(model).__name__}")
    judge = Judge(select, ignore)
    monitor = Monitor(model, optimizers_in(optimizer), _listed(scheduler))
    report = Report(target=name_of(type(model)), torch=str(torch.__version__))
    try:
        with monitor.watching():
            yield report
    finally:
        classes = {name_of(type(each)): type(each) for _, each in monitor.state.registered.modules.values()}
        judge.report(monitor.observations(), report, classes)


def _listed(given: object) -> list[Any]:
    return [] if given is None else list(given) if isinstance(given, (list, tuple)) else [given]


Gradients = list[tuple[torch.Tensor, torch.Tensor, int]]
"""Parameters with their gradients, and the versions of those."""


@dataclass
class _Steps:
    """What was seen of one optimizer.

    ``seen`` are its gradients after the last step or backward pass: if they are others when the next one begins, the
    user's code has changed them meanwhile. ``stale`` is true while they hold those of the step before.
    """

    optimizer: torch.optim.Optimizer
    steps: int = 0
    without_backward: int = 0
    zeroed: int = 0
    without_gradients: int = 0
    accumulated: int = 0
    passes: int = 0  # backward passes since the last step,
    own_passes: int = 0  # and those of them that gave gradients to this optimizer's Parameters
    zeroed_behind: bool = False
    left_by_step: bool = False
    stale: bool = False
    seen: Gradients = field(default_factory=list)
    site: str | None = None

    def gradients(self) -> Gradients:
        tensors = (tensor for group in self.optimizer.param_groups for tensor in group["params"])
        return [(tensor, tensor.grad, tensor.grad._version) for tensor in tensors if tensor.grad is not None]

    def before_backward(self) -> None:
        if not _unchanged(self.seen):
            self.left_by_step = self.stale = False
        self.seen = self.gradients()

    def after_backward(self) -> None:
        now = self.gradients()
        self.passes += 1
        if len(now) != len(self.seen) or not _unchanged(self.seen):
            self.own_passes += 1
            self.zeroed_behind = False
            self.stale = self.stale or self.left_by_step
        self.seen = now

    def zero(self) -> None:
        self.left_by_step = self.stale = False
        self.zeroed_behind = self.own_passes > 0

    def after_step(self) -> None:
        gradients = self.gradients()
        self.steps += 1
        self.site = self.site or call_site()
        empty = _all_zero(gradients)
        if self.passes == 0:
            self.without_backward += empty or (self.left_by_step and _unchanged(self.seen))
        elif self.zeroed_behind and empty:
            self.zeroed += 1
        elif not gradients:
            self.without_gradients += 1
        self.accumulated += self.stale and _unchanged(self.seen, by_clipping=True)
        self.seen, self.left_by_step, self.stale = gradients, not empty, False
        self.passes = self.own_passes = 0
        self.zeroed_behind = False


def _unchanged(gradients: Gradients, *, by_clipping: bool = False) -> bool:
    """Whether gradients are the same tensors with the same values; ``by_clipping``, their values may be others."""
    return all(
        tensor.grad is grad and (by_clipping or grad._version == version)
        for tensor, grad, version in gradients
    )


def _all_zero(gradients: Gradients) -> bool:
    return not any(bool(grad.any()) for _, grad, _ in gradients)


@dataclass
class _Pace:
    """What was seen of one scheduler."""

    scheduler: Any
    first_rate: float
    steps: int = 0
    optimizer_steps: int = 0
    within_epochs: int = 0
    at_step: tuple[int, int] = (-1, -1)  # passes over the data, and batches of the last one
    site: str | None = None
    site_of_optimizer: str | None = None


class Monitor:
    """Counts what happens while :meth:`watching`, and says it in :meth:`observations`.

    Without optimizers, every one that steps a Parameter of the model is watched; without schedulers, all of them.
    """

    def __init__(
        self, model: nn.Module, optimizers: list[torch.optim.Optimizer], schedulers: list[Any]
    ) -> None:
        self.model = model
        self.state = HiddenState(Registered(model))
        self.takes_any = not optimizers, not schedulers
        self.steps = {id(each): _Steps(each) for each in optimizers}
        self.paces = {id(each): _Pace(each, _rate(each)) for each in schedulers}
        self.counts: dict[int, int] = {}  # the steps of each optimizer
        self.sites: dict[int, str | None] = {}
        self.loaded: list[int] = []  # the number of batches of each pass over a DataLoader
        self.modes: list[bool] = []  # of the model, at each backward pass
        self.reached: set[int] = set()
        self.births: list[list[Birth]] = []

    # ------------------------------------------------------------------------------------------------------ watching

    @contextmanager
    def watching(self) -> Iterator[None]:
        with ExitStack() as stack:
            self.calls = stack.enter_context(watched_calls())
            stack.callback(register_optimizer_step_pre_hook(self._before_step).remove)
            stack.callback(register_optimizer_step_post_hook(self._after_step).remove)
            _wrap(stack, torch.autograd, "backward", before=self._before_backward, after=self._after_backward)
            _wrap(stack, dataloader.DataLoader, "__iter__", before=self._new_epoch)
            _wrap(stack, dataloader._BaseDataLoaderIter, "__next__", after=self._new_batch)
            _wrap(stack, torch.optim.Optimizer, "zero_grad", before=self._zeroed)
            _wrap(stack, nn.Module, "zero_grad", before=self._model_zeroed)
            for cls in _scheduler_classes():
                _wrap(stack, cls, "step", before=self._before_schedule, after=self._after_schedule)
            yield

    def _steps_of(self, optimizer: torch.optim.Optimizer) -> _Steps | None:
        if id(optimizer) not in self.steps and self.takes_any[0]:
            known = self.state.registered.names
            if any(id(tensor) in known for group in optimizer.param_groups for tensor in group["params"]):
                self.steps[id(optimizer)] = _Steps(optimizer, passes=len(self.modes))
        return self.steps.get(id(optimizer))

    def _new_epoch(self, *args: Any, **kwargs: Any) -> None:
        self.loaded.append(0)

    def _new_batch(self, *args: Any, **kwargs: Any) -> None:
        if self.loaded:
            self.loaded[-1] += 1

    def _before_backward(self, *args: Any, **kwargs: Any) -> None:
        self.modes.append(self.model.training)
        for each in self.steps.values():
            each.before_backward()

    def _after_backward(self, *args: Any, **kwargs: Any) -> None:
        for each in self.steps.values():
            each.after_backward()

    def _zeroed(self, optimizer: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> None:
        if steps := self._steps_of(optimizer):
            steps.zero()

    def _model_zeroed(self, module: nn.Module, *args: Any, **kwargs: Any) -> None:
        own = {id(tensor) for tensor in module.parameters()}
        for each in self.steps.values():
            if any(id(tensor) in own for group in each.optimizer.param_groups for tensor in group["params"]):
                each.zero()

    def _before_step(self, optimizer: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> None:
        self._steps_of(optimizer)
        parameters = self.state.registered.parameters.values()
        self.reached.update(id(tensor) for tensor in parameters if tensor.grad is not None)

    def _after_step(self, optimizer: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> None:
        self._before_step(optimizer)  # a closure has computed the gradients meanwhile
        self.counts[id(optimizer)] = self.counts.get(id(optimizer), 0) + 1
        self.sites[id(optimizer)] = call_site()
        if steps := self._steps_of(optimizer):
            steps.after_step()
            self.births.append(self.calls.births[sum(map(len, self.births)) :])

    def _before_schedule(self, scheduler: Any, *args: Any, **kwargs: Any) -> None:
        if id(scheduler) not in self.paces and self.takes_any[1]:
            self.paces[id(scheduler)] = _Pace(scheduler, _rate(scheduler))

    def _after_schedule(self, scheduler: Any, *args: Any, **kwargs: Any) -> None:
        pace = self.paces.get(id(scheduler))
        caller = called_from(sys._getframe(2))
        if pace is None or caller is None or is_torch_frame(caller):
            return  # a step that a scheduler takes by itself, when it is made or within another one
        pace.steps += 1
        pace.site = pace.site or call_site()
        optimizer = id(getattr(scheduler, "optimizer", None))
        pace.optimizer_steps = self.counts.get(optimizer, 0)
        pace.site_of_optimizer = self.sites.get(optimizer)
        # The step before was within an epoch if the same pass over the data has gone on since.
        now = len(self.loaded), (self.loaded[-1] if self.loaded else 0)
        pace.within_epochs += pace.at_step[0] == now[0] and now[1] > pace.at_step[1]
        pace.at_step = now

    # -------------------------------------------------------------------------------------------------- observations

    def observations(self) -> Iterator[Observation]:
        yield from (self._optimizer_steps(each) for each in self.steps.values() if each.steps)
        yield from (self._scheduler_pace(each) for each in self.paces.values() if each.steps)
        if self.modes and self.modes[0]:
            yield BackwardModes(
                owner=name_of(type(self.model)),
                type=type(self.model).__name__,
                backwards=len(self.modes),
                in_eval=self.modes.count(False),
                never_reset=not self.modes[-1],
            )
        yield from self._born()
        yield from self._unreached()
        now = HiddenState(Registered(self.model))  # with the layers that the first step has added
        yield from coverage(now, [each.optimizer for each in self.steps.values()], self.reached or None)

    def _optimizer_steps(self, each: _Steps) -> OptimizerSteps:
        name = type(each.optimizer).__name__
        return OptimizerSteps(
            type=name,
            path=name,
            created=each.site,
            optimizer=name,
            steps=each.steps,
            without_backward=each.without_backward,
            zeroed=each.zeroed,
            without_gradients=each.without_gradients,
            accumulated=each.accumulated,
            evidence={"steps": each.steps},
        )

    def _scheduler_pace(self, pace: _Pace) -> SchedulerPace:
        scheduler, name = pace.scheduler, type(pace.scheduler).__name__
        within, batches = pace.within_epochs, sum(self.loaded)
        if not batches and in_same_inner_loop(pace.site, pace.site_of_optimizer):
            within = pace.steps
        horizons = (getattr(scheduler, each, None) for each in _HORIZONS)
        return SchedulerPace(
            type=name,
            path=name,
            created=pace.site,
            scheduler=name,
            steps=pace.steps,
            optimizer_steps=pace.optimizer_steps,
            epochs=len(self.loaded),
            batches=batches,
            within_epochs=within,
            horizon=next((each for each in horizons if isinstance(each, int)), None),
            last_epoch=int(getattr(scheduler, "last_epoch", 0)),
            first_rate=pace.first_rate,
            last_rate=_rate(scheduler),
            evidence={"steps": pace.steps, "optimizer_steps": pace.optimizer_steps, "batches": batches},
        )

    def _born(self) -> Iterator[BornInForward]:
        """What a training step created, where the next one did so as well."""
        stepped = [births for births in self.births if births]
        kept = set(Registered(self.model).modules)
        for earlier, later in pairwise(stepped):
            sites = {birth.site for birth in earlier}
            for birth in later:
                there = {id(tensor) for _, tensor in tensors_of(birth.module)}
                if birth.site in sites and is_parameter(birth.tensor) and id(birth.tensor) in there:
                    path = self.state.registered.modules.get(id(birth.within), ("", None))[0]
                    yield BornInForward(
                        **place(birth.module, path, birth.within, ""),
                        numel=numel_of(birth.tensor),
                        again=True,
                        kept=id(birth.module) in kept,
                    )
            return

    def _unreached(self) -> Iterator[UnreachedParameter]:
        steps = sum(each.steps for each in self.steps.values())
        if not self.reached or steps < 2:
            return
        for name, tensor in self.state.registered.trainable.items():
            if id(tensor) not in self.reached:
                owner, _, attribute = name.rpartition(".")
                module = next(
                    (each for path, each in self.state.registered.modules.values() if path == owner), None
                )
                yield UnreachedParameter(
                    **place(tensor, name, module, attribute), numel=numel_of(tensor), passes=steps
                )


def _wrap(
    stack: ExitStack,
    home: Any,
    name: str,
    *,
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> None:
    """Put a function around another one until the stack is left; it takes and gives what that takes and gives."""
    original = getattr(home, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(*args, **kwargs)
        result = original(*args, **kwargs)
        if after is not None:
            after(*args, **kwargs)
        return result

    setattr(home, name, wrapped)
    stack.callback(setattr, home, name, original)


def _scheduler_classes() -> list[type]:
    """The classes of schedulers with a ``step`` of their own."""
    found: list[type] = []
    pending: list[type] = [torch.optim.lr_scheduler.LRScheduler]
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        if "step" in vars(cls) and cls not in found:
            found.append(cls)
    return found


def _rate(scheduler: Any) -> float:
    groups = getattr(getattr(scheduler, "optimizer", None), "param_groups", None)
    return float(groups[0]["lr"]) if groups else 0.0


def in_same_inner_loop(site: str | None, other: str | None) -> bool:
    """Whether two lines of one function are in the same loop, and that loop is in another one."""
    file, _, line = (site or "").rpartition(":")
    file_of_other, _, other_line = (other or "").rpartition(":")
    if not file or file != file_of_other:
        return False
    loops, others = _loops_around(tree_of(file), int(line)), _loops_around(tree_of(file), int(other_line))
    return len(loops) >= 2 and loops == others


def _loops_around(tree: ast.AST | None, line: int) -> list[ast.stmt]:
    found = [
        node
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, (ast.For, ast.While, ast.AsyncFor))
        and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return sorted(found, key=lambda node: node.lineno)
