"""What an expression can evaluate to at most, whatever the order and the conditions: the screen's own evaluator.

It errs to one side only: what :mod:`torchlint.model.values` finds for an expression is always among the kinds that
are possible here. ``tests/test_screen.py`` compares the two.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from torchlint.model.facts import torch_facts
from torchlint.model.vocabulary import COMPUTING, CONTAINER_TYPES, ITERATORS
from torchlint.project.index import Symbol
from torchlint.screen.kinds import (
    ANY_THING,
    ANYTHING,
    ARGUMENT,
    CALLABLE,
    CLASS,
    CONTAINER,
    COPY,
    FOREIGN,
    HELD,
    LOST,
    MAX_DEPTH,
    MODULE,
    NAMESPACE,
    OWNER,
    PARAMETER,
    SCHEDULER,
    SELF,
    TENSOR,
    Kinds,
    holding,
    items,
)
from torchlint.screen.sketch import Binding, Growth, TargetPath, dotted_name, given_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.screen.scopes import FileSketch, Scope

_MADE = MODULE | PARAMETER
_COPIES = COPY | holding(COPY)


class Evaluator:
    """Evaluates the expressions of one file."""

    def __init__(self, file: FileSketch) -> None:
        self.file = file
        self._memo: dict[object, Kinds] = {}

    def once(self, key: object, answer: Callable[[], Kinds]) -> Kinds:
        known = self._memo.get(key)
        return known if known is not None else self.file.possibilities.solve(self._memo, key, answer)

    def possible(self, node: ast.expr, scope: Scope) -> Kinds:
        """What ``node``, which stands in ``scope``, may be."""
        known = self._memo.get(node)
        if known is not None:
            return known
        evaluate = _EVALUATE.get(node.__class__)
        if evaluate is None:
            return 0
        asked = self.file.possibilities
        if node in asked.settled:
            asked.circles += 1
            return asked.settled[node]
        if asked.depth > MAX_DEPTH:
            return ANYTHING
        circles = asked.circles
        asked.depth += 1
        found = evaluate(self, node, scope)
        asked.depth -= 1
        (self._memo if asked.circles == circles else asked.settled)[node] = found
        return found

    # -- names -------------------------------------------------------------------------------------------------------

    def _name(self, node: ast.Name, scope: Scope) -> Kinds:
        return self._named(node.id, scope) | (OWNER if node.id == scope.sketch.self_name else 0)

    def _named(self, name: str, scope: Scope) -> Kinds:
        """What a variable may hold: a question that leads back to itself in ``x = x[1:]``."""
        return self.once((scope, name), lambda: self._bound(name, scope))

    def _bound(self, name: str, start: Scope) -> Kinds:
        scope: Scope | None = start
        while scope is not None:
            outer = scope.sketch.definitions.get(name, ())
            inner = scope.sketch.inner.get(name, ())
            if outer or inner:
                kinds = self.of_bindings((*outer, *inner), scope)
                kinds |= self.grown(scope, name) if kinds & (CONTAINER | MODULE) else 0
                if outer and scope.sketch.is_function:
                    return kinds
                return kinds | self._named(name, scope.outer) if scope.outer else kinds | self._free(name)
            scope = scope.outer
        return self._free(name)

    def _free(self, name: str) -> Kinds:
        symbol = self.file.meaning(name)
        if symbol is not None and symbol.kind != "value":
            return self.file.possibilities.of_symbol(symbol, self.file)
        script = self.file.script
        bindings = script.sketch.definitions.get(name, ())
        kinds = self.of_bindings(bindings, script)
        return kinds | self.grown(script, name) if kinds & (CONTAINER | MODULE) else kinds

    def of_bindings(self, bindings: Iterable[Binding], scope: Scope) -> Kinds:
        kinds = 0
        for binding in bindings:
            if binding.kind == "value":
                kinds |= self.possible(binding.node, scope)
            elif binding.kind == "loop":
                iterable, path = binding.node
                kinds |= self._item(iterable, path, scope)
            elif binding.kind == "unpacked":
                value, path = binding.node
                kinds |= self._unpacked(value, path, scope)
            elif binding.kind == "parameter":
                kinds |= ARGUMENT
            elif binding.kind == "import":
                symbol = self.file.project.imported(self.file.outline, binding.node)
                kinds |= self.file.possibilities.of_symbol(symbol, self.file) if symbol is not None else 0
            elif binding.kind == "class":
                kinds |= CLASS | ANY_THING
            elif binding.kind == "function":
                kinds |= self._closure(binding.node, scope)
        return kinds

    def _closure(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Kinds:
        """A function defined in ``scope``."""
        result = self.once(
            (node, "closure"), lambda: scope.returned_of(scope.sketch.nested.get(node.name, ()))
        )
        key = (self.file.outline.path, node.lineno, node.name)
        return self.file.possibilities.closure_of(key, result)

    def _unpacked(self, node: ast.expr, path: TargetPath, scope: Scope) -> Kinds:
        """What the target at ``path`` of ``a, (b, c) = node`` gets; a tuple in a variable is not looked into."""
        if not path:
            return self.possible(node, scope)
        if isinstance(node, ast.IfExp):
            return self._unpacked(node.body, path, scope) | self._unpacked(node.orelse, path, scope)
        index = path[0]
        if isinstance(node, ast.Tuple | ast.List):
            if index is None or any(isinstance(item, ast.Starred) for item in node.elts):
                return items(self.possible(node, scope))
            return self._unpacked(node.elts[index], path[1:], scope) if index < len(node.elts) else 0
        if not isinstance(node, ast.Call):
            return 0
        found = self._returned_at(node, path, scope) if index is not None else None
        return items(self.possible(node, scope)) if found is None else found

    def _returned_at(self, node: ast.Call, path: TargetPath, scope: Scope) -> Kinds | None:
        """What a function of the project, or a method, returns at a place, where it returns tuples."""
        dotted = dotted_name(node.func)
        head, _, name = dotted.partition(".")
        if head and head == scope.sketch.self_name:
            owners = scope.owner.owners_of_method(name) if scope.owner is not None and "." not in name else ()
            found = [owner.methods[name] for owner in owners]
            return self._at(found[0], path, (found[0].sketch, path)) if len(found) == 1 else None
        symbol = scope.symbol(dotted) if head else None
        if symbol is None or symbol.kind != "function" or symbol.outline is None:
            return None
        function = self.file.other(symbol.outline).function(symbol.qualname)
        return self._at(function, path, (symbol.outline.path, symbol.qualname, path)) if function else None

    def _at(self, function: Scope, path: TargetPath, key: object) -> Kinds | None:
        if not all(isinstance(value, ast.Tuple) for value in function.sketch.returns):
            return None
        return function.file.evaluator.once(key, lambda: function.returned_at(path))

    def _item(self, iterable: ast.expr, path: TargetPath, scope: Scope) -> Kinds:
        """What the target at ``path`` of a loop over ``iterable`` is bound to."""
        if isinstance(iterable, ast.Call):
            if path:
                return self._item_of_call(iterable, path, scope)
            if isinstance(iterable.func, ast.Attribute) and iterable.func.attr == "values":
                return self._item(iterable.func.value, path, scope) | items(self.possible(iterable, scope))
        return 0 if path else items(self.possible(iterable, scope))

    def _item_of_call(self, call: ast.Call, path: TargetPath, scope: Scope) -> Kinds:
        """The same for ``enumerate``, ``zip`` and the like, whatever their names here."""
        index, given = path[0], given_to(call)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("items", "values"):
            return self._item(call.func.value, path[call.func.attr == "items" :], scope)
        symbol = scope.symbol(dotted_name(call.func))
        called = symbol.dotted if symbol is not None else ""
        if called == "builtins.enumerate":
            given = given[:1]
        elif called == "builtins.zip" and index is not None:
            given = given[index : index + 1]
        elif symbol is not None and called != "builtins.zip":
            return 0
        kinds = 0
        for item in given:
            kinds |= self._item(item, path[1:], scope)
        return kinds

    def grown(self, scope: Scope, name: str) -> Kinds:
        """What is added to a container later, as what the container holds."""
        growths = scope.grown
        kinds = 0 if not growths.wild else self.once(growths, lambda: self._added(growths.wild))
        return (kinds | self._added(growths.of(scope, name))) & ~SELF

    def _added(self, growths: Iterable[tuple[Scope, Growth]]) -> Kinds:
        kinds = 0
        for where, growth in growths:
            added = where.possible(growth.added)
            kinds |= added & ~SELF if growth.whole else holding(added)
        return kinds

    # -- attributes and items ----------------------------------------------------------------------------------------

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Kinds:
        dotted = dotted_name(node)
        head = dotted.partition(".")[0] if dotted else ""
        if head and head == scope.sketch.self_name and dotted.count(".") == 1:
            return scope.owner.attribute(node.attr) if scope.owner is not None else 0
        if head and head != scope.sketch.self_name:
            if scope.is_parameter(head):  # `config.hidden_size`, the most common of all
                return 0
            symbol = scope.symbol(dotted)
            if symbol is not None and symbol.kind != "value":
                return self.file.possibilities.of_symbol(symbol, self.file)
        return self._member(self.possible(node.value, scope), node.attr)

    def _member(self, base: Kinds, name: str) -> Kinds:
        kinds = 0
        if base & (FOREIGN | CLASS | NAMESPACE | CALLABLE):
            kinds |= self.file.possibilities.attribute(base, name, self.file)
        if base & PARAMETER and name == "data":
            kinds |= TENSOR
        if base & (PARAMETER | LOST):
            kinds |= LOST
        if base & (TENSOR | LOST):
            kinds |= TENSOR
        if base & MODULE and name in ("weight", "bias"):
            kinds |= PARAMETER
        return kinds

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Kinds:
        base = self.possible(node.value, scope)
        kinds = items(base)
        if _is_slice(node.slice) and base & (CONTAINER | MODULE):
            kinds = base & (CONTAINER | MODULE | COPY) | base & ~SELF
        return kinds | TENSOR if base & (TENSOR | LOST | PARAMETER) else kinds

    # -- calls -------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> Kinds:
        func = node.func
        dotted = dotted_name(func)
        head = dotted.partition(".")[0] if dotted else ""
        if head and head != scope.sketch.self_name:
            symbol = scope.symbol(dotted)
            if symbol is not None and symbol.kind != "value":
                return self.call_symbol(symbol, node, scope)
        return self._of_call(self._call_value(node, scope), node, scope)

    def _of_call(self, kinds: Kinds, node: ast.Call, scope: Scope) -> Kinds:
        """What a function gives to this call: a copy of an argument matters where that holds modules."""
        if kinds & _COPIES and not any(self.possible(item, scope) >> HELD & _MADE for item in given_to(node)):
            kinds &= ~_COPIES
        return kinds

    def _call_value(self, node: ast.Call, scope: Scope) -> Kinds:
        """What a call of something else than a name of a class or function may give."""
        func = node.func
        kinds = self._given(node, scope)
        callee = self.possible(func, scope)
        if callee & CALLABLE:
            kinds |= self.file.possibilities.called(callee, node, scope)
        if callee & CLASS:
            kinds |= _MADE | FOREIGN | callee & ~SELF
            if any(map(self._is_container_class, self.file.possibilities.symbols_in(callee))):
                kinds |= self._container_of(node, scope, of_arguments=True) & ~SELF
        if isinstance(func, ast.Attribute):
            kinds |= self._call_method(func, scope)
        return kinds

    def _given(self, node: ast.Call, scope: Scope) -> Kinds:
        """The elements of the first argument: ``tqdm(layers)`` and the like are taken to give them back."""
        given = given_to(node)
        return self.possible(given[0], scope) & ~SELF if given else 0

    def _call_method(self, func: ast.Attribute, scope: Scope) -> Kinds:
        facts, method = torch_facts(), func.attr
        if isinstance(func.value, ast.Name) and func.value.id == scope.sketch.self_name:
            return scope.owner.returned_by(method) if scope.owner is not None else 0
        base = self.possible(func.value, scope)
        kinds = 0
        if base & OWNER and scope.owner is not None:
            kinds |= scope.owner.returned_by(method)
        if base & MODULE and (method in facts.module_fluent_methods or method == "values"):
            kinds |= base & ~(TENSOR | LOST)
        if base & PARAMETER:
            kinds |= PARAMETER if method.endswith("_") else LOST
        if base & (TENSOR | LOST) and (method not in facts.leaving_methods or method == "type"):
            kinds |= base & (TENSOR | LOST)
        if base & CONTAINER and method in ("copy", "values", "items", "keys"):
            kinds |= base & ~(TENSOR | LOST)
        return kinds

    def call_symbol(self, symbol: Symbol, node: ast.Call, scope: Scope) -> Kinds:
        """What a call of a class or function by its name may give."""
        if symbol.kind == "external":
            return self._call_external(symbol, node, scope)
        if symbol.kind == "class":
            if not self.file.project.is_module(symbol):
                return self._given(node, scope)
            made = self.file.possibilities.module_of(symbol)
            return made | self._given(node, scope) if self._is_container_class(symbol) else made
        if symbol.kind == "function" and symbol.outline is not None:
            return self._of_call(self.returned(symbol), node, scope)
        return 0

    def _is_container_class(self, symbol: Symbol) -> bool:
        """Whether a class derives from ``nn.ModuleList`` or the like."""
        containers = torch_facts().container_modules
        line = (symbol, *(self.file.project.ancestors(symbol) if symbol.kind == "class" else ()))
        return any(base is not None and base.dotted in containers for base in line)

    def returned(self, symbol: Symbol) -> Kinds:
        """What a function of the project may return."""
        assert symbol.outline is not None
        possibilities = self.file.possibilities
        key = (symbol.outline.path, symbol.qualname)
        known = possibilities.returned.get(key)
        if known is not None:
            self.file.look_into(symbol.outline)
            return known
        file = self.file.other(symbol.outline)
        return possibilities.solve(
            possibilities.returned, key, lambda: file.evaluator.returned_here(symbol.qualname)
        )

    def returned_here(self, name: str) -> Kinds:
        function = self.file.function(name)
        if function is None:
            return 0
        node = self.file.statement(self.file.outline.functions[name].statement)
        return function.returned() | self.declared(node)

    def declared(self, node: ast.AST | None) -> Kinds:
        """What the annotation ``-> Encoder`` promises."""
        annotation = getattr(node, "returns", None)
        if annotation is None:
            return 0
        dotted = annotation.value if isinstance(annotation, ast.Constant) else dotted_name(annotation)
        symbol = (
            self.file.meaning(dotted)
            if isinstance(dotted, str) and dotted.replace(".", "").isidentifier()
            else None
        )
        if symbol is None or symbol.dotted == "torch.nn.Module" or not self.file.project.is_module(symbol):
            return 0
        return self.file.possibilities.module_of(symbol)

    def _call_external(self, symbol: Symbol, node: ast.Call, scope: Scope) -> Kinds:
        dotted, facts = symbol.dotted, torch_facts()
        if dotted in _PLAIN_MODULES:
            return MODULE
        if dotted in _PLAIN_DATA:
            return 0
        if dotted in CONTAINER_TYPES or dotted in ITERATORS:
            return self._container_of(node, scope)
        if not dotted.startswith("torch.") and dotted not in facts.passthrough:
            if dotted == "functools.partial" and node.args:
                return self._passed_through(node, scope)
            return MODULE if self.file.project.is_module(symbol) else self._given(node, scope)
        if dotted == "torch.nn.Parameter":
            return PARAMETER
        if dotted in facts.passthrough or (dotted.startswith("torch.nn.init.") and dotted.endswith("_")):
            return self._passed_through(node, scope)
        if (
            dotted in facts.tensor_factories
            or dotted in facts.tensor_operations
            or dotted.startswith(COMPUTING)
        ):
            return TENSOR
        if dotted.startswith("torch.optim.lr_scheduler."):
            return SCHEDULER
        if not self.file.project.is_module(symbol):
            return self._given(node, scope)
        if dotted in facts.container_modules:
            return MODULE | (self._container_of(node, scope, of_arguments=True) & ~SELF)
        weighted = any(item.arg in facts.state_arguments or item.arg is None for item in node.keywords)
        return 0 if dotted in facts.stateless_modules and not weighted else MODULE

    def _passed_through(self, node: ast.Call, scope: Scope) -> Kinds:
        given = given_to(node)
        return self.possible(given[0], scope) if given else 0

    def _container_of(self, node: ast.Call, scope: Scope, *, of_arguments: bool = False) -> Kinds:
        """A container made of the elements of what is given, or ``of_arguments`` themselves."""
        kinds = CONTAINER
        for argument in node.args:
            given = self._mapped(argument, scope)
            if given & ARGUMENT and len(node.args) == 1:
                kinds |= COPY
            kinds |= given & ~SELF
            if of_arguments and not isinstance(argument, ast.Starred):
                kinds |= holding(given & ~ARGUMENT)
        for keyword in node.keywords:
            given = self.possible(keyword.value, scope)
            kinds |= holding(given) | (COPY if given & ARGUMENT else 0)
        return kinds

    def _mapped(self, argument: ast.expr, scope: Scope) -> Kinds:
        if isinstance(argument, ast.Lambda):
            return holding(self.possible(argument.body, scope))
        return self.possible(argument.value if isinstance(argument, ast.Starred) else argument, scope)

    # -- operators and displays --------------------------------------------------------------------------------------

    def _binary(self, node: ast.BinOp, scope: Scope) -> Kinds:
        both = self._operands(node, scope)
        kinds = both & TENSOR
        if both & (PARAMETER | LOST):
            kinds |= LOST
        if not isinstance(node.op, _OF_NUMBERS):
            kinds |= both & CONTAINER | both & ~SELF
        return kinds

    def _operands(self, node: ast.BinOp, scope: Scope) -> Kinds:
        """What the operands of a whole chain such as ``a + b + c`` may be."""
        kinds = 0
        inner: ast.expr = node
        while isinstance(inner, ast.BinOp):
            kinds |= self.possible(inner.right, scope)
            inner = inner.left
        return kinds | self.possible(inner, scope)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Kinds:
        inner = self.possible(node.operand, scope)
        return inner | LOST if inner & PARAMETER else inner

    def _either(self, node: ast.IfExp, scope: Scope) -> Kinds:
        return self.possible(node.body, scope) | self.possible(node.orelse, scope)

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Kinds:
        kinds = 0
        for value in node.values:
            kinds |= self.possible(value, scope)
        return kinds

    def _walrus(self, node: ast.NamedExpr, scope: Scope) -> Kinds:
        return self.possible(node.value, scope)

    def _display(self, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Kinds:
        kinds = CONTAINER
        for element in node.elts:
            if isinstance(element, ast.Starred):
                kinds |= self.possible(element.value, scope) & ~SELF
            elif not isinstance(element, ast.Constant):
                kinds |= holding(self.possible(element, scope))
        return kinds

    def _dict(self, node: ast.Dict, scope: Scope) -> Kinds:
        kinds = CONTAINER
        for value in node.values:
            kinds |= holding(self.possible(value, scope))
        return kinds

    def _generated(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Kinds:
        return CONTAINER | holding(self.possible(node.elt, scope))

    def _generated_dict(self, node: ast.DictComp, scope: Scope) -> Kinds:
        return CONTAINER | holding(self.possible(node.value, scope))


def _is_slice(node: ast.expr) -> bool:
    return isinstance(node, ast.Slice) or (isinstance(node, ast.Tuple) and any(map(_is_slice, node.elts)))


_OF_NUMBERS = (ast.Pow, ast.Div, ast.FloorDiv, ast.Mod, ast.MatMult, ast.LShift, ast.RShift)
"""Operators that no container has."""

# The most common expressions by far, which need no looking into their arguments.
_PLAIN_MODULES = {
    f"torch.nn.{name}"
    for name in (
        "Linear",
        "Conv1d",
        "Conv2d",
        "Conv3d",
        "BatchNorm1d",
        "BatchNorm2d",
        "LayerNorm",
        "Embedding",
        "Dropout",
    )
}
_PLAIN_DATA = {
    "builtins.len", "builtins.int", "builtins.float", "builtins.bool", "builtins.str", "builtins.repr", "builtins.hash",
    "builtins.id", "builtins.isinstance", "builtins.hasattr", "builtins.any", "builtins.all", "builtins.range",
    "builtins.print", "builtins.max", "builtins.min", "builtins.abs", "builtins.round",
}  # fmt: skip
"""What gives numbers and strings, and not the elements of what it is given, as other functions are taken to do."""

_EVALUATE: dict[type, Callable[[Evaluator, Any, Scope], Kinds]] = {
    ast.Name: Evaluator._name,
    ast.Attribute: Evaluator._attribute,
    ast.Subscript: Evaluator._subscript,
    ast.Call: Evaluator._call,
    ast.BinOp: Evaluator._binary,
    ast.UnaryOp: Evaluator._unary,
    ast.IfExp: Evaluator._either,
    ast.BoolOp: Evaluator._boolean,
    ast.NamedExpr: Evaluator._walrus,
    ast.List: Evaluator._display,
    ast.Tuple: Evaluator._display,
    ast.Set: Evaluator._display,
    ast.Dict: Evaluator._dict,
    ast.ListComp: Evaluator._generated,
    ast.SetComp: Evaluator._generated,
    ast.GeneratorExp: Evaluator._generated,
    ast.DictComp: Evaluator._generated_dict,
}
