"""Learning rate schedulers that are made and kept under a name, and what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Range
from torchlint.model.file import File
from torchlint.model.flow import Definition, Function
from torchlint.model.kinds import Kind
from torchlint.model.mode import words
from torchlint.model.module_class import ClassModel, root
from torchlint.model.values import Value, argument
from torchlint.model.vocabulary import SCHEDULER_QUESTIONS, names_scheduler

_MEANT_TO_BE_IDLE = re.compile(r"(?i)^_|^(?:un|not_)used|dummy")
_SETS_BY_HAND = re.compile(
    r"""(?i)(?:adjust|update|set|decay|change)\w*(?:lr|learning_?rate)\w*\(|["'](?:lr|learning_rate)["']\]\s*[-+*/]?=[^=]"""
)
_SEES_ALL_NAMES = {"locals", "vars", "globals", "eval", "exec", "getattr", "setattr", "hasattr", "__dict__"}
_KNOWN_BASES = {
    "torch.nn.Module", "builtins.object", "builtins.Exception", "abc.ABC", "torch.utils.data.Dataset",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Scheduler:
    """``scheduler = StepLR(optimizer, 30)``, in a local variable or in ``self.scheduler``."""

    file: File
    definition: Definition
    value: Value
    is_first: bool
    """Whether nothing made above has the same name in the function."""

    @property
    def function(self) -> Function:
        return self.definition.place.function

    @property
    def range(self) -> Range:
        return self.file.range(self.call)

    @property
    def call(self) -> cst.Call:
        assert isinstance(self.value.node, cst.Call)
        return self.value.node

    @property
    def name(self) -> str:
        """As the user wrote it: ``self.scheduler``."""
        assert isinstance(self.definition.node, (cst.Name, cst.Attribute))
        return self.file.code(self.definition.node)

    @property
    def made_by(self) -> str:
        """``StepLR``."""
        return self.value.dotted.rpartition(".")[2]

    # -- is it ever used? ------------------------------------------------------------------------------------------

    @cached_property
    def is_idle(self) -> bool:
        """Whether nothing can step it: all that is done with it in its scope is to ask for its state."""
        if _MEANT_TO_BE_IDLE.search(self._last_name) or self._is_being_tried or self._is_stepped_in_comment:
            return False
        if _SETS_BY_HAND.search(self.file.source.text):
            return False  # another way to a schedule
        if isinstance(self.definition.node, cst.Attribute):
            owner = self.function.owner
            return owner is not None and self._is_trained_by(owner) and self._is_idle_in_class(owner)
        return self._is_idle_in_function

    @property
    def _last_name(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def _is_being_tried(self) -> bool:
        """Whether it is made to see whether that works: in ``with raises(...)``, in ``try``, in a test."""
        if root(self.function).name.lower().startswith(("test", "check")):
            return True
        return any(
            block.kind in ("try", "except")
            or (isinstance(block.node, cst.With) and any(map(_expects, block.node.items)))
            for block in self.definition.place.blocks()
        )

    @property
    def _is_stepped_in_comment(self) -> bool:
        """``# scheduler.step()``: whoever wrote that knows."""
        comment = re.compile(rf"#.*\b{re.escape(self._last_name)}\.step\(")
        return comment.search(self.file.source.text) is not None

    # -- a local name ----------------------------------------------------------------------------------------------

    @property
    def _is_idle_in_function(self) -> bool:
        scope = self.function
        if scope.node is None and scope.owner is not None:
            return False  # of a class body, which keeps it as an attribute
        if isinstance(scope.node, cst.FunctionDef):
            nodes: list[cst.CSTNode] = [scope.node]
        elif scope.node is None and not self._is_in_definition(self.name):
            nodes = list(self.file.statements_of_script)
        else:
            return False
        return all(map(self._is_idle_in, nodes)) and any(map(self._has_optimizer_in_use, nodes))

    def _has_optimizer_in_use(self, start: cst.CSTNode) -> bool:
        """Whether something is done with the optimizer, other than to make schedulers for it."""
        optimizer = argument(self.call, "optimizer", 0)
        if not isinstance(optimizer, cst.Name):
            return True
        if self.function.node is None and self._is_in_definition(optimizer.value):
            return True
        pending: list[tuple[cst.CSTNode, cst.CSTNode | None]] = [(start, None)]
        while pending:
            node, parent = pending.pop()
            if isinstance(node, cst.Name) and node.value == optimizer.value:
                if not _is_bound(node, parent):
                    return True
            elif not isinstance(node, cst.Call) or not _names_scheduler(node.func):
                pending += [(child, node) for child in node.children]
        return False

    def _is_in_definition(self, name: str) -> bool:
        """Whether a function or class of the file has the word: a variable of a script can be read in any."""
        lines = self.file.outline.lines_with(name)
        outline = self.file.outline
        spans = [(each.first, each.last) for each in outline.definitions]
        spans += [(each.first, each.last) for each in outline.functions.values()]
        return any(first <= line <= last for first, last in spans for line in lines)

    def _is_idle_in(self, start: cst.CSTNode) -> bool:
        pending: list[tuple[cst.CSTNode, cst.CSTNode | None]] = [(start, None)]
        while pending:
            node, parent = pending.pop()
            if isinstance(node, cst.Name):
                if node.value in _SEES_ALL_NAMES:
                    return False
                if node.value == self.name and not _leaves_alone(node, parent):
                    return False
            pending += [(child, node) for child in node.children]
        return True

    # -- an attribute ----------------------------------------------------------------------------------------------

    def _is_trained_by(self, owner: ClassModel) -> bool:
        """Whether the class steps the optimizer itself, so that it would be the one to step the scheduler."""
        optimizer = argument(self.call, "optimizer", 0)
        if not isinstance(optimizer, (cst.Name, cst.Attribute)) or not _is_closed(owner):
            return False
        name = next(iter(words(optimizer)))
        return any(
            isinstance(call.node.func, cst.Attribute)
            and call.node.func.attr.value == "step"
            and name in words(call.node)
            for function in owner.functions()
            for call in function.calls
        )

    def _is_idle_in_class(self, owner: ClassModel) -> bool:
        """Whether no file that knows the class reads an attribute of that name."""
        line = (symbol.outline for symbol in owner.ancestor_symbols if symbol is not None)
        outlines = [*self.file.project.users(owner.symbol), *(each for each in line if each is not None)]
        files = [self.file, *map(self.file.program.file, outlines)]
        return not any(map(self._may_be_read_in, files))

    def _may_be_read_in(self, file: File) -> bool:
        name = re.escape(self._last_name)
        questions = "|".join(sorted(SCHEDULER_QUESTIONS))
        read = rf"\.\s*{name}\b(?!\s*(?::[^=\n]+)?=[^=])(?!\.(?:{questions})\b)"
        spelled = rf"""["']{name}["']\s*[,)]"""
        return re.search(f"{read}|{spelled}|__dict__|\\bvars\\(", file.source.text) is not None


def _is_closed(owner: ClassModel) -> bool:
    """Whether all base classes are known, and none is of a framework that steps schedulers by itself."""
    return all(
        symbol is not None and (symbol.kind == "class" or symbol.dotted in _KNOWN_BASES)
        for symbol in owner.ancestor_symbols
    )


def _expects(item: cst.WithItem) -> bool:
    return any(re.search(r"(?i)raises|warn|assert", word) for word in words(item.item))


def _leaves_alone(node: cst.Name, parent: cst.CSTNode | None) -> bool:
    """Whether a mention of a scheduler does not let it out: it is bound, asked for its state, or another thing is meant."""
    if isinstance(parent, cst.Attribute):
        return parent.value is not node or parent.attr.value in SCHEDULER_QUESTIONS
    return _is_bound(node, parent)


def _is_bound(node: cst.Name, parent: cst.CSTNode | None) -> bool:
    """Whether a name is assigned to, or is that of a keyword."""
    if isinstance(parent, cst.Arg):
        return parent.keyword is node
    return isinstance(parent, (cst.AssignTarget, cst.Param)) or (
        isinstance(parent, cst.AnnAssign) and parent.target is node
    )


def _names_scheduler(node: cst.BaseExpression) -> bool:
    return any(word.endswith("LR") or names_scheduler(f"torch {word}") for word in words(node))


def schedulers_made(file: File, wanted: Collection[int]) -> Iterator[Scheduler]:
    """Those in the top-level statements with these indices.

    A class that the text of the file does not name is none: the search for them begins with the text.
    """
    if not names_scheduler(file.source.text):
        return
    for function in file.all_functions(wanted):
        names: set[str] = set()
        for definition in function.definitions:
            if definition.kind == "value" and isinstance(definition.value, cst.Call):
                values = file.evaluator.values(definition.value, function)
                if len(values) == 1 and _is_made_here(values[0], definition.value, file):
                    yield Scheduler(file, definition, values[0], definition.name not in names)
                    names.add(definition.name)


def _is_made_here(value: Value, node: cst.Call, file: File) -> bool:
    return (
        value.kind is Kind.SCHEDULER
        and value.node is node
        and value.dotted.rpartition(".")[2] in file.source.text
    )
