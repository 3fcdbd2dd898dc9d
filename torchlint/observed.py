"""What a runtime rule may ask: plain facts about a live model, as the probes of :mod:`torchlint.runtime` saw them.

This is to the runtime witness what :mod:`torchlint.model` is to the static one. Nothing here needs torch, so a rule
file can be read, explained and documented where torch is not installed. In all of them a ``None`` means that nobody
looked, and never that nothing was there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeVar

AnObservation = TypeVar("AnObservation", bound="Observation")


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A thing in or around a live model, or several alike: those of one attribute of one class count as one.

    ``path`` leads from the model to the first of them (``decoder.heads[0]``) and ``paths`` to each of the ``count``;
    ``numel`` is the number of elements of all of them together. ``owner`` is the class of the registered module that
    they were reached from, by ``attribute``, and ``assigned_in`` the base of it whose code assigns that attribute.
    ``assigned`` and ``created`` are places in the source, ``file:line``.
    """

    path: str = ""
    paths: tuple[str, ...] = ()
    count: int = 1
    numel: int = 0
    type: str = ""
    owner: str = ""
    attribute: str = ""
    assigned: str | None = None
    assigned_in: str | None = None
    created: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)

    added_up: ClassVar[tuple[str, ...]] = ("count", "numel")

    @property
    def key(self) -> tuple[object, ...]:
        """Observations with equal keys are told as one."""
        return (type(self).__name__, self.owner, self.attribute or self.path)

    def with_others(self: AnObservation, others: Sequence[AnObservation]) -> AnObservation:
        """This and others with the same key as one."""
        everything = (self, *others)
        sums = {name: sum(getattr(each, name) for each in everything) for name in self.added_up}
        paths = tuple(path for each in everything for path in (each.paths or (each.path,)))
        return replace(self, paths=paths, **sums)

    @property
    def named(self) -> str:
        """What to call it in a message: the attribute with its path, without what leads further in."""
        if not self.attribute:
            return self.path
        start = self.path.rfind(self.attribute)
        return self.path[: start + len(self.attribute)] if start >= 0 else self.path


# ------------------------------------------------------------------------------------------------------ registration


@dataclass(frozen=True, kw_only=True)
class UninitialisedModule(Observation):
    """A module whose class never called ``nn.Module.__init__``; where that kept it from being built, what it raised."""

    raised: str = ""


@dataclass(frozen=True, kw_only=True)
class Hidden(Observation):
    """Something that the model keeps where PyTorch does not look: ``holder`` says where ("a plain list").

    ``frozen``: it has Parameters, and none asks for a gradient.
    """

    holder: str = ""
    frozen: bool = False
    in_optimizer: bool | None = None

    @property
    def kept(self) -> str:
        """Where it is, for a message: "`heads`, kept in a plain list,"."""
        return f"`{self.named}`, kept in {self.holder or 'the instance `__dict__`'},"

    @property
    def fate(self) -> str:
        """What does not happen to it, as far as that was seen: "train, move or save"; "" if all of that does."""
        trains = self.in_optimizer or self.frozen or self.evidence.get("in_parameters")
        happens = {
            "train": trains,
            "move": self.evidence.get("moved"),
            "save": self.evidence.get("in_state_dict"),
        }
        words = [word for word, does in happens.items() if not does]
        return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, self.holder, self.frozen, self.type if not self.attribute else "")


@dataclass(frozen=True, kw_only=True)
class HiddenModule(Hidden):
    """A module that is not in ``model.modules()``, but that the model keeps or calls.

    ``parameters`` and ``buffers`` count the elements that nothing else registers, ``lazy`` if they are not made yet.
    ``asks_for_mode``: something in it reads ``training``, and ``training_after_eval`` is whether it still trains after
    ``model.eval()``.
    """

    parameters: int = 0
    buffers: int = 0
    lazy: bool = False
    asks_for_mode: bool = False
    training_after_eval: bool | None = None

    added_up: ClassVar[tuple[str, ...]] = ("count", "numel", "parameters", "buffers")

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, bool(self.numel or self.lazy))


@dataclass(frozen=True, kw_only=True)
class HiddenParameter(Hidden):
    """A Parameter that is not in ``model.parameters()``."""


@dataclass(frozen=True, kw_only=True)
class HiddenTensor(Hidden):
    """A plain tensor: neither Parameter nor buffer.

    ``trainable``: a leaf that asks for a gradient. ``breaks_at`` is the operation that fails when the model is moved,
    ``None`` where none was seen.
    """

    trainable: bool = False
    breaks_at: str | None = None

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, self.trainable, self.breaks_at is not None)


@dataclass(frozen=True, kw_only=True)
class DerivedTensor(Hidden):
    """A tensor that was computed from a Parameter which nothing registers; ``operation`` made it of that."""

    operation: str = ""


@dataclass(frozen=True, kw_only=True)
class EmptyEntry(Observation):
    """An entry of a registry that is ``None``, though the class registers something there; ``call`` does so."""

    call: str = ""


@dataclass(frozen=True, kw_only=True)
class RepeatedEntry(Observation):
    """One module with Parameters that stands in a container at several ``places``.

    ``by_reference``: the statement that makes the container repeats a list, ``[module] * n``, and nothing near it says
    that weights are shared.
    """

    container: str = ""
    places: int = 2
    by_reference: bool = False


@dataclass(frozen=True, kw_only=True)
class MutatedBuffer(Observation):
    """A buffer that training changes and that ``state_dict()`` leaves out."""


# ------------------------------------------------------------------------------------------------------------ layers


@dataclass(frozen=True, kw_only=True)
class RecurrentDropout(Observation):
    """A recurrent network of torch with dropout between its layers, of which there are ``layers``."""

    rate: float = 0.0
    layers: int = 1

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, self.rate, self.layers)


@dataclass(frozen=True, kw_only=True)
class RunningStatistics(Observation):
    """A batch normalisation of torch that takes most of its running statistics from the last batch: its ``momentum``."""

    momentum: float = 0.0

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, self.momentum)


@dataclass(frozen=True, kw_only=True)
class IdleSwitch(Observation):
    """``requires_grad``, or a name like it, as a plain attribute that nobody reads, of a module or tensor.

    ``value`` is what it is set to, and ``obeyed`` is whether any Parameter, of the module or the tensor itself, is as
    it says.
    """

    switch: str = ""
    value: bool = False
    on_module: bool = False
    obeyed: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, self.switch, self.value, self.on_module, self.obeyed)


@dataclass(frozen=True, kw_only=True)
class ModeSwitch(Observation):
    """What ``eval()`` of the model did to a module whose class has a ``train`` or ``eval`` of its own, ``method``.

    ``takes`` is the parameter of that method that stands where the mode is given and is another thing, ``""`` where
    there is none; ``still_training`` is the mode of the module afterwards. ``returns``: ``eval()`` returns the module,
    ``None`` for what is below the model. ``raised`` is what came of it instead.
    """

    method: str = ""
    takes: str = ""
    still_training: bool = False
    returns: bool | None = None
    raised: str = ""


# ----------------------------------------------------------------------------------------------------------- forward


@dataclass(frozen=True, kw_only=True)
class RandomCall(Observation):
    """A function that drops or draws at random, seen in a forward pass in ``mode`` ("eval" or "train").

    ``active`` is whether it did so. ``given`` is whether the caller passed ``argument``, which switches it, and
    ``deliberate`` whether a literal ``True`` was written for it.
    """

    function: str = ""
    argument: str = ""
    mode: str = "eval"
    active: bool = True
    given: bool = False
    deliberate: bool = False
    rate: float = 0.0

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, self.function, self.mode, self.created)


@dataclass(frozen=True, kw_only=True)
class BornInForward(Observation):
    """Parameters that a forward pass created. ``again``: and so did the next one. ``kept``: the model keeps them.

    ``dropout`` is true for a module without Parameters that drops at random, and was built where it is called.
    """

    again: bool = False
    kept: bool = False
    dropout: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, self.created, self.type, self.again, self.kept)


@dataclass(frozen=True, kw_only=True)
class UnequalOutputs(Observation):
    """Two forward passes in evaluation, with the same input, gave different outputs; ``explained`` by these codes."""

    difference: str = ""
    explained: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class UnreachedParameter(Observation):
    """A trainable Parameter with no way to it from the output, in any of ``passes`` forward or training steps."""

    passes: int = 1


# -------------------------------------------------------------------------------------------------------- optimizers


@dataclass(frozen=True, kw_only=True)
class UncoveredParameter(Observation):
    """A trainable Parameter of the model that is in no parameter group of the ``optimizer``."""

    optimizer: str = ""
    gets_gradient: bool | None = None

    @property
    def key(self) -> tuple[object, ...]:
        return (type(self).__name__,)


@dataclass(frozen=True, kw_only=True)
class ForeignTensors(Observation):
    """Tensors that the ``optimizer`` updates and the model does not have.

    ``uncovered`` names the model's Parameters that the optimizer does not have in their place; ``all_of_them``: it has
    none of the model's.
    """

    optimizer: str = ""
    uncovered: tuple[str, ...] = ()
    all_of_them: bool = False


# ------------------------------------------------------------------------------------------------------------ saving


@dataclass(frozen=True, kw_only=True)
class BrokenTie(Observation):
    """Names of one Parameter that are several after ``operation`` ("copy.deepcopy", "load_state_dict")."""

    operation: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoundTrip(Observation):
    """What is wrong with a fresh model that has loaded the state of this one; ``strict`` is what loading raised."""

    strict: str = ""
    difference: str = ""


@dataclass(frozen=True, kw_only=True)
class FailedCopy(Observation):
    """``operation`` ("copy.deepcopy", "pickle") raised ``reason``."""

    operation: str = ""
    reason: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        return (*super().key, self.operation)


# ---------------------------------------------------------------------------------------------------------- training


@dataclass(frozen=True, kw_only=True)
class SchedulerPace(Observation):
    """How a scheduler was stepped: ``steps`` times, over ``optimizer_steps`` steps of its optimizer.

    ``epochs`` and ``batches`` count what the DataLoaders gave meanwhile, 0 where none was used. ``within_epochs``
    counts the steps after which the same pass over the data went on. ``horizon`` is the number of steps that its
    arguments are made for (``T_max``, ``total_steps``), ``None`` where there is no such number, and ``last_epoch`` what
    the scheduler itself has counted.
    """

    scheduler: str = ""
    steps: int = 0
    optimizer_steps: int = 0
    epochs: int = 0
    batches: int = 0
    within_epochs: int = 0
    horizon: int | None = None
    last_epoch: int = 0
    first_rate: float = 0.0
    last_rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class OptimizerSteps(Observation):
    """What was there at the ``steps`` steps of an optimizer.

    ``without_backward``: no backward pass since the step before. ``zeroed``: the gradients were zeroed between the
    backward pass and the step. ``without_gradients``: there was a backward pass, but none of the optimizer's
    Parameters had a gradient. ``accumulated``: the gradients of the step before were still there at the next backward.
    """

    optimizer: str = ""
    steps: int = 0
    without_backward: int = 0
    zeroed: int = 0
    without_gradients: int = 0
    accumulated: int = 0


@dataclass(frozen=True, kw_only=True)
class BackwardModes(Observation):
    """How many of ``backwards`` were computed by a model ``in_eval`` that was in training at the first.

    ``never_reset``: from some backward pass on, the model was in evaluation, and no call brought it back.
    """

    backwards: int = 0
    in_eval: int = 0
    never_reset: bool = False
