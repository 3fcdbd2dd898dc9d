"""Names of a module that hold a Parameter or a submodule, and are assigned something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Range
from torchlint.model.flow import Store
from torchlint.model.kinds import Kind
from torchlint.model.module_class import Attribute, ClassModel, root
from torchlint.model.vocabulary import OWN_REGISTRY

_LITERALS = (
    cst.Integer,
    cst.Float,
    cst.SimpleString,
    cst.FormattedString,
    cst.ConcatenatedString,
    cst.Lambda,
)
_DISPLAYS = (
    cst.List,
    cst.Tuple,
    cst.Dict,
    cst.Set,
    cst.ListComp,
    cst.DictComp,
    cst.SetComp,
    cst.GeneratorExp,
)
_CALLING_NOTHING = ("torch.", "builtins.", "lightning.", "pytorch_lightning.", "typing.", "abc.")
"""Where base classes come from whose ``__init__`` calls no method that is overridden here."""
_UNREGISTERING = ("_parameters", "_modules", "__dict__", "__delattr__")


@dataclass(frozen=True, eq=False)
class ReboundName:
    """``self.w = torch.zeros(8)``, where ``__init__`` has registered ``self.w``.

    ``first`` is the assignment that registers, ``store`` the one that cannot be.
    """

    cls: ClassModel
    attribute: Attribute
    first: Store
    store: Store

    @property
    def range(self) -> Range:
        return self.cls.file.range(self.store.statement)

    @property
    def first_range(self) -> Range:
        return self.cls.file.range(self.first.statement)

    @property
    def name(self) -> str:
        return f"{self.store.place.function.self_name}.{self.attribute.name}"

    @cached_property
    def _kinds(self) -> set[Kind]:
        assert self.store.value is not None
        evaluator = self.cls.file.evaluator
        return {value.kind for value in evaluator.values(self.store.value, self.store.place.function)}

    @property
    def holds_parameter(self) -> bool:
        """Whether it is a Parameter that is registered, and no submodule."""
        assert self.first.value is not None
        evaluator = self.cls.file.evaluator
        return all(
            value.kind is Kind.PARAMETER
            for value in evaluator.values(self.first.value, self.first.place.function)
        )

    @property
    def is_tensor(self) -> bool:
        """Whether it can only be a tensor, and none that a cast of the same Parameter gives."""
        return bool(self._kinds) and self._kinds <= {Kind.TENSOR}

    @property
    def is_data(self) -> bool:
        """Whether a number, a string, a function or a container is written out."""
        node = self.store.value
        named = isinstance(node, cst.Name) and node.value in ("True", "False")
        return named or isinstance(node, (*_LITERALS, *_DISPLAYS))

    @property
    def is_expected(self) -> bool:
        """Whether the error is caught, or waited for."""
        for block in self.store.place.blocks():
            if block.kind in ("try", "except"):
                return True
            if isinstance(block.node, cst.With):
                items = (self.cls.file.code(item.item) for item in block.node.items)
                if any("raises" in item or "Raises" in item or "suppress" in item for item in items):
                    return True
        return False

    @property
    def is_taken_out(self) -> bool:
        """Whether the class takes what is registered out again, or hands itself to what may do that."""
        if any(store.kind == "delete" for store in self.attribute.stores):
            return True
        for function in self.cls.functions():
            if any(node.attr.value in _UNREGISTERING for node in function.attributes):
                return True
            for call in function.calls:
                name = self.cls.file.code(call.node.func).rpartition(".")[2]
                given = [item.value for item in call.node.args]
                with_self = any(
                    isinstance(node, cst.Name) and node.value == function.self_name for node in given
                )
                if with_self and (name == "delattr" or "norm" in name or "param" in name):
                    return True
        return False


def rebound_names(cls: ClassModel) -> Iterator[ReboundName]:
    """The assignments that come behind the one in ``__init__`` that registers, or in another method."""
    outlines = [symbol.class_outline for symbol in cls.ancestor_symbols if symbol is not None]
    methods = set(cls.outline.methods).union(*(each.methods for each in outlines if each is not None))
    if OWN_REGISTRY & methods or "__delattr__" in methods:
        return
    for attribute in cls.attributes.values():
        if attribute.name in methods or len(attribute.stores) < 2:
            continue
        first = registering_store(attribute)
        for store in attribute.stores if first is not None else ():
            if (
                first is not None
                and store.kind == "assign"
                and store.value is not None
                and _is_behind(cls, first, store)
            ):
                yield ReboundName(cls, attribute, first, store)


def registering_store(attribute: Attribute) -> Store | None:
    """The assignment in ``__init__`` that certainly registers what is kept under a name."""
    return next((store for store in attribute.stores if _registers(attribute.owner, store)), None)


def is_registered_before(attribute: Attribute, store: Store) -> bool:
    """Whether the name is taken by a Parameter or submodule when a value is assigned."""
    first = registering_store(attribute)
    return first is not None and _is_behind(attribute.owner, first, store)


def _registers(cls: ClassModel, store: Store) -> bool:
    """Whether an assignment in ``__init__`` certainly registers a Parameter or submodule."""
    function = store.place.function
    if store.kind != "assign" or store.value is None or function is not cls.methods.get("__init__"):
        return False
    if any(block.kind != "with" for block in store.place.blocks()):
        return False
    kinds = {value.kind for value in cls.file.evaluator.values(store.value, function)}
    return kinds in ({Kind.PARAMETER}, {Kind.MODULE})


def _is_behind(cls: ClassModel, first: Store, store: Store) -> bool:
    """Whether an assignment runs when the name is registered: later in ``__init__``, or in a method that it does not call."""
    if store.place.function is first.place.function:
        return store.place.order > first.place.order
    method = root(store.place.function).name
    return method not in cls.used_by_init and not _may_be_called_by_base(cls, method)


def _may_be_called_by_base(cls: ClassModel, method: str) -> bool:
    """Whether ``super().__init__()`` may call a method, before anything is registered here."""
    for symbol in cls.ancestor_symbols:
        if symbol is None or (symbol.kind != "class" and not symbol.dotted.startswith(_CALLING_NOTHING)):
            return True
    return any(
        load.name == method
        for model in cls.ancestors
        for name in model.used_by_init
        for function in model.methods[name].everything()
        for load in function.loads
    )
