"""Loops over the children of a module that initialise weights, and what they do not reach."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Range
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Definition, Function
from torchlint.model.kinds import Kind
from torchlint.model.module_class import ClassModel, root
from torchlint.model.values import Value
from torchlint.model.vocabulary import CHILDREN

_LOOKING = ("isinstance", "issubclass", "hasattr", "getattr", "type", "print", "str", "repr", "id")
_REACHING_ALL = ("apply", "modules", "named_modules", "parameters", "named_parameters")
_DEPTH = 4
_OWN_VALUES = re.compile(
    r"(?i)pretrain|load|\binit\.|_init\b|init_(?!_)|reset_param|\.data\b|[a-z]_\(|initiali[sz]e"
)


@dataclass(frozen=True, eq=False)
class ChildLoop:
    """``for m in self.children(): if isinstance(m, nn.Conv2d): nn.init.normal_(m.weight)``.

    ``variable`` is the ``m``, ``call`` that of ``children()``, and ``holder`` the module that is asked for them.
    """

    file: File
    function: Function
    definition: Definition
    loop: cst.For
    call: cst.Call
    holder: cst.BaseExpression

    @property
    def variable(self) -> str:
        return self.definition.name

    @property
    def range(self) -> Range:
        return self.file.range(self.call)

    @property
    def spelled(self) -> str:
        return self.file.code(self.call)

    @property
    def method(self) -> str:
        assert isinstance(self.call.func, cst.Attribute)
        return self.call.func.attr.value

    @cached_property
    def _calls(self) -> list[CallSite]:
        return [
            call
            for call in self.function.calls
            if any(block.node is self.loop for block in call.place.blocks())
        ]

    # -- what the loop does ----------------------------------------------------------------------------------------

    @property
    def initialises(self) -> bool:
        """Whether it gives new values to ``m.weight`` or ``m.bias``."""
        return any(self._initialises(call.node) for call in self._calls)

    def _initialises(self, call: cst.Call) -> bool:
        if not isinstance(call.func, cst.Attribute):
            dotted = self.file.evaluator.dotted(call.func, self.function) or ""
            return dotted.startswith("torch.nn.init.") and self._is_weight(call.args)
        if call.func.attr.value.endswith("_") and self._is_own(call.func.value):
            return True
        dotted = self.file.evaluator.dotted(call.func, self.function) or ""
        return dotted.startswith("torch.nn.init.") and self._is_weight(call.args)

    def _is_weight(self, args: Collection[cst.Arg]) -> bool:
        return any(self._is_own(item.value) for item in args)

    def _is_own(self, node: cst.BaseExpression) -> bool:
        """``m.weight``, ``m.weight.data``."""
        return self.file.code(node).startswith((f"{self.variable}.weight", f"{self.variable}.bias"))

    @property
    def goes_deeper(self) -> bool:
        """Whether the loop, or something else here, also reaches what is inside of the children."""
        for call in self._calls:
            if self._is_handed_on(call.node):
                return True
        for definition in self.function.definitions:
            if (
                definition.kind == "loop"
                and definition is not self.definition
                and definition.value is not None
            ):
                inside = any(block.node is self.loop for block in definition.place.blocks())
                if inside and self.variable in self.file.code(definition.value):
                    return True
        return any(
            isinstance(call.node.func, cst.Attribute) and call.node.func.attr.value in _REACHING_ALL
            for function in self._functions_around()
            for call in function.calls
        )

    def _is_handed_on(self, call: cst.Call) -> bool:
        """Whether a child is given to a function, or asked for more than its own weights."""
        given = any(
            isinstance(item.value, cst.Name) and item.value.value == self.variable for item in call.args
        )
        if given:
            return not (isinstance(call.func, cst.Name) and call.func.value in _LOOKING)
        callee = call.func
        return (
            isinstance(callee, cst.Attribute)
            and isinstance(callee.value, cst.Name)
            and callee.value.value == self.variable
        )

    def _functions_around(self) -> Iterator[Function]:
        owner = self.function.owner
        if owner is None:
            yield from root(self.function).everything()
            return
        names = owner.used_by_init | {root(self.function).name}
        for name in names & set(owner.methods):
            yield from owner.methods[name].everything()

    @cached_property
    def types(self) -> set[str]:
        """The layers that it tests for, ``torch.nn.Conv2d``."""
        found: set[str] = set()
        for call in self._calls:
            given = [item.value for item in call.node.args]
            if (
                isinstance(call.node.func, cst.Name)
                and call.node.func.value == "isinstance"
                and len(given) == 2
                and isinstance(given[0], cst.Name)
                and given[0].value == self.variable
            ):
                found |= self._named(given[1])
        for node in self.function.walked:
            if isinstance(node, cst.Comparison) and self.file.code(node.left) == f"type({self.variable})":
                for target in node.comparisons:
                    found |= self._named(target.comparator)
        return {name for name in found if name.startswith("torch.nn.")}

    def _named(self, types: cst.BaseExpression) -> set[str]:
        """The classes that a type is compared with: one, or several in a tuple."""
        each = (
            [item.value for item in types.elements] if isinstance(types, (cst.Tuple, cst.List)) else [types]
        )
        return {self.file.evaluator.dotted(node, self.function) or "" for node in each}

    # -- what it misses --------------------------------------------------------------------------------------------

    @cached_property
    def missed(self) -> tuple[str, str] | None:
        """A layer of such a type inside of a child, and the child: ``nn.Conv2d`` in ``self.features``."""
        values = self.file.evaluator.values(self.holder, self.function)
        if len(values) != 1 or not self.types:
            return None
        value = values[0]
        if value.kind is Kind.SELF and self.function.owner is not None and self.function.owner.is_module:
            return self._missed_in(self.function.owner)
        if value.kind is Kind.MODULE and self.file.evaluator.is_module_container(value):
            for element in self.file.evaluator.elements(value):
                layer = self._inside(element, _DEPTH)
                if layer is not None:
                    return layer, self.file.code(self.holder)
        return None

    def _missed_in(self, cls: ClassModel) -> tuple[str, str] | None:
        method = root(self.function).name
        for attribute in cls.attributes.values():
            read = any(
                root(load.place.function).name in cls.used_by_init | {method} for load in attribute.loads
            )
            if read:
                continue  # perhaps initialised there
            for store, value in attribute.assigned():
                layer = self._inside(value, _DEPTH)
                if layer is not None:
                    return layer, f"{store.place.function.self_name}.{attribute.name}"
        return None

    def _inside(self, value: Value, depth: int) -> str | None:
        """The name of a layer of such a type in a container, or in a module of a class beside this one."""
        for element in self._parts(value) if depth else ():
            if element.kind is not Kind.MODULE:
                continue
            if element.dotted in self.types:
                return element.dotted.rpartition(".")[2]
            layer = self._inside(element, depth - 1)
            if layer is not None:
                return layer
        return None

    def _parts(self, value: Value) -> Iterator[Value]:
        evaluator = self.file.evaluator
        if evaluator.is_module_container(value):
            yield from evaluator.elements(value)
        elif value.kind is Kind.MODULE and value.symbol is not None:
            model = self.file.program.class_model(value.symbol)
            if model is not None and model.file is self.file and not _initialises_itself(model):
                for attribute in model.attributes.values():
                    yield from (part for _, part in attribute.assigned())

    @property
    def fix(self) -> Fix:
        """Go through ``modules()``; unsafe, since it changes the values that the training starts from."""
        assert isinstance(self.call.func, cst.Attribute)
        method = self.method.replace("children", "modules")
        edit = Edit(self.file.range(self.call.func.attr), method)
        return Fix(f"call `{method}()`", (edit,), safety="unsafe")


def _initialises_itself(cls: ClassModel) -> bool:
    """Whether a class may give its layers other values than those of PyTorch."""
    lines = cls.file.source.lines[cls.outline.first - 1 : cls.outline.last]
    return any(map(_OWN_VALUES.search, lines))


def child_loops(file: File, wanted: Collection[int]) -> Iterator[ChildLoop]:
    """Those in the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        for definition in function.definitions:
            call, block = definition.value, definition.place.block
            if (
                definition.kind == "loop"
                and isinstance(call, cst.Call)
                and isinstance(call.func, cst.Attribute)
                and CHILDREN.get(call.func.attr.value) == definition.index
                and block is not None
                and isinstance(block.node, cst.For)
            ):
                yield ChildLoop(file, function, definition, block.node, call, call.func.value)
