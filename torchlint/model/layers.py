"""Calls of torch layers and functions, anywhere in a file, and what they are given."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Edit, Finding, Fix, Label, Range
from torchlint.model.file import File
from torchlint.model.flow import Function
from torchlint.model.kinds import Kind
from torchlint.model.mode import words
from torchlint.model.values import Value, argument, has_star


@dataclass(frozen=True, eq=False)
class LayerCall:
    """``nn.LSTM(8, 8)``, or ``functools.partial(nn.LSTM, ...)``, which is called later."""

    file: File
    function: Function
    node: cst.Call

    @property
    def range(self) -> Range:
        return self.file.range(self.node)

    @cached_property
    def is_partial(self) -> bool:
        return self.file.evaluator.dotted(self.node.func, self.function) == "functools.partial" and bool(
            self.node.args
        )

    @property
    def _called(self) -> cst.BaseExpression:
        return self.node.args[0].value if self.is_partial else self.node.func

    @cached_property
    def callee(self) -> str:
        """The dotted name of what is called (``torch.nn.LSTM``), or the empty string.

        A class that the text of the file does not name is none: the search for such calls begins with the text.
        """
        dotted = self.file.evaluator.dotted(self._called, self.function) or ""
        return dotted if dotted.rpartition(".")[2] in self.file.source.text else ""

    @property
    def spelled(self) -> str:
        """The callee as the user wrote it, ``nn.LSTM``."""
        return self.file.code(self._called)

    def code(self, node: cst.BaseExpression) -> str:
        return self.file.code(node)

    def argument(self, name: str, position: int | None = None) -> cst.BaseExpression | None:
        if self.is_partial and position is not None:
            position += 1
        return argument(self.node, name, position)

    def has_star(self) -> bool:
        return has_star(self.node)

    def speaks_of(self, node: cst.BaseExpression, word: str) -> bool:
        return any(word in each.lower() for each in words(node))

    def numbers(self, node: cst.BaseExpression) -> list[float] | None:
        """The numbers that an argument may be, by what is written in this file; ``None`` where it may be another.

        A parameter is taken for its default, also where it is kept on ``self``.
        """
        found = [self._number(value) for value in self.file.evaluator.values(node, self.function)]
        return [number for number in found if number is not None] if None not in found else None

    def _number(self, value: Value) -> float | None:
        node = value.node
        if value.kind is Kind.ARGUMENT and value.function is not None:
            node = next((item.default for item in value.function.parameters if item.name == value.name), None)
        return float(node.evaluated_value) if isinstance(node, (cst.Integer, cst.Float)) else None

    def is_written_as(self, node: cst.BaseExpression, number: int) -> bool:
        """Whether an argument can only be this number: parameters, which callers may give, are not looked through."""
        values = self.file.evaluator.values(node, self.function)
        return all(
            isinstance(value.node, cst.Integer) and value.node.evaluated_value == number for value in values
        )

    def name_of(self, node: cst.BaseExpression) -> str | None:
        """``keep_prob`` of that name, of ``self.keep_prob`` and of ``config["keep_prob"]``."""
        if isinstance(node, cst.Name):
            return node.value
        if isinstance(node, cst.Attribute):
            return node.attr.value
        index = node.slice[0].slice if isinstance(node, cst.Subscript) and len(node.slice) == 1 else None
        key = index.value if isinstance(index, cst.Index) else None
        return str(key.evaluated_value) if isinstance(key, cst.SimpleString) else None

    def complement(self, node: cst.BaseExpression) -> str:
        """``0.01`` of ``0.99``, and ``1 - momentum`` of that name."""
        if isinstance(node, cst.Float):
            return format(1 - Decimal(node.value), "f")
        return f"1 - {self.code(node)}"

    @property
    def elements(self) -> list[LayerCall | None]:
        """The layers that are made right there, in ``nn.Sequential(nn.Conv2d(...), ...)``; ``None`` for anything else."""
        return [
            LayerCall(self.file, self.function, item.value)
            if isinstance(item.value, cst.Call) and not item.star and item.keyword is None
            else None
            for item in self.node.args
        ]

    def is_same(self, node: cst.BaseExpression | None, other: cst.BaseExpression | None) -> bool:
        """Whether two arguments are written alike."""
        return node is not None and other is not None and node.deep_equals(other)

    # -- reporting -------------------------------------------------------------------------------------------------

    def finding(
        self,
        message: str,
        *,
        at: cst.BaseExpression,
        caption: str = "",
        fix: Fix | None = None,
        help: str = "",
    ) -> Finding:
        """A finding at the call, which points at one of its arguments."""
        label = Label(self.file.outer_range(at), caption)
        return Finding(self.range, message, labels=(label,), fix=fix, help=help)

    def replace(self, node: cst.BaseExpression, text: str) -> Fix:
        """Give something else for an argument; unsafe, since what the layer does then is what was meant, or not."""
        return Fix(f"pass `{text}`", (self.file.replace(node, text),), safety="unsafe")

    def give(self, name: str, text: str) -> Fix | None:
        """Pass one more argument by name, or another value for one that is given; unsafe as :meth:`replace`."""
        given = self.argument(name)
        if given is not None:
            return self.replace(given, text)
        if not self.node.args:
            return None
        end = self.file.outer_range(self.node.args[-1].value).end
        edit = self.file.insert(end, f", {name}={text}")
        return Fix(f"pass `{name}={text}`", (edit,), safety="unsafe")

    def without(self, node: cst.BaseExpression) -> Fix | None:
        """Leave out an argument that is given by name, behind another."""
        index = next(index for index, item in enumerate(self.node.args) if item.value is node)
        if index == 0 or self.node.args[index].keyword is None:
            return None
        start = self.file.outer_range(self.node.args[index - 1].value).end
        edit = Edit(Range(start, self.file.outer_range(node).end), "")
        return Fix(f"leave out `{self.code(node)}`", (edit,), safety="unsafe")


def layer_calls(file: File, wanted: Collection[int]) -> Iterator[LayerCall]:
    """Those in the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        for site in function.calls:
            yield LayerCall(file, function, site.node)
