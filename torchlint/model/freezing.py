"""Where gradients are switched off or on: ``x.requires_grad = False``, and what is taken for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Range
from torchlint.model.file import File
from torchlint.model.flow import Definition, Function, definitions_of
from torchlint.model.kinds import Kind
from torchlint.model.values import Value
from torchlint.model.vocabulary import (
    GRADIENT_SWITCHES,
    MISSPELLED_SWITCHES,
    MODULE_ITERATORS,
    MODULE_METHODS,
    PARAMETER_ITERATORS,
)

_PASSING_ON = ("enumerate", "list", "tuple", "reversed", "sorted", "tqdm")
_TENSORS = (Kind.PARAMETER, Kind.LOST_PARAMETER, Kind.BUFFER, Kind.TENSOR)


@dataclass(frozen=True, eq=False)
class GradientSwitch:
    """An assignment to ``.requires_grad`` or a name like it; ``value`` is missing where the method is not called."""

    file: File
    function: Function
    target: cst.Attribute
    value: cst.BaseExpression | None
    statement: cst.CSTNode

    @property
    def name(self) -> str:
        """What is assigned to: ``requires_grad``."""
        return self.target.attr.value

    @property
    def is_misspelled(self) -> bool:
        return self.name in MISSPELLED_SWITCHES

    @property
    def holder(self) -> str:
        """As the user wrote it: ``self.backbone``."""
        return self.file.code(self.target.value)

    @property
    def given(self) -> str:
        """``False`` where that is assigned."""
        return self.file.code(self.value) if self.value is not None else ""

    @property
    def range(self) -> Range:
        return self.file.range(self.statement)

    # -- what it is on ---------------------------------------------------------------------------------------------

    @cached_property
    def is_on_module(self) -> bool:
        """Whether it is on a module: made as one, met in a loop over modules, called, or asked for its Parameters."""
        kinds = {value.kind for value in self._values}
        if Kind.SELF in kinds:
            owner = self.function.owner
            written = self.given in ("True", "False", "")  # anything else is an option that the class keeps
            return owner is not None and owner.is_module and written and not self._is_kept_by_class
        if self._walks(MODULE_ITERATORS):
            return self.file.outline.imports_torch
        if not kinds <= {Kind.MODULE, Kind.NONE, Kind.UNKNOWN, Kind.ARGUMENT} or self._is_kept_by_class:
            return False
        if kinds <= {Kind.MODULE, Kind.NONE}:
            return Kind.MODULE in kinds
        return self._is_used_as_module and self.file.outline.imports_torch

    @cached_property
    def is_on_tensor(self) -> bool:
        """Whether it is on a tensor or Parameter."""
        kinds = {value.kind for value in self._values}
        if kinds <= {*_TENSORS, Kind.NONE}:
            return bool(kinds & set(_TENSORS))
        return self._walks(PARAMETER_ITERATORS) and self.file.outline.imports_torch

    @cached_property
    def _values(self) -> tuple[Value, ...]:
        return self.file.evaluator.values(self.target.value, self.function)

    @cached_property
    def _is_kept_by_class(self) -> bool:
        """Whether a class that it may be an instance of reads the attribute, or defines it: it means something there."""
        for value in self._values:
            owner = self.function.owner if value.kind is Kind.SELF else None
            symbol = owner.symbol if owner is not None else value.symbol
            if symbol is None or value.kind not in (Kind.MODULE, Kind.SELF):
                continue
            for each in self.file.program.line(symbol):
                model = (
                    self.file.program.class_model(each)
                    if each is not None and self.file.program.has_word(self.name, each)
                    else None
                )
                if model is not None and model.has_attribute(self.name):
                    return True
        return False

    def _walks(self, iterators: dict[str, tuple[int, ...]]) -> bool:
        """Whether it is on the variable of a loop over ``net.children()`` or the like, and of no other."""
        definitions, free = definitions_of(self.function.reaching(self.target.value))
        return bool(definitions) and not free and all(_gives(item, iterators) for item in definitions)

    @property
    def _is_used_as_module(self) -> bool:
        """Whether the same name is called, or a method that only modules have, in the same function or class."""
        if not isinstance(self.target.value, (cst.Name, cst.Attribute)):
            return False
        return any(
            self._is_holder(used, function)
            for function in self._functions_around()
            for call in function.calls
            for used in _used_as_module(call.node)
        )

    def _is_holder(self, node: cst.BaseExpression, function: Function) -> bool:
        if not isinstance(node, (cst.Name, cst.Attribute)) or self.file.code(node) != self.holder:
            return False
        return isinstance(node, cst.Attribute) or self._is_same(node, function)

    def _functions_around(self) -> Iterator[Function]:
        owner = self.function.owner
        yield from owner.functions() if owner is not None else [*self.function.and_outer()][-1].everything()

    def _is_same(self, name: cst.CSTNode, function: Function) -> bool:
        """Whether a local name has a binding here that reaches there."""
        here, _ = definitions_of(self.function.reaching(self.target.value))
        there, _ = definitions_of(function.reaching(name))
        return any(item in there for item in here)

    # -- repairs ---------------------------------------------------------------------------------------------------

    @property
    def call_fix(self) -> Fix | None:
        """``net.requires_grad_(False)``; not where one statement assigns to several things."""
        if self.value is None or not self._is_alone:
            return None
        name, value = self.file.range(self.target.attr), self.file.outer_range(self.value)
        edits = (
            Edit(Range(name.start, value.start), "requires_grad_("),
            self.file.insert(value.end, ")"),
        )
        return Fix(f"call `{self.holder}.requires_grad_({self.given})`", edits)

    @property
    def spelling_fix(self) -> Fix:
        edit = Edit(self.file.range(self.target.attr), "requires_grad")
        return Fix(f"assign to `{self.holder}.requires_grad`", (edit,))

    @property
    def _is_alone(self) -> bool:
        statement = self.statement
        return (
            isinstance(statement, cst.Assign)
            and len(statement.targets) == 1
            and statement.targets[0].target is self.target
        )


def gradient_switches(file: File, wanted: Collection[int]) -> Iterator[GradientSwitch]:
    """Those in the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        for stored in function.attribute_stores:
            if stored.target.attr.value in GRADIENT_SWITCHES:
                yield GradientSwitch(file, function, stored.target, stored.value, stored.statement)
        for store in function.stores:
            if store.kind == "assign" and store.name in GRADIENT_SWITCHES:
                assert isinstance(store.target, cst.Attribute)
                yield GradientSwitch(file, function, store.target, store.value, store.statement)
        for attribute in function.attributes:
            if attribute.attr.value == "requires_grad_":
                statement = function.parent(attribute)
                if isinstance(statement, cst.Expr):
                    yield GradientSwitch(file, function, attribute, None, statement)


def _used_as_module(call: cst.Call) -> Iterator[cst.BaseExpression]:
    """What is called, or asked for what only a module has."""
    yield call.func
    if isinstance(call.func, cst.Attribute) and call.func.attr.value in MODULE_METHODS:
        yield call.func.value


def _gives(definition: Definition, iterators: dict[str, tuple[int, ...]]) -> bool:
    """Whether a loop binds its variable to what one of these methods gives."""
    if definition.kind != "loop" or definition.value is None:
        return False
    index = definition.index
    node: cst.BaseExpression = definition.value
    function = definition.place.function
    while True:
        if isinstance(node, cst.Subscript):
            node = node.value
        elif isinstance(node, cst.Name):
            bound, _ = definitions_of(function.reaching(node))
            if len(bound) != 1 or bound[0].kind != "value" or bound[0].value is None:
                return False
            node, function = bound[0].value, bound[0].place.function
        elif isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.args:
            if node.func.value not in _PASSING_ON:
                return False
            if node.func.value == "enumerate":
                if index[:1] != (1,):
                    return False
                index = index[1:]
            node = node.args[0].value
        else:
            break
    method = (
        node.func.attr.value if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) else ""
    )
    return iterators.get(method) == index
