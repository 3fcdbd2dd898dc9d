"""What a function or class body does, in any order, from its ``ast``: the rough picture that the screen works on.

A sketch forgets order, conditions and nesting: a name has all the definitions that it has anywhere in the function,
those of closures included. So whatever the flow-sensitive model finds, the sketch allows for.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

from torchlint.model.vocabulary import GROWING_METHODS
from torchlint.project.outline import has_decorator
from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Binding(Record):
    """One definition of a name, with the expression or statement that it comes from.

    ``kind`` is one of ``value``, ``unpacked`` and ``loop`` (both with a path), ``parameter``, ``function``, ``class``,
    ``import`` and ``other``.
    """

    kind: str
    node: Any


TargetPath = tuple[int | None, ...]
"""Where in nested tuples a target stands; ``None`` is any place, behind a starred target."""


def _binding(kind: str, value: Any, path: TargetPath) -> Binding:
    if kind == "value":
        return Binding("unpacked", (value, path)) if path else Binding("value", value)
    return Binding(kind, (value, path) if kind == "loop" else value)


class Growth(Record):
    """Something that is added to a container; ``whole`` where all elements of it are."""

    added: ast.expr
    whole: bool


class Call(Record):
    """A call and the dotted name of what is called, where it is written as one: ``self.fc``, ``F.dropout``."""

    callee: str
    node: ast.Call


class Sketch:
    """One function with its closures, or the simple statements of a class body or of a module.

    ``stores`` are the assignments to attributes of ``self``, ``loads`` the attributes that are read. Growth is kept by
    the name of the container (``layers``, ``self.layers``); ``wild`` is what is added to a container without a name.
    """

    def __init__(
        self,
        name: str,
        body: Iterable[ast.AST],
        self_name: str | None = None,
        arguments: ast.arguments | None = None,
    ) -> None:
        self.name = name
        # Whether a name that is bound here is local everywhere: not so in a class body or a script.
        self.is_function = not name.startswith("<")
        self.self_name = self_name
        self.definitions: dict[str, list[Binding]] = {}
        self.inner: dict[str, list[Binding]] = {}
        self.stores: dict[str, list[Binding]] = {}
        self.loads: set[str] = set()
        self.looped: set[str] = set()
        self.calls: list[Call] = []
        self.growth: dict[str, list[Growth]] = {}
        self.wild: list[Growth] = []
        self.aliases: list[tuple[str, str]] = []
        self.returns: list[ast.expr] = []
        self.nested: dict[str, list[ast.expr]] = {}
        self._returned = self.returns
        self._scope = self.definitions
        self._stack: list[Any] = list(body)
        self._waiting: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        if arguments is not None:
            self._parameters(arguments, self.definitions)
        self._run()

    @classmethod
    def of_function(cls, node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool) -> Sketch:
        named = [*node.args.posonlyargs, *node.args.args]
        bound = is_method and bool(named) and not has_decorator(node, "staticmethod", "classmethod")
        return cls(node.name, node.body, named[0].arg if bound else None, node.args)

    # -- the walk ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._walk()
        self._scope = self.inner
        while self._waiting:
            node = self._waiting.pop()
            self._returned = self.nested.setdefault(node.name, [])
            self._parameters(node.args, self.inner)
            self._stack += node.body
            self._walk()

    def _walk(self) -> None:
        stack = self._stack
        pop, find = stack.pop, _VISIT.get
        while stack:
            node = pop()
            if node.__class__ in _NOTHING_INSIDE:
                continue
            visit = find(node.__class__)
            if visit is not None:
                visit(self, node)
                continue
            for name in FIELDS[node.__class__]:
                child = getattr(node, name)
                if child.__class__ is list:
                    stack += child
                elif child is not None:
                    stack.append(child)

    def _attribute(self, node: ast.Attribute) -> None:
        """What an attribute is of is to be walked; one of ``self`` is a load."""
        holder = node.value
        while holder.__class__ is ast.Attribute:
            node, holder = holder, holder.value
        if holder.__class__ is not ast.Name:
            self._stack.append(holder)
        elif holder.id == self.self_name:
            self.loads.add(node.attr)

    # The most common of those that only hold others: walking their fields takes three times as long.

    def _value(self, node: ast.Expr) -> None:
        self._stack.append(node.value)

    def _binary(self, node: ast.BinOp) -> None:
        self._stack += (node.left, node.right)

    def _unary(self, node: ast.UnaryOp) -> None:
        self._stack.append(node.operand)

    def _comparison(self, node: ast.Compare) -> None:
        self._stack.append(node.left)
        self._stack += node.comparators

    def _condition(self, node: ast.If) -> None:
        self._stack.append(node.test)
        self._stack += node.body
        self._stack += node.orelse

    def _elements(self, node: ast.Tuple | ast.List | ast.Set) -> None:
        self._stack += node.elts

    def _operands(self, node: ast.BoolOp) -> None:
        self._stack += node.values

    def _slice(self, node: ast.Slice) -> None:
        self._stack += [part for part in (node.lower, node.upper, node.step) if part is not None]

    def _dotted(self, node: ast.expr) -> str | None:
        """The dotted name of an expression that is to be walked; an attribute of ``self`` is a load."""
        if node.__class__ is ast.Name:
            return node.id
        parts: list[str] = []
        while node.__class__ is ast.Attribute:
            parts.append(node.attr)
            node = node.value
        if node.__class__ is not ast.Name:
            self._stack.append(node)
            return None
        head: str = node.id
        if head == self.self_name:
            self.loads.add(parts[-1])
        parts.append(head)
        parts.reverse()
        return ".".join(parts)

    def _call(self, node: ast.Call) -> None:
        func, args = node.func, node.args
        dotted = self._dotted(func)
        self.calls.append(Call(dotted or "", node))
        if func.__class__ is ast.Attribute:
            position = GROWING_METHODS.get(func.attr)
            if position is not None:
                self._note_growth(func, node, position)
        if dotted in ("isinstance", "issubclass") and len(args) == 2 and self._names_types(args[1]):
            args = args[:1]
        self._stack += args
        for keyword in node.keywords:
            self._stack.append(keyword.value)

    def _names_types(self, node: ast.expr) -> bool:
        """Whether the types of ``isinstance`` are written as names: nothing is called or read from ``self`` there."""
        heads = {
            dotted_name(part).partition(".")[0]
            for part in (node.elts if isinstance(node, ast.Tuple) else [node])
        }
        return not heads & {"", self.self_name}

    def _note_growth(self, func: ast.Attribute, node: ast.Call, position: int) -> None:
        args = given_to(node)
        if len(args) > position:
            self._grow(func.value, args[position], whole=func.attr in ("extend", "update"))

    def _subscript(self, node: ast.Subscript) -> None:
        self._note_loop(node.value)
        self._stack += (node.value, node.slice)

    def _note_loop(self, node: ast.expr) -> None:
        """``self.layers`` is looped over, or picked from."""
        name = self._attribute_of_self(node)
        if name is not None:
            self.looped.add(name)
        elif isinstance(node, ast.Call):
            self.looped.update(filter(None, map(self._attribute_of_self, node.args)))

    def _attribute_of_self(self, node: ast.expr) -> str | None:
        if node.__class__ is ast.Attribute:
            holder = node.value
            if holder.__class__ is ast.Name and holder.id == self.self_name:
                return node.attr
        return None

    # -- bindings ----------------------------------------------------------------------------------------------------

    def _assign(self, node: ast.Assign) -> None:
        targets, value = node.targets, node.value
        for target in targets:
            self._bind(target, "value", value)
        if len(targets) > 1 or value.__class__ in _NAMING:
            keys = [key for key in map(self._key, (*targets, value)) if key]
            self.aliases += itertools.pairwise(keys)
        self._stack.append(value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, "value", node.value)
            self._stack.append(node.value)
            self._alias(node.target, node.value)

    def _walrus(self, node: ast.NamedExpr) -> None:
        self._bind(node.target, "value", node.value)
        self._stack.append(node.value)
        self._alias(node.target, node.value)

    def _alias(self, target: ast.expr, value: ast.expr) -> None:
        keys = (self._key(target), self._key(value))
        if keys[0] and keys[1]:
            self.aliases.append((keys[0], keys[1]))

    def _augmented(self, node: ast.AugAssign) -> None:
        self._grow(node.target, node.value, whole=True)
        self._stack.append(node.value)
        name = self._attribute_of_self(node.target)
        if name is not None:
            self.stores.setdefault(name, []).append(Binding("augmented", node.value))
            self.loads.add(name)
        elif not isinstance(node.target, ast.Name):
            self._stack.append(node.target)

    def _bind(self, target: ast.expr, kind: str, value: Any, path: TargetPath = ()) -> None:
        if target.__class__ is ast.Name:
            self._scope.setdefault(target.id, []).append(_binding(kind, value, path))
        elif target.__class__ is ast.Attribute:
            name = self._attribute_of_self(target)
            if name is not None:
                self.stores.setdefault(name, []).append(_binding(kind, value, path))
            else:
                self._stack.append(target.value)
        elif isinstance(target, ast.Subscript):
            if kind == "value" and not path:
                self._grow(target.value, value, whole=False)
            self._stack += (target.value, target.slice)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, kind, value, (*path[:-1], None))
        elif isinstance(target, ast.Tuple | ast.List):
            self._bind_several(target.elts, kind, value, path)

    def _bind_several(self, targets: Sequence[ast.expr], kind: str, value: Any, path: TargetPath) -> None:
        if (
            kind == "value"
            and not path
            and isinstance(value, ast.Tuple | ast.List)
            and len(value.elts) == len(targets)
            and not any(isinstance(item, ast.Starred) for item in (*targets, *value.elts))
        ):
            for target, item in zip(targets, value.elts, strict=True):
                self._bind(target, kind, item)
                self._alias(target, item)
            return
        starred = False
        for index, target in enumerate(targets):
            starred = starred or isinstance(target, ast.Starred)
            self._bind(target, kind, value, (*path, None if starred else index))

    def _key(self, node: ast.expr) -> str | None:
        """``layers`` or ``self.layers``: how what grows is known."""
        while node.__class__ is ast.Subscript:
            node = node.value
        if node.__class__ is ast.Name:
            return node.id
        name = self._attribute_of_self(node)
        return f"self.{name}" if name is not None else None

    def _grow(self, holder: ast.expr, added: ast.expr, whole: bool) -> None:
        key = self._key(holder)
        grown = self.wild if key is None else self.growth.setdefault(key, [])
        grown.append(Growth(added, whole))

    def _loop(self, node: ast.For | ast.AsyncFor) -> None:
        self._bind(node.target, "loop", node.iter)
        self._note_loop(node.iter)
        self._stack.append(node.iter)
        self._stack += node.body
        self._stack += node.orelse

    def _comprehension(self, node: ast.comprehension) -> None:
        scope, self._scope = self._scope, self.inner
        self._bind(node.target, "loop", node.iter)
        self._scope = scope
        self._note_loop(node.iter)
        self._stack.append(node.iter)
        self._stack += node.ifs

    def _with_item(self, node: ast.withitem) -> None:
        self._stack.append(node.context_expr)
        if node.optional_vars is not None:
            self._bind(node.optional_vars, "other", None)

    def _named(self, node: Any) -> None:
        """``except ... as error``, ``case Point() as p``, ``case [first, *rest]``."""
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if name:
            self._scope.setdefault(name, []).append(Binding("other", None))
        self._stack += ast.iter_child_nodes(node)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            dotted = alias.name if alias.asname else name
            self._scope.setdefault(name, []).append(Binding("import", dotted))

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            separator = "" if module.endswith(".") else "."
            binding = Binding("import", f"{module}{separator}{alias.name}")
            self._scope.setdefault(alias.asname or alias.name, []).append(binding)

    # -- what is inside ----------------------------------------------------------------------------------------------

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._scope.setdefault(node.name, []).append(Binding("function", node))
        self._stack += node.decorator_list
        self._waiting.append(node)

    def _lambda(self, node: ast.Lambda) -> None:
        self._parameters(node.args, self.inner)
        self._stack.append(node.body)

    def _parameters(self, arguments: ast.arguments, scope: dict[str, list[Binding]]) -> None:
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
        for argument in named:
            scope.setdefault(argument.arg, []).append(Binding("parameter", None))
        self._stack += [default for default in (*arguments.defaults, *arguments.kw_defaults) if default]

    def _class(self, node: ast.ClassDef) -> None:
        self._scope.setdefault(node.name, []).append(Binding("class", node))

    def _return(self, node: ast.Return) -> None:
        if node.value is not None:
            self._returned.append(node.value)
            self._stack.append(node.value)


_VISIT: dict[type, Callable[[Sketch, Any], None]] = {
    ast.Attribute: Sketch._attribute,
    ast.Call: Sketch._call,
    ast.Subscript: Sketch._subscript,
    ast.Assign: Sketch._assign,
    ast.AnnAssign: Sketch._annotated,
    ast.AugAssign: Sketch._augmented,
    ast.NamedExpr: Sketch._walrus,
    ast.For: Sketch._loop,
    ast.AsyncFor: Sketch._loop,
    ast.comprehension: Sketch._comprehension,
    ast.withitem: Sketch._with_item,
    ast.ExceptHandler: Sketch._named,
    ast.MatchAs: Sketch._named,
    ast.MatchStar: Sketch._named,
    ast.MatchMapping: Sketch._named,
    ast.Import: Sketch._import,
    ast.ImportFrom: Sketch._import_from,
    ast.FunctionDef: Sketch._function,
    ast.AsyncFunctionDef: Sketch._function,
    ast.Lambda: Sketch._lambda,
    ast.ClassDef: Sketch._class,
    ast.Return: Sketch._return,
    ast.Expr: Sketch._value,
    ast.BinOp: Sketch._binary,
    ast.UnaryOp: Sketch._unary,
    ast.Compare: Sketch._comparison,
    ast.If: Sketch._condition,
    ast.Tuple: Sketch._elements,
    ast.List: Sketch._elements,
    ast.Set: Sketch._elements,
    ast.BoolOp: Sketch._operands,
    ast.Slice: Sketch._slice,
}

_NOTHING_INSIDE = {ast.Constant, ast.Name, ast.Global, ast.Nonlocal, ast.Pass}

_NAMING = (ast.Name, ast.Attribute, ast.Subscript)

# Fields that lead to no expression.
_LEAVES = frozenset(
    {"ctx", "op", "ops", "kind", "type_comment", "is_async", "simple", "conversion", "annotation"}
)


class _ChildFields(dict[type, tuple[str, ...]]):
    """Which fields of a node class to follow; none for a string or ``None`` that stands among the nodes."""

    def __missing__(self, cls: type) -> tuple[str, ...]:
        fields = cls._fields if issubclass(cls, ast.AST) and cls is not ast.MatchSingleton else ()
        self[cls] = tuple(name for name in fields if name not in _LEAVES)
        return self[cls]


FIELDS = _ChildFields()
"""The fields of each node class that lead to what is evaluated."""


def functions_in(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The methods of a class body, also those under an ``if``, ``with`` or ``try``."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement
        elif isinstance(statement, ast.If):
            yield from functions_in(statement.body)
            yield from functions_in(statement.orelse)
        elif isinstance(statement, ast.With | ast.AsyncWith | ast.Try):
            yield from functions_in(statement.body)


def given_to(call: ast.Call) -> list[ast.expr]:
    """The arguments in their order, those by keyword too, without their stars."""
    given = [item.value if isinstance(item, ast.Starred) else item for item in call.args]
    return [*given, *(keyword.value for keyword in call.keywords)] if call.keywords else given


def dotted_name(node: ast.expr) -> str:
    """``nn.Conv2d`` for that expression, nothing for anything but names joined by dots."""
    if node.__class__ is ast.Name:
        return node.id
    parts: list[str] = []
    while node.__class__ is ast.Attribute:
        parts.append(node.attr)
        node = node.value
    if not parts or node.__class__ is not ast.Name:
        return ""
    parts.append(node.id)
    parts.reverse()
    return ".".join(parts)
