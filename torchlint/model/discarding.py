"""Statements that compute a tensor and drop it: ``x.unsqueeze(0)`` on a line of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Fix, Range
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Definition, Function, definitions_of
from torchlint.model.kinds import Kind
from torchlint.model.mode import words
from torchlint.model.values import argument
from torchlint.model.vocabulary import (
    MOVING_METHODS,
    PURE_FUNCTIONS,
    PURE_METHODS,
    TENSOR_METHODS,
    may_give_batches,
    pure_calls,
    pure_imports,
    speaks_of_loader,
)

_TENSORS = {Kind.TENSOR, Kind.PARAMETER, Kind.LOST_PARAMETER, Kind.BUFFER}
_NOT_KNOWN = {Kind.UNKNOWN, Kind.ARGUMENT, Kind.NONE}
_TENSOR_ATTRIBUTES = {"T", "data", "device", "dtype", "grad", "is_cuda", "ndim", "requires_grad", "shape"}
_TIMING = (
    "time",
    "timeit",
    "perf_counter",
    "synchronize",
    "elapsed_time",
    "record",
    "profile",
    "warmup",
    "warm_up",
)
_GRADIENT_MODES = re.compile(r"no_grad|inference_mode|enable_grad|set_grad_enabled|autocast|amp")


@dataclass(frozen=True, eq=False)
class DroppedResult:
    """A call that stands for itself as a statement, of a function or method that changes nothing."""

    file: File
    site: CallSite
    statement: cst.CSTNode

    @property
    def function(self) -> Function:
        return self.site.place.function

    @property
    def call(self) -> cst.Call:
        return self.site.node

    @property
    def range(self) -> Range:
        return self.file.range(self.call)

    @property
    def spelled(self) -> str:
        """``torch.clamp``, ``x.unsqueeze``."""
        return self.file.code(self.call.func)

    @cached_property
    def _dotted(self) -> str:
        return self.file.evaluator.dotted(self.call.func, self.function) or ""

    @cached_property
    def subject(self) -> cst.BaseExpression | None:
        """The tensor that was to be changed."""
        if self._dotted.startswith("torch."):
            first = self.call.args[0] if self.call.args else None
            return first.value if first is not None and not first.star else None
        return self.call.func.value if isinstance(self.call.func, cst.Attribute) else None

    @property
    def name(self) -> str:
        return self.file.code(self.subject) if isinstance(self.subject, (cst.Name, cst.Attribute)) else ""

    @cached_property
    def is_of_tensor(self) -> bool:
        """Whether it can only compute a tensor."""
        if self._dotted:
            return self._is_pure_function
        callee = self.call.func
        if not isinstance(callee, cst.Attribute) or self._method not in PURE_METHODS:
            return False
        kinds = {value.kind for value in self.file.evaluator.values(callee.value, self.function)}
        if not kinds:
            return False
        if self._method in MOVING_METHODS:
            return self._is_of_loader(callee.value) or (
                kinds == {Kind.TENSOR} and self._is_made_by_torch(callee.value)
            )
        if kinds <= _TENSORS - {Kind.BUFFER}:
            return True
        known_elsewhere = f"def {self._method}(" in self.file.source.text
        return self._method in TENSOR_METHODS and kinds <= _NOT_KNOWN | _TENSORS and not known_elsewhere

    @property
    def _method(self) -> str:
        return self.call.func.attr.value if isinstance(self.call.func, cst.Attribute) else ""

    @property
    def _is_pure_function(self) -> bool:
        head = self.spelled.partition(".")[0]
        if not self.file.outline.may_name_torch(head):
            return False
        module, _, name = self._dotted.rpartition(".")
        return module in ("torch", "torch.nn.functional") and name in PURE_FUNCTIONS

    def _is_made_by_torch(self, node: cst.BaseExpression) -> bool:
        """Whether a name is bound to what a function of torch makes, and to nothing else."""
        found, free = definitions_of(self.function.reaching(node))
        return bool(found) and not free and all(map(self._begins_with_torch, found))

    def _begins_with_torch(self, definition: Definition) -> bool:
        node: cst.CSTNode | None = definition.value
        if not isinstance(definition.place.function.parent(node), (cst.Assign, cst.AnnAssign)):
            return False
        while isinstance(node, (cst.Attribute, cst.Call)):
            node = node.value if isinstance(node, cst.Attribute) else node.func
        function = definition.place.function
        if not isinstance(node, cst.Name) or not function.file.outline.may_name_torch(node.value):
            return False
        named = function.file.evaluator.dotted(node, function)
        return named is not None and named.startswith("torch")

    def _is_of_loader(self, node: cst.BaseExpression) -> bool:
        """Whether it is one of several variables of a loop over a DataLoader: tensors, as a rule.

        A single variable may be a batch object, which moves itself.
        """
        found, free = definitions_of(self.function.reaching(node))
        if not found or free or self._is_object(self.file.code(node)):
            return False
        return all(map(self._comes_from_loader, found))

    def _is_object(self, name: str) -> bool:
        """Whether it is asked for what no tensor has, ``graph.edge_index`` or ``batch["labels"]``, or unpacked."""
        for node in self.function.walked:
            if isinstance(node, cst.Attribute) and self.file.code(node.value) == name:
                called = self.function.parent(node)
                is_method = isinstance(called, cst.Call) and called.func is node
                if not is_method and node.attr.value not in _TENSOR_ATTRIBUTES:
                    return True
            elif isinstance(node, cst.Subscript) and self.file.code(node.value) == name:
                if re.search(r"[\"']", self.file.code(node)):
                    return True
            elif isinstance(node, cst.Arg) and node.star and self.file.code(node.value) == name:
                return True
        return False

    def _comes_from_loader(self, definition: Definition) -> bool:
        node, index = definition.value, definition.index
        while isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.args:
            if node.func.value == "enumerate":
                index = index[1:]
            elif node.func.value not in ("tqdm", "iter"):
                break
            node = node.args[0].value
        if definition.kind != "loop" or not index or node is None:
            return False
        if isinstance(node, (cst.Name, cst.Attribute)) and "loader" in next(words(node)).lower():
            return True
        if not may_give_batches(words(node)):
            return False
        values = self.file.evaluator.values(node, definition.place.function)
        return speaks_of_loader(self.file.source.text) and all(
            value.dotted == "torch.utils.data.DataLoader" for value in values
        )

    # -- what it may be for --------------------------------------------------------------------------------------------

    @property
    def writes(self) -> bool:
        """Whether it is told to write to something: ``out=``, ``inplace=True``."""
        names = {item.keyword.value for item in self.call.args if item.keyword is not None}
        positional = (self.file.code(item.value) for item in self.call.args[1:] if item.keyword is None)
        inplace = argument(self.call, "inplace")
        given = inplace is not None and self.file.code(inplace) != "False"
        stars = any(item.star == "**" for item in self.call.args)
        return (
            given
            or stars
            or "out" in names
            or "_instance" in names
            or any(text == "True" or "inplace" in text for text in positional if self._dotted)
        )

    @property
    def is_tried(self) -> bool:
        """Whether it is run to see whether it raises, how long it takes, or what a notebook shows."""
        blocks = list(self.site.place.blocks())
        if self.function.node is None and not blocks:
            return True
        if any(block.kind == "with" and not self._keeps_gradients(block.node) for block in blocks):
            return True
        if blocks and blocks[0].kind in ("try", "except"):
            return True
        return self._is_repeated or self._is_in_test or self._is_timed

    def _keeps_gradients(self, node: cst.CSTNode) -> bool:
        """``with torch.no_grad():``, and no other context, which may expect an error or record what is run."""
        return isinstance(node, cst.With) and all(
            _GRADIENT_MODES.search(self.file.code(item.item)) for item in node.items
        )

    @property
    def _is_repeated(self) -> bool:
        """Whether a loop does the same each time: ``for _ in range(100): torch.mm(a, b)``."""
        loops = self.site.place.loops()
        used = set(words(self.call))
        loop = loops[0] if loops else None
        if not isinstance(loop, cst.For):
            return False
        names = set(words(loop.target))
        return not used & names and (names <= {"_", "__"} or len(loop.body.body) == 1)

    @property
    def _is_in_test(self) -> bool:
        """Whether it stands in a class of tests; files of tests are left alone by the rule."""
        owner = self.function.owner
        return owner is not None and "test" in owner.name.lower()

    @property
    def _is_timed(self) -> bool:
        called = {word for call in self.function.calls for word in words(call.node.func)}
        return bool(called & set(_TIMING)) or any(
            word in each.name.lower()
            for each in self.function.and_outer()
            for word in ("bench", "profil", "warm")
        )

    # -- repairs ---------------------------------------------------------------------------------------------------

    @property
    def fix(self) -> Fix | None:
        """``x = x.unsqueeze(0)``; unsafe, since that is what was meant, or not."""
        if not isinstance(self.subject, cst.Name) or self.call.lpar:
            return None
        edit = self.file.insert(self.range.start, f"{self.name} = ")
        return Fix(f"assign it to `{self.name}`", (edit,), safety="unsafe")


def dropped_results(file: File, wanted: Collection[int]) -> Iterator[DroppedResult]:
    """Those in the top-level statements with these indices; each begins a line."""
    if not file.outline.imports_torch:
        return
    for function in file.all_functions(wanted):
        for site in function.calls:
            statement = function.parent(site.node)
            callee = site.node.func
            name = callee.attr.value if isinstance(callee, cst.Attribute) else file.code(callee)
            if isinstance(statement, cst.Expr) and name in PURE_METHODS | PURE_FUNCTIONS:
                line = file.source.lines[file.range(statement).start.line - 1]
                if next(pure_calls(line, pure_imports(file.source.text)), None) is not None:
                    yield DroppedResult(file, site, statement)
