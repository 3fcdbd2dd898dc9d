"""Screens for how a Module class is initialised."""

from __future__ import annotations

import ast

from torchlint.screen.certain import leaves
from torchlint.screen.scopes import ClassSketch
from torchlint.screen.sketch import dotted_name, given_to


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
        if _may_touch_self(statement, cls.methods["__init__"].sketch.self_name) or leaves(statement):
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


def _may_touch_self(statement: ast.stmt, self_name: str | None) -> bool:
    return any(isinstance(node, ast.Name) and node.id in (self_name, "super") for node in ast.walk(statement))


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
