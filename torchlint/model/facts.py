"""The facts about PyTorch that :mod:`torchlint.model.torch_facts` states, with dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from torchlint.model import torch_facts as stated
from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _Stated = TypeVar("_Stated")


class Facts(Record):
    """See the comments of :mod:`torchlint.model.torch_facts` for what each says."""

    stateless_modules: frozenset[str]
    mode_dependent_modules: frozenset[str]
    container_modules: frozenset[str]
    state_arguments: frozenset[str]
    stateless_when: dict[str, dict[str, str]]
    stateless_unless: dict[str, list[str]]
    tensor_factories: frozenset[str]
    tensor_operations: frozenset[str]
    leaving_methods: frozenset[str]
    tensor_attributes: frozenset[str]
    module_fluent_methods: frozenset[str]
    casts: frozenset[str]
    passthrough: frozenset[str]
    epoch_schedulers: dict[str, list[str]]
    recursive_schedulers: frozenset[str]


@cache
def torch_facts() -> Facts:
    return Facts(
        stateless_modules=_names(stated.STATELESS_MODULES, "torch.nn."),
        mode_dependent_modules=_names(stated.MODE_DEPENDENT_MODULES, "torch.nn."),
        container_modules=_names(stated.CONTAINER_MODULES, "torch.nn."),
        state_arguments=_names(stated.STATE_ARGUMENTS),
        stateless_when=_table(stated.STATELESS_WHEN, "torch.nn."),
        stateless_unless=_table(stated.STATELESS_UNLESS, "torch.nn."),
        tensor_factories=_names(stated.TENSOR_FACTORIES, "torch."),
        tensor_operations=_names(stated.TENSOR_OPERATIONS, "torch."),
        leaving_methods=_names(stated.LEAVING_METHODS),
        tensor_attributes=_names(stated.TENSOR_ATTRIBUTES),
        module_fluent_methods=_names(stated.MODULE_FLUENT_METHODS),
        casts=_names(stated.CASTS),
        passthrough=_names(stated.PASSTHROUGH),
        epoch_schedulers=_table(stated.EPOCH_SCHEDULERS, "torch.optim.lr_scheduler."),
        recursive_schedulers=_names(stated.RECURSIVE_SCHEDULERS, "torch.optim.lr_scheduler."),
    )


def _names(text: str, prefix: str = "") -> frozenset[str]:
    return frozenset(f"{prefix}{name}" for name in text.split())


def _table(rows: Mapping[str, _Stated], prefix: str) -> dict[str, _Stated]:
    return {f"{prefix}{name}": row for name, row in rows.items()}
