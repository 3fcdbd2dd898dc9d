"""The object walk: everything that can be reached from a model, without calling any code of the user's.

Breadth first, so that the path to a thing is the shortest one. It starts at the registered modules and looks into
their attributes: containers, plain objects with ``__dict__`` or ``__slots__``, partials, bound methods, closures,
defaults, caches, hooks and class attributes. What is registered is passed over, and below a module that is not
registered nothing is looked at: one finding for each root.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import gc
import threading
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, cast

import torch
from torch import nn

from torchlint.runtime.registration import (
    REGISTRIES,
    Registered,
    attributes_of,
    is_module,
    is_tensor,
    join,
    modules_of,
    registry,
    tensors_of,
)

MOST_ELEMENTS = 100_000
"""Of one container; what is beyond is not looked at, and the report says so."""

MOST_THINGS = 1_000_000
"""Of one model."""

_ATOMS = frozenset(
    {
        int,
        float,
        complex,
        bool,
        str,
        bytes,
        bytearray,
        type(None),
        type(...),
        type(NotImplemented),
        range,
        slice,
    }
    | {torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format}
)

_HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks",
    "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip

# What `nn.Module.__init__` makes, other than the hooks, and what wrappers of torch keep for themselves.
_INTERNAL = frozenset(
    {*REGISTRIES, "training", "_non_persistent_buffers_set", "_is_full_backward_hook"}
    | {"_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks_with_kwargs"}
    | {"_actual_script_module", *_HOOKS}
)
_INTERNAL_PREFIX = "__composable_api_state_key"

# Objects of these packages keep references to models by design, or none at all.
_CLOSED = (
    "torch.optim", "torch.utils.data", "torch.utils.hooks", "torch.amp", "torch.cuda", "torch.distributed", "torch.fx",
    "torch.jit", "torch.export", "torch.onnx", "torch.profiler", "torch.autograd", "torch.ao", "logging",
    "threading", "_thread", "multiprocessing", "concurrent", "asyncio", "io", "_io", "re", "typing", "inspect",
    "importlib", "pathlib", "argparse", "weakref", "_weakref", "unittest", "pytest", "_pytest", "PIL", "pandas",
    "lightning", "pytorch_lightning", "accelerate", "deepspeed", "ignite", "fastai", "transformers.tokenization",
    "transformers.trainer", "tokenizers", "numpy", "scipy", "sympy", "networkx",
)  # fmt: skip

# Iterators, views and the like have no attributes: what they hold is asked of the garbage collector.
_BUILT_IN = ("builtins", "itertools", "operator", "_operator", "collections")
_OPAQUE = (
    types.ModuleType,
    types.CodeType,
    types.FrameType,
    types.TracebackType,
    BaseException,
    type,
    property,
)
_CONTAINERS: tuple[Any, ...] = (list, tuple, dict, set, frozenset, collections.deque)
_CACHE = type(functools.lru_cache(lambda: None))


class Part(NamedTuple):
    """Something inside of another thing: how its path goes on, and what holds it, where that is worth saying."""

    suffix: str
    thing: object
    holder: str = ""


@dataclass(frozen=True)
class Reached:
    """A module or tensor that the walk came upon, and that nothing registers."""

    thing: Any
    path: str
    owner: nn.Module
    attribute: str
    holder: str


@dataclass
class Walk:
    """What a walk came upon: the hidden things, every mutable thing it went through, and what it left out."""

    hidden: list[Reached] = field(default_factory=list)
    containers: list[Any] = field(default_factory=list)
    generators: list[torch.Generator] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)
    shared: dict[int, Any] = field(default_factory=dict)
    """What a copy of the model need not copy: optimizers, data sets, arrays, very long lists."""

    @property
    def modules(self) -> list[Reached]:
        return [each for each in self.hidden if is_module(each.thing)]

    @property
    def tensors(self) -> list[Reached]:
        return [each for each in self.hidden if is_tensor(each.thing)]


class _Item(NamedTuple):
    thing: object
    path: str
    owner: nn.Module
    attribute: str
    holder: str


_CALLABLES = (types.FunctionType, types.MethodType, types.BuiltinMethodType, functools.partial, _CACHE)


def walk(registered: Registered) -> Walk:
    """Everything reachable from the registered modules that is a module or tensor and that they do not register."""
    found = Walk()
    seen: dict[int, object] = {}  # keeps what it has seen alive: the number of a dead object is given again
    queue = collections.deque(_from_modules(registered))
    while queue:
        item = queue.popleft()
        thing = item.thing
        if type(thing) in _ATOMS or id(thing) in seen or registered.has(thing):
            continue
        if len(seen) >= MOST_THINGS:
            found.truncated.append(f"stopped after {MOST_THINGS:,} objects, at `{item.path}`")
            break
        seen[id(thing)] = thing
        if is_module(thing) or is_tensor(thing):
            found.hidden.append(Reached(thing, item.path, item.owner, item.attribute, item.holder))
            if is_module(thing) and not any(tensors_of(thing)):  # type: ignore[arg-type]
                queue.extend(_from_hidden(thing, item))  # type: ignore[arg-type]
            continue
        _note(thing, item, found)
        queue.extend(
            _Item(part.thing, item.path + part.suffix, item.owner, item.attribute, part.holder or item.holder)
            for part in parts(thing)
            if type(part.thing) not in _ATOMS
        )
    return found


def _from_hidden(module: nn.Module, item: _Item) -> Iterator[_Item]:
    """What a module that registers nothing keeps in its attributes: it may hide more."""
    for path, each in modules_of(module):
        for name, thing in plain_attributes(each):
            yield item._replace(
                thing=thing, path=join(join(item.path, path), name), holder=f"a `{type(each).__name__}`"
            )


def _note(thing: object, item: _Item, found: Walk) -> None:
    kind = type(thing)
    if issubclass(kind, (list, dict, set, collections.deque)):
        found.containers.append(thing)
    elif issubclass(kind, torch.Generator):
        found.generators.append(cast(torch.Generator, thing))
    elif attributes_of(thing) and not _is_closed(kind):
        found.containers.append(attributes_of(thing))
    base = next((each for each in _CONTAINERS if issubclass(kind, each)), None)
    if (base is None and _is_closed(kind)) or kind.__name__ == "ndarray":
        found.shared[id(thing)] = thing
    if base is not None and base.__len__(thing) > MOST_ELEMENTS:
        found.shared[id(thing)] = thing
        found.truncated.append(f"only the first {MOST_ELEMENTS:,} elements of `{item.path}`")


# ------------------------------------------------------------------------------------------------- where it starts


def _from_modules(registered: Registered) -> Iterator[_Item]:
    modules = list(registered.modules.values())
    for path, module in modules:
        for name, thing in plain_attributes(module):
            yield _Item(thing, join(path, name), module, name, "")
        own = attributes_of(module)
        for name in _HOOKS:
            if hooks := own.get(name):
                for number, hook in enumerate(hooks.values()):
                    yield _Item(hook, join(path, f"{name}[{number}]"), module, name, "a hook")
    classes: set[type] = set()
    for path, module in modules:
        if type(module) in classes:
            continue
        classes.add(type(module))
        for part in class_parts(type(module)):
            if type(part.thing) is not type(module):  # a registry of instances
                name = part.suffix.removeprefix(".")
                yield _Item(
                    part.thing,
                    join(path, name),
                    module,
                    name.partition(".")[0].partition("[")[0],
                    part.holder,
                )


def plain_attributes(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """The attributes of a module that no registry holds, but for those that PyTorch derives from what is registered.

    Parametrization of the old kind leaves ``weight`` a plain tensor that is computed anew before each forward pass:
    ``weight_norm``, ``spectral_norm``, pruning.
    """
    if isinstance(module, torch.jit.ScriptModule):
        return  # its attributes are another view of the module that it was made of
    own = attributes_of(module)
    found = [name for name in own if name not in _INTERNAL and type(own[name]) not in _ATOMS]
    if found:
        derived = _derived_attributes(module)
        wanted = (name for name in found if name not in derived and not name.startswith(_INTERNAL_PREFIX))
        yield from [(name, own[name]) for name in wanted]
    yield from _slots(module)


def _derived_attributes(module: nn.Module) -> set[str]:
    hooks = registry(module, "_forward_pre_hooks").values()
    named = {attributes_of(hook).get(key) for hook in hooks for key in ("name", "_tensor_name")}
    registered = [*registry(module, "_parameters"), *registry(module, "_buffers")]
    split = {name.removesuffix(end) for name in registered for end in ("_g", "_orig") if name.endswith(end)}
    return {name for name in named if isinstance(name, str)} | split


# ------------------------------------------------------------------------------------------------- what is inside


def parts(thing: object) -> Iterator[Part]:
    """What an object holds, read with the methods of its built-in base only."""
    kind = type(thing)
    if issubclass(kind, dict):
        yield from _parts_of_dict(thing)  # type: ignore[arg-type]
    elif issubclass(kind, (list, tuple, collections.deque)):
        yield from _parts_of_sequence(thing, kind)
    elif issubclass(kind, (set, frozenset)):
        base: Any = set if issubclass(kind, set) else frozenset
        for number, element in enumerate(islice(base.__iter__(thing), MOST_ELEMENTS)):
            yield Part(f"{{{number}}}", element, "a set")
    elif issubclass(kind, _CALLABLES):
        yield from _parts_of_callable(thing)
    elif kind in (staticmethod, classmethod):
        yield Part("", thing.__func__)  # type: ignore[attr-defined]
    elif issubclass(kind, threading.local):
        inside: dict[str, Any] = threading.local.__getattribute__(thing, "__dict__")  # type: ignore[arg-type]
        yield from (Part(f".{name}", value, "a `threading.local`") for name, value in inside.items())
    elif kind is types.GeneratorType:
        frame = thing.gi_frame  # type: ignore[attr-defined]
        yield from (
            Part(f".{name}", value, "a generator")
            for name, value in (frame.f_locals if frame else {}).items()
        )
    elif kind.__module__ == "numpy" and kind.__name__ == "ndarray":
        if thing.dtype.hasobject:  # type: ignore[attr-defined]
            yield Part(".tolist()", thing.tolist(), "an array")  # type: ignore[attr-defined]
        return
    elif kind.__module__ in _BUILT_IN and not attributes_of(thing) and not issubclass(kind, _OPAQUE):
        for number, element in enumerate(gc.get_referents(thing)):
            yield Part(f"<{number}>", element, f"a `{kind.__name__}`")
        return
    if not _is_closed(kind):
        yield from _parts_of_object(thing, kind)


def _is_closed(kind: type) -> bool:
    if issubclass(kind, _OPAQUE):
        return True
    home = getattr(kind, "__module__", "")
    return not isinstance(home, str) or _is_closed_package(home)


@functools.cache
def _is_closed_package(home: str) -> bool:
    return home.startswith("torch._") or any(home == name or home.startswith(f"{name}.") for name in _CLOSED)


def _parts_of_dict(thing: dict[Any, Any]) -> Iterator[Part]:
    word = "a dict" if type(thing) is dict else f"a `{type(thing).__name__}`"
    for number, (key, value) in enumerate(islice(dict.items(thing), MOST_ELEMENTS)):
        yield Part(f"[{_shown(key)}]", value, word)
        if type(key) not in _ATOMS:
            yield Part(f".keys()[{number}]", key, "the keys of a dict")
    if issubclass(type(thing), collections.defaultdict):
        yield Part(".default_factory", thing.default_factory)  # type: ignore[attr-defined]


def _shown(key: object) -> str:
    """A key as it is written, unless that would be code of the user's."""
    atoms = key if type(key) is tuple else (key,)
    return repr(key) if all(type(each) in _ATOMS for each in atoms) else f"<{type(key).__name__}>"


def _parts_of_sequence(thing: Any, kind: type) -> Iterator[Part]:
    base = next(each for each in (list, tuple, collections.deque) if issubclass(kind, each))
    fields = getattr(kind, "_fields", ()) if base is tuple else ()
    word = (
        f"a {'plain list' if kind is list else 'tuple'}" if kind in (list, tuple) else f"a `{kind.__name__}`"
    )
    for number, element in enumerate(islice(base.__iter__(thing), MOST_ELEMENTS)):
        suffix = f".{fields[number]}" if number < len(fields) else f"[{number}]"
        yield Part(suffix, element, word)


def _parts_of_callable(thing: Any) -> Iterator[Part]:
    kind = type(thing)
    if issubclass(kind, functools.partial):
        word = "a `functools.partial`"
        yield Part(".func", thing.func, word)
        yield from (Part(f".args[{number}]", each, word) for number, each in enumerate(thing.args))
        yield from (Part(f".keywords[{name!r}]", each, word) for name, each in thing.keywords.items())
    elif kind is types.MethodType:
        yield Part(".__self__", thing.__self__, "a bound method")
        yield Part(".__func__", thing.__func__)
    elif kind is types.BuiltinMethodType:
        yield Part(".__self__", thing.__self__)
    elif kind is _CACHE:
        # The cache of `functools.lru_cache` has no way in but the one that the garbage collector takes.
        for number, each in enumerate(gc.get_referents(thing)):
            if type(each) is dict:
                values = [value for value in each.values() if type(value).__name__ != "_lru_list_elem"]
                yield from (Part(f"()[{n}]", value, "an `lru_cache`") for n, value in enumerate(values))
            elif type(each) not in (str, tuple):
                yield Part(f"()[{number}]", each, "an `lru_cache`")
    else:
        yield from _parts_of_function(thing)


def _parts_of_function(function: types.FunctionType) -> Iterator[Part]:
    free = function.__code__.co_freevars
    for number, cell in enumerate(function.__closure__ or ()):
        try:
            inside = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        yield Part(f".__closure__[{number}].cell_contents", inside, f"a closure, as `{free[number]}`")
    for number, default in enumerate(function.__defaults__ or ()):
        yield Part(f".__defaults__[{number}]", default, "a default argument")
    for name, default in (function.__kwdefaults__ or {}).items():
        yield Part(f".__kwdefaults__[{name!r}]", default, "a default argument")


def _parts_of_object(thing: object, kind: type) -> Iterator[Part]:
    """Attributes of the instance, in ``__dict__`` and in slots, and those of its class."""
    if kind.__module__ == "builtins" and not attributes_of(thing):
        return
    word = "" if issubclass(kind, (types.FunctionType, dict, list, tuple)) else f"a `{kind.__name__}` object"
    for name, value in islice(attributes_of(thing).items(), MOST_ELEMENTS):
        yield Part(f".{name}", value, word)
    yield from (Part(f".{name}", value, word) for name, value in _slots(thing))
    yield from class_parts(kind)


def _slots(thing: object) -> Iterator[tuple[str, Any]]:
    kind: Any = type(thing)
    for name, member in _slots_of(kind):
        with contextlib.suppress(AttributeError):  # not set
            yield name, member.__get__(thing)


@functools.lru_cache(maxsize=1024)
def _slots_of(kind: type) -> tuple[tuple[str, Any], ...]:
    classes = [cls for cls in kind.__mro__ if cls.__module__ != "builtins" and "__slots__" in vars(cls)]
    members = (item for cls in classes for item in vars(cls).items())
    return tuple((name, member) for name, member in members if type(member) is types.MemberDescriptorType)


def class_parts(kind: type) -> Iterator[Part]:
    """What the classes of an instance hold: attributes, and the closures, defaults and caches of methods."""
    for cls in kind.__mro__:
        home = cls.__module__
        if home in ("builtins", "typing", "abc", "enum", "collections") or home.partition(".")[0] == "torch":
            continue
        for name, value in vars(cls).items():
            if (
                name.startswith("__") and name.endswith("__") and name not in ("__init__", "__call__")
            ) or type(value) in _ATOMS:
                continue
            if _may_hold(value):
                yield Part(f".{name}", value, f"the class `{cls.__name__}`")


def _may_hold(value: Any) -> bool:
    """Most of a class are methods that hold nothing."""
    if type(value) in (staticmethod, classmethod):
        value = value.__func__
    if type(value) is types.FunctionType:
        cells = [cell for cell in value.__closure__ or () if not _is_class_cell(cell)]
        return bool(cells or value.__defaults__ or value.__kwdefaults__ or value.__dict__)
    return not issubclass(
        type(value), (property, functools.cached_property, types.MemberDescriptorType, type)
    )


def _is_class_cell(cell: Any) -> bool:
    try:
        return isinstance(cell.cell_contents, type)
    except ValueError:
        return True
