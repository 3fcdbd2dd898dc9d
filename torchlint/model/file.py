"""The PyTorch model of one file, and the program it belongs to: what a rule may ask starts here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate

import libcst as cst

from torchlint.diagnostic import Edit, Position, Range
from torchlint.model.flow import Definition, Function, fill, fill_script
from torchlint.model.kinds import Kind
from torchlint.model.module_class import ClassModel
from torchlint.model.source import Source
from torchlint.model.tree import Span, Tree
from torchlint.model.values import UNKNOWN, Evaluator, Values
from torchlint.model.vocabulary import GROWING_METHODS
from torchlint.project.index import Project, Symbol
from torchlint.project.outline import (
    ClassOutline,
    FunctionOutline,
    Outline,
    OutlineError,
    depth_error,
)
from torchlint.project.questions import Questions
from torchlint.stopwatch import PARSING, clock, stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

_NO_MODULE = cst.Module([])
_WORD = re.compile(r"\w+")
Growth = dict[cst.CSTNode, list[tuple[cst.BaseExpression, bool, Function]]]
"""For each container, by the expression that makes it: what is added, whether that is a container, and where."""


_MOST_PARSED = 1_500_000
"""How many characters of parsed text are kept; a tree takes about 70 times the memory of its text."""


class Program:
    """The files of a project that have been looked into, with their trees, until they are too many."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._files: dict[str, File] = {}

    def add(self, source: Source, outline: Outline) -> File:
        """The file being checked: its text comes from the caller, not from the disk."""
        known = self._files.get(outline.path)
        # What other files were told about a text that has changed may no longer hold.
        changed = known is not None and known.outline.text != outline.text
        if changed or sum(file.weight for file in self._files.values()) > _MOST_PARSED:
            self.release()
        file = self.file(outline)
        file.source = source
        return file

    def file(self, outline: Outline) -> File:
        if outline.path not in self._files:
            self._files[outline.path] = File(self, Source(outline.path, outline.text), outline)
        return self._files[outline.path]

    def release(self) -> None:
        """Free all files: between two files that are checked, when nobody asks about them any more."""
        for file in self._files.values():
            file.release()
        self._files.clear()


class Surroundings:
    """The program as the model of one file looks into it, which takes note of the files it looks into."""

    def __init__(self, program: Program, project: Project | Questions) -> None:
        self._program = program
        self._project = project

    def file(self, outline: Outline) -> File:
        self._project.looked_into(outline)
        return self._program.file(outline)

    def class_model(self, symbol: Symbol) -> ClassModel | None:
        if symbol.kind != "class" or symbol.outline is None:
            return None
        return self.file(symbol.outline).class_model(symbol.qualname)

    def has_word(self, word: str, symbol: Symbol) -> bool:
        """Whether ``word`` stands anywhere in the text of a class or function of the project."""
        if symbol.outline is None or symbol.definition is None:
            return False
        return self.file(symbol.outline).has_word(word, symbol.definition)

    def line(self, symbol: Symbol) -> Iterator[Symbol | None]:
        """A class and its base classes, nearest first."""
        yield symbol
        yield from self._project.ancestors(symbol)

    def attribute_values(self, line: Iterable[Symbol | None], name: str) -> Values:
        """What the first class of ``line`` that keeps something in ``self.name`` keeps there.

        A class whose text shows that it keeps nothing there is not even parsed.
        """
        for symbol in line:
            if symbol is None or symbol.outline is None or symbol.class_outline is None:
                continue
            self._project.looked_into(symbol.outline)
            if not symbol.outline.may_assign(symbol.class_outline, name):
                continue
            model = self.class_model(symbol)
            found = model.own_attribute_values(name) if model is not None else ()
            if found:
                return found
        return (UNKNOWN,)

    def function(self, symbol: Symbol) -> Function | None:
        if symbol.kind != "function" or symbol.outline is None:
            return None
        return self.file(symbol.outline).function(symbol.qualname)


class File:
    """One file: its classes, functions and script, parsed as far as they are asked for."""

    def __init__(self, program: Program, source: Source, outline: Outline) -> None:
        self.project = program.project.asked_by(outline)
        self.program = Surroundings(program, self.project)
        self.source = source
        self.outline = outline
        self.weight = len(outline.text) // 16  # the lines
        """How many characters have been parsed, or take as much memory."""
        self.evaluator = Evaluator(self)
        self.script: Function | None = None
        self.refused: list[OutlineError] = []
        self.given: frozenset[str] | None = None
        """The classes whose callers may pass modules in a list, where the others are ruled out."""
        self._partial_scripts: dict[tuple[int, ...], Function] = {}
        self._trees: list[Tree] = []
        self._statements: dict[int, list[cst.CSTNode]] = {}
        self._functions: dict[str, Function | None] = {}
        self._classes: dict[str, ClassModel | None] = {}
        self._growth: dict[Function | ClassModel, Growth] = {}
        self._growing: set[Function | ClassModel] = set()

    def release(self) -> None:
        """Cut the circles that would keep trees alive until the garbage collector looks at old objects: never, nearly."""
        models = [model for model in self._classes.values() if model is not None]
        functions = [*self._functions.values(), *self._partial_scripts.values(), self.script]
        for model in models:
            functions.extend(model.walked())
        inner = [part for function in functions if function is not None for part in function.everything()]
        for link in (link for function in inner for link in function.carried):
            link.definitions = ()
        for circle in (*inner, *models, self.evaluator, self):
            vars(circle).clear()

    # -- parsing ---------------------------------------------------------------------------------------------------

    def load(self, indices: Iterable[int]) -> None:
        """Parse the top-level statements with these indices, in one call; those known already are left alone."""
        wanted = sorted(set(indices) - self._statements.keys())
        if wanted:
            with stage(PARSING):
                self._load(wanted)

    def _load(self, wanted: list[int]) -> None:
        spans: list[Span] = [
            (self.outline.statements[index].first, self.outline.statements[index].last) for index in wanted
        ]
        refused = {index for index in wanted if self._is_refused(index)}
        if refused:
            self._statements.update({index: [] for index in refused})
            self.load(set(wanted) - refused)
            return
        tree = Tree(self.source.lines, spans)
        self._trees.append(tree)
        self._count(spans)
        self.weight += sum(len(line) for first, last in spans for line in self.source.lines[first - 1 : last])
        nodes = list(tree.module.body)
        lines: set[int] = set()
        for index, span in zip(wanted, spans, strict=True):
            # Statements that share a line are one LibCST node, which the first of them keeps.
            self._statements[index] = [] if span[0] in lines else [nodes.pop(0)]
            lines.update(range(span[0], span[1] + 1))

    def _count(self, spans: list[Span]) -> None:
        """For ``--stats``: what LibCST was given."""
        running = clock()
        if running is not None:
            whose = "parsed" if self.outline.path == running.checked else "parsed of other files"
            parsed = (line for first, last in spans for line in self.source.lines[first - 1 : last])
            running.count("number", whose, len(spans))
            running.count("bytes", whose, sum(len(line.encode("utf-8", "surrogatepass")) for line in parsed))

    def _is_refused(self, index: int) -> bool:
        """Whether a statement would crash LibCST, or take it minutes; then it is not parsed, and noted."""
        try:
            error = depth_error([self._syntax(index)])
        except OutlineError as broken:  # what another file does is only parsed where it is asked for
            error = broken
        if error is not None:
            self.refused.append(error)
        return error is not None

    def _syntax(self, index: int) -> ast.stmt:
        """A top-level statement as Python's own parser has it; raises ``OutlineError``."""
        alone = None if self.project.has_tree(self.outline) else self.outline.statement(index)
        return self.project.tree(self.outline).body[index] if alone is None else alone

    def load_script(self) -> None:
        """Parse and walk the statements of the module level that are no definitions."""
        if self.script is not None:
            return
        indices = self._script_indices
        self.load(indices)
        self.script = Function(self, "<module>", None)
        fill_script(self.script, [node for index in indices for node in self._statements[index]])

    def definitions_in_script(self, name: str) -> list[Definition]:
        """What the module level binds ``name`` to, outside of definitions.

        Only the statements that it depends on are parsed: a table of a hundred configurations is not.
        """
        script = self.script
        if script is None:
            indices = self._script_around(name)
            if indices not in self._partial_scripts:
                self.load(indices)
                script = Function(self, "<module>", None)
                fill_script(script, [node for index in indices for node in self._statements[index]])
                self._partial_scripts[indices] = script
            script = self._partial_scripts[indices]
        return [item for item in script.definitions if item.name == name]

    def _script_around(self, name: str) -> tuple[int, ...]:
        """The statements of the script that mention ``name``, or a variable that one of these mentions."""
        found: set[int] = set()
        pending, seen = [name], {name}
        while pending:
            word = pending.pop()
            for index in self._script_indices:
                text = self._text_of_statement(index) if index not in found else ""
                if word in text:
                    found.add(index)
                    new = {other for other in _WORD.findall(text) if self._is_variable(other)} - seen
                    seen |= new
                    pending.extend(new)
        return tuple(sorted(found))

    def has_word(self, name: str, definition: ClassOutline | FunctionOutline) -> bool:
        """Whether ``name`` stands anywhere in the text of a class or function."""
        starts = self._line_starts
        return self.source.text.find(name, starts[definition.first - 1], starts[definition.last]) >= 0

    def function_has_word(self, qualname: str, words: Iterable[str]) -> bool:
        outline = self.outline.functions.get(qualname)
        return outline is not None and any(self.has_word(word, outline) for word in words)

    def is_import(self, index: int) -> bool:
        """Whether a top-level statement only imports, as far as its text shows."""
        text = self._text_of_statement(index)
        return text.startswith(("import ", "from ")) and ";" not in text

    def _text_of_statement(self, index: int) -> str:
        statement = self.outline.statements[index]
        starts = self._line_starts
        return self.source.text[starts[statement.first - 1] : starts[statement.last]]

    @cached_property
    def _line_starts(self) -> list[int]:
        return list(accumulate(map(len, self.source.lines), initial=0))

    def _is_variable(self, name: str) -> bool:
        return any(found.kind == "value" for found in self.outline.bindings.get(name, ()))

    def _definition(self, index: int, name: str) -> cst.CSTNode | None:
        """The definition of ``name`` in a top-level statement, also inside an ``if`` or ``try``."""
        self.load([index])
        pending = list(self._statements[index])
        while pending:
            node = pending.pop(0)
            if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
                if node.name.value == name:
                    return node
            elif isinstance(
                node, (cst.BaseCompoundStatement, cst.BaseSuite, cst.Else, cst.ExceptHandler, cst.Finally)
            ):
                pending.extend(child for child in node.children if not isinstance(child, cst.BaseExpression))
        return None

    # -- what is in the file ---------------------------------------------------------------------------------------

    def function(self, qualname: str) -> Function | None:
        """A function of the module level."""
        if qualname not in self._functions:
            outline = self.outline.functions.get(qualname)
            node = self._definition(outline.statement, outline.name) if outline else None
            self._functions[qualname] = (
                fill(Function(self, qualname, node)) if isinstance(node, cst.FunctionDef) else None
            )
        return self._functions[qualname]

    def class_model(self, qualname: str) -> ClassModel | None:
        if qualname not in self._classes:
            self._classes[qualname] = None  # a class that asks for itself while it is looked for
            self._classes[qualname] = self._find_class(qualname)
        return self._classes[qualname]

    def _find_class(self, qualname: str) -> ClassModel | None:
        outline = self.outline.classes.get(qualname)
        if outline is None:
            return None
        outer, separator, name = qualname.rpartition(".<locals>.")
        if separator and "." not in name:
            return self._local_class(qualname, outer, name)
        owner, _, name = qualname.rpartition(".")
        if owner:
            model = self.class_model(owner)
            inner = [item for item in model.node.body.body if isinstance(item, cst.ClassDef)] if model else []
            around = model.enclosing if model else None
            return next(
                (ClassModel(self, node, outline, around) for node in inner if node.name.value == name), None
            )
        node = self._definition(outline.statement, name)
        return ClassModel(self, node, outline, None) if isinstance(node, cst.ClassDef) else None

    def _local_class(self, qualname: str, outer: str, name: str) -> ClassModel | None:
        function = self._any_function(outer)
        for node, _ in function.classes if function else ():
            if node.name.value == name:
                return ClassModel(self, node, self.outline.classes[qualname], function)
        return None

    def _any_function(self, qualname: str) -> Function | None:
        """A function by its full name: of the module, of a class, or inside another function."""
        outer, separator, name = qualname.rpartition(".<locals>.")
        if separator and "." not in name:
            around = self._any_function(outer)
            return next((item for item in around.nested if item.name == name), None) if around else None
        owner, _, name = qualname.rpartition(".")
        if owner:
            model = self.class_model(owner)
            return model.methods.get(name) if model else None
        return self.function(qualname)

    def local_class(self, definition: Definition) -> Symbol | None:
        """The symbol of a class defined inside a function."""
        function = definition.place.function
        outline = self.outline.classes.get(f"{function.qualname}.<locals>.{definition.name}")
        return self.project.class_symbol(self.outline, outline) if outline else None

    def classes(self, indices: Iterable[int]) -> Iterator[ClassModel]:
        """The classes in the top-level statements with these indices."""
        wanted = set(indices)
        for qualname, outline in self.outline.classes.items():
            if outline.statement in wanted:
                model = self.class_model(qualname)
                if model is not None:
                    yield model

    def all_functions(self, indices: Iterable[int]) -> Iterator[Function]:
        """Every function, method and closure in the top-level statements, and the script if it is among them."""
        wanted = set(indices)
        self.load(wanted)
        for name, outline in self.outline.functions.items():
            function = self.function(name) if outline.statement in wanted else None
            if function is not None:
                yield from function.everything()
        for model in self.classes(wanted):
            yield from model.functions()
        if wanted & set(self._script_indices):
            self.load_script()
            if self.script is not None:
                yield from self.script.everything()

    @property
    def statements_of_script(self) -> list[cst.CSTNode]:
        """The statements of the module level that are no definitions, as they were parsed."""
        self.load(self._script_indices)
        return [node for index in self._script_indices for node in self._statements[index]]

    @cached_property
    def _script_indices(self) -> list[int]:
        """The top-level statements that are no definitions."""
        definitions = {item.statement for item in self.outline.definitions if "." not in item.qualname}
        definitions |= {item.statement for item in self.outline.functions.values()}
        return [index for index in range(len(self.outline.statements)) if index not in definitions]

    def module_named(
        self, annotation: cst.BaseExpression, scope: ClassOutline | None = None
    ) -> Symbol | None:
        """The Module class that an annotation names, written out or in quotes."""
        text = (
            str(annotation.evaluated_value)
            if isinstance(annotation, cst.SimpleString)
            else self.code(annotation)
        )
        if not text.replace(".", "").isidentifier():
            return None
        symbol = self.project.resolve(self.outline, text, scope=scope)
        return symbol if symbol is not None and self.project.is_module(symbol) else None

    # -- containers that grow --------------------------------------------------------------------------------------

    def growth(self, function: Function) -> Growth:
        """What is added to each container that ``function`` (or any method of its class) makes."""
        scope: Function | ClassModel = function.owner or _outermost(function)
        if scope in self._growing:  # asked again while it is filled: as far as it is known
            self.evaluator.cut_short()
        elif scope not in self._growth:
            self._growth[scope] = {}
            self._growing.add(scope)
            functions = scope.functions() if isinstance(scope, ClassModel) else scope.everything()
            for inner in list(functions):
                self._add_growth(inner, self._growth[scope])
            self._growing.discard(scope)
        return self._growth[scope]

    def _add_growth(self, function: Function, growth: Growth) -> None:
        for call in function.calls:
            callee = call.node.func
            position = GROWING_METHODS.get(callee.attr.value) if isinstance(callee, cst.Attribute) else None
            if position is None or len(call.node.args) <= position:
                continue
            assert isinstance(callee, cst.Attribute)
            whole = callee.attr.value in ("extend", "update")
            self._grow(callee.value, call.node.args[position].value, whole, function, growth)
        for target, value, _ in function.item_stores:
            self._grow(target.value, value, False, function, growth)
        for grown, statement, _ in function.augmented:
            if isinstance(statement.operator, cst.AddAssign):
                self._grow(grown, statement.value, True, function, growth)

    def _grow(
        self,
        holder: cst.BaseExpression,
        added: cst.BaseExpression,
        whole: bool,
        function: Function,
        growth: Growth,
    ) -> None:
        if not isinstance(holder, (cst.Name, cst.Attribute, cst.Subscript)):
            return
        for value in self.evaluator.values(holder, function):
            if value.node is not None and value.kind in (Kind.CONTAINER, Kind.MODULE):
                growth.setdefault(value.node, []).append((added, whole, function))

    # -- positions and text ----------------------------------------------------------------------------------------

    def _tree(self, node: cst.CSTNode) -> Tree:
        for tree in self._trees:
            if tree.holds(node):
                return tree
        raise LookupError("the node is of another file")

    def range(self, node: cst.CSTNode) -> Range:
        return self._tree(node).range(node)

    def outer_range(self, node: cst.BaseExpression) -> Range:
        """With the parentheses around it."""
        return self._tree(node).outer_range(node)

    def text(self, where: Range) -> str:
        (first, start), (last, end) = where
        lines = self.source.lines
        if first == last:
            return lines[first - 1][start - 1 : end - 1]
        return "".join([lines[first - 1][start - 1 :], *lines[first : last - 1], lines[last - 1][: end - 1]])

    def code(self, node: cst.BaseExpression) -> str:
        """An expression on one line, to be compared or quoted in a message; a fix takes :meth:`text`, to the letter."""
        return " ".join(_NO_MODULE.code_for_node(node).split())

    def code_of(self, node: cst.CSTNode) -> str:
        """The same for a case of a ``match`` or another node that is no expression."""
        return " ".join(_NO_MODULE.code_for_node(node).split())

    def comments(self, where: Range) -> list[str]:
        """The comments on the lines of ``where`` and on the line above."""
        (first, _), (last, _) = where
        return [
            line.partition("#")[2].strip()
            for line in self.source.lines[max(first - 2, 0) : last]
            if "#" in line
        ]

    def indentation(self, line: int) -> str:
        """The white space that a line begins with."""
        text = self.source.lines[line - 1]
        return text[: len(text) - len(text.lstrip(" \t\f"))]

    def spell(self, dotted: str) -> str | None:
        """How this file can write a torch name (``nn.ModuleList``) with the imports it has."""
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            prefix = ".".join(parts[:length])
            for name in self.outline.bindings:
                symbol = self.project.resolve(self.outline, name)
                if symbol is not None and symbol.kind == "external" and symbol.dotted == prefix:
                    return ".".join([name, *parts[length:]])
        return None

    # -- edits -----------------------------------------------------------------------------------------------------

    def replace(self, node: cst.BaseExpression, text: str) -> Edit:
        return Edit(self.outer_range(node), text)

    def insert(self, where: Position, text: str) -> Edit:
        return Edit(Range(where, where), text)

    def wrap(self, node: cst.BaseExpression, before: str, after: str) -> tuple[Edit, Edit]:
        where = self.outer_range(node)
        return self.insert(where.start, before), self.insert(where.end, after)


def _outermost(function: Function) -> Function:
    while function.outer is not None and function.outer.node is not None:
        function = function.outer
    return function
