"""What is taken from the output of recurrent layers: ``out[:, -1]``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Label, Range
from torchlint.model.file import File
from torchlint.model.flow import Definition, Function, definitions_of
from torchlint.model.kinds import Kind
from torchlint.model.values import Value, argument, has_star
from torchlint.model.vocabulary import RECURRENT_LAYERS, is_last_of_second

_LAYERS = {f"torch.nn.{name}" for name in RECURRENT_LAYERS}
_SAME_SHAPE = {
    "dropout", "relu", "tanh", "sigmoid", "gelu", "silu", "elu", "leakyrelu", "leaky_relu", "layernorm", "layer_norm",
    "softmax", "identity", "contiguous",
}  # fmt: skip
_REORDERING = {
    "T", "mT", "batch_first", "einops", "movedim", "moveaxis", "pack_padded_sequence", "permute", "rearrange", "swapaxes",
    "swapdims", "t", "time_major", "transpose", "unsqueeze",
}  # fmt: skip
_MAX_DEPTH = 8


@dataclass(frozen=True, eq=False)
class LastOfSecond:
    """``out[:, -1]`` of the output of a recurrent layer; ``called`` is the layer as it is called, ``self.rnn``."""

    file: File
    function: Function
    node: cst.Subscript
    called: tuple[cst.BaseExpression, ...]

    @property
    def range(self) -> Range:
        return self.file.range(self.node)

    @property
    def spelled(self) -> str:
        return self.file.code(self.node)

    @property
    def layer(self) -> str:
        return self.file.code(self.called[0])

    @cached_property
    def _layers(self) -> list[Value]:
        return [
            value for callee in self.called for value in self.file.evaluator.values(callee, self.function)
        ]

    @property
    def is_of_sequence(self) -> bool:
        """Whether the layer can only be one whose output begins with the dimension of time."""
        return bool(self._layers) and all(map(self._is_time_major, self._layers))

    def _is_time_major(self, value: Value) -> bool:
        call = value.node
        if value.kind is not Kind.MODULE or value.dotted not in _LAYERS or not isinstance(call, cst.Call):
            return False
        if value.dotted.rpartition(".")[2] not in self.file.source.text or has_star(call):
            return False
        given = argument(call, "batch_first", 4)
        return given is None or self.file.code(given) == "False"

    @cached_property
    def is_reordered(self) -> bool:
        """Whether the function speaks of the order of dimensions, or adds one: then it may know what it does."""
        said = {
            word
            for function in self.function.and_outer()
            for node in function.walked
            for word in _named(node)
        }
        return bool(said & _REORDERING) or any(_makes_single(call.node) for call in self.function.calls)

    @property
    def labels(self) -> tuple[Label, ...]:
        """Where the layer is made, in this file."""
        node, function = self._layers[0].node, self._layers[0].function
        if node is None or function is None or function.file is not self.file:
            return ()
        return (Label(self.file.range(node), "without `batch_first=True`, time comes first"),)


def last_of_second(file: File, wanted: Collection[int]) -> Iterator[LastOfSecond]:
    """Those in the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        for node in function.walked:
            if isinstance(node, cst.Subscript) and is_last_of_second(file.code(node)):
                called = _called(node.value, function, _MAX_DEPTH)
                if called:
                    yield LastOfSecond(file, function, node, tuple(called))


def _called(node: cst.BaseExpression, function: Function, depth: int) -> list[cst.BaseExpression]:
    """What is called for the first thing that it returns, on every way to an expression; nothing where one is not known."""
    if depth == 0:
        return []
    if isinstance(node, cst.Subscript):
        first = isinstance(node.value, cst.Call) and function.file.code(node).endswith(")[0]")
        return [node.value.func] if first and isinstance(node.value, cst.Call) else []
    if isinstance(node, cst.Call):
        kept = _last_name(node, function) in _SAME_SHAPE
        inner = node.args[0].value if node.args else getattr(node.func, "value", None)
        return _called(inner, function, depth - 1) if kept and inner is not None else []
    if not isinstance(node, cst.Name):
        return []
    found, free = definitions_of(function.reaching(node))
    called = [_called_by(definition, function, depth) for definition in found]
    return [each for several in called for each in several] if not free and all(called) else []


def _called_by(definition: Definition, function: Function, depth: int) -> list[cst.BaseExpression]:
    if definition.place.function is not function or definition.value is None:
        return []
    if definition.kind == "unpacked" and definition.index == (0,):
        return [definition.value.func] if isinstance(definition.value, cst.Call) else []
    return _called(definition.value, function, depth - 1) if definition.kind == "value" else []


def _last_name(call: cst.Call, function: Function) -> str:
    """The name of the function or of the class of the module that is called, in small letters."""
    evaluator = function.file.evaluator
    dotted = {value.dotted for value in evaluator.values(call.func, function)}
    name = dotted.pop() if len(dotted) == 1 else ""
    if not name and isinstance(call.func, cst.Attribute) and not call.args:
        return call.func.attr.value
    return name.rpartition(".")[2].lower() if name.startswith("torch.") else ""


def _named(node: cst.CSTNode) -> Iterator[str]:
    if isinstance(node, (cst.Name, cst.Attribute)):
        yield node.value if isinstance(node, cst.Name) else node.attr.value
    elif isinstance(node, cst.Arg) and node.keyword is not None:
        yield node.keyword.value


def _makes_single(call: cst.Call) -> bool:
    """``x.view(len(x), 1, -1)``: there is one sample, and the last one is the only one."""
    reshaping = isinstance(call.func, cst.Attribute) and call.func.attr.value in ("view", "reshape")
    return (
        reshaping
        and len(call.args) > 1
        and isinstance(call.args[1].value, cst.Integer)
        and call.args[1].value.value == "1"
    )
