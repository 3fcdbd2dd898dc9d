"""What an expression evaluates to, in PyTorch's words: asked lazily, answered from the definitions that reach it.

An expression has several possible values where paths meet. ``UNKNOWN`` among them means that something else may
arrive, too; a rule that needs certainty asks for all of them, and unknown means silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import libcst as cst

from torchlint.model.facts import torch_facts
from torchlint.model.flow import Definition, Function, definitions_of, self_attribute
from torchlint.model.kinds import Kind, State
from torchlint.model.vocabulary import COMPUTING, CONTAINER_TYPES, ITERATORS
from torchlint.project.index import Symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.model.file import File


@dataclass(eq=False, slots=True)
class Value:
    """``node`` is the expression that made the value, in ``function``."""

    kind: Kind
    node: cst.CSTNode | None
    function: Function | None = None
    symbol: Symbol | None = None
    source: cst.Call | None = None
    """The call that made the tensor or Parameter which the value is, or was computed from."""
    name: str = ""
    moved: bool = False
    """Whether the tensor was put on a device, or beside another tensor, on the way: ``.to(x.device)``."""
    site: cst.CSTNode | None = None
    """The call that returned the value, where ``node`` stands in the function called."""

    @property
    def identity(self) -> cst.CSTNode | None:
        """Two values with one identity are one object."""
        return self.site or self.node

    @property
    def dotted(self) -> str:
        return self.symbol.dotted if self.symbol else ""


Values = tuple[Value, ...]
Element = tuple[cst.BaseExpression, bool, Function]
"""The expression of an element, whether it is itself a container of elements, and where it stands."""
UNKNOWN = Value(Kind.UNKNOWN, None)
_TRANSPOSED = ("T", "mT", "H", "mH")
_MAX_DEPTH = 40
_MAX_STEPS = 5_000
"""How many variables are looked up for one question. Where a loop binds many variables by each other, the ways from one
to another are too many to be gone through: then the variables of the function are not known."""


class Evaluator:
    """Evaluates the expressions of one file; shared by the file's classes and functions."""

    def __init__(self, file: File) -> None:
        self.file = file
        # By the identity of the node, since LibCST's own hash is a function in Python.
        self._memo: dict[int, Values] = {}
        self._provisional: dict[int, Values] = {}
        self._kept_alive: list[cst.CSTNode] = []
        self._active: set[int] = set()
        self._cuts = 0
        self._too_deep = False
        self._opened: set[int] = set()
        self._steps = 0
        self._tangled: set[Function] = set()

    # -- entry -----------------------------------------------------------------------------------------------------

    def values(self, node: cst.BaseExpression, function: Function) -> Values:
        """The possible values of ``node``, which stands in ``function``."""
        key = id(node)
        known = self._memo.get(key)
        if known is not None:
            return known
        if key in self._active:
            self.cut_short()
            return (UNKNOWN,)
        if len(self._active) > _MAX_DEPTH:
            self._too_deep = True
            return (UNKNOWN,)
        if not self._active:
            self._steps = 0
        return self._evaluate(node, key, function)

    def _evaluate(self, node: cst.BaseExpression, key: int, function: Function) -> Values:
        if key in self._provisional:
            self._too_deep = True
            return self._provisional[key]
        cuts, outer_was_too_deep = self._cuts, self._too_deep
        self._too_deep = False
        self._active.add(key)
        try:
            evaluate = _EVALUATE.get(type(node))
            found = _distinct(evaluate(self, node, function)) if evaluate else (Value(Kind.UNKNOWN, node),)
        finally:
            self._active.discard(key)
        is_outermost = not self._active
        # An answer that a cycle cut short holds only where it was asked.
        if is_outermost or (self._cuts == cuts and not self._too_deep):
            self._memo[key] = found
            self._kept_alive.append(node)
        elif self._cuts == cuts:
            # What a long line of names cut short is not worked out again for each way that leads to it.
            self._provisional[key] = found
        if is_outermost:
            self._provisional.clear()
            self._too_deep = False
        else:
            self._too_deep = self._too_deep or outer_was_too_deep
        return found

    def cut_short(self) -> None:
        """Note that an answer is given up because it depends on itself: what is built upon it is not kept."""
        self._cuts += 1

    def symbol(self, node: cst.BaseExpression, function: Function) -> Symbol | None:
        """The one class, function or module that ``node`` names, or nothing."""
        if type(node) is cst.Attribute and _begins_with_parameter(node, function):
            return None
        values = self.values(node, function)
        if len(values) == 1 and values[0].kind is Kind.SYMBOL:
            return values[0].symbol
        return None

    def names_constructor(self, node: cst.BaseExpression, function: Function) -> bool:
        """Whether ``node``, which is called, can only be a Module class or ``nn.Parameter``."""
        if type(node) is cst.Attribute and _begins_with_parameter(node, function):
            return False
        return all(
            value.symbol is not None
            and value.kind is Kind.SYMBOL
            and (value.dotted == "torch.nn.Parameter" or self.file.project.is_module(value.symbol) is True)
            for value in self.values(node, function)
        )

    def dotted(self, node: cst.BaseExpression, function: Function) -> str | None:
        symbol = self.symbol(node, function)
        return symbol.dotted if symbol else None

    # -- names -----------------------------------------------------------------------------------------------------

    def _name(self, node: cst.Name, function: Function) -> Values:
        if node.value in ("True", "False"):
            return (Value(Kind.LITERAL, node, function),)
        if node.value == "None":
            return (Value(Kind.NONE, node, function),)
        if node.value == function.self_name:
            return (Value(Kind.SELF, node, function),)
        definitions, free = definitions_of(function.reaching(node))
        if free and not definitions:
            return self._free_name(node, function)
        self._steps += 1
        if self._steps > _MAX_STEPS:
            self._tangled.add(function)
        if function in self._tangled:
            return (UNKNOWN,)
        found = [value for definition in definitions for value in self.of_definition(definition)]
        return tuple(found) or (UNKNOWN,)

    def _free_name(self, node: cst.Name, function: Function) -> Values:
        scope: Function | None = function
        while scope is not None:
            if node.value in scope.bound and scope.node is not None:
                return self._enclosed_name(node.value, scope) if scope is not function else (UNKNOWN,)
            scope = scope.outer
        symbol = self.file.project.resolve(self.file.outline, node.value)
        if symbol is not None and symbol.kind != "value":
            return (Value(Kind.SYMBOL, node, function, symbol),)
        return self._module_value(node.value)

    def _enclosed_name(self, name: str, scope: Function) -> Values:
        """A name of an enclosing function, where that binds it once."""
        definitions = [item for item in scope.definitions if item.name == name]
        return self.of_definition(definitions[0]) if len(definitions) == 1 else (UNKNOWN,)

    def _module_value(self, name: str) -> Values:
        """A variable of the module level, where it is assigned once."""
        definitions = self.file.definitions_in_script(name)
        return self.of_definition(definitions[0]) if len(definitions) == 1 else (UNKNOWN,)

    def of_definition(self, definition: Definition) -> Values:
        """What one binding gives its name."""
        function = definition.place.function
        match definition.kind:
            case "value":
                assert definition.value is not None
                return self.values(definition.value, function)
            case "augmented":
                return ()  # the container bound before is still there
            case "parameter":
                return (Value(Kind.ARGUMENT, definition.node, function, name=definition.name),)
            case "class" | "function" | "import":
                return self._declared(definition, function)
            case "loop" if definition.value is not None:
                return self._item(definition.value, function, definition.index)
            case "unpacked" if definition.value is not None:
                return self._unpacked(definition.value, function, definition.index)
            case _:
                return (UNKNOWN,)

    def _declared(self, definition: Definition, function: Function) -> Values:
        symbol: Symbol | None
        if function.node is None:
            symbol = self.file.project.resolve(self.file.outline, definition.name)
        elif definition.kind == "import":
            symbol = self._local_import(definition)
        elif definition.kind == "function":
            return (Value(Kind.FUNCTION, definition.node, function),)
        else:
            symbol = self.file.local_class(definition)
        return (Value(Kind.SYMBOL, definition.node, function, symbol),) if symbol else (UNKNOWN,)

    def _local_import(self, definition: Definition) -> Symbol | None:
        node = definition.node
        if isinstance(node, cst.ImportAlias):
            dotted = _code(node.name) if node.asname else definition.name
            return self.file.project.imported(self.file.outline, dotted)
        assert isinstance(node, cst.ImportFrom)
        module = "." * len(node.relative) + (_code(node.module) if node.module else "")
        assert not isinstance(node.names, cst.ImportStar)
        for alias in node.names:
            bound = alias.asname.name if alias.asname else alias.name
            if isinstance(bound, cst.Name) and bound.value == definition.name:
                separator = "" if module.endswith(".") else "."
                return self.file.project.imported(
                    self.file.outline, f"{module}{separator}{_code(alias.name)}"
                )
        return None

    def _item(self, iterable: cst.BaseExpression, function: Function, index: tuple[int, ...]) -> Values:
        """What a loop over ``iterable`` binds to the target at ``index``."""
        if isinstance(iterable, cst.Call):
            called = self.dotted(iterable.func, function)
            if called == "builtins.enumerate" and iterable.args and index[:1] == (1,):
                return self._item(iterable.args[0].value, function, index[1:])
            if called == "builtins.zip" and index and index[0] < len(iterable.args):
                return self._item(iterable.args[index[0]].value, function, index[1:])
            if (
                isinstance(iterable.func, cst.Attribute)
                and iterable.func.attr.value == "items"
                and index[:1] == (1,)
            ):
                return self._item(iterable.func.value, function, index[1:])
            if isinstance(iterable.func, cst.Attribute) and iterable.func.attr.value == "values":
                return self._item(iterable.func.value, function, index)
        if index:
            return (UNKNOWN,)
        return self._elements_of(self.values(iterable, function))

    def _elements_of(self, holders: Values) -> Values:
        found: list[Value] = []
        for holder in holders:
            inner = tuple(self.elements(holder))
            found.extend(inner or (UNKNOWN,))
        return tuple(found) or (UNKNOWN,)

    def _unpacked(self, node: cst.BaseExpression, function: Function, index: tuple[int, ...]) -> Values:
        if isinstance(node, cst.IfExp):
            return (
                *self._unpacked(node.body, function, index),
                *self._unpacked(node.orelse, function, index),
            )
        if isinstance(node, (cst.Tuple, cst.List)) and index and index[0] < len(node.elements):
            element = node.elements[index[0]]
            if isinstance(element, cst.Element):
                rest = index[1:]
                return (
                    self._unpacked(element.value, function, rest)
                    if rest
                    else self.values(element.value, function)
                )
        if isinstance(node, cst.Call) and index:
            return self._unpacked_result(node, function, index)
        return (UNKNOWN,)

    def _unpacked_result(self, node: cst.Call, function: Function, index: tuple[int, ...]) -> Values:
        """``optimizer, scheduler = build(model)``: what a function of the project returns at a position."""
        found: list[Value] = []
        for value in self.values(node, function):
            if (
                value.kind is Kind.CONTAINER
                and isinstance(value.node, cst.Tuple)
                and value.function is not None
            ):
                found.extend(value.function.file.evaluator._unpacked(value.node, value.function, index))
            else:
                found.append(UNKNOWN)
        return tuple(found)

    # -- attributes and items --------------------------------------------------------------------------------------

    def _attribute(self, node: cst.Attribute, function: Function) -> Values:
        name = self_attribute(node, function.self_name)
        if name is not None and function.owner is not None:
            return self._self_attribute(node, name, function)
        found: list[Value] = []
        for base in self.values(node.value, function):
            found.extend(self._member(base, node, function))
        return tuple(found)

    def _self_attribute(self, node: cst.Attribute, name: str, function: Function) -> Values:
        assert function.owner is not None
        definitions, free = definitions_of(function.reaching(node))
        found = [value for definition in definitions for value in self.of_definition(definition)]
        if free or not definitions:
            return (*found, *function.owner.attribute_values(name))
        return tuple(found) or (UNKNOWN,)

    def _member(self, base: Value, node: cst.Attribute, function: Function) -> Values:
        name = node.attr.value
        if base.kind is Kind.SYMBOL and base.symbol is not None:
            symbol = self.file.project.member(base.symbol, name)
            return (Value(Kind.SYMBOL, node, function, symbol),) if symbol else (UNKNOWN,)
        if base.kind is Kind.PARAMETER and name == "data":
            return (Value(Kind.TENSOR, node, function),)
        if base.kind in (Kind.PARAMETER, Kind.LOST_PARAMETER) and name in _TRANSPOSED:
            return (Value(Kind.LOST_PARAMETER, node, function, source=base.source),)
        if base.kind in (Kind.TENSOR, Kind.LOST_PARAMETER) and name in torch_facts().tensor_attributes:
            return (Value(Kind.TENSOR, node, function, source=base.source, moved=base.moved),)
        if base.kind is Kind.MODULE and base.symbol is not None:
            if base.dotted.startswith("torch.nn.") and name in ("weight", "bias"):
                trained = self.state(base) is State.PARAMETERS  # of a loss, it is a buffer
                return (Value(Kind.PARAMETER, node, function) if trained else UNKNOWN,)
            program = self.file.program
            return program.attribute_values(program.line(base.symbol), name)
        return (UNKNOWN,)

    def _subscript(self, node: cst.Subscript, function: Function) -> Values:
        found: list[Value] = []
        sliced = any(isinstance(item.slice, cst.Slice) for item in node.slice)
        for base in self.values(node.value, function):
            if base.kind in (Kind.TENSOR, Kind.LOST_PARAMETER, Kind.PARAMETER):
                source = base.source if base.kind is Kind.TENSOR else None
                found.append(Value(Kind.TENSOR, node, function, source=source, moved=base.moved))
            elif sliced and (base.kind is Kind.CONTAINER or self.is_module_container(base)):
                found.append(base)
            else:
                found.extend(self.elements(base) or (UNKNOWN,))
        return tuple(found)

    # -- calls -----------------------------------------------------------------------------------------------------

    def _call(self, node: cst.Call, function: Function) -> Values:
        found: list[Value] = []
        for callee in self.values(node.func, function):
            if callee.kind is Kind.SYMBOL and callee.symbol is not None:
                found.extend(self._call_symbol(callee.symbol, node, function))
            elif callee.kind is Kind.FUNCTION and callee.function is not None:
                inner = [item for item in callee.function.nested if item.node is callee.node]
                found.extend(self.returned(inner[0], node) if inner else (UNKNOWN,))
            elif isinstance(node.func, cst.Attribute):
                found.extend(self._call_method(node.func, node, function))
                break
            else:
                found.append(Value(Kind.UNKNOWN, node, function))
        return tuple(found)

    def _call_symbol(self, symbol: Symbol, node: cst.Call, function: Function) -> Values:
        """What calling a class or a function by its name returns."""
        made = self._call_torch(symbol, node, function)
        if made is not None:
            return made
        if symbol.dotted in CONTAINER_TYPES and symbol.kind == "external":
            return (Value(Kind.CONTAINER, node, function),)
        if symbol.dotted == "functools.partial" and node.args:
            return self.values(node.args[0].value, function)
        if symbol.dotted in ITERATORS:
            return (Value(Kind.CONTAINER, node, function),)
        if self.file.project.is_module(symbol):
            return (Value(Kind.MODULE, node, function, symbol),)
        if symbol.kind == "class":
            return (Value(Kind.OBJECT, node, function, symbol),)
        if symbol.kind == "function":
            return self._returned_by(symbol, node)
        return (Value(Kind.UNKNOWN, node, function, symbol),)

    def _call_torch(self, symbol: Symbol, node: cst.Call, function: Function) -> Values | None:
        if symbol.kind != "external":
            return None
        dotted, facts = symbol.dotted, torch_facts()
        kind: Kind | None = None
        if dotted == "torch.nn.Parameter":
            kind = Kind.PARAMETER
        elif dotted == "torch.nn.Buffer":
            kind = Kind.BUFFER
        elif dotted in facts.passthrough and node.args:
            return self.values(node.args[0].value, function)
        elif dotted.startswith("torch.nn.init.") and dotted.endswith("_") and node.args:
            return self.values(node.args[0].value, function)  # in place
        elif dotted in facts.tensor_factories:
            kind = Kind.TENSOR
        elif dotted in facts.tensor_operations or dotted.startswith(COMPUTING):
            return (self._computed(symbol, node, function),)
        elif dotted.startswith("torch.optim.lr_scheduler."):
            kind = Kind.SCHEDULER
        elif dotted.startswith("torch.optim.") and dotted.count(".") == 2:
            kind = Kind.OPTIMIZER
        return (Value(kind, node, function, symbol, source=node),) if kind else None

    def _computed(self, symbol: Symbol, node: cst.Call, function: Function) -> Value:
        """A tensor computed by a torch function: where its arguments are, and from what the first is made."""
        result = Value(Kind.TENSOR, node, function, symbol, source=node)
        first = node.args[0].value if node.args else None
        given = self.values(first, function) if first is not None else ()
        if isinstance(first, (cst.List, cst.Tuple)):
            given = self._elements_of(given)
        moved = any(value.moved for value in given) or (
            first is not None and self._is_moved_call(first, function)
        )
        if len(given) == 1 and given[0].kind is Kind.TENSOR and given[0].source is not None:
            result = replace(result, source=given[0].source)
        return replace(result, moved=moved)

    def _is_moved_call(self, node: cst.BaseExpression, function: Function) -> bool:
        """``x.to(device)``, whatever ``x`` is."""
        return (
            isinstance(node, cst.Call)
            and isinstance(node.func, cst.Attribute)
            and self._moves(node, node.func.attr.value, function)
        )

    def _call_method(self, callee: cst.Attribute, node: cst.Call, function: Function) -> Values:
        facts, method = torch_facts(), callee.attr.value
        found: list[Value] = []
        for base in self.values(callee.value, function):
            if base.kind is Kind.SELF and function.owner is not None:
                found.extend(function.owner.returned_by(method, node))
            elif base.kind is Kind.MODULE and method in facts.module_fluent_methods:
                found.append(base)
            elif base.kind is Kind.PARAMETER:
                found.append(self._parameter_method(base, method, node, function))
            elif base.kind is Kind.TENSOR and not _leaves(method, node):
                found.append(
                    replace(base, node=node, moved=base.moved or self._moves(node, method, function))
                )
            elif base.kind is Kind.LOST_PARAMETER and not _leaves(method, node):
                found.append(replace(base, node=node))
            elif (base.kind is Kind.CONTAINER and method in ("copy", "values", "items", "keys")) or (
                self.is_module_container(base) and method == "values"
            ):
                found.append(base)
            else:
                found.append(Value(Kind.UNKNOWN, node, function))
        return tuple(found)

    def _moves(self, node: cst.Call, method: str, function: Function) -> bool:
        """Whether a method of a tensor may put it on another device; ``.to(torch.float16)`` does not."""
        if method != "to":
            return method in ("cuda", "cpu", "type_as", "type", "new_tensor", "xpu")
        given = self.dotted(node.args[0].value, function) if len(node.args) == 1 else None
        return given is None or not given.startswith("torch.")

    def _parameter_method(self, base: Value, method: str, node: cst.Call, function: Function) -> Value:
        if method.endswith("_"):  # in place: the Parameter itself
            return base
        if _leaves(method, node):
            return UNKNOWN
        return Value(Kind.LOST_PARAMETER, node, function, source=base.source)

    def _returned_by(self, symbol: Symbol, node: cst.Call) -> Values:
        called = self.file.program.function(symbol)
        if called is None:
            return (UNKNOWN,)
        if len(self._active) > _MAX_DEPTH // 2:
            self._too_deep = True
            return (UNKNOWN,)
        return called.file.evaluator.returned(called, node)

    def returned(self, function: Function, call: cst.CSTNode) -> Values:
        """What ``call`` of ``function`` returns: each call of a factory makes an object of its own."""
        found: list[Value] = []
        for expression, _ in function.returns:
            values = self.values(expression, function) if expression is not None else ()
            found.extend(
                UNKNOWN if value.kind is Kind.ARGUMENT else replace(value, site=call) for value in values
            )
        if all(value.kind is Kind.UNKNOWN for value in found):
            return self._declared_result(function, call)
        return tuple(found) or (UNKNOWN,)

    def _declared_result(self, function: Function, call: cst.CSTNode) -> Values:
        """What the annotation ``-> Encoder`` promises, where that is a Module class with Parameters of its own."""
        node = function.node
        if not isinstance(node, cst.FunctionDef) or node.returns is None:
            return (UNKNOWN,)
        symbol = function.file.module_named(node.returns.annotation)
        promised = Value(Kind.MODULE, node, function, symbol, site=call)
        known = (
            symbol is not None
            and symbol.dotted != "torch.nn.Module"
            and self.state(promised) is State.PARAMETERS
        )
        return (promised,) if known else (UNKNOWN,)

    # -- operators and displays ------------------------------------------------------------------------------------

    def _binary(self, node: cst.BinaryOperation, function: Function) -> Values:
        left, right = self.values(node.left, function), self.values(node.right, function)
        kinds = {value.kind for value in (*left, *right)}
        if Kind.CONTAINER in kinds:
            return (Value(Kind.CONTAINER, node, function),)
        for side in (left, right):
            if len(side) == 1 and side[0].kind in (Kind.PARAMETER, Kind.LOST_PARAMETER):
                return (Value(Kind.LOST_PARAMETER, node, function, source=side[0].source),)
        if Kind.TENSOR in kinds:
            tensor = next(value for value in (*left, *right) if value.kind is Kind.TENSOR)
            return (replace(tensor, node=node, function=function),)
        return (Value(Kind.UNKNOWN, node, function),)

    def _unary(self, node: cst.UnaryOperation, function: Function) -> Values:
        inner = self.values(node.expression, function)
        if isinstance(node.operator, cst.Not):
            return (UNKNOWN,)
        return tuple(
            Value(Kind.LOST_PARAMETER, node, function, source=value.source)
            if value.kind is Kind.PARAMETER
            else value
            for value in inner
        )

    def _either(self, node: cst.IfExp, function: Function) -> Values:
        return (*self.values(node.body, function), *self.values(node.orelse, function))

    def _boolean(self, node: cst.BooleanOperation, function: Function) -> Values:
        return (*self.values(node.left, function), *self.values(node.right, function))

    def _named(self, node: cst.NamedExpr, function: Function) -> Values:
        return self.values(node.value, function)

    def _container(self, node: cst.BaseExpression, function: Function) -> Values:
        return (Value(Kind.CONTAINER, node, function),)

    def _literal(self, node: cst.BaseExpression, function: Function) -> Values:
        return (Value(Kind.LITERAL, node, function),)

    # -- containers ------------------------------------------------------------------------------------------------

    def is_module_container(self, value: Value) -> bool:
        """Whether ``value`` is an ``nn.ModuleList``, ``nn.Sequential``, ``nn.ParameterList`` or the like."""
        return value.kind is Kind.MODULE and value.dotted in torch_facts().container_modules

    def elements(self, holder: Value) -> list[Value]:
        """What a plain or registered container holds, as far as the file shows; without what methods add later."""
        if holder.function is None or holder.node is None or not self._may_hold(holder):
            return []
        evaluator = holder.function.file.evaluator
        if evaluator is not self:
            return evaluator.elements(holder)
        if id(holder.node) in self._opened:  # a container that is extended by itself
            self.cut_short()
            return []
        self._opened.add(id(holder.node))
        found: list[Value] = []
        try:
            for expression, is_container, function in self._element_expressions(holder):
                for value in self.values(expression, function):
                    found.extend(self.elements(value) if is_container else (value,))
        finally:
            self._opened.discard(id(holder.node))
        return list(_distinct(found))

    def _may_hold(self, holder: Value) -> bool:
        """Whether what a value is made of may be its elements: not those of a tensor, nor of a module that is none of
        ``nn.ModuleList`` and the like."""
        if holder.kind is not Kind.MODULE or holder.symbol is None:
            return holder.kind in (Kind.CONTAINER, Kind.UNKNOWN, Kind.OBJECT)
        containers = torch_facts().container_modules
        line = (holder.symbol, *self.file.project.ancestors(holder.symbol))
        return any(symbol is not None and symbol.dotted in containers for symbol in line)

    def _element_expressions(self, holder: Value) -> Iterator[Element]:
        assert holder.function is not None and holder.node is not None
        yield from self._displayed(holder.node, holder.function)
        yield from self.file.growth(holder.function).get(holder.node, ())

    def _displayed(self, node: cst.CSTNode, function: Function) -> Iterator[Element]:
        """The elements that the expression itself shows."""
        if isinstance(node, (cst.List, cst.Tuple, cst.Set)):
            for element in node.elements:
                yield element.value, isinstance(element, cst.StarredElement), function
        elif isinstance(node, cst.Dict):
            for item in node.elements:
                yield item.value, isinstance(item, cst.StarredDictElement), function
        elif isinstance(node, (cst.ListComp, cst.SetComp, cst.GeneratorExp)):
            yield node.elt, False, function
        elif isinstance(node, cst.DictComp):
            yield node.value, False, function
        elif isinstance(node, cst.BinaryOperation) and not isinstance(node.operator, _OF_NUMBERS):
            yield node.left, True, function  # of `3 * [layer]`, the number holds nothing
            yield node.right, True, function
        elif isinstance(node, cst.Call):
            yield from self._call_elements(node, function)

    def _call_elements(self, node: cst.Call, function: Function) -> Iterator[Element]:
        called = self.dotted(node.func, function)
        if called == "torch.nn.Sequential":
            for argument in node.args:
                holds_elements = argument.star != "" or self._holds_pairs(argument.value, function)
                yield argument.value, holds_elements, function
        elif called == "builtins.map" and node.args:
            for inner in function.nested:
                if inner.node is node.args[0].value and isinstance(inner.node, cst.Lambda):
                    yield inner.node.body, False, inner
        elif called in ("builtins.dict", "collections.OrderedDict", "torch.nn.ModuleDict"):
            for argument in node.args:
                yield argument.value, argument.keyword is None, function
        elif called in ("builtins.zip", "itertools.chain"):
            for argument in node.args:
                yield argument.value, True, function
        elif node.args and called not in _OF_NO_ELEMENTS:
            yield node.args[0].value, True, function

    def _holds_pairs(self, node: cst.BaseExpression, function: Function) -> bool:
        return any(value.kind is Kind.CONTAINER for value in self.values(node, function))

    # -- modules ---------------------------------------------------------------------------------------------------

    def state(self, value: Value) -> State:
        """What a Module value holds; a Parameter or buffer holds itself."""
        if value.kind is Kind.BUFFER:
            return State.BUFFERS
        if value.kind in (Kind.PARAMETER, Kind.LOST_PARAMETER):
            return State.PARAMETERS
        if value.kind is not Kind.MODULE or value.symbol is None:
            return State.UNKNOWN
        if value.function is not None and value.function.file.evaluator is not self:
            return value.function.file.evaluator.state(value)
        if self.is_module_container(value):
            return join_states(self.state(element) for element in self.elements(value))
        if value.dotted.startswith("torch.nn.") and value.symbol.kind == "external":
            return _state_of_torch_class(value)
        model = self.file.program.class_model(value.symbol)
        return model.state if model is not None else State.UNKNOWN


_OF_NUMBERS = (
    cst.Power, cst.Divide, cst.FloorDivide, cst.Modulo, cst.MatrixMultiply, cst.LeftShift, cst.RightShift,
)  # fmt: skip
"""Operators that no container has."""

_OF_NO_ELEMENTS = {"builtins.filter", "builtins.max", "builtins.min", "builtins.abs", "builtins.round"}
"""Calls that do not give the elements of what they are given, as others are taken to do."""


def _begins_with_parameter(node: cst.Attribute, function: Function) -> bool:
    """``x.shape`` of a parameter ``x``: whatever the caller gives, and no name of a class or function."""
    head: cst.CSTNode = node
    while type(head) is cst.Attribute:
        head = head.value
    return type(head) is cst.Name and any(
        type(item) is Definition and item.kind == "parameter" for item in function.reaching(head)
    )


def _leaves(method: str, call: cst.Call) -> bool:
    """Whether a method of a tensor returns no tensor: ``x.type()`` is a string, ``x.type(torch.half)`` a cast."""
    return method in torch_facts().leaving_methods and not (method == "type" and call.args)


def argument(call: cst.Call, name: str, position: int | None = None) -> cst.BaseExpression | None:
    """The expression given for the parameter ``name`` (or at ``position``), if it is written out."""
    for index, item in enumerate(call.args):
        if item.keyword is not None and item.keyword.value == name:
            return item.value
        if item.keyword is None and item.star == "" and index == position:
            return item.value
        if item.star == "*" and position is not None and index <= position:
            position = None  # what stands behind a starred argument has no known position
    return None


def has_star(call: cst.Call, star: str | None = None) -> bool:
    """Whether arguments are passed on with ``*`` or ``**`` (or the given one of the two)."""
    return any(item.star == star if star else item.star for item in call.args)


def join_states(states: Iterable[State]) -> State:
    """The state of a module that holds parts with these states."""
    found = set(states)
    for state in (State.PARAMETERS, State.UNKNOWN, State.BUFFERS, State.MODE):
        if state in found:
            return state
    return State.NONE


def _state_of_torch_class(value: Value) -> State:
    facts, dotted = torch_facts(), value.dotted
    call = value.node if isinstance(value.node, cst.Call) else None
    given = {item.keyword.value: _code(item.value) for item in call.args if item.keyword} if call else {}
    if dotted in facts.stateless_when:
        return _none_if(all(given.get(name) == text for name, text in facts.stateless_when[dotted].items()))
    if dotted in facts.stateless_unless:
        return _none_if(all(given.get(name, "False") == "False" for name in facts.stateless_unless[dotted]))
    if dotted in facts.mode_dependent_modules:
        return State.MODE
    if dotted in facts.stateless_modules:
        weighted = any(given.get(name, "None") != "None" for name in facts.state_arguments)
        return State.BUFFERS if weighted else State.NONE
    return State.PARAMETERS


def _none_if(stateless: bool) -> State:
    return State.NONE if stateless else State.PARAMETERS


def _distinct(values: Iterable[Value]) -> Values:
    """The values without repetitions of one object."""
    if type(values) is tuple and len(values) == 1:
        return values
    seen: set[tuple[object, ...]] = set()
    kept: list[Value] = []
    for value in values:
        key = (value.kind, id(value.identity), value.dotted)
        if key not in seen:
            seen.add(key)
            kept.append(value)
    return tuple(kept)


def _code(node: cst.CSTNode) -> str:
    return _EMPTY.code_for_node(node)


_EMPTY = cst.Module([])
_EVALUATE: dict[type[cst.CSTNode], Callable[[Evaluator, Any, Function], Values]] = {
    cst.Name: Evaluator._name,
    cst.Attribute: Evaluator._attribute,
    cst.Subscript: Evaluator._subscript,
    cst.Call: Evaluator._call,
    cst.BinaryOperation: Evaluator._binary,
    cst.UnaryOperation: Evaluator._unary,
    cst.IfExp: Evaluator._either,
    cst.BooleanOperation: Evaluator._boolean,
    cst.NamedExpr: Evaluator._named,
    cst.List: Evaluator._container,
    cst.Tuple: Evaluator._container,
    cst.Set: Evaluator._container,
    cst.Dict: Evaluator._container,
    cst.ListComp: Evaluator._container,
    cst.SetComp: Evaluator._container,
    cst.DictComp: Evaluator._container,
    cst.GeneratorExp: Evaluator._container,
    cst.Integer: Evaluator._literal,
    cst.Float: Evaluator._literal,
    cst.SimpleString: Evaluator._literal,
    cst.ConcatenatedString: Evaluator._literal,
    cst.FormattedString: Evaluator._literal,
}
