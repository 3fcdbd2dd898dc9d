"""What PyTorch can see of a model: the modules in its ``_modules``, their Parameters and buffers, what ``_apply`` moves.

Nothing here trusts a method of the user's: registries are read from the instance's ``__dict__``, where
:class:`torch.nn.Module` keeps them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import torch
from torch import nn

_UninitializedBuffer: Any = nn.UninitializedBuffer  # whose arguments torch does not declare
REGISTRIES = ("_parameters", "_buffers", "_modules")


def attributes_of(thing: object) -> dict[str, Any]:
    """The instance's ``__dict__``, asked of nobody but ``object``; empty where there is none."""
    try:
        found = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


def registry(module: nn.Module, name: str) -> dict[str, Any]:
    """One registry of a module; empty where ``super().__init__()`` was never called."""
    found = attributes_of(module).get(name)
    return found if isinstance(found, dict) else {}


def is_module(thing: object) -> bool:
    """As ``isinstance``, which would ask a hostile object for its ``__class__``."""
    return issubclass(type(thing), nn.Module)


def is_tensor(thing: object) -> bool:
    return issubclass(type(thing), torch.Tensor)


def is_parameter(tensor: torch.Tensor) -> bool:
    """A Parameter, or what a tensor subclass wraps as one (``_is_param``)."""
    return isinstance(tensor, nn.Parameter) or bool(getattr(tensor, "_is_param", False))


def numel_of(tensor: torch.Tensor) -> int:
    """The number of elements; 0 while a lazy module has not been called."""
    return 0 if is_lazy(tensor) else tensor.numel()


def is_lazy(tensor: torch.Tensor) -> bool:
    return isinstance(tensor, (nn.UninitializedParameter, nn.UninitializedBuffer))


def join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix and name else prefix or name


def modules_of(root: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Each module of the tree once, with its shortest path; ``""`` is the root. Cycles end."""
    seen = {id(root)}
    level = [("", root)]
    while level:
        yield from level
        below = []
        for path, module in level:
            children = attributes_of(module).get("_modules")
            for name, child in children.items() if children else ():
                if is_module(child) and id(child) not in seen:
                    seen.add(id(child))
                    below.append((join(path, name), child))
        level = below


def tensors_of(root: nn.Module, *names: str) -> Iterator[tuple[str, torch.Tensor]]:
    """What the registries ``names`` of all modules hold, with its path; a shared tensor comes once for each name."""
    for path, module in modules_of(root):
        for name in names or ("_parameters", "_buffers"):
            for key, tensor in registry(module, name).items():
                if is_tensor(tensor):
                    yield join(path, key), tensor


def storage_of(tensor: torch.Tensor) -> int | None:
    """The identity of the memory behind a tensor; ``None`` for what has none of its own."""
    try:
        found: int = tensor.untyped_storage()._cdata
        return found
    except (RuntimeError, NotImplementedError, ValueError):
        return None


class Registered:
    """What PyTorch sees of one model at this time, by identity."""

    def __init__(self, root: nn.Module) -> None:
        self.root = root
        self.modules = {id(module): (path, module) for path, module in modules_of(root)}
        self.names: dict[int, str] = {}
        self.tensors: dict[int, torch.Tensor] = {}
        self.parameters: dict[str, torch.Tensor] = {}  # each once, by the first of its names
        for path, module in self.modules.values():
            own = attributes_of(module)
            for held in (own.get("_parameters"), own.get("_buffers")):
                for key, tensor in held.items() if held else ():
                    if is_tensor(tensor) and id(tensor) not in self.names:
                        name = self.names[id(tensor)] = join(path, key)
                        self.tensors[id(tensor)] = tensor
                        if held is own.get("_parameters"):
                            self.parameters[name] = tensor

    @property
    def uninitialised(self) -> Iterator[tuple[str, nn.Module]]:
        """The modules for which nobody called ``nn.Module.__init__``, by their paths."""
        for path, module in self.modules.values():
            is_script = isinstance(module, torch.jit.ScriptModule)
            if not is_script and not {*REGISTRIES, "training"} & attributes_of(module).keys():
                yield path, module

    def has(self, thing: object) -> bool:
        return id(thing) in self.modules or id(thing) in self.names

    @cached_property
    def storages(self) -> set[int | None]:
        return {storage_of(tensor) for tensor in self.tensors.values()} - {None}

    def shares(self, tensor: torch.Tensor) -> bool:
        """Whether the tensor is registered, or a view of what is."""
        return id(tensor) in self.names or storage_of(tensor) in self.storages

    @property
    def trainable(self) -> dict[str, torch.Tensor]:
        return {name: tensor for name, tensor in self.parameters.items() if tensor.requires_grad}

    @property
    def is_lazy(self) -> bool:
        return any(is_lazy(tensor) for tensor in self.tensors.values())

    @property
    def is_scripted(self) -> bool:
        return any(isinstance(module, torch.jit.ScriptModule) for _, module in self.modules.values())

    @property
    def is_sharded(self) -> bool:
        """Whether FSDP puts other tensors in the place of the registered ones while the model runs."""
        kinds = {type(module) for _, module in self.modules.values()}
        return any(
            cls.__module__.startswith("torch.distributed.fsdp") for kind in kinds for cls in kind.__mro__
        )

    def lazy_copies(self) -> dict[int, Any]:
        """The memo that a deep copy needs for the buffers of lazy modules, which torch cannot copy."""
        lazy = (tensor for tensor in self.tensors.values() if isinstance(tensor, nn.UninitializedBuffer))
        return {id(each): _UninitializedBuffer(device=each.device, dtype=each.dtype) for each in lazy}


def moved_by(registered: Registered) -> set[int] | None:
    """The identities of the tensors that ``model.to()`` would move.

    These are the registered ones, unless a module has an ``_apply`` of its own: then it is asked, with a function that
    changes nothing. ``None`` where it raises.
    """
    if not any(
        map(_has_own_apply, {type(module): module for _, module in registered.modules.values()}.values())
    ):
        return set(registered.names)
    return applied_to(registered.root)


def _has_own_apply(module: nn.Module) -> bool:
    return not getattr(type(module)._apply, "__module__", "").startswith("torch.")


def applied_to(model: nn.Module) -> set[int] | None:
    """The identities of the tensors that ``model._apply(function)`` calls a function with; ``None`` where it raises.

    What a module then builds anew, such as the flat weights of an LSTM, is put back.
    """
    moved: set[int] = set()
    before = [(attributes_of(module), dict(attributes_of(module))) for _, module in modules_of(model)]

    def record(tensor: torch.Tensor) -> torch.Tensor:
        moved.add(id(tensor))
        return tensor

    try:
        with _without_swapping():
            model._apply(record)  # type: ignore[no-untyped-call]
    except Exception:
        return None
    finally:
        for own, attributes in before:
            own.clear()
            own.update(attributes)
    return moved


@contextlib.contextmanager
def _without_swapping() -> Iterator[None]:
    """``_apply`` may swap tensors instead of setting their data, which fails for a tensor that is swapped with itself."""
    future = torch.__future__
    read: Callable[[], bool] = future.get_swap_module_params_on_conversion
    write: Callable[[bool], None] = future.set_swap_module_params_on_conversion
    before = read()
    write(False)
    try:
        yield
    finally:
        write(before)
