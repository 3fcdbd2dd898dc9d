"""Activations that overwrite their input, where somebody still needs it: ``out = self.relu(x); return out + x``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Range
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Definition, Function, Place, definitions_of
from torchlint.model.kinds import Kind
from torchlint.model.module_class import ClassModel
from torchlint.model.values import Value, argument
from torchlint.model.vocabulary import speaks_of_inplace

_LAYERS = {
    "ReLU": 0, "ReLU6": 0, "SELU": 0, "SiLU": 0, "Mish": 0, "Hardswish": 0, "LeakyReLU": 1, "ELU": 1, "CELU": 1,
}  # fmt: skip
_FUNCTIONS = {
    "relu": 1, "relu6": 1, "selu": 1, "silu": 1, "mish": 1, "hardswish": 1, "leaky_relu": 2, "elu": 2, "celu": 2,
}  # fmt: skip
"""Activations, with the position of ``inplace``."""

_OF_SHAPE = {
    "shape",
    "size",
    "device",
    "dtype",
    "dim",
    "ndim",
    "numel",
    "type",
    "is_cuda",
    "new_zeros",
    "new_ones",
}


@dataclass(frozen=True, eq=False)
class InplaceCall:
    """A call of an activation, or of layers that begin with one, that overwrites the tensor in a local name."""

    cls: ClassModel
    function: Function
    site: CallSite
    given: cst.Name

    @property
    def file(self) -> File:
        return self.cls.file

    @property
    def range(self) -> Range:
        return self.file.range(self.site.node)

    @property
    def spelled(self) -> str:
        """``self.relu(x)``."""
        return self.file.code(self.site.node)

    @property
    def name(self) -> str:
        return self.given.value

    @property
    def where(self) -> str:
        return f"{self.cls.name}.{self.function.name}"

    @cached_property
    def is_harmless(self) -> bool:
        """Whether the tensor comes out of an activation, which leaves nothing to change, or a comment says it is meant."""
        if any(speaks_of_inplace(text) for text in self.file.comments(self.range)):
            return True
        return any(
            isinstance(item.value, cst.Call) and _is_activation(self.file, item.value, item.place.function)
            for item in self._tensor
        )

    @cached_property
    def _tensor(self) -> frozenset[Definition]:
        return _tensor_of(self.function, self.given)

    @cached_property
    def later_use(self) -> Range | None:
        """Where the tensor is read afterwards, whenever the call has run: through this name or another."""
        names = self.function.names
        behind = next((index for index, name in enumerate(names) if name is self.given), len(names)) + 1
        for name in names[behind:] if self._tensor else ():
            if _tensor_of(self.function, name) == self._tensor and self._is_use(name):
                return self.file.range(name)
        return None

    def _is_use(self, name: cst.Name) -> bool:
        """Whether what is in the tensor matters there."""
        parent = self.function.parent(name)
        if isinstance(parent, (cst.Comparison, cst.Del)) or (
            isinstance(parent, cst.Attribute) and parent.attr.value in _OF_SHAPE
        ):
            return False
        place = self._place_of(name)
        if place is None or not _conditions(self.site.place) <= _conditions(place):
            return False
        around = self.function.parent(parent) if isinstance(parent, cst.Arg) else parent
        return not (isinstance(around, cst.Call) and self._only_looks(around))

    def _only_looks(self, call: cst.Call) -> bool:
        """An activation gives the same for what it has made; ``len`` and ``isinstance`` do not ask for values."""
        if isinstance(call.func, cst.Name) and call.func.value in ("len", "isinstance", "print"):
            return True
        return _is_activation(self.file, call, self.function) or _starts_in_place(
            self.file, call, self.function
        )

    def _place_of(self, name: cst.Name) -> Place | None:
        node: cst.CSTNode | None = name
        while node is not None:
            if id(node) in self._places:
                return self._places[id(node)]
            node = self.function.parent(node)
        return None

    @cached_property
    def _places(self) -> dict[int, Place]:
        """Where expressions are evaluated."""
        function = self.function
        found = {id(item.value): item.place for item in function.definitions if item.value is not None}
        found |= {id(value): place for value, place in function.returns if value is not None}
        found |= {id(statement.value): place for _, statement, place in function.augmented}
        return found | {id(call.node): call.place for call in function.calls}


def _conditions(place: Place) -> set[tuple[int, bool]]:
    return {(id(block.node), block.taken) for block in place.blocks()}


def _tensor_of(function: Function, name: cst.Name) -> frozenset[Definition]:
    """The bindings that made what a name holds, through ``residual = x``; nothing where that is not known."""
    found: set[Definition] = set()
    pending: list[cst.Name] = [name]
    for _ in range(20):
        if not pending:
            return frozenset(found)
        bound, free = definitions_of(function.reaching(pending.pop()))
        if free or not bound:
            return frozenset()
        for item in bound:
            if item.kind == "value" and isinstance(item.value, cst.Name):
                pending.append(item.value)
            elif item.kind in ("value", "parameter"):
                found.add(item)
            else:
                return frozenset()
    return frozenset()


def _is_activation(file: File, call: cst.Call, function: Function) -> bool:
    dotted = file.evaluator.dotted(call.func, function) or ""
    if (
        dotted.startswith(("torch.nn.functional.", "torch."))
        and dotted.rpartition(".")[2].rstrip("_") in _FUNCTIONS
    ):
        return True
    values = file.evaluator.values(call.func, function)
    return bool(values) and all(
        value.kind is Kind.MODULE and value.dotted.removeprefix("torch.nn.") in _LAYERS for value in values
    )


def _starts_in_place(file: File, call: cst.Call, function: Function) -> bool:
    """Whether a call certainly overwrites its first argument by an activation."""
    dotted = file.evaluator.dotted(call.func, function) or ""
    if dotted.startswith("torch."):
        name = dotted.rpartition(".")[2]
        if name.rstrip("_") not in _FUNCTIONS:
            return False
        return name.endswith("_") or _is_true(argument(call, "inplace", _FUNCTIONS[name]))
    values = file.evaluator.values(call.func, function)
    return bool(values) and all(map(_overwrites, values))


def _overwrites(value: Value) -> bool:
    if value.kind is not Kind.MODULE or not isinstance(value.node, cst.Call) or value.function is None:
        return False
    layer = value.dotted.removeprefix("torch.nn.")
    if layer == "Sequential" and value.node.args and not value.node.args[0].star:
        first = value.function.file.evaluator.values(value.node.args[0].value, value.function)
        return bool(first) and all(map(_overwrites, first))
    return layer in _LAYERS and _is_true(argument(value.node, "inplace", _LAYERS[layer]))


def _is_true(node: cst.BaseExpression | None) -> bool:
    return isinstance(node, cst.Name) and node.value == "True"


def inplace_calls(cls: ClassModel) -> Iterator[InplaceCall]:
    """Those in the methods that the forward pass runs."""
    if not speaks_of_inplace(cls.file.source.text):
        return
    for name in sorted(cls.used_by_forward):
        function = cls.methods[name]
        for site in function.calls:
            given = site.node.args[0] if site.node.args else None
            tensor = given.value if given is not None and not given.star else None
            if isinstance(tensor, cst.Name) and _starts_in_place(cls.file, site.node, function):
                yield InplaceCall(cls, function, site, tensor)
