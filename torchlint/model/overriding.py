"""Methods of ``nn.Module`` that a class overrides with something that PyTorch cannot call as it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Fix, Position, Range
from torchlint.model.flow import Function, Parameter, Store
from torchlint.model.kinds import Kind
from torchlint.model.module_class import Attribute, ClassModel
from torchlint.model.values import Value
from torchlint.model.vocabulary import CALLED_BY_TORCH, is_mode_argument


@dataclass(frozen=True, eq=False)
class Override:
    """``def train`` or ``def eval`` in a Module class, or an attribute with the name of a method that PyTorch calls."""

    cls: ClassModel
    name: str
    method: Function | None
    attribute: Attribute | None = None

    @property
    def where(self) -> str:
        """``Net.train``."""
        return f"{self.cls.name}.{self.name}"

    @property
    def range(self) -> Range:
        if self.attribute is not None:
            return self.cls.file.range(self._stores[0].statement)
        return self.cls.file.range(self._node.name)

    @property
    def _node(self) -> cst.FunctionDef:
        assert self.method is not None and isinstance(self.method.node, cst.FunctionDef)
        return self.method.node

    # -- an attribute ----------------------------------------------------------------------------------------------

    @property
    def _stores(self) -> list[Store]:
        return [store for store in self.attribute.stores if store.kind == "assign"] if self.attribute else []

    @property
    def is_data(self) -> bool:
        """Whether all that is assigned to the attribute is known, and nothing of it can be called."""
        values = [value for _, value in self.attribute.assigned()] if self.attribute else []
        return bool(values) and all(map(_is_data, values))

    # -- a method --------------------------------------------------------------------------------------------------

    @cached_property
    def _parameters(self) -> list[Parameter]:
        """Those behind ``self``."""
        return self.method.parameters[1:] if self.method is not None else []

    @cached_property
    def required(self) -> list[str]:
        """The parameters without a default."""
        return [
            item.name
            for item in self._parameters
            if item.default is None and item.kind in ("positional", "keyword")
        ]

    @property
    def first(self) -> Parameter | None:
        """The first parameter that can be given by position."""
        return next((item for item in self._parameters if item.kind in ("positional", "variadic")), None)

    @property
    def refuses_mode(self) -> bool:
        """Whether ``train(False)`` raises: there is no place for the mode, or another argument is missing."""
        first = self.first
        return first is None or any(name != first.name for name in self.required)

    @property
    def takes_something_else(self) -> bool:
        """Whether the mode would be taken for something else: ``def train(self, loader)``."""
        first = self.first
        return first is not None and first.kind == "positional" and not self._is_mode(first)

    def _is_mode(self, parameter: Parameter) -> bool:
        if is_mode_argument(parameter.name):
            return True
        if isinstance(parameter.default, cst.Name) and parameter.default.value in ("True", "False"):
            return True
        annotation = self._annotation(parameter.name)
        return "bool" in annotation or self._passes_on(parameter.name)

    def _annotation(self, name: str) -> str:
        params = self._node.params
        for item in (*params.posonly_params, *params.params):
            if item.name.value == name and item.annotation is not None:
                return self.cls.file.code(item.annotation.annotation)
        return ""

    def _passes_on(self, name: str) -> bool:
        """Whether a parameter is what ``train()`` of something else is given."""
        return any(
            isinstance(item.value, cst.Name) and item.value.value == name
            for call in self._calls_of("train")
            for item in call.args
        )

    def _calls_of(self, *methods: str) -> list[cst.Call]:
        """The calls of methods with these names, of whatever."""
        functions = self.method.everything() if self.method is not None else ()
        return [
            call.node
            for function in functions
            for call in function.calls
            if isinstance(call.node.func, cst.Attribute) and call.node.func.attr.value in methods
        ]

    @property
    def switches_mode(self) -> bool:
        """Whether it calls ``eval()`` or ``train()`` of something, of ``super()`` for example."""
        return bool(self._calls_of("train", "eval"))

    @property
    def has_own_eval(self) -> bool:
        """Whether the class also says itself how ``eval()`` is done."""
        return self.cls.method("eval") is not None

    @property
    def forgets_self(self) -> bool:
        """Whether it goes on to ``super()`` and then returns nothing."""
        returns = self.method.returns if self.method is not None else []
        calls_super = any(
            isinstance(call.func, cst.Attribute) and _is_super(call.func.value)
            for call in self._calls_of("train", "eval")
        )
        return calls_super and bool(returns) and all(value is None for value, _ in returns)

    @cached_property
    def use_of_result(self) -> Range | None:
        """A place in this file where what ``train()`` or ``eval()`` of such a module returns is used.

        ``net = Net().eval()``; most callers of a method that changes its object do not look at what it returns.
        """
        names = ("eval",) if self.name == "eval" else ("train",) if self.has_own_eval else ("train", "eval")
        outline = self.cls.file.outline
        for function in self.cls.file.all_functions({i for name in names for i in outline.mentioning(name)}):
            for site in function.calls:
                called = site.node.func
                if (
                    isinstance(called, cst.Attribute)
                    and called.attr.value in names
                    and not isinstance(function.parent(site.node), cst.Expr)
                    and any(map(self._is_one, self.cls.file.evaluator.values(called.value, function)))
                ):
                    return self.cls.file.range(site.node)
        return None

    def _is_one(self, value: Value) -> bool:
        """Whether something is a module that this method is called on."""
        owner = value.function.owner if value.kind is Kind.SELF and value.function is not None else None
        symbol = owner.symbol if owner is not None else value.symbol if value.kind is Kind.MODULE else None
        for each in self.cls.file.program.line(symbol) if symbol is not None else ():
            if each is None or each.class_outline is None:
                return False
            if self.name in each.class_outline.methods:
                return each.dotted == self.cls.symbol.dotted
        return False

    @property
    def return_fix(self) -> Fix | None:
        """``return self`` at the end, where that is the only way out."""
        body = self._node.body
        if self.method is None or len(self.method.returns) != 1 or not isinstance(body, cst.IndentedBlock):
            return None
        last = body.body[-1]
        if isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], cst.Return):
            return None
        file = self.cls.file
        where = file.range(last)
        line = (
            where.end.line if where.end.column > 1 else where.end.line - 1
        )  # of a block, behind its last line
        indentation = file.indentation(where.start.line)
        end = Position(line, len(file.source.lines[line - 1].rstrip("\r\n")) + 1)
        return Fix("return the module", (file.insert(end, f"\n{indentation}return {self.method.self_name}"),))


def _is_data(value: Value) -> bool:
    if value.kind is Kind.ARGUMENT and value.function is not None:
        default = next((item.default for item in value.function.parameters if item.name == value.name), None)
        return isinstance(default, (cst.Integer, cst.Float, cst.SimpleString, cst.List, cst.Dict)) or (
            isinstance(default, cst.Name) and default.value in ("True", "False")
        )
    return value.kind in (Kind.LITERAL, Kind.CONTAINER, Kind.TENSOR)


def _is_super(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "super"


def overrides(cls: ClassModel) -> Iterator[Override]:
    for name in ("train", "eval"):
        method = cls.methods.get(name)
        if method is not None and method.self_name is not None and not _is_decorated(method):
            yield Override(cls, name, method)
    for name in sorted(CALLED_BY_TORCH & cls.attributes.keys()):
        attribute = cls.attributes[name]
        if name not in cls.methods and any(store.kind == "assign" for store in attribute.stores):
            yield Override(cls, name, None, attribute)


def _is_decorated(method: Function) -> bool:
    """Whether a decorator, other than those of torch, may make something else of a method."""
    assert isinstance(method.node, cst.FunctionDef)
    return any(
        not (method.file.evaluator.dotted(_called(item.decorator), method) or "").startswith("torch.")
        for item in method.node.decorators
    )


def _called(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.func if isinstance(node, cst.Call) else node
