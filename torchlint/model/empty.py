"""Parameters that are made of memory as it was found: ``nn.Parameter(torch.empty(8))``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Range
from torchlint.model.flow import Function
from torchlint.model.kinds import Kind
from torchlint.model.module_class import Assigned, ClassModel, root
from torchlint.model.vocabulary import EMPTY_TENSORS

_INITIALISING = re.compile(r"(?i)init(?!__)|reset|\bapply\b|parameters|state_dict|_load|load_|\bdata\b")

_FILLED_ELSEWHERE = re.compile(
    r"(?i)pretrained|checkpoint|state_dict|quantiz|in \w[\w.]*\.(?:named_)?parameters\(\)|\.apply\("
)
"""What speaks of weights that are loaded, or written for all Parameters at once."""


@dataclass(frozen=True, eq=False)
class EmptyParameter:
    """``self.w = nn.Parameter(torch.empty(8))``."""

    assigned: Assigned
    call: cst.Call

    @property
    def cls(self) -> ClassModel:
        return self.assigned.cls

    @property
    def name(self) -> str:
        return self.assigned.name

    @property
    def range(self) -> Range:
        return self.assigned.range

    @property
    def spelled(self) -> str:
        """``torch.empty``."""
        return self.cls.file.code(self.call.func)

    @cached_property
    def _class_text(self) -> str:
        lines = self.cls.file.source.lines[self.cls.outline.first - 1 : self.cls.outline.last]
        return "".join(lines)

    @property
    def is_given_values(self) -> bool:
        """Whether anything in the class or around it may write to the Parameter.

        Outside of the forward pass the attribute is not even mentioned, nothing in the class speaks of initialising, and
        nothing else in the file names the attribute or the class, loads weights or writes to all Parameters.
        """
        attribute = self.assigned.attribute
        if _FILLED_ELSEWHERE.search(self.cls.file.source.text):
            return True
        forward = self.cls.used_by_forward - self.cls.used_by_init
        if any(root(load.place.function).name not in forward for load in attribute.loads):
            return True
        if len([store for store in attribute.stores if store.kind == "assign"]) > 1:
            return True
        if any(self._may_write(function) for function in self._functions_in_line()):
            return True
        return self._is_named_elsewhere(attribute.name)

    def _functions_in_line(self) -> Iterator[Function]:
        yield from self.cls.functions()
        for model in self.cls.ancestors:
            yield from model.functions()

    def _may_write(self, function: Function) -> bool:
        """Whether a function calls something that speaks of initialising, or writes in place to what it has."""
        for call in function.calls:
            name = self.cls.file.code(call.node.func).rpartition(".")[2]
            if name != "__init__" and (_INITIALISING.search(name) or name.endswith("_")):
                return True
            given = [item.value for item in call.node.args]
            with_self = any(isinstance(node, cst.Name) and node.value == function.self_name for node in given)
            if with_self and name != "super":
                return True
        return function.name != "__init__" and bool(_INITIALISING.search(function.name))

    def _is_named_elsewhere(self, name: str) -> bool:
        """Whether the rest of the file has ``.name``, or tests for the class."""
        text = self.cls.file.source.text
        pattern = re.compile(rf"\.{re.escape(name)}\b|[(, ]{re.escape(self.cls.name)}\)\s*:")
        return len(pattern.findall(text)) > len(pattern.findall(self._class_text))


def empty_parameters(cls: ClassModel) -> Iterator[EmptyParameter]:
    for attribute in cls.attributes.values():
        for store, value in attribute.assigned():
            if value.kind is not Kind.PARAMETER or not isinstance(value.source, cst.Call):
                continue
            if root(store.place.function).name != "__init__" or value.function is not store.place.function:
                continue
            given = value.source.args[0].value if value.source.args else None
            call = _empty(cls, given, store.place.function) if given is not None else None
            if call is not None:
                yield EmptyParameter(Assigned(attribute, store, value), call)


def _empty(cls: ClassModel, node: cst.BaseExpression, function: Function) -> cst.Call | None:
    """The call that takes memory as it is: of ``torch.empty``, or of ``torch.Tensor`` with several sizes."""
    if not isinstance(node, cst.Call):
        return None
    dotted = cls.file.evaluator.dotted(node.func, function)
    sizes = [item.value for item in node.args if item.keyword is None]
    if dotted == "torch.empty":
        return node if sizes else None
    if dotted in EMPTY_TENSORS:
        return node if len(sizes) > 1 or (sizes and isinstance(sizes[0], cst.Integer)) else None
    return None
