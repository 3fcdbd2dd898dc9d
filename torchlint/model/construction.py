"""How ``__init__`` of a Module reaches ``nn.Module.__init__``, and what it registers before that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Fix, Label, Range
from torchlint.model.flow import CallSite, Function, Place, Store
from torchlint.model.kinds import Kind
from torchlint.model.module_class import ClassModel
from torchlint.model.source import Source
from torchlint.model.values import UNKNOWN, Value, argument
from torchlint.project.index import Symbol

_REGISTERED = {Kind.MODULE, Kind.PARAMETER, Kind.BUFFER}
_STUB_CALLS = {"builtins.print", "builtins.NotImplementedError"}


@dataclass(frozen=True, eq=False)
class SuperCall:
    """``super(...)`` in a method of a class; ``first`` is the class that it names, if it names one."""

    cls: ClassModel
    function: Function
    node: cst.Call

    @property
    def first(self) -> cst.BaseExpression | None:
        return self.node.args[0].value if self.node.args else None

    @property
    def range(self) -> Range:
        return self.cls.file.range(self.node)

    @property
    def names(self) -> str:
        """The class as written."""
        return self.cls.file.code(self.first) if self.first is not None else ""

    @property
    def names_own_type(self) -> bool:
        """``super(self.__class__, self)`` or ``super(type(self), self)``."""
        return self.names in (f"{self.function.self_name}.__class__", f"type({self.function.self_name})")

    @cached_property
    def symbol(self) -> Symbol | None:
        """The class named, where it is another one than the class that the call stands in."""
        if self.first is None or self.names.rpartition(".")[2] == self.cls.name:
            return None
        symbol = self.cls.file.evaluator.symbol(self.first, self.function)
        return symbol if symbol is not None and symbol.kind == "class" else None

    @property
    def is_unrelated(self) -> bool:
        """Whether the class named is no base class: ``super()`` raises a TypeError."""
        ancestors = self.cls.ancestor_symbols
        return self.symbol is not None and None not in ancestors and self.symbol not in ancestors

    @cached_property
    def skipped(self) -> list[str]:
        """The attributes that the skipped base class would have registered, and this class does not set."""
        skipped = self.cls.file.program.class_model(self.symbol) if self.symbol else None
        if skipped is None or self.symbol not in self.cls.ancestor_symbols:
            return []
        registers = (
            attribute.name
            for attribute in skipped.attributes.values()
            if any(value.kind in _REGISTERED for _, value in attribute.assigned())
        )
        here = list(self._run_by_this_class())
        if any(model.registers_by_computed_name(function) for model, function in here):
            return []
        stored = {store.name for _, function in here for store in function.stores}
        read = {load.name for function in self._forward_pass() for load in function.loads}
        return [name for name in registers if name in read and name not in stored]

    def _forward_pass(self) -> Iterator[Function]:
        """``forward`` as an instance of this class runs it, and the methods that it calls."""
        forward = self.cls.method("forward")
        pending = [forward] if forward is not None else []
        seen: set[int] = set()
        while pending:
            function = pending.pop()
            if id(function) not in seen:
                seen.add(id(function))
                yield from function.everything()
                called = (self.cls.method(load.name) for load in function.loads)
                pending.extend(method for method in called if method is not None)

    def _run_by_this_class(self) -> Iterator[tuple[ClassModel, Function]]:
        """The methods of this class, and those of its bases that they call."""
        pending = list(self.cls.functions())
        seen: set[int] = set()
        while pending:
            function = pending.pop()
            if id(function) in seen or function.owner is None:
                continue
            seen.add(id(function))
            yield function.owner, function
            called = (self.cls.method(load.name) for load in function.loads)
            pending.extend(method for method in called if method is not None)

    @property
    def calls_init(self) -> bool:
        parent = self.function.parent(self.node)
        return isinstance(parent, cst.Attribute) and parent.attr.value == "__init__"

    @property
    def has_subclass_here(self) -> bool:
        """Whether a class of the same file derives from this one."""
        project, outline = self.cls.file.project, self.cls.file.outline
        return any(
            self.cls.symbol in project.ancestors(project.class_symbol(outline, other))
            for other in outline.definitions
        )

    def fix(self) -> Fix:
        return Fix("call `super()` without arguments", (self.cls.file.replace(self.node, "super()"),))


def super_calls(cls: ClassModel) -> Iterator[SuperCall]:
    for function in cls.functions():
        if function.self_name is None:
            continue
        for site in function.calls:
            if (
                isinstance(site.node.func, cst.Name)
                and site.node.func.value == "super"
                and len(site.node.args) == 2
            ):
                yield SuperCall(cls, function, site.node)


@dataclass(frozen=True, eq=False)
class Registration:
    """An assignment or call that registers something, by the user's name for it: ``self.fc``, ``self.add_module``."""

    node: cst.CSTNode
    name: str
    place: Place

    @property
    def done(self) -> str:
        """In words: an attribute is set, a method is called."""
        return "called" if isinstance(self.node, cst.Call) else "set"


class Construction:
    """The ``__init__`` of a Module class, in its order."""

    def __init__(self, cls: ClassModel) -> None:
        self.cls = cls
        self.file = cls.file
        self.function = cls.methods.get("__init__") or (
            cls.methods.get("__post_init__") if self.is_dataclass else None
        )

    # -- what reaches nn.Module.__init__ -----------------------------------------------------------------------------

    @cached_property
    def init_calls(self) -> list[CallSite]:
        """The calls in ``__init__`` that run, or may run, ``nn.Module.__init__``."""
        return [call for call in self.function.calls if self._may_initialise(call)] if self.function else []

    def _may_initialise(self, call: CallSite, depth: int = 3) -> bool:
        callee, function = call.node.func, call.place.function
        if not isinstance(callee, cst.Attribute):
            return self._hands_self_over(call)
        name, holder = callee.attr.value, callee.value
        if name == "__init__":
            return not self.is_unbound_super(holder) and self._base_initialises(holder, function)
        is_super = (
            isinstance(holder, cst.Call)
            and isinstance(holder.func, cst.Name)
            and holder.func.value == "super"
        )
        if is_super or (isinstance(holder, cst.Name) and holder.value == function.self_name):
            return self._method_initialises(name, depth, skip_own=is_super)
        return self._hands_self_over(call)  # `Base.build(self)`

    def _method_initialises(self, name: str, depth: int, *, skip_own: bool) -> bool:
        """Whether a method, of this class or of a base class (``super()._init(...)``), makes the call."""
        method = self.cls.inherited_method(name) if skip_own else self.cls.method(name)
        if method is None:
            return name not in _MODULE_METHODS and self._has_unread_base()
        return depth > 0 and any(self._may_initialise(inner, depth - 1) for inner in method.calls)

    def _has_unread_base(self) -> bool:
        """Whether a base class is not read, and may have methods of any name."""
        return any(
            symbol is None
            or (symbol.kind == "external" and symbol.dotted not in ("torch.nn.Module", "builtins.object"))
            for symbol in self.cls.ancestor_symbols
        )

    def _hands_self_over(self, call: CallSite) -> bool:
        """A function called with ``self`` may do anything, also initialise it."""
        function = call.place.function
        if not any(
            type(item.value) is cst.Name and item.value.value == function.self_name for item in call.node.args
        ):
            return False
        called = self.file.evaluator.dotted(call.node.func, function) or ""
        return not called.startswith("builtins.")

    def is_unbound_super(self, holder: cst.BaseExpression) -> bool:
        """``super(Net)``: an unbound super object, whose ``__init__`` is its own."""
        return (
            isinstance(holder, cst.Call)
            and isinstance(holder.func, cst.Name)
            and holder.func.value == "super"
            and len(holder.args) == 1
        )

    def _base_initialises(self, holder: cst.BaseExpression, function: Function) -> bool:
        """Whether ``holder.__init__`` can lead to ``nn.Module.__init__``; unknown counts as yes."""
        symbol = self.file.evaluator.symbol(holder, function)
        if symbol is None or self.file.project.is_module(symbol) is not False:
            return True
        if symbol.kind == "external":
            return False
        model = self.file.program.class_model(symbol)
        init = model.method("__init__") if model is not None else None
        return init is not None and any(
            isinstance(call.node.func, cst.Attribute) and call.node.func.attr.value == "__init__"
            for call in init.calls
        )

    # -- data classes ----------------------------------------------------------------------------------------------

    @cached_property
    def _dataclass_decorator(self) -> cst.BaseExpression | None:
        for decorator in self.cls.node.decorators:
            node = decorator.decorator
            name = self.file.code(node.func if isinstance(node, cst.Call) else node)
            symbol = self.file.project.resolve(self.file.outline, name, scope=self.cls.outline)
            if symbol is not None and symbol.dotted == "dataclasses.dataclass":
                return node
        return None

    @property
    def is_dataclass(self) -> bool:
        return self._dataclass_decorator is not None

    @property
    def has_generated_init(self) -> bool:
        """Whether ``@dataclass`` writes the ``__init__``, which calls ``__post_init__`` and no ``super().__init__``."""
        return (
            self.is_dataclass
            and "__init__" not in self.cls.outline.methods
            and not self._dataclass_option("init", "False")
        )

    @property
    def is_unhashable(self) -> bool:
        """Whether ``@dataclass`` takes ``__hash__`` away, as it does with ``__eq__`` and unless it is told otherwise."""
        options = (("eq", "False"), ("frozen", "True"), ("unsafe_hash", "True"))
        told = any(self._dataclass_option(name, value) for name, value in options)
        return self.is_dataclass and not told and not {"__hash__", "__eq__"} & self.cls.outline.methods

    def _dataclass_option(self, name: str, text: str) -> bool:
        node = self._dataclass_decorator
        given = argument(node, name) if isinstance(node, cst.Call) else None
        return given is not None and self.file.code(given) == text

    @property
    def class_name_range(self) -> Range:
        return self.file.range(self.cls.node.name)

    # -- exemptions ------------------------------------------------------------------------------------------------

    @property
    def is_stub(self) -> bool:
        """Whether ``__init__`` does nothing (``pass``, a docstring), or only ever raises."""
        assert self.function is not None
        if not self.function.returns:
            return True
        calls = (self.file.evaluator.dotted(call.node.func, self.function) for call in self.function.calls)
        return (
            not self.function.stores
            and not self.function.item_stores
            and all(name in _STUB_CALLS for name in calls)
        )

    @property
    def is_initialised_elsewhere(self) -> bool:
        """``__new__``, a takeover of ``__dict__``, or a decorator of ``__init__`` whose source is not at hand."""
        assert self.function is not None and isinstance(self.function.node, cst.FunctionDef)
        if "__new__" in self.cls.outline.methods or "__call__" in self._metaclass_methods():
            return True
        if any(store.name in ("__dict__", "__class__") for store in self.function.stores):
            return True
        if any(load.name == "__dict__" for load in self.function.loads):
            return True
        return any(not self._is_harmless(decorator) for decorator in self.function.node.decorators)

    def _metaclass_methods(self) -> frozenset[str]:
        name = self.cls.outline.metaclass
        symbol = self.file.project.resolve(self.file.outline, name, scope=self.cls.outline) if name else None
        return symbol.class_outline.methods if symbol and symbol.class_outline else frozenset()

    def _is_harmless(self, decorator: cst.Decorator) -> bool:
        """Whether a decorator is known not to initialise: of the project, and without an ``__init__`` of its own."""
        node = decorator.decorator.func if isinstance(decorator.decorator, cst.Call) else decorator.decorator
        written = self.file.code(node)
        symbol = self.file.project.resolve(self.file.outline, written, scope=self.cls.outline)
        if symbol is None or symbol.outline is None or symbol.definition is None:
            return (
                symbol is not None
                and symbol.kind == "external"
                and symbol.dotted.startswith(_KNOWN_DECORATORS)
            )
        self.file.project.looked_into(symbol.outline)
        lines = Source(symbol.outline.path, symbol.outline.text).lines
        code = "".join(lines[symbol.definition.first - 1 : symbol.definition.last])
        return "super(" not in code and "Module.__init__" not in code

    @property
    def is_mixin(self) -> bool:
        """Whether a class of this file derives from this one and from another Module, which initialises both."""
        project, outline = self.file.project, self.file.outline
        return any(
            self.cls.symbol in bases
            and sum(base is not None and project.is_module(base) is True for base in bases) > 1
            for bases in (project.bases(outline, other) for other in outline.definitions)
        )

    # -- findings --------------------------------------------------------------------------------------------------

    def range(self, node: cst.CSTNode) -> Range:
        return self.file.range(node)

    @property
    def name_range(self) -> Range:
        assert self.function is not None and isinstance(self.function.node, cst.FunctionDef)
        return self.file.range(self.function.node.name)

    @property
    def uncalled(self) -> cst.Attribute | None:
        """``super().__init__`` without parentheses."""
        for function in [self.function] if self.function else []:
            for node in function.attributes:
                is_init = node.attr.value == "__init__" and isinstance(node.value, cst.Call)
                if is_init and isinstance(function.parent(node), cst.Expr):
                    return node
        return None

    @property
    def unbound(self) -> cst.Call | None:
        """The ``super(Net)`` of ``super(Net).__init__()``."""
        for call in self.function.calls if self.function else ():
            callee = call.node.func
            if (
                isinstance(callee, cst.Attribute)
                and callee.attr.value == "__init__"
                and self.is_unbound_super(callee.value)
            ):
                assert isinstance(callee.value, cst.Call)
                return callee.value
        return None

    @cached_property
    def first_registration(self) -> Registration | None:
        """The first thing in ``__init__`` that needs the registries of ``nn.Module``."""
        assert self.function is not None
        called = self._registering_call
        for store in self.function.stores:
            if called is not None and called.place.order < store.place.order:
                break
            if store.kind == "assign" and self._is_registered(store):
                return Registration(store.statement, f"{self.function.self_name}.{store.name}", store.place)
        return called

    @property
    def _registering_call(self) -> Registration | None:
        """The first ``self.add_module(...)`` or the like in ``__init__``."""
        assert self.function is not None
        for call, method, _ in self.cls.registrations:
            if call.place.function is self.function and method != "setattr":
                return Registration(call.node, f"{self.function.self_name}.{method}", call.place)
        return None

    def _is_registered(self, store: Store) -> bool:
        assert store.value is not None
        values = self.file.evaluator.values(store.value, store.place.function) or (UNKNOWN,)
        return all(value.kind in _REGISTERED or self._is_module_argument(value) for value in values)

    def _is_module_argument(self, value: Value) -> bool:
        """Whether a parameter of ``__init__`` is annotated as a Module."""
        return value.kind is Kind.ARGUMENT and self.cls.annotated_module(value.name) is not None

    @property
    def overwritten_mode(self) -> Store | None:
        """``self.training = ...`` before ``nn.Module.__init__``, which sets it to True."""
        stores = self.function.stores if self.function is not None else ()
        store = next((item for item in stores if item.name == "training" and item.kind == "assign"), None)
        if store is None or not self.init_calls:
            return None
        return store if store.place.order < self.init_calls[0].place.order else None

    @property
    def late_call(self) -> CallSite | None:
        """The call that initialises, where something is registered before it on the same path."""
        first = self.first_registration
        if first is None or not self.init_calls:
            return None
        call = self.init_calls[0]
        unconditional = not any(block.kind in ("if", "try", "except") for block in call.place.blocks())
        same_path = not any(block.kind in ("if", "try", "except") for block in first.place.blocks())
        return call if first.place.order < call.place.order and unconditional and same_path else None

    def label(self, call: CallSite) -> Label:
        return Label(self.file.range(call.node), "the registries are created only here")

    # -- fixes -----------------------------------------------------------------------------------------------------

    def insert_super(self) -> Fix | None:
        """Call ``super().__init__()`` first, where no base class takes arguments that are not known."""
        statement = self._first_statement()
        if statement is None or not self._bases_take_no_arguments():
            return None
        start = self.file.range(statement).start
        indent = self.file.indentation(start.line)
        return Fix(
            "call `super().__init__()` first", (self.file.insert(start, f"super().__init__()\n{indent}"),)
        )

    def _first_statement(self) -> cst.CSTNode | None:
        """The first statement behind the docstring; none where the body stands on the line of the ``def``."""
        assert self.function is not None and isinstance(self.function.node, cst.FunctionDef)
        body = self.function.node.body
        if not isinstance(body, cst.IndentedBlock):
            return None
        first, *rest = body.body
        return (rest[0] if rest else None) if _is_docstring(first) else first

    def _bases_take_no_arguments(self) -> bool:
        return all(
            symbol is not None
            and (symbol.dotted == "torch.nn.Module" or (symbol.kind == "class" and self._is_bare(symbol)))
            for symbol in self.file.project.bases(self.file.outline, self.cls.outline)
        )

    def _is_bare(self, symbol: Symbol) -> bool:
        model = self.file.program.class_model(symbol)
        init = model.method("__init__") if model is not None else None
        return init is None or all(item.default is not None for item in init.parameters[1:])

    def call_it(self, node: cst.Attribute) -> Fix:
        return Fix("call it", (self.file.insert(self.file.range(node).end, "()"),))

    def bind_it(self, node: cst.Call) -> Fix:
        return Fix("call `super()` without arguments", (self.file.replace(node, "super()"),))


def constructions(cls: ClassModel) -> Iterator[Construction]:
    if cls.methods or cls.node.decorators:
        yield Construction(cls)


_MODULE_METHODS = {
    "register_buffer",
    "register_parameter",
    "add_module",
    "register_module",
    "apply",
    "to",
    "train",
    "eval",
}
_KNOWN_DECORATORS = ("torch.jit.", "typing.", "builtins.", "functools.", "torch.no_grad", "torch.compiler.")


def _is_docstring(node: cst.CSTNode) -> bool:
    return (
        isinstance(node, cst.SimpleStatementLine)
        and isinstance(node.body[0], cst.Expr)
        and isinstance(node.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )
