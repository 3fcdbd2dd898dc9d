"""A second ``nn.Module.__init__`` of one object, which empties its registries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from torchlint.diagnostic import Range
from torchlint.model.flow import CallSite, Function, Store
from torchlint.model.kinds import Kind
from torchlint.model.module_class import ClassModel, root
from torchlint.project.index import Symbol

_REGISTERED = (Kind.MODULE, Kind.PARAMETER, Kind.BUFFER)
_MODULE = "torch.nn.Module"
_DEPTH = 6
"""How long a line of ``super().__init__()`` is followed."""


@dataclass(frozen=True, eq=False)
class Reinitialization:
    """The ``second`` call in ``__init__`` that runs ``nn.Module.__init__``, and what was registered before.

    ``lost`` is the name of the first attribute that is gone, and ``owner`` the class that registers it.
    """

    cls: ClassModel
    first: CallSite
    second: CallSite
    lost: str
    owner: str

    @property
    def range(self) -> Range:
        return self.cls.file.range(self.second.node)

    @property
    def first_range(self) -> Range:
        return self.cls.file.range(self.first.node)

    @property
    def spelled(self) -> str:
        """``Decoder.__init__``."""
        return self.cls.file.code(self.second.node.func)


def reinitializations(cls: ClassModel) -> Iterator[Reinitialization]:
    init = cls.methods.get("__init__")
    if init is None or init.self_name is None or not _is_followed(cls):
        return
    calls = [(call, target) for call in init.calls if (target := _target(cls, call)) is not None]
    for at, (second, reached) in enumerate(calls):
        for first, origin in calls[:at]:
            if not _is_on_path(first, second) or not _reaches(cls, reached, _DEPTH):
                continue
            lost = _lost(cls, init, (first, origin), (second, reached))
            if lost is not None:
                yield Reinitialization(cls, first, second, *lost)
                return


def _is_followed(cls: ClassModel) -> bool:
    """Whether ``super().__init__()`` of every base class leads on: a mixin may end the line."""
    for symbol in cls.ancestor_symbols:
        if symbol is None:
            return False
        if symbol.dotted == "builtins.object" or cls.file.project.is_module(symbol):
            continue
        outline = symbol.class_outline
        if outline is None or "__init__" in outline.methods:
            return False
    return True


def _is_on_path(first: CallSite, second: CallSite) -> bool:
    block = first.place.block
    return block is None or any(each is block for each in second.place.blocks())


def _target(cls: ClassModel, call: CallSite) -> Symbol | None:
    """The class whose ``__init__`` is called on ``self``."""
    callee = call.node.func
    if not isinstance(callee, cst.Attribute) or callee.attr.value != "__init__":
        return None
    function, holder = call.place.function, callee.value
    if isinstance(holder, cst.Call) and isinstance(holder.func, cst.Name) and holder.func.value == "super":
        names = [cls.file.code(item.value) for item in holder.args]
        own = names in ([], [cls.name, function.self_name])
        return cls.ancestor_symbols[0] if own and cls.ancestor_symbols else None
    given = call.node.args[0].value if call.node.args else None
    if not isinstance(given, cst.Name) or given.value != function.self_name:
        return None
    symbol = cls.file.evaluator.symbol(holder, function)
    return symbol if symbol in cls.ancestor_symbols else None


def _reaches(cls: ClassModel, symbol: Symbol, depth: int) -> bool:
    """Whether the ``__init__`` of a class certainly runs that of ``nn.Module``."""
    if symbol.dotted == _MODULE or symbol.dotted.startswith("torch.nn."):
        return symbol.kind == "external"
    model = cls.file.program.class_model(symbol)
    if model is None or not depth or not cls.file.project.is_module(symbol):
        return False
    init = model.methods.get("__init__")
    if init is None:
        base = next(iter(model.ancestor_symbols), None)
        return base is not None and _reaches(cls, base, depth - 1)
    targets = (_target(model, call) for call in init.calls if call.place.block is None)
    return any(target is not None and _reaches(model, target, depth - 1) for target in targets)


def _lost(
    cls: ClassModel, init: Function, first: tuple[CallSite, Symbol], second: tuple[CallSite, Symbol]
) -> tuple[str, str] | None:
    """What is registered before the second call, and not again by it or behind it."""
    start, end = first[0].place.order, second[0].place.order
    again = {store.name for store in init.stores if store.place.order > end} | _made_by_line(cls, second[1])
    for store in init.stores:
        block = store.place.block
        is_before = start < store.place.order < end and (
            block is None or any(each is block for each in second[0].place.blocks())
        )
        if is_before and store.name not in again and _is_registered(cls, store):
            return store.name, cls.name
    model = cls.file.program.class_model(first[1])
    if model is None or first[1] is second[1]:
        return None
    for attribute in model.attributes.values():
        for store in attribute.stores:
            if (
                root(store.place.function).name == "__init__"
                and store.place.block is None
                and store.name not in again
                and _is_registered(model, store)
            ):
                return store.name, model.name
    return None


def _is_registered(cls: ClassModel, store: Store) -> bool:
    if store.kind != "assign" or store.value is None:
        return False
    values = cls.file.evaluator.values(store.value, store.place.function)
    return bool(values) and all(value.kind in _REGISTERED for value in values)


def _made_by_line(cls: ClassModel, symbol: Symbol) -> set[str]:
    """What a base class, or one that its ``super().__init__()`` may lead to, sets on ``self``."""
    line = cls.ancestor_symbols
    found: set[str] = set()
    for each in line[line.index(symbol) :] if symbol in line else ():
        model = cls.file.program.class_model(each) if each is not None else None
        found |= set(model.attributes) if model is not None else set()
    return found
