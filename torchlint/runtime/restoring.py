"""Leave a model exactly as it was found: values, gradients, modes, attributes, hooks and random numbers."""

from __future__ import annotations

import collections
import contextlib
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from torchlint.runtime.hiding import HiddenState
from torchlint.runtime.registration import attributes_of, is_lazy, modules_of, storage_of, tensors_of


@contextlib.contextmanager
def restored(state: HiddenState) -> Iterator[None]:
    """Undo whatever is done to a model and to what it hides, also when it raises.

    Every tensor is kept as a copy meanwhile, so this takes the memory of the model once more. Raises ``RuntimeError``
    if something cannot be put back, after all else has been.
    """
    undo = [_random_numbers(state), *_tensors(state), *_objects(state)]
    try:
        yield
    finally:
        failures = [error for each in undo if (error := _failure(each))]
        if failures:
            raise RuntimeError(f"the model could not be restored: {failures[0]}") from failures[0]


Undo = Callable[[], None]


def _failure(undo: Undo) -> Exception | None:
    try:
        undo()
    except Exception as error:
        return error
    return None


def _random_numbers(state: HiddenState) -> Undo:
    """Python's, NumPy's where it is imported, torch's on every device, and the generators that the model keeps."""
    python, cpu = random.getstate(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
    numpy = sys.modules.get("numpy")
    numbers = numpy.random.get_state() if numpy is not None else None
    own = [(each, each.get_state()) for each in state.walk.generators]

    def undo() -> None:
        random.setstate(python)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if numpy is not None:
            numpy.random.set_state(numbers)
        for generator, before in own:
            generator.set_state(before)

    return undo


def all_modules(state: HiddenState) -> list[nn.Module]:
    """The registered and the hidden modules, each once."""
    found = {id(module): module for _, module in state.registered.modules.values()}
    for each in state.walk.modules:
        found.update((id(module), module) for _, module in modules_of(each.thing))
    return list(found.values())


def _tensors(state: HiddenState) -> Iterator[Undo]:
    tensors = {id(tensor): tensor for tensor in state.registered.tensors.values()}
    tensors.update((id(each.thing), each.thing) for each in state.walk.tensors)
    for reached in state.walk.modules:
        tensors.update((id(tensor), tensor) for _, tensor in tensors_of(reached.thing))
    for tensor in tensors.values():
        if not is_lazy(tensor):
            yield _tensor(tensor)


def _tensor(tensor: torch.Tensor) -> Undo:
    data, value, version = tensor.detach(), _copy(tensor), tensor._version
    grad = tensor.grad if tensor.is_leaf else None
    grad_value = None if grad is None else _copy(grad)
    needs_grad = tensor.requires_grad

    def undo() -> None:
        if tensor.is_leaf and tensor.requires_grad is not needs_grad:
            tensor.requires_grad_(needs_grad)
        if storage_of(tensor) != storage_of(data) or tensor.shape != data.shape:
            tensor.data = data
        if value is not None and not _same(tensor, value):
            tensor.data.copy_(value)
        _restore_version(tensor, version)
        if tensor.is_leaf and tensor.grad is not grad:
            tensor.grad = grad
        if grad is not None and grad_value is not None and not _same(grad, grad_value):
            grad.data.copy_(grad_value)

    return undo


def _copy(tensor: torch.Tensor) -> torch.Tensor | None:
    try:
        return tensor.detach().clone()
    except (
        RuntimeError,
        NotImplementedError,
    ):  # a kind of tensor that cannot be copied cannot be written, either
        return None


def _same(tensor: torch.Tensor, value: torch.Tensor) -> bool:
    with torch.no_grad():
        try:
            same_kind = (
                tensor.dtype == value.dtype and tensor.device == value.device and tensor.shape == value.shape
            )
            return same_kind and (tensor.is_meta or bool(torch.equal(tensor, value)))
        except (RuntimeError, NotImplementedError):
            return False


def _restore_version(tensor: torch.Tensor, version: int) -> None:
    """A higher version would make a backward pass fail that the user has begun."""
    if tensor._version != version:
        with contextlib.suppress(Exception):
            torch._C._autograd._unsafe_set_version_counter((tensor,), (version,))


def _objects(state: HiddenState) -> Iterator[Undo]:
    """The attributes of modules with their registries and hooks, and the containers and objects below them."""
    for module in all_modules(state):
        own = attributes_of(module)
        yield _contents(own)
        yield from (_contents(each) for each in own.values() if issubclass(type(each), (dict, set)))
        yield _class(module)
    yield from (_contents(each) for each in state.walk.containers)


def _class(module: nn.Module) -> Undo:
    cls = type(module)

    def undo() -> None:
        if type(module) is not cls:
            module.__class__ = cls

    return undo


_MUTABLE = (list, collections.OrderedDict, dict, set, collections.deque)


def _contents(container: Any) -> Undo:
    """Put back what a list, dict, set or deque held, if it holds anything else now."""
    kind: Any = next(each for each in _MUTABLE if issubclass(type(container), each))
    before = list(kind.items(container)) if issubclass(kind, dict) else list(kind.__iter__(container))

    def undo() -> None:
        now = list(kind.items(container)) if issubclass(kind, dict) else list(kind.__iter__(container))
        if _identical(before, now):
            return
        kind.clear(container)
        if issubclass(kind, dict):
            for key, value in before:
                kind.__setitem__(container, key, value)
        elif kind is set:
            set.update(container, before)
        else:
            kind.extend(container, before)

    return undo


def _identical(before: list[Any], now: list[Any]) -> bool:
    """Equal by identity: the contents are never asked whether they are equal."""
    if len(before) != len(now):
        return False
    for old, new in zip(before, now, strict=True):
        if type(old) is tuple and type(new) is tuple and len(old) == len(new) == 2:
            if old[0] is not new[0] or old[1] is not new[1]:
                return False
        elif old is not new:
            return False
    return True
