"""What ``eval()`` does to a model in which a class has a ``train`` or ``eval`` of its own."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType, TracebackType
from typing import NamedTuple

from torch import nn

from torchlint.model.vocabulary import is_mode_argument
from torchlint.observed import ModeSwitch
from torchlint.runtime.creation import name_of
from torchlint.runtime.device import first_line
from torchlint.runtime.hiding import HiddenState
from torchlint.runtime.registration import attributes_of


class _Own(NamedTuple):
    """A method of a user's class in the place of that of ``nn.Module``."""

    path: str
    module: nn.Module
    name: str
    method: FunctionType
    takes: str

    @property
    def place(self) -> str:
        return f"{self.method.__code__.co_filename}:{self.method.__code__.co_firstlineno}"

    @property
    def defined_in(self) -> type:
        return next(cls for cls in type(self.module).__mro__ if self.name in vars(cls))


def switched(state: HiddenState) -> Iterator[ModeSwitch]:
    """Ask the model for evaluation, as a user would; whoever calls this restores its state."""
    model = state.registered.root
    if state.registered.is_scripted:
        return
    own = [each for path, module in state.registered.modules.values() for each in _own_methods(path, module)]
    if not own:
        return
    modes = [(attributes_of(module), module.training) for _, module in state.registered.modules.values()]
    for attributes, _ in modes:
        attributes["training"] = True
    try:
        yield from _after_eval(model, own)
    finally:
        for attributes, was_training in modes:
            attributes["training"] = was_training


def _after_eval(model: nn.Module, own: list[_Own]) -> Iterator[ModeSwitch]:
    try:
        returned = model.eval() is model
    except Exception as error:
        yield from (_observed(each, raised=first_line(error)) for each in _guilty(own, error)[:1])
        return
    for each in own:
        if each.module is model:
            yield _observed(each, returns=returned)
        elif each.name == "train":  # which `eval()` of the model has called, unlike `eval` of its parts
            yield _observed(each)


def _observed(own: _Own, returns: bool | None = None, raised: str = "") -> ModeSwitch:
    return ModeSwitch(
        path=own.path,
        type=type(own.module).__name__,
        owner=name_of(type(own.module)),
        assigned_in=name_of(own.defined_in),
        assigned=own.place,
        method=own.name,
        takes=own.takes,
        still_training=attributes_of(own.module).get("training") is True,
        returns=returns,
        raised=raised,
    )


def _own_methods(path: str, module: nn.Module) -> Iterator[_Own]:
    for name in ("train", "eval"):
        method = inspect.getattr_static(type(module), name)
        if type(method) is FunctionType and not method.__module__.startswith("torch."):
            yield _Own(path, module, name, method, _takes(method, name))


def _takes(method: FunctionType, name: str) -> str:
    """The parameter that stands where the mode is given, or an argument that is missing then; ``""`` for the mode."""
    _, *parameters = inspect.signature(method).parameters.values()
    required = [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if name == "eval":
        return next(iter(required), "")
    first = next((each for each in parameters if each.kind in _BY_POSITION), None)
    if first is None or first.kind is first.VAR_POSITIONAL:
        return next(iter(required), "")
    if required and required != [first.name]:
        return next(each for each in required if each != first.name)
    is_mode = is_mode_argument(first.name) or type(first.default) is bool or "bool" in str(first.annotation)
    return "" if is_mode else first.name


_BY_POSITION = (
    inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL,
)  # fmt: skip


def _guilty(own: list[_Own], error: Exception) -> list[_Own]:
    """The methods that take something else than the mode and that an error came from, or that could not be called."""
    entered = set(_codes(error.__traceback__))
    found = [each for each in own if each.takes and each.method.__code__ in entered]
    refusing = [each for each in own if each.takes and f"{each.name}()" in str(error)]
    return found or (refusing if isinstance(error, TypeError) else [])


def _codes(traceback: TracebackType | None) -> Iterator[CodeType]:
    while traceback is not None:
        yield traceback.tb_frame.f_code
        traceback = traceback.tb_next
