"""What an optimizer updates, against what the model has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch.optim.swa_utils import AveragedModel

from torchlint.observed import ForeignTensors, UncoveredParameter
from torchlint.runtime.creation import name_of
from torchlint.runtime.hiding import HiddenState, place
from torchlint.runtime.registration import numel_of


def optimizers_in(given: object) -> list[torch.optim.Optimizer]:
    """The optimizers of one, a list or dict of them, or a wrapper that has its own in ``optimizer``.

    Raises ``TypeError`` for anything else.
    """
    if given is None:
        return []
    if isinstance(given, torch.optim.Optimizer):
        return [given]
    if isinstance(given, dict):
        return [each for value in given.values() for each in optimizers_in(value)]
    if isinstance(given, (list, tuple)):
        return [each for value in given for each in optimizers_in(value)]
    inner = getattr(given, "optimizer", None)
    if isinstance(inner, torch.optim.Optimizer):
        return [inner]
    raise TypeError(f"not an optimizer: {type(given).__name__}")


def optimized_by(optimizers: Iterable[torch.optim.Optimizer]) -> dict[int, torch.Tensor]:
    """The tensors in the parameter groups, by identity."""
    groups = (group for each in optimizers for group in each.param_groups)
    return {id(tensor): tensor for group in groups for tensor in group["params"]}


def coverage(
    state: HiddenState, optimizers: list[torch.optim.Optimizer], in_graph: set[int] | None
) -> Iterator[UncoveredParameter | ForeignTensors]:
    """Parameters that no optimizer has, and tensors that no part of the model is."""
    if not optimizers or isinstance(state.registered.root, AveragedModel):
        return
    optimized = optimized_by(optimizers)
    names = " and ".join(dict.fromkeys(type(each).__name__ for each in optimizers))
    missing = {name: each for name, each in state.registered.trainable.items() if id(each) not in optimized}
    foreign = [tensor for key, tensor in optimized.items() if key not in state.known]
    if foreign and len(foreign) == len(optimized) and state.registered.trainable:
        yield _foreign(state, foreign, missing, names, all_of_them=True)
    elif foreign and missing:
        yield _foreign(state, foreign, missing, names, all_of_them=False)
    if len(missing) == len(state.registered.trainable) and foreign:
        return  # said already: it is the optimizer of something else
    for name, tensor in missing.items():
        owner, _, attribute = name.rpartition(".")
        module = next((each for path, each in state.registered.modules.values() if path == owner), None)
        reached = None if in_graph is None else id(tensor) in in_graph
        yield UncoveredParameter(
            **place(tensor, name, module, attribute),
            numel=numel_of(tensor),
            optimizer=names,
            gets_gradient=reached,
            evidence={"in_optimizer": False, "in_graph": reached},
        )


def _foreign(
    state: HiddenState,
    foreign: list[torch.Tensor],
    missing: dict[str, torch.Tensor],
    names: str,
    *,
    all_of_them: bool,
) -> ForeignTensors:
    root = state.registered.root
    return ForeignTensors(
        type=type(foreign[0]).__name__,
        owner=name_of(type(root)),
        path=next(iter(missing), ""),
        paths=tuple(missing),
        count=len(foreign),
        numel=sum(map(numel_of, foreign)),
        optimizer=names,
        uncovered=tuple(missing),
        all_of_them=all_of_them,
    )
