"""Learning rate schedulers that are made and kept under a name, and what becomes of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Label, Range
from torchlint.model.callers import argument_for, called_function
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Definition, Function, Loop, children, definitions_of
from torchlint.model.kinds import Kind
from torchlint.model.mode import words
from torchlint.model.module_class import ClassModel, root
from torchlint.model.schedulers import trains_in
from torchlint.model.values import Value, argument, has_star
from torchlint.model.vocabulary import SCHEDULER_QUESTIONS, scheduler_names

_MEANT_TO_BE_IDLE = re.compile(r"(?i)^_|^(?:un|not_)used|dummy")
_SETS_BY_HAND = re.compile(
    r"""(?i)(?:adjust|update|set|decay|change)\w*(?:lr|learning_?rate)\w*\(|["'](?:lr|learning_rate)["']\]\s*[-+*/]?=[^=]"""
)
_DATA = re.compile(r"(?i)loader|(^|_)dl($|_)|dataload|batches|(^|_)(train|data)_?iter")
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

    def range_of(self, site: CallSite) -> Range:
        return self.file.range(site.node)

    def label(self) -> Label:
        return Label(self.range, "counted in batches")

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
        return self._is_kept_in(start, SCHEDULER_QUESTIONS)

    def _is_kept_in(self, start: cst.CSTNode, allowed: Collection[str]) -> bool:
        """Whether nothing is done with the variable other than to bind it and to ask it what is allowed."""
        pending: list[tuple[cst.CSTNode, ...]] = [(start,)]
        while pending:
            node, *around = pending.pop()
            if isinstance(node, cst.Name):
                if node.value in _SEES_ALL_NAMES:
                    return False
                if node.value == self.name and not self._is_left_alone(node, around, allowed):
                    return False
            pending += [(child, node, *around[:1]) for child in node.children]
        return True

    def _is_left_alone(self, node: cst.Name, around: Sequence[cst.CSTNode], allowed: Collection[str]) -> bool:
        parent, outer = [*around, None, None][:2]
        if _leaves_alone(node, parent, allowed):
            return True
        return isinstance(parent, cst.Arg) and self._is_ignored(parent, outer)

    def _is_ignored(self, given: cst.Arg, call: cst.CSTNode | None) -> bool:
        """Whether it is given to a function of the project that does nothing at all with that parameter."""
        if given.star or not isinstance(call, cst.Call) or has_star(call):
            return False
        called = called_function(call, self.function)
        node = called.node if called is not None else None
        if called is None or not isinstance(node, cst.FunctionDef) or node.decorators:
            return False
        taken = [
            item.name for item in called.parameters if argument_for(call, item.name, called) is given.value
        ]
        return len(taken) == 1 and not _mentions(node.body, {taken[0], *_SEES_ALL_NAMES})

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
        return not any(self._may_be_read_in(file, SCHEDULER_QUESTIONS) for file in self._files_around(owner))

    def _files_around(self, owner: ClassModel) -> list[File]:
        """The files that know a class: its own, those of its bases, and those that import it."""
        line = (symbol.outline for symbol in owner.ancestor_symbols if symbol is not None)
        outlines = [*self.file.project.users(owner.symbol), *(each for each in line if each is not None)]
        files = [self.file, *map(self.file.program.file, outlines)]
        return list({id(file): file for file in files}.values())

    def _may_be_read_in(self, file: File, allowed: Collection[str]) -> bool:
        name = re.escape(self._last_name)
        questions = "|".join(sorted(allowed))
        read = rf"\.\s*{name}\b(?!\s*(?::[^=\n]+)?=[^=])(?!\.(?:{questions})\b)"
        spelled = rf"""["']{name}["']\s*[,)]"""
        return re.search(f"{read}|{spelled}|__dict__|\\bvars\\(", file.source.text) is not None

    # -- how often it is stepped -----------------------------------------------------------------------------------

    @cached_property
    def counts_batches(self) -> bool:
        """Whether its length is written in batches: ``steps_per_epoch=len(loader)``."""
        made, call = self.made_by, self.call
        if has_star(call):
            return False
        if made == "OneCycleLR":
            total, each = argument(call, "total_steps", 2), argument(call, "steps_per_epoch", 4)
            return self._is_in_batches(total) or (_is_none(total) and self._is_in_batches(each))
        if made == "CyclicLR":
            up = argument(call, "step_size_up", 3)
            return up is None or self._is_in_batches(up)
        return made == "CosineAnnealingLR" and self._is_in_batches(argument(call, "T_max", 1))

    def _is_in_batches(self, node: cst.BaseExpression | None, depth: int = 2) -> bool:
        """Whether an expression, or what a name in it was assigned, has the length of a loader in it."""
        if node is None:
            return False
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "len":
            return bool(node.args) and any(_DATA.search(word) for word in words(node.args[0].value))
        if isinstance(node, cst.Name) and depth:
            definitions, free = definitions_of(self.function.reaching(node))
            return (
                len(definitions) == 1
                and not free
                and definitions[0].kind == "value"
                and self._is_in_batches(definitions[0].value, depth - 1)
            )
        return not isinstance(node, (cst.Attribute, cst.Lambda, cst.Subscript)) and any(
            isinstance(child, cst.BaseExpression) and self._is_in_batches(child, depth)
            for child in _operands(node)
        )

    @cached_property
    def steps_behind_batches(self) -> list[CallSite]:
        """All its steps, if each stands behind a loop that trains on batches, and none in such a loop."""
        steps = self._steps
        return steps if all(map(self._is_behind_batches, steps)) else []

    @property
    def _steps(self) -> list[CallSite]:
        """All calls of its ``step()``; none where it may be stepped elsewhere, too."""
        if isinstance(self.definition.node, cst.Attribute):
            return self._steps_in_class()
        node = self.function.node
        steps = [site for site in self.function.calls if self._is_step(site)]
        inner = [site for each in self.function.everything() for site in each.calls if self._is_step(site)]
        if node is None and self.function.owner is None and not self._is_in_definition(self.name):
            nodes = list(self.file.statements_of_script)
        else:
            nodes = [node] if isinstance(node, cst.FunctionDef) else []
        is_kept = bool(nodes) and all(self._is_kept_in(each, _WITH_STEP) for each in nodes)
        return steps if is_kept and len(steps) == len(inner) else []

    def _steps_in_class(self) -> list[CallSite]:
        owner = self.function.owner
        if owner is None or not _is_closed(owner):
            return []
        steps = [site for function in owner.functions() for site in function.calls if self._is_step(site)]
        files = self._files_around(owner)
        written = re.compile(rf"\.{re.escape(self._last_name)}\.step\b")
        found = sum(len(written.findall(file.source.text)) for file in files)
        if found != len(steps) or any(self._may_be_read_in(file, _WITH_STEP) for file in files):
            return []
        return steps

    def _is_step(self, site: CallSite) -> bool:
        callee = site.node.func
        return (
            isinstance(callee, cst.Attribute)
            and callee.attr.value == "step"
            and isinstance(callee.value, (cst.Name, cst.Attribute))
            and self.file.code(callee.value) == self.name
        )

    def _is_behind_batches(self, step: CallSite) -> bool:
        loops, function = step.place.loops(), step.place.function
        around = loops[0] if loops else None
        if around is None and not isinstance(self.definition.node, cst.Attribute):
            return False  # one step in all
        if around is not None and around in self.definition.place.loops():
            return False
        if isinstance(around, cst.For) and trains_in(around, function):
            return False
        return any(trains_in(loop, function) for loop in _loops_in(function, around)) or any(
            self._has_batch_loop(call, function)
            for call in function.calls
            if call.place.loops()[:1] == [around]
        )

    def _has_batch_loop(self, call: CallSite, function: Function) -> bool:
        """Whether what is called trains on batches in a loop."""
        called = called_function(call.node, function, with_word="backward")
        return called is not None and any(trains_in(loop, called) for loop in _loops_in(called, None))


_WITH_STEP = {*SCHEDULER_QUESTIONS, "step"}


def _loops_in(function: Function, around: Loop | None) -> list[cst.For]:
    """The loops of a function in which something is called, or those of them inside of another loop."""
    found: dict[int, cst.For] = {}
    for call in function.calls:
        loops = call.place.loops()
        inside = loops[: loops.index(around)] if around in loops else loops if around is None else []
        found.update((id(loop), loop) for loop in inside if isinstance(loop, cst.For))
    return list(found.values())


def _operands(node: cst.BaseExpression) -> list[cst.CSTNode]:
    if isinstance(node, cst.Call):  # int(...), math.ceil(...)
        return [item.value for item in node.args]
    return children(node)


def _is_none(node: cst.BaseExpression | None) -> bool:
    return node is None or (isinstance(node, cst.Name) and node.value == "None")


def _mentions(start: cst.CSTNode, names: Collection[str]) -> bool:
    pending = [start]
    while pending:
        node = pending.pop()
        if isinstance(node, cst.Name) and node.value in names:
            return True
        pending += node.children
    return False


def _is_closed(owner: ClassModel) -> bool:
    """Whether all base classes are known, and none is of a framework that steps schedulers by itself."""
    return all(
        symbol is not None and (symbol.kind == "class" or symbol.dotted in _KNOWN_BASES)
        for symbol in owner.ancestor_symbols
    )


def _expects(item: cst.WithItem) -> bool:
    return any(re.search(r"(?i)raises|warn|assert", word) for word in words(item.item))


def _leaves_alone(node: cst.Name, parent: cst.CSTNode | None, allowed: Collection[str]) -> bool:
    """Whether a mention of a scheduler does not let it out: it is bound, asked for its state, or another thing is meant."""
    if isinstance(parent, cst.Attribute):
        return parent.value is not node or parent.attr.value in allowed
    return _is_bound(node, parent)


def _is_bound(node: cst.Name, parent: cst.CSTNode | None) -> bool:
    """Whether a name is assigned to, or is that of a keyword."""
    if isinstance(parent, cst.Arg):
        return parent.keyword is node
    return isinstance(parent, (cst.AssignTarget, cst.Param)) or (
        isinstance(parent, cst.AnnAssign) and parent.target is node
    )


def _names_scheduler(node: cst.BaseExpression) -> bool:
    return any(word.endswith(("LR", "Plateau", "Restarts", "Scheduler")) for word in words(node))


def schedulers_made(file: File, wanted: Collection[int]) -> Iterator[Scheduler]:
    """Those in the top-level statements with these indices.

    What is called must be named like one in the text of the file: the search for them begins with the text.
    """
    names = scheduler_names(file.source.text)
    for function in file.all_functions(wanted) if names else ():
        seen: set[str] = set()
        for definition in function.definitions:
            node = definition.value
            if definition.kind == "value" and isinstance(node, cst.Call) and names & set(words(node.func)):
                values = file.evaluator.values(node, function)
                if len(values) == 1 and values[0].kind is Kind.SCHEDULER and values[0].node is node:
                    yield Scheduler(file, definition, values[0], definition.name not in seen)
                    seen.add(definition.name)
