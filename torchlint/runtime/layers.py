"""What single modules and tensors say of themselves, and do not do: they are read, and nothing is called."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from torchlint.model.vocabulary import (
    GRADIENT_SWITCHES,
    MISSPELLED_SWITCHES,
    REGISTERING_METHODS,
    says_shared,
)
from torchlint.observed import (
    EmptyEntry,
    IdleSwitch,
    Observation,
    RecurrentDropout,
    RepeatedEntry,
    RunningStatistics,
)
from torchlint.runtime.creation import Source, keeps, source_of
from torchlint.runtime.hiding import place
from torchlint.runtime.registration import (
    REGISTRIES,
    Registered,
    attributes_of,
    is_lazy,
    join,
    numel_of,
    registry,
    tensors_of,
)

_MOST = 0.5
_RECURRENT = (nn.RNN.forward, nn.LSTM.forward, nn.GRU.forward)


class Layers:
    """The modules of one model, each with the class of the user's that it is a part of."""

    def __init__(self, registered: Registered) -> None:
        self.modules = dict(registered.modules.values())
        self.tensors = {name: registered.tensors[key] for key, name in registered.names.items()}

    def observations(self) -> Iterator[Observation]:
        for path, module in self.modules.items():
            yield from self._settings(path, module)
            yield from self._switches(path, module)
            yield from self._empty_entries(path, module)
            yield from self._repeated_entries(path, module)
        for name, tensor in self.tensors.items():
            yield from self._misspelled(name, tensor)

    def _place(self, path: str, thing: object) -> dict[str, Any]:
        """Where a thing is: the attribute of the next module around it that is not one of torch's own."""
        owner, _, attribute = path.rpartition(".")
        while owner and type(self.modules[owner]).__module__.startswith("torch."):
            owner, _, attribute = owner.rpartition(".")
        return place(thing, path, self.modules[owner] if path else None, attribute)

    # ------------------------------------------------------------------------------------------------------ settings

    def _settings(self, path: str, module: nn.Module) -> Iterator[Observation]:
        """Of layers whose ``forward`` is that of torch; another may use them as it likes."""
        if isinstance(module, nn.RNNBase):
            if module.dropout > 0 and type(module).forward in _RECURRENT:
                where = self._place(path, module)
                yield RecurrentDropout(**where, rate=module.dropout, layers=module.num_layers)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            is_own = type(module).forward.__module__.startswith("torch.")
            momentum = module.momentum
            if is_own and module.track_running_stats and momentum is not None and momentum > _MOST:
                yield RunningStatistics(**self._place(path, module), momentum=momentum)

    # ------------------------------------------------------------------------------------------------------ switches

    def _switches(self, path: str, module: nn.Module) -> Iterator[IdleSwitch]:
        own = attributes_of(module)
        for name in GRADIENT_SWITCHES:
            value = own.get(name)
            if type(value) is bool and (name == "requires_grad_" or not keeps(type(module), name)):
                below = [each for _, each in tensors_of(module, "_parameters")]
                yield IdleSwitch(
                    **self._place(path, module),
                    switch=name,
                    value=value,
                    on_module=True,
                    numel=sum(map(numel_of, below)),
                    obeyed=any(each.requires_grad is value for each in below) or not below,
                )

    def _misspelled(self, path: str, tensor: torch.Tensor) -> Iterator[IdleSwitch]:
        own = attributes_of(tensor)
        for name in (*MISSPELLED_SWITCHES, "requires_grad_") if own else ():
            if type(value := own.get(name)) is bool:
                yield IdleSwitch(
                    **self._place(path, tensor),
                    switch=name,
                    value=value,
                    numel=numel_of(tensor),
                    obeyed=tensor.requires_grad is value,
                )

    # ------------------------------------------------------------------------------------------------- registrations

    def _empty_entries(self, path: str, module: nn.Module) -> Iterator[EmptyEntry]:
        """Entries that are ``None``, where the class assigns to them what registering something has returned."""
        if type(module).__module__.startswith("torch."):
            return
        for name in (
            key for each in REGISTRIES for key, value in registry(module, each).items() if value is None
        ):
            call = _lost_registration(_sources(module, name), name)
            if call:
                where = {**place(module, join(path, name), module, name), "type": "NoneType"}
                yield EmptyEntry(**where, call=call)

    def _repeated_entries(self, path: str, module: nn.Module) -> Iterator[RepeatedEntry]:
        if not isinstance(module, (nn.Sequential, nn.ModuleList)) or not path:
            return
        entries = [each for each in registry(module, "_modules").values() if each is not None]
        if len({*map(id, entries)}) == len(entries):
            return
        times = Counter(map(id, entries))
        for entry in {id(each): each for each in entries}.values():
            numel = sum(numel_of(each) for _, each in tensors_of(entry, "_parameters"))
            if times[id(entry)] > 1 and (numel or any(is_lazy(each) for _, each in tensors_of(entry))):
                where = self._place(path, entry)
                owner = self.modules[path.rpartition(".")[0]]
                yield RepeatedEntry(
                    **where,
                    container=type(module).__name__,
                    places=times[id(entry)],
                    numel=numel,
                    by_reference=_repeats_reference(owner, path.rpartition(".")[2]),
                )


def _sources(owner: nn.Module, attribute: str) -> tuple[Source, ...]:
    cls: Any = type(owner)
    return source_of(cls, attribute) or ()


def _lost_registration(sources: tuple[Source, ...], name: str) -> str:
    """The call that registers something under a name, if what it returns is assigned to the same name.

    It is the only assignment to that name, and nothing else in the classes speaks of it: so the entry is ``None`` because
    of this call. What is registered must be made there, as a name may stand for ``None``.
    """
    assigned = [each for source in sources for each in source.assignments]
    call = assigned[0].value if len(assigned) == 1 else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or len(call.args) < 2:
        return ""
    registers = call.func.attr in REGISTERING_METHODS and isinstance(call.func.value, ast.Name)
    written, given = call.args[:2]
    is_here = isinstance(written, ast.Constant) and written.value == name and isinstance(given, ast.Call)
    if not registers or not is_here:
        return ""
    constants = (
        node for source in sources for node in ast.walk(source.node) if isinstance(node, ast.Constant)
    )
    return ast.unparse(call.func) if sum(node.value == name for node in constants) == 1 else ""


def _repeats_reference(owner: nn.Module, attribute: str) -> bool:
    """Whether the only assignment to an attribute repeats a list of one element, and speaks of nothing shared."""
    assigned = [(source, each) for source in _sources(owner, attribute) for each in source.assignments]
    if len(assigned) != 1:
        return False
    source, statement = assigned[0]
    return any(map(_is_repetition, ast.walk(statement.value))) and not says_shared(source.text(statement))


def _is_repetition(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and any(isinstance(side, ast.List) and len(side.elts) == 1 for side in (node.left, node.right))
    )
