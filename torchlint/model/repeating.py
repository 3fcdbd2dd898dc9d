"""Containers that hold one module several times: ``nn.Sequential(*[nn.Linear(8, 8)] * 3)``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import libcst as cst

from torchlint.diagnostic import Fix, Range
from torchlint.model.file import File
from torchlint.model.flow import Function
from torchlint.model.kinds import Kind, State
from torchlint.model.vocabulary import REGISTERING_LISTS, says_shared


@dataclass(frozen=True, eq=False)
class RepeatedModule:
    """``[layer] * n`` in a container that registers its elements.

    ``[layer for _ in range(n)]`` is none: that is how detection heads share one layer on purpose.
    ``node`` is the expression that repeats, ``module`` what it repeats, in ``function``, and ``call`` makes the container.
    """

    file: File
    function: Function
    node: cst.BinaryOperation
    module: cst.BaseExpression
    call: cst.Call

    @property
    def range(self) -> Range:
        return self.file.range(self.node)

    @property
    def spelled(self) -> str:
        """The module as the user wrote it."""
        return self.file.code(self.module)

    @property
    def container(self) -> str:
        return self.file.code(self.call.func)

    @property
    def has_parameters(self) -> bool:
        """Whether it can only be a module with Parameters: to have one ReLU several times is harmless."""
        evaluator = self.file.evaluator
        values = evaluator.values(self.module, self.function)
        return all(
            value.kind is Kind.MODULE and evaluator.state(value) is State.PARAMETERS for value in values
        )

    @property
    def is_meant(self) -> bool:
        """Whether a name or a comment says that the weights are shared."""
        return says_shared(self.spelled) or any(
            says_shared(comment)
            for node in (self.node, self.call)
            for comment in self.file.comments(self.file.range(node))
        )

    @property
    def fix(self) -> Fix | None:
        """``[nn.Linear(8, 8) for _ in range(n)]``; unsafe, as it makes other weights, and more of them."""
        if not isinstance(self.module, cst.Call):
            return None
        number = self.node.right if isinstance(self.node.left, cst.List) else self.node.left
        text = f"[{self.spelled} for _ in range({self.file.code(number)})]"
        return Fix("make each of them", (self.file.replace(self.node, text),), safety="unsafe")


def repeated_modules(file: File, wanted: Collection[int]) -> Iterator[RepeatedModule]:
    """Those in the top-level statements with these indices, of a container that the text of the file names."""
    for function in file.all_functions(wanted):
        for site in function.calls:
            dotted = file.evaluator.dotted(site.node.func, function) or ""
            module, _, name = dotted.rpartition(".")
            if module == "torch.nn" and name in REGISTERING_LISTS and name in file.source.text:
                for item in site.node.args:
                    for value in file.evaluator.values(item.value, function):
                        repeated = _repeated(value.node)
                        if (
                            repeated is not None
                            and value.function is not None
                            and value.function.file is file
                        ):
                            assert isinstance(value.node, cst.BinaryOperation)
                            yield RepeatedModule(file, value.function, value.node, repeated, site.node)


def _repeated(node: cst.CSTNode | None) -> cst.BaseExpression | None:
    """The one element that an expression repeats."""
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Multiply):
        for side, number in ((node.left, node.right), (node.right, node.left)):
            if isinstance(side, cst.List) and len(side.elements) == 1:
                once = isinstance(number, cst.Integer) and number.evaluated_value < 2
                element = side.elements[0]
                return element.value if isinstance(element, cst.Element) and not once else None
    return None
