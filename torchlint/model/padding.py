"""Random values for the weights of an embedding with a row for padding, which should be zero."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Fix, Position, Range
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Function
from torchlint.model.kinds import Kind
from torchlint.model.values import Value, argument
from torchlint.model.vocabulary import RANDOM_INITS, may_pad

_EMBEDDINGS = {"torch.nn.Embedding": 2, "torch.nn.EmbeddingBag": None}
"""The layers with a ``padding_idx``, and its position."""
_RENEWING = ("_fill_padding_idx_with_zero", "reset_parameters", "load_state_dict", "from_pretrained")


@dataclass(frozen=True, eq=False)
class PaddingOverwrite:
    """``nn.init.normal_(emb.weight)``, where ``emb`` was made with a ``padding_idx``."""

    file: File
    function: Function
    site: CallSite
    holder: cst.BaseExpression
    embedding: Value

    @property
    def range(self) -> Range:
        return self.file.range(self.site.node)

    @property
    def name(self) -> str:
        """The embedding as the user wrote it: ``self.emb``."""
        return self.file.code(self.holder)

    @property
    def spelled(self) -> str:
        return self.file.code(self.site.node.func)

    @cached_property
    def _padding(self) -> cst.BaseExpression | None:
        return _padding_of(self.embedding)

    @property
    def may_be_without(self) -> bool:
        """Whether there may be no row for padding: the index is ``None``, or a parameter that is by default."""
        function = self.embedding.function
        if self._padding is None or function is None:
            return True
        return any(
            value.kind is Kind.NONE or _is_none_by_default(value)
            for value in function.file.evaluator.values(self._padding, function)
        )

    @property
    def is_mended(self) -> bool:
        """Whether the row is written elsewhere, or all weights come from somewhere else."""
        for function in self._functions_around():
            weights = {f"{self.name}.weight", f"{self.name}.weight.data"}
            for node in function.walked:
                if isinstance(node, cst.Subscript) and self.file.code(node.value) in weights:
                    return True
            for target, _, _ in function.item_stores:
                if self.file.code(target.value) in weights:
                    return True
            if any(self.file.code(store.target) in weights for store in function.attribute_stores):
                return True
            if any(self._renews(call.node, weights) for call in function.calls):
                return True
        return False

    def _renews(self, call: cst.Call, weights: set[str]) -> bool:
        callee = call.func
        if not isinstance(callee, cst.Attribute):
            return False
        holder = self.file.code(callee.value)
        if callee.attr.value in _RENEWING:
            return holder == self.name or callee.attr.value == "_fill_padding_idx_with_zero"
        return callee.attr.value in ("copy_", "zero_") and holder in weights

    def _functions_around(self) -> Iterator[Function]:
        owner = self.function.owner
        yield from owner.functions() if owner is not None else [*self.function.and_outer()][-1].everything()

    @property
    def fix(self) -> Fix | None:
        """Set the row to zero behind it."""
        statement = self.function.parent(self.site.node)
        if not isinstance(statement, cst.Expr):
            return None
        where = self.file.range(statement)
        lines = self.file.source.lines
        first, last = lines[where.start.line - 1], lines[where.end.line - 1].rstrip("\r\n")
        if first[: where.start.column - 1].strip() or last[where.end.column - 1 :].partition("#")[0].strip():
            return None
        text = f"\n{self.file.indentation(where.start.line)}{self.name}.weight.data[{self.name}.padding_idx].zero_()"
        end = Position(where.end.line, len(last) + 1)
        return Fix("set the row for padding to zero", (self.file.insert(end, text),))


def padding_overwrites(file: File, wanted: Collection[int]) -> Iterator[PaddingOverwrite]:
    """Those in the top-level statements with these indices."""
    if not may_pad(file.source.text):
        return
    for function in file.all_functions(wanted):
        for site in function.calls:
            weight = _randomised(file, site.node, function)
            holder = _holder(weight) if weight is not None else None
            if holder is None:
                continue
            values = file.evaluator.values(holder, function)
            if values and all(
                value.dotted in _EMBEDDINGS and value.kind is Kind.MODULE and _padding_of(value) is not None
                for value in values
            ):
                yield PaddingOverwrite(file, function, site, holder, values[0])


def _randomised(file: File, call: cst.Call, function: Function) -> cst.BaseExpression | None:
    """What a call gives random values, such as ``emb.weight.data``."""
    callee = call.func
    name = callee.attr if isinstance(callee, cst.Attribute) else callee
    if not isinstance(name, cst.Name) or name.value.rstrip("_") not in RANDOM_INITS:
        return None
    dotted = file.evaluator.dotted(callee, function)
    if dotted is not None and dotted.startswith("torch.nn.init."):
        return argument(call, "tensor", 0)
    in_place = isinstance(callee, cst.Attribute) and name.value.endswith("_") and dotted is None
    return callee.value if in_place and isinstance(callee, cst.Attribute) else None


def _holder(weight: cst.BaseExpression) -> cst.BaseExpression | None:
    """``emb`` of ``emb.weight`` or ``emb.weight.data``."""
    if isinstance(weight, cst.Attribute) and weight.attr.value == "data":
        weight = weight.value
    if isinstance(weight, cst.Attribute) and weight.attr.value == "weight":
        return weight.value if isinstance(weight.value, (cst.Name, cst.Attribute)) else None
    return None


def _padding_of(value: Value) -> cst.BaseExpression | None:
    if not isinstance(value.node, cst.Call):
        return None
    return argument(value.node, "padding_idx", _EMBEDDINGS.get(value.dotted))


def _is_none_by_default(value: Value) -> bool:
    if value.kind is not Kind.ARGUMENT or value.function is None:
        return False
    given = next((item for item in value.function.parameters if item.name == value.name), None)
    return (
        given is None
        or given.kind not in ("positional", "keyword")
        or (isinstance(given.default, cst.Name) and given.default.value == "None")
    )
