"""Registrations that another one under the same name takes away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import libcst as cst

from torchlint.diagnostic import Range
from torchlint.model.file import File
from torchlint.model.flow import Block, CallSite, Function, Place, Store, definitions_of, may_end_early
from torchlint.model.kinds import Kind, State
from torchlint.model.module_class import ClassModel, name_given
from torchlint.model.values import Value
from torchlint.model.vocabulary import KEYED, KEYED_CONTAINERS, REGISTERING_METHODS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Way = Literal["assigned", "registered", "key", "loop"]


@dataclass(frozen=True, eq=False)
class ReplacedRegistration:
    """A module, Parameter or buffer that stands under a ``name`` which is given to another.

    ``way`` tells how: it is assigned to twice, registered twice or in each turn of a loop, or is a key that stands twice.
    ``first`` is what is lost, ``second`` what takes its place.
    """

    file: File
    way: Way
    name: str
    first: cst.CSTNode
    second: cst.CSTNode

    @property
    def range(self) -> Range:
        return self._range(self.second)

    @property
    def first_range(self) -> Range:
        return self._range(self.first)

    def _range(self, node: cst.CSTNode) -> Range:
        return self.file.outer_range(node) if isinstance(node, cst.BaseExpression) else self.file.range(node)

    @property
    def first_line(self) -> int:
        return self.first_range.start.line


def replaced_registrations(file: File, wanted: Collection[int]) -> Iterator[ReplacedRegistration]:
    """Those in the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        owner = function.owner
        if owner is not None and owner.is_module and "__setattr__" not in owner.outline.methods:
            yield from _assigned_twice(owner, function)
        yield from _registered_twice(file, function)
        yield from _registered_in_loops(file, function)
        yield from _repeated_keys(file, function)


# ------------------------------------------------------------------------------------------------------- assignments


def _assigned_twice(cls: ClassModel, function: Function) -> Iterator[ReplacedRegistration]:
    """``self.conv = nn.Conv2d(...)`` twice in one block, without a use of the first."""
    stores: dict[str, list[Store]] = {}
    for store in function.stores:
        stores.setdefault(store.name, []).append(store)
    for name, several in stores.items():
        for first, second in pairwise(several):
            if (
                first.place.block is second.place.block
                and first.statement is not second.statement
                and _is_kept_here_alone(first)
                and _holds_weights(cls, first)
                and _is_module(cls, second)
                and not _is_used_between(cls, name, first.place, second.place)
            ):
                yield ReplacedRegistration(
                    cls.file, "assigned", f"{function.self_name}.{name}", first.statement, second.statement
                )


def _is_kept_here_alone(store: Store) -> bool:
    """Whether what is assigned is made on the spot: a module with another name goes on to live under that."""
    statement = store.statement
    several = isinstance(statement, cst.Assign) and len(statement.targets) > 1
    return isinstance(store.value, cst.Call) and not several


def _holds_weights(cls: ClassModel, store: Store) -> bool:
    values = _values(cls, store)
    return bool(values) and all(
        value.kind is Kind.MODULE and cls.file.evaluator.state(value) is State.PARAMETERS for value in values
    )


def _is_module(cls: ClassModel, store: Store) -> bool:
    values = _values(cls, store)
    return bool(values) and all(value.kind is Kind.MODULE for value in values)


def _values(cls: ClassModel, store: Store) -> Sequence[Value]:
    if store.kind != "assign" or store.value is None:
        return ()
    return cls.file.evaluator.values(store.value, store.place.function)


def _is_used_between(cls: ClassModel, name: str, start: Place, end: Place) -> bool:
    """Whether ``self.name`` is read between two places of a method, or may be read by what is called there."""
    function = start.function
    if any(load.name == name for inner in function.nested for load in inner.loads):
        return True
    for load in function.loads:
        if start.order < load.place.order < end.order:
            if load.name == name:
                return True
            if load.name in cls.methods:
                if _reads(cls, load.name, name):
                    return True
            elif load.name not in REGISTERING_METHODS and not _is_set_by(cls, load.name):
                return True  # a method that is not read, or one of `nn.Module`, such as `modules()`
    calls = (call for call in function.calls if start.order < call.place.order < end.order)
    return any(_hands_over(call.node, function.self_name) for call in calls)


def _reads(cls: ClassModel, method: str, name: str) -> bool:
    """Whether a method, or one that it calls, reads ``self.name``, or goes through all that ``self`` has."""
    for each in cls.reachable(method):
        for function in cls.methods[each].everything():
            for load in function.loads:
                if load.name == name or (load.name not in cls.methods and not _is_set_by(cls, load.name)):
                    return True
            if any(_hands_over(call.node, function.self_name) for call in function.calls):
                return True
    return False


def _is_set_by(cls: ClassModel, name: str) -> bool:
    return name in cls.attributes and any(store.kind == "assign" for store in cls.attributes[name].stores)


def _hands_over(call: cst.Call, self_name: str | None) -> bool:
    """Whether ``self`` is given to a function, other than ``super()``."""
    return any(
        isinstance(item.value, cst.Name) and item.value.value == self_name for item in call.args
    ) and not (isinstance(call.func, cst.Name) and call.func.value == "super")


# ------------------------------------------------------------------------------------------------------------- calls


@dataclass(frozen=True, eq=False)
class _Registration:
    """``holder.add_module("name", ...)``."""

    site: CallSite
    holder: cst.BaseExpression
    method: str
    name: str

    @property
    def place(self) -> Place:
        return self.site.place


def _registrations(file: File, function: Function) -> Iterator[_Registration]:
    """The calls of ``add_module`` and the like with a name that is written out, of something known to be the same."""
    for call in function.calls:
        callee = call.node.func
        if not isinstance(callee, cst.Attribute) or callee.attr.value not in REGISTERING_METHODS:
            continue
        given, holder = name_given(call, callee.attr.value), callee.value
        if (
            isinstance(given, cst.SimpleString)
            and isinstance(holder, (cst.Name, cst.Attribute))
            and not _registers_nothing(call, callee.attr.value)
            and _may_be_module(file, holder, function)
        ):
            yield _Registration(call, holder, callee.attr.value, str(given.evaluated_value))


def _registers_nothing(call: CallSite, method: str) -> bool:
    position = REGISTERING_METHODS[method]
    given = [item.value for item in call.node.args[position : position + 1]]
    return not given or (isinstance(given[0], cst.Name) and given[0].value == "None")


def _may_be_module(file: File, holder: cst.BaseExpression, function: Function) -> bool:
    """Whether something can only be a module: one that is made here, or ``self`` of a Module class."""
    values = file.evaluator.values(holder, function)
    is_owner = function.owner is not None and function.owner.is_module
    return bool(values) and all(
        value.kind is Kind.MODULE or (value.kind is Kind.SELF and is_owner) for value in values
    )


def _registered_twice(file: File, function: Function) -> Iterator[ReplacedRegistration]:
    """``net.add_module("conv", ...)`` twice in one block."""
    found: dict[tuple[str, str], list[_Registration]] = {}
    for each in _registrations(file, function):
        found.setdefault((file.code(each.holder), each.name), []).append(each)
    for (holder, name), several in found.items():
        for first, second in pairwise(several):
            if (
                first.place.block is second.place.block
                and _is_same(first.holder, second.holder, function)
                and not _is_taken_between(file, holder, name, first.place, second.place)
            ):
                yield ReplacedRegistration(file, "registered", name, first.site.node, second.site.node)


def _is_same(one: cst.BaseExpression, other: cst.BaseExpression, function: Function) -> bool:
    """Whether the same bindings reach a name at two places."""
    first, _ = definitions_of(function.reaching(one))
    second, _ = definitions_of(function.reaching(other))
    return len(first) == len(second) and all(a is b for a, b in zip(first, second, strict=True))


def _is_taken_between(file: File, holder: str, name: str, start: Place, end: Place) -> bool:
    """Whether what a module holds is read, called, given away or taken out between two places."""
    function = start.function
    if any(store.kind == "delete" for store in function.stores):
        return True
    for call in function.calls:
        if start.order < call.place.order < end.order:
            given = [call.node.func, *(item.value for item in call.node.args)]
            if any(file.code(node) == holder for node in given):
                return True
    return any(load.name == name and start.order < load.place.order < end.order for load in function.loads)


def _registered_in_loops(file: File, function: Function) -> Iterator[ReplacedRegistration]:
    """``net.add_module("conv", ...)`` in each turn of a loop, of a module that was made before the loop."""
    for each in _registrations(file, function):
        block = each.place.block
        if block is None or not isinstance(block.node, cst.For) or may_end_early(block.node):
            continue
        definitions, _ = definitions_of(function.reaching(each.holder))
        if not _is_made_in(block, definitions, each.holder, function):
            yield ReplacedRegistration(file, "loop", each.name, block.node, each.site.node)


def _is_made_in(
    block: Block, definitions: Sequence[object], holder: cst.BaseExpression, function: Function
) -> bool:
    """Whether what a name stands for, or what its attribute is of, is another in each turn of a loop."""
    head: cst.BaseExpression = holder
    while isinstance(head, cst.Attribute):
        head = head.value
    bound = [*definitions, *definitions_of(function.reaching(head))[0]]
    bound += [store for store in function.stores if f"{function.self_name}.{store.name}" == _dotted(holder)]
    places = [getattr(item, "place", None) for item in bound]
    return any(place is None or any(each is block for each in place.blocks()) for place in places)


def _dotted(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


# -------------------------------------------------------------------------------------------------------------- keys


def _repeated_keys(file: File, function: Function) -> Iterator[ReplacedRegistration]:
    """``nn.Sequential(OrderedDict([("a", ...), ("a", ...)]))``, and the same for ``nn.ModuleDict``."""
    for call in function.calls:
        if len(call.node.args) != 1 or call.node.args[0].star:
            continue
        if file.evaluator.dotted(call.node.func, function) not in KEYED_CONTAINERS:
            continue
        for value in file.evaluator.values(call.node.args[0].value, function):
            is_named = _is_keyed(call.node) or (isinstance(value.node, cst.Call) and _is_keyed(value.node))
            if value.function is function and value.node is not None and is_named:
                yield from _repeats(file, value.node)


def _is_keyed(call: cst.Call) -> bool:
    """Whether a call names what keeps keys, under no other name."""
    return _dotted(call.func).rpartition(".")[2] in KEYED


def _repeats(file: File, node: cst.CSTNode) -> Iterator[ReplacedRegistration]:
    known: dict[str, cst.CSTNode] = {}
    for key, element in _keyed(node):
        name = str(key.evaluated_value)
        if name in known:
            yield ReplacedRegistration(file, "key", name, known[name], element)
        known[name] = element


def _keyed(node: cst.CSTNode) -> Iterator[tuple[cst.SimpleString, cst.CSTNode]]:
    """The keys that are written out, each with its element."""
    if isinstance(node, cst.Call):
        if len(node.args) == 1 and not node.args[0].star and not node.args[0].keyword:
            yield from _keyed(node.args[0].value)
    elif isinstance(node, cst.Dict):
        for item in node.elements:
            if isinstance(item, cst.DictElement) and isinstance(item.key, cst.SimpleString):
                yield item.key, item.value
    elif isinstance(node, (cst.List, cst.Tuple)):
        for element in node.elements:
            pair = element.value
            if isinstance(pair, (cst.List, cst.Tuple)) and len(pair.elements) == 2:
                key = pair.elements[0].value
                if isinstance(key, cst.SimpleString):
                    yield key, pair
