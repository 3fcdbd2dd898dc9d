"""Where a learning rate scheduler is stepped: in which loop, made how, and in what its arguments are counted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Label, Range
from torchlint.model.callers import Call, called_function, callers, given_values
from torchlint.model.facts import torch_facts
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Function, Loop, bound_in, children
from torchlint.model.kinds import Kind
from torchlint.model.metrics import better
from torchlint.model.mode import compares_with_mode, words
from torchlint.model.module_class import root
from torchlint.model.values import Value, Values, argument, has_star
from torchlint.model.vocabulary import is_optimizer, is_scheduler, mentions_scheduler, scheduler_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.metrics import Better

_ITERATIONS = re.compile(
    r"(?i)batch|loader|iter|steps|updates|warm_?up|(^|_)len(gth)?$|(^|_)its($|_)|per_?epoch"
)
_LEARNING_RATE = re.compile(r"(?i)(^|_)lr($|_)|learning_rate|param_groups")
_VERSION = re.compile(r"hasattr|get_last_lr|(?i:version)")
_TRAINING = re.compile(
    r"(?i)(^|_)(pre)?(train|fit|step|optimi[sz]e|update|learn|run|epoch|warm_?up|backward|loop|main)(ing|er)?(_|$)"
)
_HARMLESS = {
    "train", "eval", "update", "initialize", "load_state_dict", "add_param_group", "zero_grad", "update_lr", "set_epoch",
    "backward",
}  # fmt: skip
"""Methods and functions that train nothing, whatever they are called and given."""
_MOST_EPOCHS = 500
"""A literal above this is taken for a number of iterations."""
_SLOWEST_DECAY = 0.995
"""A literal ``gamma`` of ExponentialLR above this makes sense for each batch."""


@dataclass(frozen=True, eq=False)
class SchedulerCall:
    """A call of ``scheduler.get_lr()``, or of ``scheduler.step(metric)``."""

    file: File
    site: CallSite

    @property
    def function(self) -> Function:
        return self.site.place.function

    @property
    def range(self) -> Range:
        return self.file.range(self.site.node)

    @property
    def receiver(self) -> cst.BaseExpression:
        assert isinstance(self.site.node.func, cst.Attribute)
        return self.site.node.func.value

    @property
    def name(self) -> str:
        return self.file.code(self.receiver)

    @property
    def method(self) -> str:
        assert isinstance(self.site.node.func, cst.Attribute)
        return self.site.node.func.attr.value

    # -- the scheduler ---------------------------------------------------------------------------------------------

    @cached_property
    def schedulers(self) -> list[Value]:
        """The schedulers that the receiver may be; empty where something else, or something unknown, may be it."""
        found = list(self._resolve(self.file.evaluator.values(self.receiver, self.function)))
        kinds = {value.kind for value in found}
        return [value for value in found if value.kind is Kind.SCHEDULER] if kinds <= _POSSIBLE else []

    def _resolve(self, values: Values) -> Iterator[Value]:
        for value in values:
            if value.kind is Kind.ARGUMENT:
                yield from self._given(value)
            else:
                yield value

    def _given(self, value: Value) -> Iterator[Value]:
        """What the callers of the function pass for a parameter; what they do not know themselves is left out."""
        for _, values in given_values(value, self.function):
            yield from (item for item in values if item.kind not in (Kind.UNKNOWN, Kind.ARGUMENT))

    def class_of(self, scheduler: Value) -> str:
        """``StepLR``."""
        return scheduler.dotted.rpartition(".")[2]

    @property
    def is_on_scheduler(self) -> bool:
        """Whether the receiver is made as a scheduler, or given under the name of one."""
        if is_scheduler(self.name.split(".")):
            return True
        if not scheduler_names(self.file.source.text):
            return False
        values = self.file.evaluator.values(self.receiver, self.function)
        return any(value.kind is Kind.SCHEDULER for value in values)

    # -- the learning rate -----------------------------------------------------------------------------------------

    @property
    def steps_ahead(self) -> bool:
        """Whether ``get_lr()`` computes the rate of the next step from the present one, for one of the schedulers."""
        return any(value.dotted in torch_facts().recursive_schedulers for value in self.schedulers)

    @property
    def is_for_another_version(self) -> bool:
        """Whether a scheduler is asked what it knows first, or a failure is expected."""
        for block in self.site.place.blocks():
            if block.kind in ("try", "except"):
                return True
            if block.kind == "if" and _VERSION.search(self.file.code_of(block.node)):
                return True
        return False

    @property
    def is_in_scheduler(self) -> bool:
        """Whether a class has a ``get_lr`` of its own, and this is in it."""
        owner = self.function.owner
        return owner is not None and "get_lr" in owner.outline.methods

    def rename(self, name: str) -> Fix:
        """Call another method."""
        assert isinstance(self.site.node.func, cst.Attribute)
        edit = Edit(self.file.range(self.site.node.func.attr), name)
        return Fix(f"call `{name}()`", (edit,))

    # -- the metric ------------------------------------------------------------------------------------------------

    @property
    def metric(self) -> cst.BaseExpression | None:
        """What ``step(metric)`` is given."""
        return argument(self.site.node, "metrics", 0)

    @cached_property
    def better(self) -> Better | None:
        """Which values of the metric are better, if its name tells."""
        return better(self.metric, self.function) if self.metric is not None else None

    @property
    def spelled_metric(self) -> str:
        return self.file.code(self.metric) if self.metric is not None else ""

    @cached_property
    def plateaus(self) -> list[Value]:
        return [value for value in self.schedulers if value.dotted.endswith(".ReduceLROnPlateau")]

    @property
    def modes(self) -> set[str | None]:
        """The modes of the ``ReduceLROnPlateau`` that it may be; ``None`` is one that is not known."""
        return {mode for value in self.plateaus for mode in _modes(value)}

    def mode_label(self, mode: str) -> Label | None:
        """Where the scheduler got its mode, if that is in this file."""
        value = self.plateaus[0]
        if (
            value.function is None
            or value.function.file is not self.file
            or not isinstance(value.node, cst.Call)
        ):
            return None
        return Label(self.file.range(value.node), f'`mode` is "{mode}"')

    def set_mode(self, mode: str) -> Fix | None:
        """Give the scheduler another mode; unsafe, as it goes by names."""
        value = self.plateaus[0]
        call = value.node
        if value.function is None or value.function.file is not self.file or not isinstance(call, cst.Call):
            return None
        if len(self.plateaus) > 1 or not call.args or has_star(call):
            return None
        given = argument(call, "mode", 1)
        if given is None:
            edit = self.file.insert(self.file.outer_range(call.args[0].value).end, f', mode="{mode}"')
        elif isinstance(given, cst.SimpleString):
            edit = self.file.replace(given, f'"{mode}"')
        else:
            return None
        return Fix(f'set `mode="{mode}"`', (edit,), safety="unsafe")


@dataclass(frozen=True, eq=False)
class SchedulerStep(SchedulerCall):
    """A call of ``scheduler.step()`` inside of a loop."""

    # -- the loops -------------------------------------------------------------------------------------------------

    @cached_property
    def batch_loop(self) -> cst.For | None:
        """The loop around the step, where it trains on one batch at each turn."""
        loops = self.site.place.loops()
        loop = loops[0] if loops else None
        if not isinstance(loop, cst.For) or _speaks_of_epochs(loop):
            return None
        return loop if trains_in(loop, self.function) else None

    @cached_property
    def is_within_epochs(self) -> bool:
        """Whether a loop over epochs runs around the batch loop: here, or around a call of this function."""
        if any(_speaks_of_epochs(loop) for loop in self.site.place.loops()[1:]):
            return True
        if "epoch" in root(self.function).name.lower():
            return True
        return any(_speaks_of_epochs(loop) for call in self.callers for loop in call.place.loops())

    @property
    def loop_label(self) -> Label | None:
        loop = self.batch_loop
        if loop is None:
            return None
        start = self.file.range(loop).start
        return Label(Range(start, self.file.outer_range(loop.iter).end), "once for each batch of this loop")

    # -- the order -------------------------------------------------------------------------------------------------

    @cached_property
    def optimizer_step(self) -> CallSite | None:
        """The step of its optimizer in the same loop, where that surely comes behind the first step of the scheduler.

        What is called before must not step an optimizer: unknown functions that are given it, or that speak of training, may.
        """
        loop = self.site.place.loops()[0]
        if self._may_be_left_out(loop) or not self._is_periodic:
            return None
        before = [call for call in self.function.calls if call.place.order < self.site.place.order]
        if any(map(self._may_train, before)) or self._is_resumed:
            return None
        after = (call for call in self.function.calls if call.place.order > self.site.place.order)
        return next(
            (call for call in after if loop in call.place.loops() and self._steps_its_optimizer(call)), None
        )

    @property
    def _is_periodic(self) -> bool:
        """Whether it is a scheduler whose first rate matters, made where its optimizer is known by the same name."""
        return bool(self._optimizers) and all(
            value.dotted in torch_facts().recursive_schedulers
            and self.class_of(value) not in ("LinearLR", "ConstantLR")
            and isinstance(value.node, cst.Call)
            and argument(value.node, "last_epoch") is None
            and self._is_made_in_reach(value)
            for value in self.schedulers
        )

    def _is_made_in_reach(self, scheduler: Value) -> bool:
        """Whether it is made in this function, or by ``__init__`` of the class, and not anew in each turn."""
        made = scheduler.function
        if made is None or made.file is not self.file or self._is_made_for_each_epoch(scheduler):
            return False
        return made is self.function or (
            made.owner is not None and made.owner is self.function.owner and root(made).name == "__init__"
        )

    @cached_property
    def _optimizers(self) -> set[str]:
        """How the optimizers of the schedulers are called, where they are made."""
        calls = [value.node for value in self.schedulers if isinstance(value.node, cst.Call)]
        given = [argument(call, "optimizer", 0) for call in calls]
        if not given or not all(isinstance(node, (cst.Name, cst.Attribute)) for node in given):
            return set()
        return {self.file.code(node) for node in given if node is not None}

    def _may_be_left_out(self, loop: Loop) -> bool:
        """Whether a condition between the loop and the step may differ from turn to turn, or an exception is expected."""
        changing = bound_in(loop, self.function.self_name)
        for block in self.site.place.blocks():
            if block.node is loop:
                return False
            if block.kind == "if":
                training = block.taken and compares_with_mode(block.node)
                if not training and not _is_constant(block.node, changing):
                    return True
            elif block.kind != "with":
                return True
        return True

    @property
    def _is_resumed(self) -> bool:
        """Whether the function sets ``last_epoch`` by hand."""
        return any(store.target.attr.value == "last_epoch" for store in self.function.attribute_stores)

    def _may_train(self, call: CallSite) -> bool:
        if _steps_optimizer(call):
            return True
        dotted = self.file.evaluator.dotted(call.node.func, self.function) or ""
        name = self._callee(call)
        if dotted.startswith(("torch.", "builtins.")) or name in _HARMLESS or name[:1].isupper():
            return False
        called = called_function(call.node, self.function)
        if called is not None:
            return any(
                _steps_optimizer(inner)
                or (
                    self._callee(inner) not in _HARMLESS and _TRAINING.search(self._callee(inner)) is not None
                )
                for inner in called.calls
            )
        if _TRAINING.search(name):
            return True
        return any(self.file.code(item.value) in self._optimizers for item in call.node.args)

    def _callee(self, call: CallSite) -> str:
        """The last name of what is called."""
        callee = call.node.func
        if isinstance(callee, cst.Attribute):
            return callee.attr.value
        return callee.value if isinstance(callee, cst.Name) else ""

    def _steps_its_optimizer(self, call: CallSite) -> bool:
        """``optimizer.step()``, ``scaler.step(optimizer)``, and a function of the project that is given it and does so."""
        callee = call.node.func
        if isinstance(callee, cst.Attribute) and callee.attr.value == "step":
            touched = [callee.value, *(item.value for item in call.node.args)]
            return any(self.file.code(node) in self._optimizers for node in touched)
        given = any(self.file.code(item.value) in self._optimizers for item in call.node.args)
        owned = any(name.startswith(f"{self.function.self_name}.") for name in self._optimizers)
        called = called_function(call.node, self.function, with_word="step") if given or owned else None
        if called is None:
            return False
        if given:
            return any(map(_steps_optimizer, called.calls))
        return called.owner is self.function.owner and any(
            isinstance(inner.node.func, cst.Attribute)
            and inner.node.func.attr.value == "step"
            and self.file.code(inner.node.func.value) in self._optimizers
            for inner in called.calls
        )

    def order_label(self, step: CallSite) -> Label:
        return Label(self.file.range(step.node), "comes only here")

    # -- the conditions --------------------------------------------------------------------------------------------

    @property
    def is_conditional(self) -> bool:
        """Whether the step is not made for every batch: a modulo, a warm-up, a flag that may mean anything.

        That there is a scheduler, and that the learning rate is above a floor, are no such conditions.
        """
        own = set(words(self.receiver)) | {"None"}
        for block in self.site.place.blocks():
            if block.node is self.batch_loop:
                return False
            asked = set(words(block.node)) if block.kind == "if" else set()
            if not asked <= own and not any(_LEARNING_RATE.search(word) for word in asked):
                return True
        return False

    @property
    def has_argument(self) -> bool:
        return bool(self.site.node.args)

    @property
    def steps_on_batch_loss(self) -> bool:
        """Whether the metric given is the loss that was just back-propagated."""
        if len(self.site.node.args) != 1 or self.batch_loop is None:
            return False
        given = _base(self.site.node.args[0].value)
        losses = {
            _base(call.node.func.value)
            for call in self.function.calls
            if isinstance(call.node.func, cst.Attribute) and call.node.func.attr.value == "backward"
            and self.batch_loop in call.place.loops()[:1]
        }  # fmt: skip
        return given is not None and given in losses

    # -- the scheduler ---------------------------------------------------------------------------------------------

    @cached_property
    def callers(self) -> list[Call]:
        return list(callers(root(self.function)))

    def names_epochs(self, scheduler: Value) -> bool:
        """Whether an argument of the constructor is called after epochs, ``T_max=args.epochs``, and the loop runs over
        data: a loop over ``range(n)`` may well be the loop over epochs itself."""
        call = scheduler.node
        if self.batch_loop is None or {"range", "trange", "count"} & set(words(self.batch_loop.iter)):
            return False
        return isinstance(call, cst.Call) and any(
            "epoch" in word.lower() for item in call.args[1:] for word in words(item.value)
        )

    def counts_epochs(self, scheduler: Value) -> bool:
        """Whether the arguments of the constructor are written in epochs."""
        call = scheduler.node
        if (
            not isinstance(call, cst.Call)
            or scheduler.function is None
            or self._is_made_for_each_epoch(scheduler)
        ):
            return False
        name = self.class_of(scheduler)
        given = [item.value for item in call.args[1:]]
        texts = [word for item in given for word in words(item)]
        if any(_ITERATIONS.search(word) for word in texts):
            return False
        if name in ("LambdaLR", "MultiplicativeLR"):
            return any(_is_lambda_of_epoch(item) for item in given)
        counts = torch_facts().epoch_schedulers.get(scheduler.dotted)
        if counts is None:
            return False
        if name == "ExponentialLR":
            return _is_number_below(argument(call, "gamma", 1), _SLOWEST_DECAY)
        if name == "ReduceLROnPlateau":
            return self.steps_on_batch_loss
        counted = [item for item in (argument(call, count, 1) for count in counts) if item is not None]
        return bool(counted) and all(self._is_in_epochs(item, scheduler.function) for item in counted)

    def _is_in_epochs(self, node: cst.BaseExpression, function: Function) -> bool:
        if any("epoch" in word.lower() for word in words(node)):
            return True
        if isinstance(node, (cst.List, cst.Tuple)):
            return bool(node.elements) and all(
                self._is_in_epochs(item.value, function) for item in node.elements
            )
        if isinstance(node, (cst.Integer, cst.Float)):
            return 1 < node.evaluated_value <= _MOST_EPOCHS
        text = function.file.code(node)
        ranges = (
            function.file.code(loop.iter) for loop in self.site.place.loops()[1:] if isinstance(loop, cst.For)
        )
        if any(text == whole.removeprefix("range(").removesuffix(")") for whole in ranges):
            return True
        values = function.file.evaluator.values(node, function)
        return bool(values) and all(
            isinstance(value.node, (cst.Integer, cst.List, cst.Tuple))
            and value.node is not node
            and self._is_in_epochs(value.node, value.function or function)
            for value in values
        )

    def _is_made_for_each_epoch(self, scheduler: Value) -> bool:
        """``scheduler = CosineAnnealingLR(...)`` inside of the epoch loop: a schedule over one epoch."""
        function, node = scheduler.function, scheduler.identity
        place = function.place(node) if function is not None and node is not None else None
        return (
            place is not None
            and bool(place.loops())
            and any(_speaks_of_epochs(loop) for loop in place.loops())
        )

    def label(self, scheduler: Value) -> Label | None:
        """Where the scheduler is made, if that is in this file."""
        if scheduler.function is None or scheduler.function.file is not self.file or scheduler.node is None:
            return None
        return Label(self.file.range(scheduler.node), "its arguments are counted in epochs")


_POSSIBLE = {Kind.SCHEDULER, Kind.NONE}


def scheduler_steps(file: File, wanted: Collection[int]) -> Iterator[SchedulerStep]:
    """The calls of ``.step()`` or ``.step(metric)`` in loops of the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        for site in function.calls:
            callee = site.node.func
            if not isinstance(callee, cst.Attribute) or callee.attr.value != "step" or not site.place.loops():
                continue
            if len(site.node.args) <= 1 and not is_optimizer(file.code(callee.value).split(".")):
                yield SchedulerStep(file, site)


def scheduler_calls(file: File, wanted: Collection[int]) -> Iterator[SchedulerCall]:
    """The calls of ``.get_lr()`` and ``.step(metric)`` in the top-level statements with these indices."""
    if not mentions_scheduler(file.source.text):
        return
    for function in file.all_functions(wanted):
        for site in function.calls:
            callee, given = site.node.func, len(site.node.args)
            if isinstance(callee, cst.Attribute) and (
                (callee.attr.value == "get_lr" and given == 0)
                or (callee.attr.value == "step" and given in (1, 2))
            ):
                call = SchedulerCall(file, site)
                if call.is_on_scheduler:
                    yield call


def _modes(scheduler: Value) -> Iterator[str | None]:
    """What ``mode`` a ``ReduceLROnPlateau`` may be given."""
    call, function = scheduler.node, scheduler.function
    if not isinstance(call, cst.Call) or function is None or has_star(call):
        yield None
        return
    given = argument(call, "mode", 1)
    if given is None:
        yield "min"
        return
    for value in function.file.evaluator.values(given, function):
        yield str(value.node.evaluated_value) if isinstance(value.node, cst.SimpleString) else None


def _speaks_of_epochs(loop: Loop) -> bool:
    parts = [loop.target, loop.iter] if isinstance(loop, cst.For) else [loop.test]
    return any("epoch" in word.lower() for part in parts for word in words(part))


def trains_in(loop: cst.For, function: Function) -> bool:
    """Whether the loop itself (no loop inside it), or a function of the project that it calls, back-propagates and
    steps an optimizer."""
    calls = [call for call in function.calls if call.place.loops()[:1] == [loop]]

    def called_with(word: str) -> Iterator[CallSite]:
        for call in calls:
            other = called_function(call.node, function, with_word=word)
            for inner in other.calls if other is not None else ():
                if not inner.place.loops():
                    yield inner

    return any(map(_back_propagates, chain(calls, called_with("backward")))) and any(
        map(_steps_optimizer, chain(calls, called_with("step")))
    )


def _back_propagates(call: CallSite) -> bool:
    """``loss.backward()``; ``accelerator.backward(loss)`` is the business of its framework."""
    callee = call.node.func
    given = any(item.keyword is None for item in call.node.args)
    return isinstance(callee, cst.Attribute) and callee.attr.value == "backward" and not given


def _steps_optimizer(call: CallSite) -> bool:
    callee, function = call.node.func, call.place.function
    if not isinstance(callee, cst.Attribute) or callee.attr.value != "step":
        return False
    if any("optim" in word.lower() or word in ("opt", "scaler") for word in words(call.node)):
        return True
    values = function.file.evaluator.values(callee.value, function)
    return any(value.kind is Kind.OPTIMIZER for value in values)


def _is_constant(test: cst.CSTNode, changing: set[str]) -> bool:
    """Whether a test gives the same in each turn of a loop that binds the ``changing`` names: a flag or an option."""
    pending = [test]
    while pending:
        node = pending.pop()
        if isinstance(node, (cst.Call, cst.BinaryOperation, cst.Subscript, cst.MatchCase)):
            return False
        if isinstance(node, cst.ComparisonTarget) and not isinstance(
            node.operator, (cst.Equal, cst.NotEqual, cst.Is, cst.IsNot, cst.In, cst.NotIn)
        ):
            return False
        if isinstance(node, cst.Name) and node.value in changing:
            return False
        if isinstance(node, cst.Attribute) and f"self.{node.attr.value}" in changing:
            return False
        pending += children(node)
    return True


def _base(node: cst.BaseExpression) -> str | None:
    """The name that an expression such as ``loss.detach().item()`` begins with."""
    while isinstance(node, (cst.Attribute, cst.Call, cst.Subscript)):
        node = node.func if isinstance(node, cst.Call) else node.value
    return node.value if isinstance(node, cst.Name) else None


def _is_number_below(node: cst.BaseExpression | None, limit: float) -> bool:
    return isinstance(node, (cst.Integer, cst.Float)) and float(node.evaluated_value) < limit


def _is_lambda_of_epoch(node: cst.BaseExpression) -> bool:
    """``lambda epoch: 0.95 ** epoch``, and nothing in it that speaks of iterations."""
    if not isinstance(node, cst.Lambda):
        return False
    names = [item.name.value for item in node.params.params]
    return any("epoch" in name.lower() for name in names) and not any(
        _ITERATIONS.search(word) for child in children(node) for word in words(child)
    )
