"""A class and what it keeps on ``self``: attributes with everything that happens to them, methods, ``forward``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Range
from torchlint.model.flow import CallSite, Function, Load, Store, fill, fill_script
from torchlint.model.kinds import Kind, State
from torchlint.model.values import UNKNOWN, Value, Values, argument, join_states
from torchlint.model.vocabulary import REGISTERING_METHODS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.file import File
    from torchlint.project.index import Symbol
    from torchlint.project.outline import ClassOutline


@dataclass(eq=False)
class Attribute:
    """Everything that the methods of one class do with ``self.name``."""

    owner: ClassModel
    name: str
    stores: list[Store] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)

    def assigned(self) -> Iterator[tuple[Store, Value]]:
        """Each plain assignment with each value that it may give."""
        for store in self.stores:
            if store.kind == "assign" and store.value is not None:
                for value in self.owner.file.evaluator.values(store.value, store.place.function):
                    yield store, value

    @property
    def loads_in_forward(self) -> list[Load]:
        """Where ``forward``, or a method that it calls, reads the attribute."""
        return [load for load in self.loads if root(load.place.function).name in self.owner.used_by_forward]


@dataclass(frozen=True, eq=False)
class Assigned:
    """One assignment ``self.name = value`` with one value that it may give."""

    attribute: Attribute
    store: Store
    value: Value

    @property
    def cls(self) -> ClassModel:
        return self.attribute.owner

    @property
    def name(self) -> str:
        """As the user wrote it: ``self.layers``."""
        return f"{self.store.place.function.self_name}.{self.attribute.name}"

    @property
    def range(self) -> Range:
        return self.cls.file.range(self.store.statement)


class Methods(Mapping[str, Function]):
    """The methods of a class by name; ``walked`` are those that have been asked for."""

    def __init__(
        self, nodes: dict[str, cst.FunctionDef], walk: Callable[[cst.FunctionDef], Function]
    ) -> None:
        self._nodes = nodes
        self._walk = walk
        self.walked: dict[str, Function] = {}

    def __getitem__(self, name: str) -> Function:
        if name not in self.walked:
            self.walked[name] = self._walk(self._nodes[name])
        return self.walked[name]

    def __contains__(self, name: object) -> bool:
        return name in self._nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


class ClassModel:
    """One class of the file; ``is_module`` tells whether it is a ``torch.nn.Module``."""

    def __init__(
        self, file: File, node: cst.ClassDef, outline: ClassOutline, enclosing: Function | None
    ) -> None:
        self.file = file
        self.node = node
        self.outline = outline
        self.enclosing = enclosing
        self._active_state = False
        self._active_names: set[str] = set()

    def __repr__(self) -> str:
        return f"ClassModel({self.qualname})"

    @property
    def name(self) -> str:
        return self.outline.name

    @property
    def qualname(self) -> str:
        return self.outline.qualname

    @cached_property
    def symbol(self) -> Symbol:
        return self.file.project.class_symbol(self.file.outline, self.outline)

    @cached_property
    def is_module(self) -> bool:
        return self.file.project.is_module(self.symbol) is True

    @cached_property
    def ancestors(self) -> list[ClassModel]:
        """The base classes whose source is in the project, nearest first."""
        found = (
            self.file.program.class_model(symbol) for symbol in self.ancestor_symbols if symbol is not None
        )
        return [model for model in found if model is not None]

    def ancestors_with(self, words: Iterable[str]) -> Iterator[ClassModel]:
        """Those in whose text one of the words is; the others are not parsed."""
        program = self.file.program
        for symbol in self.ancestor_symbols:
            if symbol is not None and any(program.has_word(word, symbol) for word in words):
                model = program.class_model(symbol)
                if model is not None:
                    yield model

    @cached_property
    def ancestor_symbols(self) -> list[Symbol | None]:
        return list(self.file.project.ancestors(self.symbol))

    @cached_property
    def inherits_registered(self) -> bool:
        """Whether a base class whose source is not read may register attributes of any name."""
        return any(
            symbol is None or (symbol.dotted.startswith("torch.nn.") and symbol.dotted != "torch.nn.Module")
            for symbol in self.ancestor_symbols
        )

    @cached_property
    def has_optimizer(self) -> bool:
        """Whether a method makes an optimizer: the class trains what it creates itself."""
        return any(
            (self.file.evaluator.dotted(call.node.func, function) or "").startswith("torch.optim.")
            for function in self.functions()
            for call in function.calls
        )

    # -- methods ---------------------------------------------------------------------------------------------------

    @cached_property
    def methods(self) -> Methods:
        """The methods defined in the class body (the last of one name), each walked when it is asked for."""
        nodes = {node.name.value: node for node in _functions_in(self.node.body)}
        return Methods(nodes, self._method)

    def _method(self, node: cst.FunctionDef) -> Function:
        function = Function(self.file, node.name.value, node, owner=self, outer=self.enclosing)
        parameters = [*node.params.posonly_params, *node.params.params]
        if parameters and not _is_static(node):
            function.self_name = parameters[0].name.value
        return fill(function)

    @cached_property
    def body(self) -> Function:
        """The statements of the class body that are no definitions, as a function without a node."""
        function = Function(self.file, "<class>", None, owner=self, outer=self.enclosing)
        simple = [
            item for item in self.node.body.body if not isinstance(item, (cst.FunctionDef, cst.ClassDef))
        ]
        return fill_script(function, simple)

    def walked(self) -> Iterator[Function]:
        """The methods, and the class body, as far as they have been asked for."""
        if "methods" in vars(self):
            yield from self.methods.walked.values()
        if "body" in vars(self):
            yield self.body

    def functions(self) -> Iterator[Function]:
        """Every method and what is defined inside it."""
        for method in self.methods.values():
            yield from method.everything()

    def reachable(self, *starts: str) -> set[str]:
        """The methods of this class that run when one of ``starts`` is called."""
        found: set[str] = set()
        pending = [name for name in starts if name in self.methods]
        while pending:
            name = pending.pop()
            if name in found:
                continue
            found.add(name)
            for function in self.methods[name].everything():
                pending.extend(load.name for load in function.loads if load.name in self.methods)
        return found

    @cached_property
    def used_by_forward(self) -> set[str]:
        return self.reachable("forward", "__call__")

    @cached_property
    def used_by_init(self) -> set[str]:
        return self.reachable("__init__")

    def annotated_module(self, parameter: str) -> Symbol | None:
        """The Module class that a parameter of ``__init__`` is annotated with."""
        annotation = self.annotation(parameter)
        return self.file.module_named(annotation, self.outline) if annotation is not None else None

    def annotation(self, parameter: str) -> cst.BaseExpression | None:
        """What stands behind the colon of a parameter of ``__init__``."""
        init = self.methods.get("__init__")
        if init is None or not isinstance(init.node, cst.FunctionDef):
            return None
        params = init.node.params
        for item in (*params.posonly_params, *params.params, *params.kwonly_params):
            if item.name.value == parameter and item.annotation is not None:
                return item.annotation.annotation
        return None

    def method(self, name: str) -> Function | None:
        """The method that ``self.name()`` calls, here or in a base class of the project."""
        return self.methods[name] if name in self.methods else self.inherited_method(name)

    def inherited_method(self, name: str) -> Function | None:
        """The method that ``super().name()`` calls, in a base class of the project; no other base class is parsed."""
        for symbol in self.ancestor_symbols:
            definition = symbol.class_outline if symbol is not None else None
            if symbol is not None and definition is not None and name in definition.methods:
                model = self.file.program.class_model(symbol)
                if model is not None and name in model.methods:
                    return model.methods[name]
        return None

    def returned_by(self, name: str, call: cst.CSTNode) -> Values:
        method = self.method(name)
        if method is None:
            return (UNKNOWN,)
        if name in self._active_names:
            self.file.evaluator.cut_short()
            return (UNKNOWN,)
        self._active_names.add(name)
        try:
            return method.file.evaluator.returned(method, call)
        finally:
            self._active_names.discard(name)

    # -- attributes ------------------------------------------------------------------------------------------------

    @cached_property
    def attributes(self) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {}
        for function in self.functions():
            for store in function.stores:
                found.setdefault(store.name, Attribute(self, store.name)).stores.append(store)
            for load in function.loads:
                found.setdefault(load.name, Attribute(self, load.name)).loads.append(load)
        return found

    def has_attribute(self, name: str) -> bool:
        """Whether the class defines ``name``, or one of its methods reads ``self.name``."""
        if name in self.outline.methods or any(item.name == name for item in self.body.definitions):
            return True
        return name in self.attributes and bool(self.attributes[name].loads)

    def attribute_values(self, name: str) -> Values:
        """What ``self.name`` may hold when any method runs: all assignments of the class, or of its bases."""
        found = self.own_attribute_values(name)
        return found or self.file.program.attribute_values(self.ancestor_symbols, name)

    def own_attribute_values(self, name: str) -> Values:
        if name in self._active_names:
            self.file.evaluator.cut_short()
            return (UNKNOWN,)
        self._active_names.add(name)
        try:
            found = [*self._stored_values(name), *self._registered_values(name), *self._class_values(name)]
        finally:
            self._active_names.discard(name)
        return tuple(found)

    def values_set_in(self, methods: set[str], name: str) -> Iterator[Value]:
        """What the given methods assign to ``self.name``, or register under that name."""
        evaluator = self.file.evaluator
        attribute = self.attributes.get(name)
        for store, value in attribute.assigned() if attribute else ():
            if root(store.place.function).name in methods:
                yield value
        for call, method, given in self.registrations:
            named = name_given(call, method)
            if isinstance(named, cst.SimpleString) and named.evaluated_value == name and given is not None:
                yield from evaluator.values(given, call.place.function)

    def _stored_values(self, name: str) -> Iterator[Value]:
        attribute = self.attributes.get(name)
        for store in attribute.stores if attribute else ():
            if store.kind == "assign" and store.value is not None:
                yield from self.file.evaluator.values(store.value, store.place.function)
            elif store.kind in ("unpacked", "loop", "with"):
                yield UNKNOWN

    def _registered_values(self, name: str) -> Iterator[Value]:
        for call, method, given in self.registrations:
            registered = name_given(call, method)
            if (
                given is not None
                and isinstance(registered, cst.SimpleString)
                and registered.evaluated_value == name
            ):
                if method == "register_buffer":
                    yield Value(Kind.BUFFER, given, call.place.function)
                else:
                    yield from self.file.evaluator.values(given, call.place.function)

    def _class_values(self, name: str) -> Iterator[Value]:
        if name in self.outline.methods:
            method = self.methods.get(name)
            is_property = (
                method is not None and isinstance(method.node, cst.FunctionDef) and _is_property(method.node)
            )
            if is_property and method is not None and method.node is not None:
                yield from self.file.evaluator.returned(method, method.node)
            return
        for definition in self.body.definitions:
            if definition.name == name and definition.kind == "value":
                yield from self.file.evaluator.of_definition(definition)

    # -- registration ----------------------------------------------------------------------------------------------

    @cached_property
    def registrations(self) -> list[tuple[CallSite, str, cst.BaseExpression | None]]:
        """Calls such as ``self.add_module(name, module)`` and ``setattr(self, name, value)``, with what is registered."""
        found: list[tuple[CallSite, str, cst.BaseExpression | None]] = []
        for function in self.functions():
            for call in function.calls:
                callee = call.node.func
                if isinstance(callee, cst.Attribute) and isinstance(callee.value, cst.Name):
                    position = REGISTERING_METHODS.get(callee.attr.value)
                    if position is not None and callee.value.value == function.self_name:
                        given = _second(call.node, position)
                        found.append((call, callee.attr.value, given))
                elif isinstance(callee, cst.Name) and callee.value == "setattr" and len(call.node.args) == 3:
                    target = call.node.args[0].value
                    if isinstance(target, cst.Name) and target.value == function.self_name:
                        found.append((call, "setattr", call.node.args[2].value))
        return found

    def registers_by_computed_name(self, function: Function) -> bool:
        """Whether ``function`` registers something under a name that is not written out."""
        return any(
            call.place.function is function and not isinstance(name_given(call, method), cst.SimpleString)
            for call, method, _ in self.registrations
        )

    @cached_property
    def registered(self) -> set[cst.CSTNode]:
        """The identities of the modules and Parameters that ``nn.Module`` is told about."""
        found: set[cst.CSTNode] = set()
        for attribute in self.attributes.values():
            for _, value in attribute.assigned():
                self._register(value, found)
        for function in self.functions():
            for definition in function.definitions:
                # `self.a, self.b = make()`, `for self.x in layers`
                if definition.kind in ("unpacked", "loop") and definition.name.startswith("self."):
                    for value in self.file.evaluator.of_definition(definition):
                        self._register(value, found)
        for call, _, given in self.registrations:
            if given is not None:
                for value in self.file.evaluator.values(given, call.place.function):
                    self._register(value, found)
        return found

    def _register(self, value: Value, found: set[cst.CSTNode]) -> None:
        if value.kind not in (Kind.MODULE, Kind.PARAMETER, Kind.ARGUMENT) or value.identity is None:
            return
        if value.identity in found:
            return
        if value.kind is not Kind.ARGUMENT:
            found.add(value.identity)
        if self.file.evaluator.is_module_container(value):
            for element in self.file.evaluator.elements(value):
                self._register(element, found)
                if element.kind is Kind.CONTAINER:
                    for inner in self.file.evaluator.elements(element):
                        self._register(inner, found)

    @cached_property
    def state(self) -> State:
        """What an instance holds that PyTorch must reach: its own attributes and those of its bases."""
        if self._active_state:
            return State.UNKNOWN
        self._active_state = True
        try:
            return join_states(
                [self._own_state(), *(model._own_state() for model in self.ancestors), *self._foreign()]
            )
        finally:
            self._active_state = False

    def _foreign(self) -> Iterator[State]:
        """Base classes that are not read: those of torch itself add nothing but what their name says."""
        evaluator = self.file.evaluator
        for symbol in self.ancestor_symbols:
            if symbol is None:
                yield State.UNKNOWN
            elif (
                symbol.kind == "external"
                and symbol.dotted.startswith("torch.nn.")
                and symbol.dotted != "torch.nn.Module"
            ):
                yield evaluator.state(Value(Kind.MODULE, None, symbol=symbol))
            elif (
                symbol.kind == "external"
                and self.file.project.is_module(symbol)
                and symbol.dotted != "torch.nn.Module"
            ):
                yield State.UNKNOWN

    def _own_state(self) -> State:
        evaluator = self.file.evaluator
        states: list[State] = []
        for attribute in self.attributes.values():
            for _, value in attribute.assigned():
                if value.kind in _STATEFUL:
                    states.append(evaluator.state(value))
                elif value.kind is Kind.CONTAINER:
                    held = [item for item in evaluator.elements(value) if item.kind in _STATEFUL]
                    states.extend(evaluator.state(item) for item in held)
                elif value.kind in (Kind.UNKNOWN, Kind.ARGUMENT) and self._is_called(attribute):
                    states.append(State.UNKNOWN)
        states.extend(_STATE_REGISTERED.get(method, State.PARAMETERS) for _, method, _ in self.registrations)
        if any(load.name == "training" for function in self.functions() for load in function.loads):
            states.append(State.MODE)
        return join_states(states)

    def _is_called(self, attribute: Attribute) -> bool:
        """Whether ``self.name(...)`` is called: what is handed in may be a module."""
        for load in attribute.loads:
            parent = load.place.function.parent(load.node)
            if isinstance(parent, cst.Call) and parent.func is load.node:
                return True
        return False


_STATE_REGISTERED = {"register_buffer": State.BUFFERS, "setattr": State.UNKNOWN}
_STATEFUL = (Kind.MODULE, Kind.PARAMETER, Kind.LOST_PARAMETER, Kind.BUFFER)


def root(function: Function) -> Function:
    """The method that a closure stands in."""
    while function.is_closure and function.outer is not None:
        function = function.outer
    return function


def name_given(call: CallSite, method: str) -> cst.BaseExpression | None:
    """The name that something is registered under."""
    return argument(call.node, "name", 1 if method == "setattr" else 0)


def _second(call: cst.Call, position: int) -> cst.BaseExpression | None:
    """The registered object: the second argument, whatever its parameter is called."""
    if len(call.args) > position and call.args[position].star == "":
        return call.args[position].value
    return None


def _functions_in(body: cst.BaseSuite | cst.BaseStatement | cst.CSTNode) -> Iterator[cst.FunctionDef]:
    statements = body.body if isinstance(body, (cst.IndentedBlock, cst.SimpleStatementSuite)) else ()
    for statement in statements:
        if isinstance(statement, cst.FunctionDef):
            yield statement
        elif isinstance(statement, cst.If):
            branch: cst.If | cst.Else | None = statement
            while branch is not None:  # also behind each `elif`
                yield from _functions_in(branch.body)
                branch = branch.orelse if isinstance(branch, cst.If) else None
        elif isinstance(statement, (cst.With, cst.Try)):
            yield from _functions_in(statement.body)


def _decorator_names(node: cst.FunctionDef) -> Iterator[str]:
    for decorator in node.decorators:
        inner = decorator.decorator
        if isinstance(inner, cst.Call):
            inner = inner.func
        if isinstance(inner, cst.Attribute):
            yield inner.attr.value
        elif isinstance(inner, cst.Name):
            yield inner.value


def _is_static(node: cst.FunctionDef) -> bool:
    return any(name in ("staticmethod", "classmethod") for name in _decorator_names(node))


def _is_property(node: cst.FunctionDef) -> bool:
    return any(name in ("property", "cached_property") for name in _decorator_names(node))
