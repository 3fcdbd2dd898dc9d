"""The leaves of an autograd graph: what a loss would give gradients to, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch

from torchlint.runtime.registration import attributes_of, is_module, is_tensor

MOST_NODES = 1_000_000

# Its parameters are found by running forward again, in the backward pass.
_OPAQUE = "CheckpointFunctionBackward"


class Leaves(NamedTuple):
    """The leaf tensors below some outputs, by identity; ``complete`` unless a node hides what is below it."""

    tensors: dict[int, torch.Tensor]
    complete: bool = True


def leaves(outputs: Iterable[torch.Tensor]) -> Leaves:
    """Walk from each ``grad_fn`` to the ``AccumulateGrad`` nodes; an output may be a leaf itself."""
    found: dict[int, torch.Tensor] = {}
    pending: list[Any] = []
    for tensor in outputs:
        if tensor.requires_grad and tensor.grad_fn is None:
            found[id(tensor)] = tensor
        elif tensor.grad_fn is not None:
            pending.append(tensor.grad_fn)
    seen: set[Any] = set(pending)
    complete = True
    while pending:
        node = pending.pop()
        variable = getattr(node, "variable", None)
        if variable is not None:
            found[id(variable)] = variable
        if type(node).__name__ == _OPAQUE or len(seen) > MOST_NODES:
            complete = False
        for below, _ in node.next_functions:
            if below is not None and below not in seen:
                seen.add(below)
                pending.append(below)
    return Leaves(found, complete)


def tensors_in(value: object) -> list[torch.Tensor]:
    """Every tensor in nested lists, tuples, dicts and plain objects, such as what a model returns."""
    found: list[torch.Tensor] = []
    seen: dict[int, object] = {}
    pending: list[Any] = [value]
    while pending:
        thing = pending.pop()
        if id(thing) in seen:
            continue
        seen[id(thing)] = thing
        if is_tensor(thing):
            found.append(thing)
        elif issubclass(type(thing), dict):
            pending += reversed(list(dict.values(thing)))
        elif issubclass(type(thing), (list, tuple)):
            pending += reversed(list(thing))
        elif not is_module(thing) and not issubclass(type(thing), type):
            pending += reversed(list(attributes_of(thing).values()))
    return found
