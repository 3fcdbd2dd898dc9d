"""The facts about PyTorch that :file:`torch_facts.toml` states, loaded once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from torchlint import toml

_FACTS = Path(__file__).with_name("torch_facts.toml")


class Facts(NamedTuple):
    """See the comments of :file:`torch_facts.toml` for what each table says."""

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
    tables = toml.loads(_FACTS.read_text(encoding="utf-8"))
    modules, tensors = tables["modules"], tables["tensors"]
    return Facts(
        stateless_modules=frozenset(f"torch.nn.{name}" for name in modules["stateless"]),
        mode_dependent_modules=frozenset(f"torch.nn.{name}" for name in modules["mode_dependent"]),
        container_modules=frozenset(f"torch.nn.{name}" for name in modules["containers"]),
        state_arguments=frozenset(modules["state_arguments"]),
        stateless_when={f"torch.nn.{name}": given for name, given in modules["stateless_when"].items()},
        stateless_unless={f"torch.nn.{name}": given for name, given in modules["stateless_unless"].items()},
        tensor_factories=frozenset(f"torch.{name}" for name in tensors["factories"]),
        tensor_operations=frozenset(f"torch.{name}" for name in tensors["operations"]),
        leaving_methods=frozenset(tensors["leaving_methods"]),
        tensor_attributes=frozenset(tensors["tensor_attributes"]),
        module_fluent_methods=frozenset(tensors["module_fluent_methods"]),
        casts=frozenset(tensors["casts"]),
        passthrough=frozenset(tables["passthrough"]["functions"]),
        epoch_schedulers={
            f"torch.optim.lr_scheduler.{name}": given for name, given in tables["schedulers"].items()
        },
        recursive_schedulers=frozenset(
            f"torch.optim.lr_scheduler.{name}" for name in tables["recursive_schedulers"]["names"]
        ),
    )
