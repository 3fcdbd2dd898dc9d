"""What a model uses without having it: globals and caches of the functions that its methods name."""

from __future__ import annotations

import re
import types
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import nn

from torchlint.runtime.registration import is_module, is_tensor
from torchlint.runtime.walk import parts

MOST_LOOKED_AT = 10_000
"""Objects below one global."""


class Outside(NamedTuple):
    """A module or tensor below a global, with the way to it."""

    thing: Any
    path: str
    holder: str


def things_named_by(user: nn.Module | None) -> Iterator[Outside]:
    """The modules and tensors below the globals that the methods of the user's class speak of."""
    for name, value in _globals_named_by(user):
        seen: dict[int, object] = {}
        pending = deque([(name, value)])
        while pending and len(seen) < MOST_LOOKED_AT:
            path, thing = pending.popleft()
            if id(thing) in seen or issubclass(type(thing), (types.ModuleType, type)):
                continue
            seen[id(thing)] = thing
            if is_module(thing) or is_tensor(thing):
                yield Outside(thing, path, f"the global `{name}`")
            else:
                pending.extend((path + part.suffix, part.thing) for part in parts(thing))


def name_outside(thing: object, user: nn.Module | None) -> Outside:
    """Where a thing is kept that is not on the model, as far as that can be told."""
    found = next((each for each in things_named_by(user) if each.thing is thing), None)
    return found or Outside(thing, f"<{type(thing).__name__}>", "a place outside of the model")


def root_of(path: str) -> str:
    """The name that a path starts with."""
    return re.split(r"[.\[(]", path, maxsplit=1)[0]


def _globals_named_by(module: nn.Module | None) -> Iterator[tuple[str, Any]]:
    classes = type(module).__mro__ if module is not None else ()
    for cls in classes:
        if cls.__module__.partition(".")[0] in ("torch", "builtins"):
            continue
        for function in vars(cls).values():
            if isinstance(function, types.FunctionType):
                names = function.__code__.co_names
                yield from (
                    (name, function.__globals__[name]) for name in names if name in function.__globals__
                )
