"""What a function does, in the order it does it: which definition reaches a name, which calls, stores and loads of
``self`` attributes happen, and under which conditions and loops.

One LibCST visitor walks each function body once. It is driven by :meth:`FlowVisitor.drive`, which neither rebuilds
nodes (``CSTNode.visit`` does) nor enters white space and punctuation. What the recorded expressions *mean* is asked
later, and only by the rules that need it (:mod:`torchlint.model.values`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields

import libcst as cst

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from torchlint.model.file import File
    from torchlint.model.module_class import ClassModel

    BlockKind = Literal["if", "loop", "comprehension", "with", "try", "except", "lambda"]

    DefinitionKind = Literal[
        "value",
        "augmented",
        "parameter",
        "loop",
        "with",
        "import",
        "function",
        "class",
        "unknown",
        "unpacked",
    ]

    StoreKind = Literal["assign", "augmented", "item", "delete", "unpacked", "loop", "with"]

Loop = cst.For | cst.While


@dataclass(eq=False, slots=True)
class Block:
    """One construct around a statement or expression, linked to the one around it.

    ``taken`` tells which branch of an ``if`` (also of a conditional expression, of ``and``/``or``, or of the code
    behind an ``if`` that always leaves) is meant.
    """

    outer: Block | None
    kind: BlockKind
    node: cst.CSTNode
    taken: bool = True

    def chain(self) -> Iterator[Block]:
        """This block and those around it, innermost first."""
        block: Block | None = self
        while block is not None:
            yield block
            block = block.outer


@dataclass(eq=False, slots=True)
class Place:
    """Where in a function something happens; ``order`` grows in the order of evaluation."""

    function: Function
    block: Block | None
    order: int

    def blocks(self) -> Iterator[Block]:
        return self.block.chain() if self.block else iter(())

    def branches(self) -> set[tuple[int, bool]]:
        """The conditions under which the place is reached, where every loop is taken to run."""
        conditional = ("if", "try", "except")
        return {(id(block.node), block.taken) for block in self.blocks() if block.kind in conditional}

    def loops(self) -> list[Loop]:
        """The loops around, innermost first."""
        return [block.node for block in self.blocks() if isinstance(block.node, (cst.For, cst.While))]


@dataclass(eq=False, slots=True)
class Definition:
    """One binding of a local name or of ``self.name``.

    ``value`` is the expression bound: the right side for ``value`` and ``unpacked``, the iterable for ``loop``, the
    default for ``parameter``. ``index`` is the position in the unpacked tuple.
    """

    kind: DefinitionKind
    name: str
    node: cst.CSTNode
    value: cst.BaseExpression | None
    place: Place
    index: tuple[int, ...] = ()


@dataclass(eq=False, slots=True)
class LoopCarried:
    """The bindings that reach the head of a loop from the end of its body."""

    definitions: Reaching = ()


class _Free:
    """The name is not bound on this path inside the function."""


FREE = _Free()
Reaching = tuple["Definition | LoopCarried | _Free", ...]
_UNBOUND = (FREE,)
Environment = dict[str, Reaching]


def definitions_of(reaching: Reaching) -> tuple[list[Definition], bool]:
    """The definitions behind ``reaching``, and whether the name may also be free there."""
    if len(reaching) == 1:
        if reaching[0] is FREE:
            return [], True
        if type(reaching[0]) is Definition:
            return [reaching[0]], False
    found: list[Definition] = []
    free = False
    pending = list(reaching)
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Definition):
            found.append(item)
        elif isinstance(item, LoopCarried):
            pending.extend(item.definitions)
        else:
            free = True
    found.sort(key=lambda definition: definition.place.order)
    return found, free


@dataclass(eq=False, slots=True)
class CallSite:
    node: cst.Call
    place: Place


@dataclass(eq=False, slots=True)
class Store:
    """``self.name = value`` and its kin; ``item`` is ``self.name[key] = value``."""

    kind: StoreKind
    name: str
    target: cst.BaseExpression
    value: cst.BaseExpression | None
    statement: cst.CSTNode
    place: Place
    key: cst.BaseExpression | None = None


@dataclass(eq=False, slots=True)
class AttributeStore:
    """``holder.name = value``, where the holder is not ``self``."""

    target: cst.Attribute
    value: cst.BaseExpression
    statement: cst.CSTNode
    place: Place


@dataclass(eq=False, slots=True)
class Load:
    """``self.name`` read."""

    name: str
    node: cst.Attribute
    place: Place


@dataclass(eq=False, slots=True)
class Parameter:
    name: str
    default: cst.BaseExpression | None
    kind: Literal["positional", "variadic", "keyword", "keywords"]


@dataclass(eq=False, repr=False)
class Function:
    """The facts of one function body; the body of a script is a function without a node.

    ``self_name`` is the first parameter of a method (closures see their method's), ``bound`` the names that are
    local here.
    """

    file: File
    name: str
    node: cst.FunctionDef | cst.Lambda | None
    owner: ClassModel | None = None
    outer: Function | None = None
    self_name: str | None = None
    parameters: list[Parameter] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    calls: list[CallSite] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    item_stores: list[tuple[cst.Subscript, cst.BaseExpression, Place]] = field(default_factory=list)
    attribute_stores: list[AttributeStore] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    returns: list[tuple[cst.BaseExpression | None, Place]] = field(default_factory=list)
    augmented: list[tuple[cst.BaseExpression, cst.AugAssign, Place]] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    nested: list[Function] = field(default_factory=list)
    classes: list[tuple[cst.ClassDef, Place]] = field(default_factory=list)
    walked: list[cst.CSTNode] = field(default_factory=list)
    """The nodes that have a parent, in the order of evaluation."""
    names: list[cst.Name] = field(default_factory=list)
    """The names that are read where the code can be reached."""
    attributes: list[cst.Attribute] = field(default_factory=list)
    carried: list[LoopCarried] = field(default_factory=list)
    # By the identity of the node, which the tree keeps: LibCST's own hash is a function in Python.
    _reaching: dict[int, Reaching] = field(default_factory=dict)
    _places: dict[int, Place] = field(default_factory=dict)
    _parents: dict[int, cst.CSTNode] = field(default_factory=dict)

    def reaching(self, node: cst.CSTNode) -> Reaching:
        """The bindings that reach a name, or ``self.x``, where it is read."""
        return self._reaching.get(id(node), ())

    def place(self, node: cst.CSTNode) -> Place | None:
        """Where an attribute is read, or a call made, in this function."""
        return self._places.get(id(node))

    def parent(self, node: cst.CSTNode | None) -> cst.CSTNode | None:
        """What an expression or statement of this function stands in."""
        return self._parents.get(id(node))

    @property
    def is_closure(self) -> bool:
        """Whether this is defined inside of a method of the same class."""
        return self.outer is not None and self.outer.owner is self.owner and self.owner is not None

    @property
    def qualname(self) -> str:
        if self.owner is not None and not self.is_closure:
            return f"{self.owner.qualname}.{self.name}"
        if self.outer is not None and self.outer.node is not None:
            return f"{self.outer.qualname}.<locals>.{self.name}"
        return self.name

    def and_outer(self) -> Iterator[Function]:
        """This function and those it is defined in."""
        scope: Function | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def everything(self) -> Iterator[Function]:
        """This function and those defined in it."""
        yield self
        for inner in self.nested:
            yield from inner.everything()


def self_attribute(node: cst.CSTNode, self_name: str | None) -> str | None:
    """``x`` where ``node`` is ``self.x``."""
    if self_name is None or type(node) is not cst.Attribute:
        return None
    holder = node.value
    return node.attr.value if type(holder) is cst.Name and holder.value == self_name else None


# White space and punctuation, and annotations: nothing that is evaluated in a way that matters here.
_SKIPPED = (
    "whitespace", "lpar", "rpar", "comma", "leading", "lines_after", "equal", "semicolon", "header", "footer",
    "operator", "asynchronous", "star", "dot", "colon", "lbracket", "rbracket", "lbrace", "rbrace", "trailing",
    "annotation", "returns", "type_parameters", "format_spec", "conversion", "first_colon", "second_colon", "keyword",
    "attr", "asname", "params", "leading_lines", "start", "end", "prefix", "quote",
)  # fmt: skip
_KEPT = ("slice", "lower", "upper", "step")


class _ChildFields(dict[type, "tuple[str, ...] | None"]):
    """The fields of a node type that hold evaluated code; ``None`` for what is no node.

    A table, since ``isinstance`` is slow here: LibCST's classes are abstract base classes.
    """

    def __missing__(self, kind: type) -> tuple[str, ...] | None:
        self[kind] = None
        if issubclass(kind, cst.CSTNode):
            names = [item.name for item in fields(kind)]
            self[kind] = tuple(name for name in names if name in _KEPT or not name.startswith(_SKIPPED))
        return self[kind]


_CHILD_FIELDS = _ChildFields()


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    found: list[cst.CSTNode] = []
    for name in _CHILD_FIELDS[type(node)] or ():
        value = getattr(node, name)
        if type(value) in (list, tuple):
            found += [item for item in value if _CHILD_FIELDS[type(item)] is not None]
        elif value is not None and _CHILD_FIELDS[type(value)] is not None:
            found.append(value)
    return found


def merge(first: Environment | None, second: Environment | None) -> Environment | None:
    """The bindings after two paths meet; ``None`` is a path that does not arrive."""
    if first is None or second is None:
        return second if first is None else first
    merged = dict(first)
    for name, reaching in second.items():
        other = merged.get(name, (FREE,))
        if other is not reaching:
            merged[name] = other + tuple(item for item in reaching if item not in other)
    for name, reaching in first.items():
        if name not in second and FREE not in reaching:
            merged[name] = (*reaching, FREE)
    return merged


class FlowVisitor:
    """Walks the body of one function and fills its :class:`Function`."""

    def __init__(self, function: Function, environment: Environment | None = None) -> None:
        self.function = function
        self.environment: Environment | None = dict(environment or {})
        self.block: Block | None = None
        self.order = 0
        self._leaving: list[list[Environment]] = []  # environments at `break` and `continue`, per loop
        self._parents = function._parents
        self._walked = function.walked

    # -- driving ---------------------------------------------------------------------------------------------------

    def drive(self, node: cst.CSTNode, parent: cst.CSTNode | None = None) -> None:
        """Visit ``node``: by its own method, or else what it holds."""
        if parent is not None:
            self._parents[id(node)] = parent
            self._walked.append(node)
        kind = type(node)
        visit = _VISITS.get(kind)
        if visit is not None:
            visit(self, node)
        elif _CHILD_FIELDS[kind]:
            for child in children(node):
                self.drive(child, node)

    def _note(self, node: cst.CSTNode, parent: cst.CSTNode) -> None:
        self._parents[id(node)] = parent
        self._walked.append(node)

    def walk_body(self, body: cst.BaseSuite | Sequence[cst.CSTNode]) -> None:
        """Walk the statements of a block; conditions learnt inside (an early return) end with it."""
        block = self.block
        for statement in body.body if isinstance(body, cst.BaseSuite) else body:
            self.drive(statement, self.function.node or statement)
            if (
                self.environment is None
            ):  # unreachable from here on; keep what follows consistent all the same
                break
        self.block = block

    def inside(self, kind: BlockKind, node: cst.CSTNode, taken: bool = True) -> Block:
        return Block(self.block, kind, node, taken)

    def place(self) -> Place:
        self.order += 1
        return Place(self.function, self.block, self.order)

    # -- names -----------------------------------------------------------------------------------------------------

    def bind(
        self,
        kind: DefinitionKind,
        name: str,
        node: cst.CSTNode,
        value: cst.BaseExpression | None,
        index: tuple[int, ...] = (),
        *,
        carry: bool = False,
    ) -> None:
        definition = Definition(kind, name, node, value, self.place(), index)
        self.function.definitions.append(definition)
        if "." not in name:
            self.function.bound.add(name)
        if self.environment is not None:
            before = self.environment.get(name, (FREE,)) if carry else ()
            self.environment[name] = (definition, *before)

    def bind_target(
        self,
        kind: DefinitionKind,
        target: cst.CSTNode,
        value: cst.BaseExpression | None,
        statement: cst.CSTNode,
        index: tuple[int, ...] = (),
    ) -> None:
        """Bind an assignment target: a name, ``self.x``, ``self.x[k]``, or a tuple of targets."""
        if isinstance(target, (cst.Tuple, cst.List)):
            inner: DefinitionKind = "unpacked" if kind == "value" else kind
            pair = value.elements if isinstance(value, (cst.Tuple, cst.List)) else ()
            straight = len(pair) == len(target.elements) and not any(
                isinstance(item, cst.StarredElement) for item in (*pair, *target.elements)
            )
            for position, element in enumerate(target.elements):
                if straight and kind == "value":
                    self.bind_target(kind, element.value, pair[position].value, statement)
                else:
                    self.bind_target(inner, element.value, value, statement, (*index, position))
            return
        if isinstance(target, cst.Name):
            self.bind(kind, target.value, target, value, index)
            return
        name = self_attribute(target, self.function.self_name)
        if name is not None and isinstance(target, cst.Attribute):
            store_kind: StoreKind = {"value": "assign", "unpacked": "unpacked", "with": "with"}.get(
                kind, "loop"
            )  # type: ignore[assignment]
            self.function.stores.append(Store(store_kind, name, target, value, statement, self.place()))
            self.bind(kind, f"self.{name}", target, value, index)
            return
        self._bind_item(kind, target, value, statement)

    def _bind_item(
        self,
        kind: DefinitionKind,
        target: cst.CSTNode,
        value: cst.BaseExpression | None,
        statement: cst.CSTNode,
    ) -> None:
        self.drive(target)
        if value is None or kind != "value":
            return
        if isinstance(target, cst.Attribute):
            self.function.attribute_stores.append(AttributeStore(target, value, statement, self.place()))
        if not isinstance(target, cst.Subscript):
            return
        self.function.item_stores.append((target, value, self.place()))
        name = self_attribute(target.value, self.function.self_name)
        if name is not None and len(target.slice) == 1:
            index = target.slice[0].slice
            key = index.value if isinstance(index, cst.Index) else None
            self.function.stores.append(Store("item", name, target, value, statement, self.place(), key))

    def visit_Name(self, node: cst.Name) -> None:
        if self.environment is not None:
            self.function._reaching[id(node)] = self.environment.get(node.value, _UNBOUND)
            self.function.names.append(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        function = self.function
        name = self_attribute(node, function.self_name)
        function._places[id(node)] = place = self.place()
        function.attributes.append(node)
        self.drive(node.value, node)
        if name is not None:
            function.loads.append(Load(name, node, place))
            if self.environment is not None:
                function._reaching[id(node)] = self.environment.get(f"self.{name}", _UNBOUND)

    def visit_Call(self, node: cst.Call) -> None:
        self.drive(node.func, node)
        for argument in node.args:
            self._note(argument, node)
            self.drive(argument.value, argument)
        self.function._places[id(node)] = place = self.place()
        self.function.calls.append(CallSite(node, place))

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self.drive(node.value, node)
        self.bind_target("value", node.target, node.value, node)

    # -- statements ------------------------------------------------------------------------------------------------

    def visit_Assign(self, node: cst.Assign) -> None:
        self.drive(node.value, node)
        for target in node.targets:
            self.bind_target("value", target.target, node.value, node)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        if node.value is None:
            if isinstance(node.target, cst.Name):
                self.function.bound.add(node.target.value)
            return
        self.drive(node.value, node)
        self.bind_target("value", node.target, node.value, node)

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self.drive(node.value, node)
        self.drive(node.target)
        place = self.place()
        self.function.augmented.append((node.target, node, place))
        name = self_attribute(node.target, self.function.self_name)
        if name is not None:
            self.function.stores.append(Store("augmented", name, node.target, node.value, node, place))
        elif isinstance(node.target, cst.Name):
            # `blocks += [layer]` changes a list in place: what was bound before still reaches.
            self.bind("augmented", node.target.value, node.target, node.value, carry=True)

    def visit_Return(self, node: cst.Return) -> None:
        if node.value is not None:
            self.drive(node.value, node)
        self.function.returns.append((node.value, self.place()))
        self.environment = None

    def visit_Raise(self, node: cst.Raise) -> None:
        for child in children(node):
            self.drive(child)
        self.environment = None

    def _leave_loop(self) -> None:
        if self._leaving and self.environment is not None:
            self._leaving[-1].append(self.environment)
        self.environment = None

    def visit_Break(self, node: cst.Break) -> None:
        self._leave_loop()

    def visit_Continue(self, node: cst.Continue) -> None:
        self._leave_loop()

    def visit_Del(self, node: cst.Del) -> None:
        name = self_attribute(node.target, self.function.self_name)
        if name is not None:
            self.function.stores.append(Store("delete", name, node.target, None, node, self.place()))

    def visit_Global(self, node: cst.Global) -> None:
        pass

    def visit_Import(self, node: cst.Import) -> None:
        for alias in node.names if isinstance(node.names, Sequence) else ():
            name = alias.asname.name if alias.asname else _first_name(alias.name)
            if isinstance(name, cst.Name):
                self.bind("import", name.value, alias, None)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        for alias in node.names if isinstance(node.names, Sequence) else ():
            name = alias.asname.name if alias.asname else alias.name
            if isinstance(name, cst.Name):
                self.bind("import", name.value, node, None)

    # -- control flow ----------------------------------------------------------------------------------------------

    def visit_If(self, node: cst.If) -> None:
        self.drive(node.test, node)
        before = dict(self.environment or {})
        outer = self.block
        self.block = Block(outer, "if", node.test, True)
        self.walk_body(node.body)
        then = self.environment
        self.environment = before
        self.block = Block(outer, "if", node.test, False)
        if isinstance(node.orelse, cst.If):
            self.visit_If(node.orelse)
        elif node.orelse is not None:
            self.walk_body(node.orelse.body)
        otherwise = self.environment
        self.environment = merge(then, otherwise)
        self.block = outer
        if (then is None) != (otherwise is None):
            # `if not self.training: return x`: what follows runs only in the other case, up to the block's end.
            self.block = Block(outer, "if", node.test, then is not None)

    def _walk_loop(self, node: Loop, targets: list[cst.CSTNode]) -> None:
        before: Environment = dict(self.environment or {})
        carried: dict[str, LoopCarried] = {}
        for name in bound_in(node, self.function.self_name):
            carried[name] = LoopCarried()
            before[name] = (*before.get(name, (FREE,)), carried[name])
        self.environment = dict(before)
        outer = self.block
        self.block = Block(outer, "loop", node)
        self._leaving.append([])
        for target in targets:
            self.bind_target("loop", target, getattr(node, "iter", None), node)
        self.walk_body(node.body)
        end: Environment | None = self.environment
        for leaving in self._leaving.pop():
            end = merge(end, leaving)
        for name, link in carried.items():
            link.definitions = (end or {}).get(name, ())
        self.function.carried += carried.values()
        self.block = outer
        self.environment = merge(before, end)
        if node.orelse is not None:
            self.walk_body(node.orelse.body)

    def visit_For(self, node: cst.For) -> None:
        self.drive(node.iter, node)
        self._walk_loop(node, [node.target])

    def visit_While(self, node: cst.While) -> None:
        self.drive(node.test, node)
        self._walk_loop(node, [])

    def visit_With(self, node: cst.With) -> None:
        for item in node.items:
            self.drive(item.item, node)
            if item.asname is not None:
                self.bind_target("with", item.asname.name, item.item, node)
        outer = self.block
        self.block = self.inside("with", node)
        self.walk_body(node.body)
        self.block = outer

    def visit_Try(self, node: cst.Try | cst.TryStar) -> None:
        before = dict(self.environment or {})
        outer = self.block
        self.block = self.inside("try", node)
        self.walk_body(node.body)
        after_body = self.environment
        if node.orelse is not None and after_body is not None:
            self.walk_body(node.orelse.body)
        end = self.environment
        for handler in node.handlers:
            # An exception may come from anywhere in the body: both what was bound before and in it may hold.
            self.environment = dict(merge(before, after_body) or {})
            self.block = Block(outer, "except", handler)
            if handler.name is not None and isinstance(handler.name.name, cst.Name):
                self.bind("unknown", handler.name.name.value, handler, None)
            self.walk_body(handler.body)
            end = merge(end, self.environment)
        self.block = outer
        self.environment = end
        if node.finalbody is not None:
            reached = self.environment is not None
            if not reached:
                self.environment = before
            self.walk_body(node.finalbody.body)
            if not reached:
                self.environment = None

    def visit_TryStar(self, node: cst.TryStar) -> None:
        self.visit_Try(node)

    def visit_Match(self, node: cst.Match) -> None:
        self.drive(node.subject)
        before = dict(self.environment or {})
        end: Environment | None = before
        outer = self.block
        for case in node.cases:
            self.environment = dict(before)
            self.block = self.inside("if", case)
            for name in _names_in_pattern(case.pattern):
                self.bind("unknown", name, case, None)
            if case.guard is not None:
                self.drive(case.guard)
            self.walk_body(case.body)
            end = merge(end, self.environment)
            self.block = outer
        self.environment = end

    def _walk_branch(self, node: cst.BaseExpression, test: cst.BaseExpression, taken: bool) -> None:
        outer = self.block
        self.block = Block(outer, "if", test, taken)
        self.drive(node)
        self.block = outer

    def visit_IfExp(self, node: cst.IfExp) -> None:
        for child in (node.body, node.orelse):
            self._note(child, node)
        self.drive(node.test, node)
        self._walk_branch(node.body, node.test, True)
        self._walk_branch(node.orelse, node.test, False)

    def visit_BooleanOperation(self, node: cst.BooleanOperation) -> None:
        self._note(node.right, node)
        self.drive(node.left, node)
        self._walk_branch(node.right, node.left, isinstance(node.operator, cst.And))

    # -- inner scopes ----------------------------------------------------------------------------------------------

    def _visit_comprehension(self, node: cst.BaseComp, elements: Sequence[cst.BaseExpression]) -> None:
        saved = dict(self.environment or {})
        bound = set(self.function.bound)
        outer = self.block
        comp: cst.CompFor | None = node.for_in
        while comp is not None:
            self.drive(comp.iter, node)
            self.block = self.inside("comprehension", comp)
            self.bind_target("loop", comp.target, comp.iter, comp)
            for condition in comp.ifs:
                self.drive(condition.test)
                self.block = Block(self.block, "if", condition.test, True)
            comp = comp.inner_for_in
        for element in elements:
            self.drive(element, node)
        self.block = outer
        self.environment = saved
        self.function.bound.intersection_update(bound)

    def visit_ListComp(self, node: cst.ListComp) -> None:
        self._visit_comprehension(node, [node.elt])

    def visit_SetComp(self, node: cst.SetComp) -> None:
        self._visit_comprehension(node, [node.elt])

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> None:
        self._visit_comprehension(node, [node.elt])

    def visit_DictComp(self, node: cst.DictComp) -> None:
        self._visit_comprehension(node, [node.key, node.value])

    def visit_Lambda(self, node: cst.Lambda) -> None:
        self._walk_function(node, "<lambda>")

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        for decorator in node.decorators:
            self.drive(decorator.decorator)
        self._walk_function(node, node.name.value)
        self.bind("function", node.name.value, node, None)

    def _walk_function(self, node: cst.FunctionDef | cst.Lambda, name: str) -> None:
        for parameter in _all_parameters(node.params):
            if parameter.default is not None:
                self.drive(parameter.default)
        inner = Function(
            self.function.file, name, node, self.function.owner, self.function, self.function.self_name
        )
        # A closure sees the enclosing scope as it is when the closure is called, which is later: bindings of the
        # enclosing function reach it, those of `self` are no longer known.
        outer = {key: value for key, value in (self.environment or {}).items() if not key.startswith("self.")}
        fill(inner, outer)
        self.function.nested.append(inner)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.function.classes.append((node, self.place()))
        self.bind("class", node.name.value, node, None)


def fill(function: Function, environment: Environment | None = None) -> Function:
    """Walk the body of ``function`` (it must have a node) and return it filled."""
    node = function.node
    assert node is not None
    visitor = FlowVisitor(function, environment)
    for position, parameter in enumerate(_all_parameters(node.params)):
        function.parameters.append(parameter)
        if parameter.name == function.self_name and function.is_closure:
            function.self_name = None  # a closure with a parameter of that name
        if not (position == 0 and parameter.name == function.self_name):
            visitor.bind("parameter", parameter.name, node, parameter.default)
    if isinstance(node, cst.Lambda):
        visitor.drive(node.body, node)
        function.returns.append((node.body, visitor.place()))
    else:
        visitor.walk_body(node.body)
        if visitor.environment is not None:
            function.returns.append((None, visitor.place()))
    return function


def fill_script(function: Function, statements: Sequence[cst.CSTNode]) -> Function:
    """Walk the statements of a script, as the body of a function without a node."""
    FlowVisitor(function).walk_body(statements)
    return function


def _all_parameters(parameters: cst.Parameters) -> Iterator[Parameter]:
    for parameter in (*parameters.posonly_params, *parameters.params):
        yield Parameter(parameter.name.value, parameter.default, "positional")
    if isinstance(parameters.star_arg, cst.Param):
        yield Parameter(parameters.star_arg.name.value, None, "variadic")
    for parameter in parameters.kwonly_params:
        yield Parameter(parameter.name.value, parameter.default, "keyword")
    if parameters.star_kwarg is not None:
        yield Parameter(parameters.star_kwarg.name.value, None, "keywords")


def _first_name(node: cst.CSTNode) -> cst.CSTNode:
    while isinstance(node, cst.Attribute):
        node = node.value
    return node


def bound_in(node: cst.CSTNode, self_name: str | None) -> set[str]:
    """Names and ``self.x`` that the statements of a loop bind, without looking into expressions."""
    bound: set[str] = set()
    pending: list[cst.CSTNode] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, (cst.Assign, cst.AnnAssign, cst.AugAssign, cst.For, cst.With, cst.NamedExpr)):
            for target in _targets_of(current):
                _add_target(target, self_name, bound)
        elif isinstance(current, (cst.FunctionDef, cst.ClassDef)):
            bound.add(current.name.value)
            continue
        if isinstance(current, (cst.BaseCompoundStatement, cst.BaseSuite, cst.SimpleStatementLine, cst.Else,
                                cst.ExceptHandler, cst.Finally, cst.MatchCase, cst.ExceptStarHandler)):  # fmt: skip
            pending.extend(child for child in children(current) if not isinstance(child, cst.BaseExpression))
    return bound


def _targets_of(
    node: cst.Assign | cst.AnnAssign | cst.AugAssign | cst.For | cst.With | cst.NamedExpr,
) -> list[cst.CSTNode]:
    if isinstance(node, cst.Assign):
        return [target.target for target in node.targets]
    if isinstance(node, cst.With):
        return [item.asname.name for item in node.items if item.asname is not None]
    return [node.target]


def _add_target(target: cst.CSTNode, self_name: str | None, bound: set[str]) -> None:
    if isinstance(target, cst.Name):
        bound.add(target.value)
    elif isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            _add_target(element.value, self_name, bound)
    else:
        name = self_attribute(target, self_name)
        if name is not None:
            bound.add(f"self.{name}")


def _names_in_pattern(pattern: cst.CSTNode) -> Iterator[str]:
    pending = [pattern]
    while pending:
        node = pending.pop()
        if isinstance(node, (cst.MatchAs, cst.MatchStar)) and isinstance(node.name, cst.Name):
            yield node.name.value
        pending.extend(child for child in node.children if isinstance(child, cst.CSTNode))


_VISITS = {
    getattr(cst, name.removeprefix("visit_")): method
    for name, method in vars(FlowVisitor).items()
    if name.startswith("visit_")
}


LEAVING = (cst.Break, cst.Return, cst.Raise)
"""Statements that leave a loop."""


def may_end_early(loop: Loop) -> bool:
    """Whether there is a way out of a loop before its end."""
    pending: list[cst.CSTNode] = [loop.body]
    while pending:
        node = pending.pop()
        if isinstance(node, LEAVING):
            return True
        if not isinstance(node, (cst.FunctionDef, cst.ClassDef, cst.BaseExpression)):
            pending.extend(node.children)
    return False
