"""Methods whose names are taken for those that PyTorch calls, and are not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Range
from torchlint.model.flow import Function
from torchlint.model.module_class import ClassModel
from torchlint.model.vocabulary import MISSPELLED_METHODS


@dataclass(frozen=True, eq=False)
class MisspelledMethod:
    """``def foward(self, x)`` in a Module class; ``meant`` is what nobody else there defines."""

    cls: ClassModel
    method: Function
    node: cst.FunctionDef
    meant: str

    @property
    def name(self) -> str:
        return self.method.name

    @property
    def range(self) -> Range:
        return self.cls.file.range(self.node.name)

    @property
    def is_missing(self) -> bool:
        """Whether the class has no method of the right name, and no base class that may have one."""
        outline = self.cls.outline
        if self.meant in outline.methods | outline.assigned or self.meant in self.cls.attributes:
            return False
        lightning = any("Lightning" in (base or "") for base in outline.bases)
        if self.meant not in ("__init__", "forward"):
            return lightning  # other modules have no such method
        if self.meant == "__init__":
            return True
        return all(
            symbol is not None
            and (symbol.dotted == "torch.nn.Module" or (symbol.kind == "class" and not self._defines(symbol)))
            for symbol in self.cls.ancestor_symbols
            if symbol is None or symbol.dotted != "builtins.object"
        )

    def _defines(self, symbol: object) -> bool:
        outline = getattr(symbol, "class_outline", None)
        return outline is None or self.meant in outline.methods | outline.assigned

    @property
    def is_called(self) -> bool:
        """Whether it is what the author calls it: the name stands elsewhere in the file, in a base class, or in a file
        that imports this class."""
        program, bases = self.cls.file.program, self.cls.ancestor_symbols
        if any(symbol is None or program.has_word(f".{self.name}", symbol) for symbol in bases):
            return True
        if any(
            f".{self.name}(" in self.cls.file.program.file(user).source.text
            for user in self.cls.file.project.users(self.cls.symbol)
            if user is not self.cls.file.outline
        ):
            return True
        return len(re.findall(rf"\b{self.name}\b", self.cls.file.source.text)) > 1 + len(self._calls_of_super)

    @property
    def converts(self) -> bool:
        """Whether it may be the ``__int__`` of Python, which makes a number of an object."""
        if self.name != "__int__":
            return False
        sets_up = self.method.stores or self._calls_super_init or self._calls_of_super
        return len(self.method.parameters) < 2 and not sets_up

    @property
    def _calls_super_init(self) -> bool:
        return any(
            isinstance(call.node.func, cst.Attribute) and call.node.func.attr.value == "__init__"
            for call in self.method.calls
        )

    @property
    def _calls_of_super(self) -> list[cst.Attribute]:
        """``super().foward``, by the same wrong name."""
        return [
            node
            for node in self.method.attributes
            if node.attr.value == self.name
            and isinstance(node.value, cst.Call)
            and isinstance(node.value.func, cst.Name)
            and node.value.func.value == "super"
        ]

    @property
    def fix(self) -> Fix:
        """Another file may call a ``foward``; nobody calls an ``__int__`` to initialise."""
        wrong = [self.node.name, *(node.attr for node in self._calls_of_super)]
        edits = tuple(Edit(self.cls.file.range(node), self.meant) for node in wrong)
        return Fix(f"call it `{self.meant}`", edits, safety="safe" if self.meant == "__init__" else "unsafe")


def misspelled_methods(cls: ClassModel) -> Iterator[MisspelledMethod]:
    for name in sorted(MISSPELLED_METHODS.keys() & cls.outline.methods):
        method = cls.methods.get(name)
        if method is not None and method.self_name is not None and isinstance(method.node, cst.FunctionDef):
            yield MisspelledMethod(cls, method, method.node, MISSPELLED_METHODS[name])
