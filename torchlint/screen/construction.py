"""Screens for how a Module class is initialised."""

from __future__ import annotations

import ast

from torchlint.screen.annotations import annotated
from torchlint.screen.calls import words
from torchlint.screen.certain import leaves
from torchlint.screen.kinds import ARGUMENT, LOST, MODULE, PARAMETER
from torchlint.screen.scopes import ClassSketch
from torchlint.screen.sketch import dotted_name, given_to

_NOT_PLAIN = {"training", "__dict__", "__class__"}
"""Attributes that mean something to ``nn.Module``, or to Python, before ``__init__``."""


def may_not_initialise(cls: ClassSketch) -> bool:
    """Whether ``__init__`` may do anything before it calls the ``__init__`` of its base class, or never call it."""
    if _is_dataclass(cls):
        return True
    init = cls.node_of("__init__")
    if init is None:
        return False
    for statement in init.body:
        if _initialises(statement, cls):
            return False
        if _only_keeps_data(statement, cls):
            continue
        if _may_change_self(statement, cls.methods["__init__"].sketch.self_name) or leaves(statement):
            return True
    return True


def _is_dataclass(cls: ClassSketch) -> bool:
    decorators = (item.func if isinstance(item, ast.Call) else item for item in cls.node.decorator_list)
    for decorator in decorators:
        symbol = cls.file.project.resolve(cls.file.outline, dotted_name(decorator), scope=cls.outline)
        if symbol is not None and symbol.dotted == "dataclasses.dataclass":
            return True
    return False


def _initialises(statement: ast.stmt, cls: ClassSketch) -> bool:
    """``super().__init__(...)`` or ``nn.Module.__init__(self)`` as a statement."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if (
        not isinstance(call, ast.Call)
        or not isinstance(call.func, ast.Attribute)
        or call.func.attr != "__init__"
    ):
        return False
    holder = call.func.value
    if isinstance(holder, ast.Call):
        return dotted_name(holder.func) == "super" and len(holder.args) != 1
    symbol = cls.methods["__init__"].symbol(dotted_name(holder)) if dotted_name(holder) else None
    return symbol is not None and cls.file.project.is_module(symbol) is True


def _only_keeps_data(statement: ast.stmt, cls: ClassSketch) -> bool:
    """``self.size = size``: an attribute that is no module, Parameter or buffer, made without ``self``."""
    init = cls.methods["__init__"]
    self_name = init.sketch.self_name
    if not isinstance(statement, ast.Assign) or _may_touch_self(statement.value, self_name):
        return False
    if not all(_is_plain_attribute(target, self_name) for target in statement.targets):
        return False
    if "Buffer" in words(statement.value):
        return False
    kinds = init.possible(statement.value)
    if kinds & ARGUMENT and annotated(cls, as_data=False):  # with `nn.Module`, perhaps
        return False
    return not kinds & (MODULE | PARAMETER | LOST)


def _is_plain_attribute(target: ast.expr, self_name: str | None) -> bool:
    return (
        isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == self_name
        and target.attr not in _NOT_PLAIN
    )


def _may_touch_self(written: ast.AST, self_name: str | None) -> bool:
    return any(isinstance(node, ast.Name) and node.id in (self_name, "super") for node in ast.walk(written))


def _may_change_self(statement: ast.stmt, self_name: str | None) -> bool:
    """Whether ``self`` or ``super`` is used other than to read an attribute, which may not be called."""
    nodes = list(ast.walk(statement))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    read = {
        id(node.value)
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in called
    }
    return any(
        isinstance(node, ast.Name) and node.id in (self_name, "super") and id(node) not in read
        for node in nodes
    )


def may_name_another_class(cls: ClassSketch) -> bool:
    """``super(Other, self)`` in a method."""
    return any(
        call.callee == "super"
        and len(given_to(call.node)) == 2
        and dotted_name(given_to(call.node)[0]).rpartition(".")[2] != cls.outline.name
        for method in cls.methods.values()
        for call in method.sketch.calls
    )


def may_initialise_twice(cls: ClassSketch) -> bool:
    """Whether ``__init__`` calls the ``__init__`` of something twice."""
    init = cls.methods.get("__init__")
    calls = (call.node.func for call in init.sketch.calls) if init is not None else ()
    return sum(isinstance(callee, ast.Attribute) and callee.attr == "__init__" for callee in calls) > 1
