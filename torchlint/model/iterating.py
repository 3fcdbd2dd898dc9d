"""Iterators over Parameters that are kept under a name, and what uses them up: they can be gone through once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Fix, Label, Range
from torchlint.model.file import File
from torchlint.model.flow import (
    FREE,
    LEAVING,
    Definition,
    Function,
    Load,
    Loop,
    Place,
    Store,
    definitions_of,
    may_end_early,
)
from torchlint.model.kinds import Kind
from torchlint.model.values import Value
from torchlint.model.vocabulary import ONE_SHOT_MAKERS, may_make_iterator

_ONE_SHOT = {f"{module}.{name}" for module in ("builtins", "itertools") for name in ONE_SHOT_MAKERS} | {
    "itertools.chain.from_iterable"
}
_COLLECTING = {
    "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset", "builtins.dict", "builtins.sorted",
    "builtins.sum", "builtins.max", "builtins.min",
}  # fmt: skip
_CLIPPING = ("clip_grad_norm_", "clip_grad_norm")
_RAISING = (*_CLIPPING, "clip_grad_value_", "parameters_to_vector")
"""Functions of ``torch.nn.utils`` that go through all Parameters; only the former accept none at all."""


@dataclass(frozen=True, eq=False)
class Use:
    """Something that goes through an iterator to its end. ``is_silent``: it does not complain about an empty one."""

    node: cst.CSTNode
    spelled: str
    place: Place
    is_silent: bool


@dataclass(frozen=True, eq=False)
class ParameterIterator:
    """``params = model.parameters()``, ``params = filter(...)`` or a generator, under a local name or on ``self``."""

    file: File
    function: Function
    name: str
    value: cst.BaseExpression
    definition: Definition
    store: Store | None = None

    @property
    def range(self) -> Range:
        return self.file.range(self.value)

    @property
    def is_generator(self) -> bool:
        """Whether what makes it is an iterator and no list, as far as the project shows."""
        node = self.value
        if isinstance(node, cst.GeneratorExp):
            return True
        if not isinstance(node, cst.Call):
            return False
        if self.file.evaluator.dotted(node.func, self.function) in _ONE_SHOT:
            return True
        callee = node.func
        if not isinstance(callee, cst.Attribute) or not may_make_iterator(callee.attr.value):
            return False
        values = self.file.evaluator.values(callee.value, self.function)
        return bool(values) and all(self._has_torch_method(value, callee.attr.value) for value in values)

    def _has_torch_method(self, value: Value, method: str) -> bool:
        """Whether ``parameters()`` of something is that of ``nn.Module``: one of the project may return a list."""
        owner = self.function.owner
        if value.kind is Kind.SELF:
            return owner is not None and owner.is_module and owner.method(method) is None
        if value.kind is Kind.MODULE and value.symbol is not None:
            model = self.file.program.class_model(value.symbol)
            return model is None or model.method(method) is None
        # A method of that name in this file says that such objects may have one of their own.
        own = f"def {method}(" in self.file.source.text
        return value.kind in (Kind.UNKNOWN, Kind.ARGUMENT, Kind.NONE) and not own

    # -- uses ------------------------------------------------------------------------------------------------------

    @cached_property
    def uses(self) -> list[Use]:
        """What goes through it where nothing else may be bound to the name, in the order of evaluation."""
        return [use for _, use in self._reads if use is not None]

    @cached_property
    def _reads(self) -> list[tuple[cst.BaseExpression, Use | None]]:
        """Every place that reads it, and what is done with it there, where that is known."""
        if self.store is not None:
            found = list(self._attribute_reads())
        else:
            found = [(name, function) for function in self._readers() for name in self._names(function)]
        return [(node, _use(node, function)) for node, function in found]

    def _attribute_reads(self) -> Iterator[tuple[cst.BaseExpression, Function]]:
        owner = self.function.owner
        attribute = owner.attributes.get(self.store.name) if owner is not None and self.store else None
        for load in attribute.loads if attribute is not None else ():
            if self._is_ours(load):
                yield load.node, load.place.function

    def _is_ours(self, load: Load) -> bool:
        found, _ = definitions_of(load.place.function.reaching(load.node))
        return not found or found == [self.definition]

    def _readers(self) -> Iterator[Function]:
        yield from self.function.everything()
        if self.function.node is None:
            mentioning = self.file.outline.mentioning(self.name)
            for function in self.file.all_functions(mentioning):
                if [*function.and_outer()][-1] is not self.function:
                    yield function

    def _names(self, function: Function) -> Iterator[cst.BaseExpression]:
        around = list(function.and_outer())
        for name in function.names:
            if name.value != self.name:
                continue
            reaching = function.reaching(name)
            found, _ = definitions_of(reaching)
            if found == [self.definition] or (
                reaching == (FREE,)
                and self._is_only_one
                and not any(self.name in each.bound for each in around if each.node is not None)
            ):
                yield name

    @cached_property
    def _is_only_one(self) -> bool:
        """Whether the module level binds the name once, so that its functions see nothing else."""
        return sum(item.name == self.name for item in self.function.definitions) == 1

    @cached_property
    def spent(self) -> tuple[Use, Use] | None:
        """What uses it up, and what finds it empty: the same where it is one thing in a loop."""
        if self.definition.place.function is not self.function or self._may_be_made_again:
            return None
        for late in self.uses:
            if not late.is_silent:
                continue
            for early in self.uses:
                if early is not late and self._runs_before(early, late):
                    return early, late
            if self._is_repeated(late):
                return late, late
        return None

    @property
    def _may_be_made_again(self) -> bool:
        """Whether an attribute is assigned elsewhere, too."""
        owner = self.function.owner
        if self.store is None or owner is None:
            return False
        attribute = owner.attributes.get(self.store.name)
        return attribute is None or attribute.stores != [self.store]

    def _runs_before(self, early: Use, late: Use) -> bool:
        """Whether what is later run, or called, finds that the other has been there before."""
        if early.place.function is not self.function or early.place.order < self.definition.place.order:
            return False
        if not early.place.branches() <= self.definition.place.branches() | late.place.branches():
            return False
        if late.place.function is self.function:
            return early.place.order < late.place.order
        return not early.place.branches() - self.definition.place.branches()

    def _is_repeated(self, use: Use) -> bool:
        """Whether a loop that does not make it anew comes back to the same place."""
        if use.place.function is not self.function:
            return False
        around = self.definition.place.loops()
        return any(loop not in around and not _leaves(loop, use.node) for loop in use.place.loops())

    # -- reporting -------------------------------------------------------------------------------------------------

    def at(self, use: Use) -> Range:
        """Where something goes through it: of a loop, its first line."""
        where = self.file.range(use.node)
        if isinstance(use.node, cst.For):
            return Range(where.start, self.file.outer_range(use.node.iter).end)
        return where

    def label(self, use: Use, text: str) -> Label:
        return Label(self.at(use), text)

    @property
    def label_at_origin(self) -> Label:
        return Label(self.range, "can be gone through once")

    @property
    def fix(self) -> Fix | None:
        """``list(model.parameters())``; not where something is done with it that a list may not be good for."""
        resolved = self.file.project.resolve(self.file.outline, "list")
        known = resolved is None or resolved.dotted == "builtins.list"
        if not known or any(use is None for _, use in self._reads):
            return None
        if isinstance(self.value, cst.GeneratorExp):
            where = self.range
            text = f"[{self.file.text(where)}]"
            return Fix("make a list", (self.file.replace(self.value, text),))
        return Fix("make a list", self.file.wrap(self.value, "list(", ")"))


def parameter_iterators(file: File, wanted: Collection[int]) -> Iterator[ParameterIterator]:
    """Those that the top-level statements with these indices keep under a name."""
    if not file.outline.imports_torch:
        return
    for function in file.all_functions(wanted):
        for definition in function.definitions:
            value = definition.value
            if definition.kind != "value" or value is None or not _may_iterate(value, file):
                continue
            if "." not in definition.name:
                yield ParameterIterator(file, function, definition.name, value, definition)
                continue
            for store in function.stores:
                if store.target is definition.node and store.kind == "assign":
                    yield ParameterIterator(file, function, definition.name, value, definition, store)


def _may_iterate(node: cst.BaseExpression, file: File) -> bool:
    if isinstance(node, cst.Call):
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else file.code(node.func)
        return may_make_iterator(name) and "parameters" in file.code(node)
    return isinstance(node, cst.GeneratorExp) and "parameters" in file.code(node)


def _use(node: cst.BaseExpression, function: Function) -> Use | None:
    """What goes through all of what an expression gives, in a statement of ``function``."""
    parent = function.parent(node)
    if isinstance(parent, (cst.For, cst.BaseComp)):
        return _loop(node, parent, function)
    if not isinstance(parent, cst.Arg):
        return _in_group(node, function)
    call = function.parent(parent)
    place = function.place(call) if call is not None else None
    if not isinstance(call, cst.Call) or place is None or parent.star:
        return None
    dotted = function.file.evaluator.dotted(call.func, function) or ""
    if dotted in _ONE_SHOT or dotted.startswith("tqdm"):  # goes through it when it is gone through itself
        return _use(call, function)
    return _called(call, dotted, place, is_first=call.args[0] is parent)


def _called(call: cst.Call, dotted: str, place: Place, *, is_first: bool) -> Use | None:
    method = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
    spelled = f"`{place.function.file.code(call.func)}`"
    if dotted in _COLLECTING:
        return Use(call, spelled, place, is_silent=True)
    name = dotted.rpartition(".")[2] or method
    if name in _RAISING and is_first and (dotted.startswith("torch.") or method):
        return Use(call, spelled, place, is_silent=name in _CLIPPING)
    takes_rate = any(item.keyword is not None and item.keyword.value == "lr" for item in call.args)
    is_optimizer = dotted.startswith("torch.optim.") and not dotted.startswith("torch.optim.lr_scheduler.")
    return Use(call, spelled, place, is_silent=False) if is_first and (takes_rate or is_optimizer) else None


def _loop(node: cst.BaseExpression, loop: cst.CSTNode, function: Function) -> Use | None:
    """A loop or comprehension over it; not one that may stop early."""
    binding = next(
        (item for item in function.definitions if item.kind == "loop" and item.value is node), None
    )
    if binding is None or binding.place.block is None:
        return None
    if isinstance(loop, cst.GeneratorExp):
        return _use(loop, function)
    if isinstance(loop, cst.For) and may_end_early(loop):
        return None
    outer = binding.place.block.outer
    name = "this loop" if isinstance(loop, cst.For) else "this comprehension"
    return Use(loop, name, Place(function, outer, binding.place.order), is_silent=True)


def _in_group(node: cst.BaseExpression, function: Function) -> Use | None:
    """``{"params": params}`` in the groups that an optimizer is given."""
    element = function.parent(node)
    if not isinstance(element, cst.DictElement) or function.file.code(element.key).strip("\"'") != "params":
        return None
    holder: cst.CSTNode | None = element
    while holder is not None and not isinstance(holder, cst.Arg):
        if isinstance(holder, cst.BaseStatement | cst.BaseSmallStatement | cst.Lambda):
            return None
        holder = function.parent(holder)
    call = function.parent(holder)
    place = function.place(call) if call is not None else None
    if not isinstance(call, cst.Call) or place is None:
        return None
    dotted = function.file.evaluator.dotted(call.func, function) or ""
    use = _called(call, dotted, place, is_first=True)
    if use is None or dotted in _COLLECTING:
        return None
    return Use(call, use.spelled, place, is_silent=True)


def _leaves(loop: Loop, node: cst.CSTNode) -> bool:
    """Whether the loop ends in the block of statements that something stands in."""
    body = loop.body
    while isinstance(body, cst.IndentedBlock):
        statement = next((item for item in body.body if _holds(item, node)), None)
        lines = (item for item in body.body if isinstance(item, cst.SimpleStatementLine))
        if statement is None or any(isinstance(item, LEAVING) for line in lines for item in line.body):
            return True
        inner = [item for item in _blocks_in(statement) if _holds(item, node)]
        if not inner:
            return False
        body = inner[0]
    return False


def _blocks_in(statement: cst.CSTNode) -> Iterator[cst.IndentedBlock]:
    """The outermost blocks of a statement."""
    for child in statement.children:
        if isinstance(child, cst.IndentedBlock):
            yield child
        elif not isinstance(child, cst.BaseExpression):
            yield from _blocks_in(child)


def _holds(outer: cst.CSTNode, node: cst.CSTNode) -> bool:
    return outer is node or any(_holds(child, node) for child in outer.children)
