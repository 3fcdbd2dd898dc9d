"""Modules and Parameters that stand in the body of a class, where one is made for all instances."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Position, Range
from torchlint.model.construction import Construction
from torchlint.model.flow import Definition, Function
from torchlint.model.kinds import Kind, State
from torchlint.model.module_class import ClassModel
from torchlint.model.values import Value

_ON_PURPOSE = re.compile(r"(?i)shar(?:e|ing)|singleton|class[- ]level")
_REGISTERED = (Kind.MODULE, Kind.PARAMETER)


@dataclass(frozen=True, eq=False)
class ClassLevelModule:
    """``fc = nn.Linear(8, 8)`` in the body of a Module class, or a list of such modules."""

    cls: ClassModel
    definition: Definition
    value: cst.BaseExpression

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def statement(self) -> cst.CSTNode:
        return self.cls.body.parent(self.value) or self.value

    @property
    def range(self) -> Range:
        return self.cls.file.range(self.statement)

    @cached_property
    def _held(self) -> list[Value]:
        evaluator = self.cls.file.evaluator
        found: list[Value] = []
        for value in evaluator.values(self.value, self.cls.body):
            found += evaluator.elements(value) or [value] if value.kind is Kind.CONTAINER else [value]
        return found

    @property
    def is_parameter(self) -> bool:
        return all(value.kind is Kind.PARAMETER for value in self._held)

    @property
    def has_parameters(self) -> bool:
        """Whether it can only be modules with Parameters, or Parameters: to share a ReLU is harmless."""
        evaluator = self.cls.file.evaluator
        return bool(self._held) and all(
            value.kind in _REGISTERED and evaluator.state(value) is State.PARAMETERS for value in self._held
        )

    @property
    def is_used(self) -> bool:
        """Whether a method reads it from ``self``, and none has put another thing there."""
        attribute = self.cls.attributes.get(self.name)
        return attribute is not None and bool(attribute.loads) and not attribute.stores

    @property
    def is_meant(self) -> bool:
        """Whether it is shared on purpose: by its annotation, a comment, or because it is read from the class."""
        statement = self.statement
        if isinstance(statement, cst.AnnAssign):
            annotation = self.cls.file.code(statement.annotation.annotation)
            if "ClassVar" in annotation or Construction(self.cls).is_dataclass:
                return True
        if _ON_PURPOSE.search(self.name) or any(map(_ON_PURPOSE.search, self.cls.file.comments(self.range))):
            return True
        return any(
            self._is_of_class(node) for function in self.cls.functions() for node in function.attributes
        )

    def _is_of_class(self, node: cst.Attribute) -> bool:
        """``Net.fc``, ``cls.fc``, ``type(self).fc``."""
        if node.attr.value != self.name:
            return False
        holder = self.cls.file.code(node.value)
        return holder in (self.cls.name, "cls", "self.__class__", "type(self)")

    @property
    def is_registered(self) -> bool:
        """Whether the class registers the same module all the same: ``nn.ModuleList([self.fc])``."""
        return any(value.identity in self.cls.registered for value in self._held)

    @property
    def fix(self) -> Fix | None:
        """Move it behind ``super().__init__()``; unsafe, since each instance gets weights of its own, and trains them."""
        init, line = self.cls.methods.get("__init__"), self._line
        if init is None or init.self_name is None or line is None or not self._means_the_same_in(init):
            return None
        call = self._super_call(init)
        if call is None:
            return None
        file, end = self.cls.file, self.cls.file.range(call).end
        indentation = file.indentation(file.range(call).start.line)
        text = f"\n{indentation}{init.self_name}.{self.name} = {file.text(file.outer_range(self.value))}"
        return Fix("make it in `__init__`", (Edit(line, ""), file.insert(end, text)), safety="unsafe")

    @property
    def _line(self) -> Range | None:
        """The lines of the statement, where nothing else stands on them."""
        lines, where = self.cls.file.source.lines, self.range
        first, last = lines[where.start.line - 1], lines[where.end.line - 1]
        is_alone = isinstance(self.statement, cst.Assign) and len(self.statement.targets) == 1
        if not is_alone or first[: where.start.column - 1].strip() or last[where.end.column - 1 :].strip():
            return None
        return Range(Position(where.start.line, 1), Position(where.end.line + 1, 1))

    def _means_the_same_in(self, init: Function) -> bool:
        """Whether the names in it stand for the same in ``__init__``, and no other statement of the body needs it."""
        body = self.cls.body
        local = body.bound | init.bound | {item.name for item in init.parameters} | self.cls.outline.methods
        inside = {id(node) for node in _names(self.value)}
        read = {node.value for node in body.names if id(node) not in inside}
        return self.name not in read and not any(node.value in local for node in _names(self.value))

    def _super_call(self, init: Function) -> cst.CSTNode | None:
        """``super().__init__()`` as a statement of its own, that nothing else stands in line with."""
        for call in Construction(self.cls).init_calls:
            statement = init.parent(call.node)
            if call.place.block is None and isinstance(statement, cst.Expr):
                where = self.cls.file.range(statement)
                line = self.cls.file.source.lines[where.end.line - 1]
                rest = line[where.end.column - 1 :].strip()
                return statement if not rest else None
        return None


def class_level_modules(cls: ClassModel) -> Iterator[ClassLevelModule]:
    for definition in cls.body.definitions:
        if definition.kind == "value" and definition.value is not None and "." not in definition.name:
            yield ClassLevelModule(cls, definition, definition.value)


def _names(node: cst.CSTNode) -> Iterator[cst.Name]:
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, cst.Name):
            yield current
        elif isinstance(current, (cst.Attribute, cst.Arg)):
            pending.append(current.value)
        else:
            pending.extend(current.children)
