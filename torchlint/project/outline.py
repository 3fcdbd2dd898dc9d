"""What one file defines and mentions, as plain data from a single ``ast.parse``.

An outline is what the screen and the class index work on. It holds no syntax tree and can be pickled. Parsing
with ``ast`` also protects LibCST, which crashes on very deep input that ``ast.parse`` refuses cleanly.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate

from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeVar

    AClass = TypeVar("AClass", bound=type)

MAX_DEPTH = 400
"""Nodes along one path of a statement. LibCST is cubic in the length of a chain such as ``a.b().b()``."""

MAX_CHARACTERS = 2 * 1024 * 1024


class OutlineError(Exception):
    """The text cannot be analysed; ``line`` and ``column`` are 1-based."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason, line, column)
        self.reason = reason
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.reason}"


class Statement(Record):
    """The lines of a top-level statement, decorators included."""

    first: int
    last: int


class Import(Record):
    """An import as it is written: ``from ..a.b import c`` is ``Import(2, "a.b", "c")``."""

    level: int
    module: str
    member: str | None


class Binding(Record):
    """One place where a name gets its value.

    ``target`` is the absolute dotted name of an import (with its leading dots where the module's own name
    is unknown), ``alias`` the dotted name on the right of ``Conv = nn.Conv2d``; ``literal`` marks a constant
    such as ``None``. ``everywhere`` marks a name that a function binds through ``global``, so at any time.
    """

    name: str
    kind: Literal["import", "class", "function", "value"]
    line: int
    conditional: bool = False
    target: str | None = None
    origin: Import | None = None
    alias: str | None = None
    literal: bool = False
    everywhere: bool = False


class Star(Record):
    """``from module import *``."""

    level: int
    module: str
    target: str
    line: int


def _by_identity(cls: AClass) -> AClass:
    """Let two of them be equal only where they are one: the definitions of a name may look alike."""
    for name in ("__eq__", "__ne__", "__hash__"):
        setattr(cls, name, getattr(object, name))
    return cls


@_by_identity
class FunctionOutline(Record):
    """A function at the top level of its file."""

    name: str
    first: int
    last: int
    statement: int
    line: int

    @property
    def qualname(self) -> str:
        return self.name


@_by_identity
class ClassOutline(Record):
    """A class anywhere in a file.

    ``bases`` are dotted names as written, without subscripts; ``None`` stands for any other expression.
    ``line`` is the line of the word ``class``, ``first`` that of the first decorator. ``enclosed`` holds what
    the names of the enclosing functions (and of the class directly around) are bound to. ``properties`` are among
    the ``methods``.
    """

    name: str
    qualname: str
    bases: tuple[str | None, ...]
    metaclass: str | None
    first: int
    last: int
    statement: int
    methods: frozenset[str]
    decorators: tuple[str | None, ...]
    line: int
    assigned: frozenset[str] = frozenset()
    enclosed: Mapping[str, tuple[Binding, ...]] = {}
    properties: frozenset[str] = frozenset()

    @property
    def local(self) -> bool:
        """Whether the class is made anew by each call of a function."""
        return "<locals>" in self.qualname


class _Drawn(Record):
    """What is drawn from a file."""

    path: str
    module: str | None
    text: str
    statements: tuple[Statement, ...]
    bindings: Mapping[str, tuple[Binding, ...]]
    stars: tuple[Star, ...]
    exports: tuple[str, ...] | None
    classes: Mapping[str, ClassOutline]
    definitions: tuple[ClassOutline, ...]
    functions: Mapping[str, FunctionOutline]


@_by_identity
class Outline(_Drawn):
    """A file. ``classes`` has the last definition of a qualified name, ``definitions`` all in file order."""

    @classmethod
    def from_text(cls, text: str, path: str, module: str | None = None) -> Outline:
        """Parse ``text``; raises :class:`OutlineError` where it cannot be analysed."""
        return cls.from_tree(parse(text), text, path, module)

    @classmethod
    def from_tree(cls, tree: ast.Module, text: str, path: str, module: str | None = None) -> Outline:
        """The outline of a ``text`` that is parsed already."""
        collector = _Collector(_package(path, module))
        bindings = collector.bind(tree.body)
        for binding in _bound_from_inside(tree, text):
            bindings.setdefault(binding.name, []).append(binding)
        definitions = tuple(
            definition
            for index, (statement, count) in enumerate(zip(tree.body, _class_counts(tree, text), strict=True))
            if count
            for definition in collector.classes(statement, index, count)
        )
        return cls(
            path=path,
            module=module,
            text=text,
            statements=tuple(Statement(*_span(statement)) for statement in tree.body),
            bindings={name: tuple(found) for name, found in bindings.items()},
            stars=tuple(collector.stars),
            exports=_exports(tree.body) if "__all__" in text else None,
            classes={found.qualname: found for found in definitions},
            definitions=definitions,
            functions={
                node.name: FunctionOutline(node.name, *_span(node), index, node.lineno)
                for index, node in enumerate(tree.body)
                if isinstance(node, _FUNCTION)
            },
        )

    @property
    def imported_packages(self) -> set[str]:
        """The first words of what the file imports at the top level."""
        targets = [star.target for star in self.stars]
        targets += [
            each.target for found in self.bindings.values() for each in found if each.target is not None
        ]
        return {target.partition(".")[0] for target in targets}

    @cached_property
    def imports_torch(self) -> bool:
        """Whether the file imports PyTorch itself, so that what cannot be resolved may be of it."""
        return "torch" in self.text and _TORCH.search(self.text) is not None

    def may_name_torch(self, name: str) -> bool:
        """Whether a name may be PyTorch, or of it, as this file alone shows: what another file re-exports is not."""
        if name in self.bindings:
            return any(
                found.alias is not None or (found.target or "").partition(".")[0] == "torch"
                for found in self.bindings[name]
            )
        return bool(self._inner_imports) and _word(name).search(self._inner_imports) is not None

    @cached_property
    def _inner_imports(self) -> str:
        """The text of the imports that do not begin in the first column."""
        return "".join(found[0] for found in _INNER_IMPORT.finditer(self.text))

    def mentioning(self, name: str) -> set[int]:
        """The top-level statements in whose text ``name`` is a word."""
        return self.statements_on(self.lines_with(name))

    def statements_on(self, lines: Sequence[int]) -> set[int]:
        """The top-level statements that stand on one of these lines."""
        if not lines:
            return set()
        firsts = [statement.first for statement in self.statements]
        indices = {bisect_right(firsts, line) - 1 for line in lines}
        wanted = {firsts[index] for index in indices if index >= 0}
        return {index for index, first in enumerate(firsts) if first in wanted}  # all that share a line

    def lines_with(self, name: str) -> list[int]:
        """The lines on which ``name`` is a word."""
        return self.lines_at(self.places_of(name))

    def places_of(self, name: str) -> list[int]:
        """Where in the text ``name`` is a word."""
        if name not in self.text:  # no pattern says so as fast
            return []
        return [found.start() for found in _word(name).finditer(self.text)]

    def lines_matching(self, pattern: str | re.Pattern[str]) -> list[int]:
        """The lines on which a match of ``pattern`` begins."""
        return self.lines_at(found.start() for found in re.finditer(pattern, self.text))

    def lines_at(self, offsets: Iterable[int]) -> list[int]:
        """The lines on which these places of the text are, in their order."""
        places = sorted(offsets)
        ends = self._line_ends if places else []
        return [bisect_left(ends, place) + 1 for place in places]

    def statement(self, index: int) -> ast.stmt | None:
        """A top-level statement, parsed alone; nothing where it does not stand on lines of its own."""
        if "\r" in self.text:
            return None
        try:
            first, last = self.statements[index]
            found = parse("\n" * (first - 2) + self._lines(first, last)).body
        except OutlineError:
            return None
        return found[0] if len(found) == 1 else None

    def may_assign(self, definition: ClassOutline, name: str) -> bool:
        """Whether a class of the file may give ``self.name`` a value, or define it other than as a plain method.

        As far as its text shows, which is not parsed: where a value is only read, a text seldom shows it.
        """
        if name in definition.assigned or name in definition.properties:
            return True
        if definition not in self._assignable:
            self._assignable[definition] = _targets(self._lines(definition.first, definition.last))
        return name in self._assignable[definition]

    @cached_property
    def _assignable(self) -> dict[ClassOutline, frozenset[str]]:
        """What may be assigned in a class, by its text."""
        return {}

    def _lines(self, first: int, last: int) -> str:
        """Some lines of the text, the end of the line before with them."""
        ends = self._line_ends
        start = ends[first - 2] if first > 1 else 0
        return self.text[start : ends[last - 1] if last <= len(ends) else len(self.text)]

    def script(self) -> list[ast.stmt] | None:
        """The top-level statements that are no definitions, parsed without these; nothing where that cannot be done."""
        if "\r" in self.text:
            return None
        lines = self.text.split("\n")
        plain = [each for each in self.statements if not lines[each.first - 1].startswith(_DEFINING)]
        kept = [""] * len(lines)
        for first, last in plain:
            kept[first - 1 : last] = lines[first - 1 : last]
        try:
            found = parse("\n".join(kept)).body
        except OutlineError:
            return None
        return found if len(found) == len(plain) else None

    def forget_lines(self) -> None:
        """Free what is only needed while the file is looked at."""
        vars(self).pop("_line_ends", None)

    @cached_property
    def _line_ends(self) -> list[int]:
        if "\r" in self.text:
            return [found.start() for found in _LINE_END.finditer(self.text)]
        lengths = accumulate(map(len, self.text.split("\n")))  # four times as fast
        return [length + ends for ends, length in enumerate(lengths)][:-1]

    @cached_property
    def classes_in(self) -> Counter[int]:
        """How many classes each top-level statement holds."""
        return Counter(found.statement for found in self.definitions)

    @cached_property
    def _class_by_line(self) -> dict[tuple[int, str], ClassOutline]:
        return {(found.line, found.name): found for found in self.definitions}

    def class_at(self, line: int, name: str) -> ClassOutline | None:
        """The class whose word ``class`` stands on ``line``."""
        return self._class_by_line.get((line, name))


# ---------------------------------------------------------------------------------------------------- parsing

_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def parse(text: str) -> ast.Module:
    """The syntax tree of ``text``; raises :class:`OutlineError` where Python refuses it."""
    if len(text) > MAX_CHARACTERS:
        raise OutlineError(f"too large: more than {MAX_CHARACTERS // 1024 // 1024} MB of text")
    try:
        with warnings.catch_warnings():  # an invalid escape is the business of other linters
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise OutlineError(
            f"invalid syntax: {(error.msg or '').removeprefix('invalid syntax')}".rstrip(": "),
            max(error.lineno or 1, 1),
            max(error.offset or 1, 1),
        ) from None
    except ValueError as error:  # NUL bytes, lone surrogates
        raise OutlineError(f"invalid text: {error}") from None
    except (RecursionError, MemoryError):
        raise OutlineError("nested too deeply for Python's own parser") from None


def _span(node: ast.stmt) -> tuple[int, int]:
    """First and last line, counting decorators, which ``lineno`` leaves out since Python 3.8."""
    first = node.lineno
    if isinstance(node, _DEFINITION):
        first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
    return first, node.end_lineno or node.lineno


# ---------------------------------------------------------------------------------------------------- inside

_DEFINING = ("def ", "def\t", "class ", "class\t", "async ", "async\t", "@")
"""How the first line of a function or class begins."""

_TORCH = re.compile(r"^[ \t]*(?:import|from)[ \t]+torch\b", re.MULTILINE)
_TARGET = re.compile(r"\.[\s\\]*(\w+)\b(?=\s*(?:[:,)\]\\#]|in\b|(?:[-+%@&|^]|\*\*?|//?|<<|>>)?=(?!=)))")
"""An attribute where it may be assigned: ``self.a, b.c = 1, 2``, ``for self.x in``."""
_NAME_GIVEN = re.compile(r"""["'](\w+)["']+\s*[,)\\#]""")
"""A string that may be the name of one: ``setattr(self, "a", 1)``."""
_WALRUS = re.compile(r"(\w+)\s*:=")

_LINE_END = re.compile(r"\r\n|\r|\n")
_INNER_IMPORT = re.compile(r"[\r\n][ \t]+(?:import|from)\b(?:[^\r\n(]*\([^)]*\)|[^\r\n]*)")


def _targets(text: str) -> frozenset[str]:
    """The words that stand where something may be assigned to them, or to the attribute of that name."""
    found = [*_TARGET.findall(text), *_NAME_GIVEN.findall(text)]
    if ":=" in text:
        found += _WALRUS.findall(text)  # a pattern that begins with a word takes thirty times as long
    return frozenset(found)


def _class_counts(tree: ast.Module, text: str) -> list[int]:
    """How many classes each top-level statement holds.

    A class always begins a line, so where no more lines do than there are classes at the top level, none is inside
    of anything and nothing needs to be walked.
    """
    outer = [int(isinstance(statement, ast.ClassDef)) for statement in tree.body]
    if sum(1 for before in _before("class", text) if not before.strip()) == sum(outer):
        return outer
    return [sum(isinstance(inner, ast.ClassDef) for inner in _all_statements(node)) for node in tree.body]


def _bound_from_inside(tree: ast.Module, text: str) -> Iterator[Binding]:
    """What ``global`` in a function, and ``:=`` in an expression, bind at the module level."""
    if any(
        before.isspace() or before.rstrip().endswith((";", ":", "\\")) for before in _before("global", text)
    ):
        for statement in tree.body:
            for node in _all_statements(statement):
                if isinstance(node, ast.Global):
                    for name in node.names:
                        yield Binding(name, "value", node.lineno, True, everywhere=True)
    if ":=" in text:
        outside: list[ast.AST] = [tree]
        for each in outside:
            outside += [inner for inner in ast.iter_child_nodes(each) if not isinstance(inner, _DEFINITION)]
            if isinstance(each, ast.NamedExpr):
                yield Binding(each.target.id, "value", each.lineno, True)


def _before(word: str, text: str) -> Iterator[str]:
    """What stands on the line before each ``word``. No pattern finds a plain word as fast."""
    at = text.find(word)
    while at >= 0:
        yield text[line_start(text, at) : at]
        at = text.find(word, at + 1)


def line_start(text: str, at: int) -> int:
    """Where the line begins that a place of a text is on."""
    start = text.rfind("\n", 0, at) + 1
    # Most texts have no carriage return: the search must not run back to the beginning.
    return max(text.rfind("\r", start, at) + 1, start)


def _all_statements(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statement and all statements inside of it, those of functions and classes too."""
    stack = [statement]
    while stack:
        node = stack.pop()
        yield node
        stack += blocks_of(node)


@lru_cache(maxsize=256)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"{re.escape(name)}(?<!\w{re.escape(name)})\b"
    )  # beginning with a literal is ten times faster


# ----------------------------------------------------------------------------------------------------- depth


def depth_error(body: Sequence[ast.stmt]) -> OutlineError | None:
    """The refusal of statements that are nested deeper than LibCST can stand."""
    for statement in body:
        error = _too_deep(statement)
        if error is not None:
            return error
    return None


def _too_deep(statement: ast.stmt) -> OutlineError | None:
    """Level by level: the depth comes for free and nothing recurses.

    What stands on one line has hardly more levels than characters, so that most of it need not be walked.
    """
    level: list[ast.AST] = [statement]
    depth = widest = 0
    while level:
        depth += 1
        enough = (MAX_DEPTH - depth - widest) // 3
        below: list[ast.AST] = []
        for node in level:
            if isinstance(node, ast.BoolOp):  # `a or b or c` is flat here, but nested to the left in LibCST
                widest = max(widest, len(node.values))
            below += [child for child in ast.iter_child_nodes(node) if not _is_short(child, enough)]
        if depth + widest > MAX_DEPTH:
            line = next((node.lineno for node in level if isinstance(node, ast.stmt | ast.expr)), 1)
            return OutlineError(f"nested more than {MAX_DEPTH} levels deep", line)
        level = below
    return None


def _is_short(node: ast.AST, enough: int) -> bool:
    """Whether a node stands on one line, with fewer than so many characters."""
    if not isinstance(node, ast.expr | ast.stmt) or node.lineno != node.end_lineno:
        return False
    return (node.end_col_offset or 0) - node.col_offset < enough


# --------------------------------------------------------------------------------------------------- bindings


def dotted_name(node: ast.AST | None) -> str | None:
    """``nn.Conv2d`` for that expression, ``None`` for anything but names joined by dots."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(attributes)])


def _package(path: str, module: str | None) -> str | None:
    """The package that relative imports of the module start from (PEP 328)."""
    if module is None or os.path.basename(path) == "__init__.py":
        return module
    return module.rpartition(".")[0]


def absolute(level: int, module: str, package: str | None) -> str:
    """The absolute name of an imported module; with its dots where it points out of what is known."""
    if not level:
        return module
    if package:
        parts = package.split(".")
        if level <= len(parts):
            kept = parts[: len(parts) - level + 1]
            return ".".join([*kept, module] if module else kept)
    return "." * level + module


def _flatten(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, bool]]:
    """The statements of one scope in source order, with whether they stand inside a compound statement."""
    for outer in body:
        yield outer, False
        stack = [*reversed(_blocks_in_scope(outer))]
        while stack:
            statement = stack.pop()
            yield statement, True
            stack += reversed(_blocks_in_scope(statement))


def _blocks_in_scope(statement: ast.stmt) -> Sequence[ast.stmt]:
    if statement.__class__ in _WITHOUT_BLOCKS or isinstance(statement, _DEFINITION):
        return ()
    return blocks_of(statement)


class _Blocks(dict[type, tuple[str, ...]]):
    """The fields of a statement class that hold statements, in the order of the text."""

    def __missing__(self, cls: type[ast.AST]) -> tuple[str, ...]:
        named = ("body", "handlers", "cases", "orelse", "finalbody") if not issubclass(cls, ast.expr) else ()
        self[cls] = tuple(name for name in named if name in cls._fields)
        return self[cls]


_BLOCKS = _Blocks()


def blocks_of(statement: ast.AST) -> list[ast.stmt]:
    """The statements directly inside of a statement."""
    found: list[ast.stmt] = []
    for name in _BLOCKS[statement.__class__]:
        inner = getattr(statement, name)
        if name in ("handlers", "cases"):
            for block in inner:
                found += block.body
        else:
            found += inner
    return found


_WITHOUT_BLOCKS = {ast.Expr, ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom}
"""The most common statements at the level of a module or class, but for definitions."""

_BINDING_NOTHING = {ast.Expr, ast.If, ast.Return, ast.Raise, ast.Assert, ast.Pass, ast.While}
"""The most common statements that bind no name themselves."""


class _Collector:
    """Finds what the names of a scope are bound to, and the classes with the scopes around them."""

    def __init__(self, package: str | None) -> None:
        self._package = package
        self.stars: list[Star] = []

    def bind(self, body: Sequence[ast.stmt]) -> dict[str, list[Binding]]:
        bindings: dict[str, list[Binding]] = {}
        for statement, conditional in _flatten(body):
            for binding in self._bound_by(statement) if statement.__class__ not in _BINDING_NOTHING else ():
                kept = binding._replace(conditional=True) if conditional else binding
                bindings.setdefault(binding.name, []).append(kept)
        return bindings

    def _bound_by(self, statement: ast.stmt) -> Iterator[Binding]:
        line = statement.lineno
        if isinstance(statement, ast.Import):
            yield from self._import(statement)
        elif isinstance(statement, ast.ImportFrom):
            yield from self._import_from(statement)
        elif isinstance(statement, ast.ClassDef):
            yield Binding(statement.name, "class", line)
        elif isinstance(statement, _FUNCTION):
            yield Binding(statement.name, "function", line)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _assigned(target, statement.value, line)
        elif isinstance(statement, ast.AnnAssign):
            if statement.value is not None:
                yield from _assigned(statement.target, statement.value, line)
        else:
            yield from (Binding(name, "value", line) for name in _rebound(statement))

    def _import(self, statement: ast.Import) -> Iterator[Binding]:
        for alias in statement.names:
            # `import a.b` binds `a`, `import a.b as x` binds x to `a.b`
            target = alias.name if alias.asname else alias.name.partition(".")[0]
            origin = Import(0, alias.name, None)
            yield Binding(alias.asname or target, "import", statement.lineno, target=target, origin=origin)

    def _import_from(self, statement: ast.ImportFrom) -> Iterator[Binding]:
        level, module = statement.level, statement.module or ""
        target = absolute(level, module, self._package)
        for alias in statement.names:
            if alias.name == "*":
                self.stars.append(Star(level, module, target, statement.lineno))
                continue
            dot = "" if target.endswith(".") else "."
            yield Binding(
                alias.asname or alias.name,
                "import",
                statement.lineno,
                target=f"{target}{dot}{alias.name}",
                origin=Import(level, module, alias.name),
            )

    # ------------------------------------------------------------------------------------------ classes

    def classes(self, statement: ast.stmt, index: int, count: int) -> Iterator[ClassOutline]:
        """The ``count`` classes of one top-level statement, in source order."""
        stack: list[_Scope] = [_Scope(statement, "", {}, {})]
        while stack and count:
            scope = stack.pop()
            node = scope.node
            if isinstance(node, ast.ClassDef):
                count -= 1
                yield _class_outline(node, index, scope)
            if count:
                stack += reversed(list(self._inside(scope)))

    def _inside(self, scope: _Scope) -> Iterator[_Scope]:
        """The definitions and blocks below a statement, each with the names that it sees from the outside."""
        node, prefix, functions, around = scope
        if isinstance(node, ast.ClassDef):
            prefix = f"{prefix}{node.name}."
            around = {name: tuple(found) for name, found in self._quietly(node.body).items()}
        elif isinstance(node, _FUNCTION):
            prefix = f"{prefix}{node.name}.<locals>."
            functions = {**functions, **self._locals(node)}
            around = {}
        for inner in blocks_of(node):
            yield _Scope(inner, prefix, functions, around)

    def _quietly(self, body: Sequence[ast.stmt]) -> dict[str, list[Binding]]:
        return _Collector(self._package).bind(body)

    def _locals(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, tuple[Binding, ...]]:
        """What a function binds itself: its parameters, and the names its body binds without ``global``."""
        found = self._quietly(node.body)
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
        for argument in named:
            found.setdefault(argument.arg, []).insert(0, Binding(argument.arg, "value", node.lineno))
        for statement, _ in _flatten(node.body):
            if isinstance(statement, ast.Global | ast.Nonlocal):
                for name in statement.names:
                    found.pop(name, None)
        return {name: tuple(bindings) for name, bindings in found.items()}


class _Scope(Record):
    """A statement with the prefix of its qualified names, and what surrounding functions and class bind."""

    node: ast.stmt
    prefix: str
    functions: dict[str, tuple[Binding, ...]]
    around: dict[str, tuple[Binding, ...]]


def _class_outline(node: ast.ClassDef, index: int, scope: _Scope) -> ClassOutline:
    first, last = _span(node)
    inside = [statement for statement, _ in _flatten(node.body)]
    functions = [statement for statement in inside if isinstance(statement, _FUNCTION)]
    metaclass = [keyword.value for keyword in node.keywords if keyword.arg == "metaclass"]
    return ClassOutline(
        name=node.name,
        qualname=scope.prefix + node.name,
        bases=tuple(_base_name(base) for base in node.bases),
        metaclass=dotted_name(metaclass[0]) if metaclass else None,
        first=first,
        last=last,
        statement=index,
        methods=frozenset(function.name for function in functions),
        decorators=tuple(dotted_name(_called(decorator)) for decorator in node.decorator_list),
        line=node.lineno,
        assigned=frozenset(_assigned_names(inside)),
        enclosed={**scope.functions, **scope.around},
        properties=frozenset(
            function.name for function in functions if function.decorator_list and is_property(function)
        ),
    )


def is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a method is read like an attribute, by its decorators."""
    return has_decorator(node, "property", "cached_property")


def has_decorator(node: ast.FunctionDef | ast.AsyncFunctionDef, *names: str) -> bool:
    """Whether one of the decorators has one of these names, whatever module it is of."""
    return any(_last_name(_called(decorator)) in names for decorator in node.decorator_list)


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _base_name(node: ast.expr) -> str | None:
    """``Base`` for ``Base`` and for ``Base[T]``."""
    return dotted_name(node.value if isinstance(node, ast.Subscript) else node)


def _called(node: ast.expr) -> ast.expr:
    """``register`` for the decorators ``@register`` and ``@register("name")``."""
    return node.func if isinstance(node, ast.Call) else node


def _assigned_names(body: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _target_names(target)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from _target_names(statement.target)


# ------------------------------------------------------------------------------------------------ assignments


def _assigned(target: ast.expr, value: ast.expr, line: int) -> Iterator[Binding]:
    """The bindings of ``target = value``, pair by pair where both sides are tuples of the same length."""
    if isinstance(target, ast.Name):
        yield Binding(
            target.id, "value", line, alias=dotted_name(value), literal=isinstance(value, ast.Constant)
        )
    elif (
        isinstance(target, ast.Tuple | ast.List)
        and isinstance(value, ast.Tuple | ast.List)
        and len(target.elts) == len(value.elts)
        and not any(isinstance(element, ast.Starred) for element in (*target.elts, *value.elts))
    ):
        for inner, source in zip(target.elts, value.elts, strict=True):
            yield from _assigned(inner, source, line)
    else:
        yield from (Binding(name, "value", line) for name in _target_names(target))


def _target_names(target: ast.AST) -> Iterator[str]:
    stack = [target]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Tuple | ast.List):
            stack += reversed(node.elts)
        elif isinstance(node, ast.Starred):
            stack.append(node.value)


def _rebound(statement: ast.stmt) -> Iterator[str]:
    """The names that any other statement binds itself, its inner blocks not counted."""
    if isinstance(statement, ast.For | ast.AsyncFor | ast.AugAssign):
        yield from _target_names(statement.target)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            if item.optional_vars is not None:
                yield from _target_names(item.optional_vars)
    elif isinstance(statement, ast.Delete):
        for target in statement.targets:
            yield from _target_names(target)
    elif isinstance(statement, ast.Match):
        for case in statement.cases:
            yield from _captured(case.pattern)
    elif hasattr(statement, "handlers"):
        yield from (handler.name for handler in statement.handlers if handler.name)
    elif type(statement).__name__ == "TypeAlias":  # since Python 3.12
        yield from _target_names(statement.name)  # type: ignore[attr-defined]


def _captured(pattern: ast.pattern) -> Iterator[str]:
    for node in ast.walk(pattern):
        for name in (getattr(node, "name", None), getattr(node, "rest", None)):
            if isinstance(name, str):
                yield name


# ---------------------------------------------------------------------------------------------------- exports


_EXPORTING = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)


def _exports(body: Sequence[ast.stmt]) -> tuple[str, ...] | None:
    """``__all__`` where every part of it is a literal, as PEP 8 and the typing documentation ask for."""
    names: list[str] | None = None
    for statement, _ in _flatten(body):
        found = _exported_by(statement) if isinstance(statement, _EXPORTING) else None
        if found is None:
            continue
        replaces, parts = found
        if parts is None or (names is None and not replaces):
            return None
        names = parts if replaces or names is None else names + parts
    return None if names is None else tuple(names)


def _exported_by(statement: ast.stmt) -> tuple[bool, list[str] | None] | None:
    """Whether a statement sets ``__all__`` anew or adds to it, and with what; ``None`` if it does neither."""
    if isinstance(statement, ast.Assign) and any(dotted_name(to) == "__all__" for to in statement.targets):
        return True, _strings(statement.value)
    if isinstance(statement, ast.AnnAssign) and dotted_name(statement.target) == "__all__":
        return True, _strings(statement.value)
    if isinstance(statement, ast.AugAssign) and dotted_name(statement.target) == "__all__":
        return False, _strings(statement.value)
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and len(call.args) == 1:
        called = dotted_name(call.func)
        if called == "__all__.extend":
            return False, _strings(call.args[0])
        if called == "__all__.append":
            return False, _strings(ast.List([call.args[0]], ast.Load()))
    return None


def _strings(node: ast.expr | None) -> list[str] | None:
    """The strings of a list or tuple, or of several that are added up."""
    parts: list[list[str]] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        right = _displayed_strings(node.right)
        if right is None:
            return None
        parts.append(right)
        node = node.left
    first = _displayed_strings(node)
    return None if first is None else [*first, *(text for part in reversed(parts) for text in part)]


def _displayed_strings(node: ast.expr | None) -> list[str] | None:
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    values = [element.value for element in node.elts if isinstance(element, ast.Constant)]
    strings = [value for value in values if isinstance(value, str)]
    return strings if len(strings) == len(node.elts) else None
