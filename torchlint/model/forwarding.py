"""Calls of ``forward`` by its name, which pass by everything that calling the module does: ``self.body.forward(x)``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Range
from torchlint.model.file import File
from torchlint.model.flow import Function
from torchlint.model.kinds import Kind
from torchlint.project.index import Symbol


@dataclass(frozen=True, eq=False)
class ForwardCall:
    """``self.body.forward(x)``; ``method`` is what is called."""

    file: File
    function: Function
    node: cst.Call
    method: cst.Attribute

    @property
    def range(self) -> Range:
        return self.file.range(self.node)

    @property
    def holder(self) -> str:
        """As the user wrote it: ``self.body``."""
        return self.file.code(self.method.value)

    @cached_property
    def is_of_known_module(self) -> bool:
        """Whether it can only be a layer of torch, or of a class whose bases are all known: there it is ``nn.Module``
        that calls ``forward``.
        """
        values = self.file.evaluator.values(self.method.value, self.function)
        kinds = {value.kind for value in values}
        return Kind.MODULE in kinds and all(
            value.kind is Kind.NONE or (value.kind is Kind.MODULE and self._is_called_by_torch(value.symbol))
            for value in values
        )

    def _is_called_by_torch(self, symbol: Symbol | None) -> bool:
        """Whether no class from here to those of torch has a ``__call__`` of its own."""
        return symbol is not None and all(map(_leaves_call_alone, self.file.program.line(symbol)))

    @property
    def is_meant(self) -> bool:
        """Whether it stands where calls are passed on, or a comment speaks of hooks."""
        names = {function.name for function in self.function.and_outer()}
        return "__call__" in names or any("hook" in text.lower() for text in self.file.comments(self.range))

    @property
    def fix(self) -> Fix:
        """``self.body(x)``."""
        edit = Edit(Range(self.file.range(self.method.value).end, self.file.range(self.method).end), "")
        return Fix(f"call `{self.holder}` itself", (edit,))


def _leaves_call_alone(symbol: Symbol | None) -> bool:
    if symbol is None:
        return False
    if symbol.class_outline is not None:
        return "__call__" not in symbol.class_outline.methods
    return symbol.dotted.startswith(("torch.nn.", "builtins."))


def forward_calls(file: File, wanted: Collection[int]) -> Iterator[ForwardCall]:
    """Those of what an attribute of ``self`` holds, in the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        for site in function.calls:
            method = site.node.func
            if (
                isinstance(method, cst.Attribute)
                and method.attr.value == "forward"
                and _is_kept(method.value)
            ):
                yield ForwardCall(file, function, site.node, method)


def _is_kept(node: cst.BaseExpression) -> bool:
    """Whether something is ``self.body``, or an element of it. (Any name does for ``self``: the values tell.)"""
    if isinstance(node, cst.Subscript) and not node.lpar:
        node = node.value
    return isinstance(node, cst.Attribute) and not node.lpar and isinstance(node.value, cst.Name)
