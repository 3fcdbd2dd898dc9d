"""Sketches where they stand: in a file, in a class, in a function around."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from torchlint.model.facts import torch_facts
from torchlint.model.vocabulary import REGISTERING_METHODS
from torchlint.project.index import Symbol
from torchlint.project.outline import ClassOutline, FunctionOutline, Outline, OutlineError, is_property
from torchlint.screen.certain import Uses, uses
from torchlint.screen.evaluate import Evaluator
from torchlint.screen.kinds import ARGUMENT, CONTAINER, LOST, MODULE, PARAMETER, Kinds, held
from torchlint.screen.sketch import (
    Binding,
    Call,
    Growth,
    Sketch,
    TargetPath,
    dotted_name,
    functions_in,
    given_to,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.screen.possibilities import Possibilities


class FileSketch:
    """One file: its functions, classes and script, sketched as far as they are asked for."""

    def __init__(self, possibilities: Possibilities, outline: Outline) -> None:
        self.possibilities = possibilities
        self.project = possibilities.project.asked_by(outline)
        self.outline = outline
        self.evaluator = Evaluator(self)
        self._meanings: dict[str, Symbol | None] = {}
        self._classes: dict[str, ClassSketch | None] = {}
        self._functions: dict[str, Scope | None] = {}
        self._growths: dict[Scope, _Growths] = {}
        self._bases: dict[ClassOutline, list[Symbol]] = {}
        self._class_nodes: dict[int, dict[tuple[int, str], ast.ClassDef]] = {}
        self.is_checked = False
        """Whether it is this file that is checked, so that all of it will be looked at."""

    @cached_property
    def tree(self) -> ast.Module:
        try:
            return self.project.tree(self.outline)
        except OutlineError:  # what another file does is only parsed where it is asked for
            return ast.Module([ast.Pass() for _ in self.outline.statements], [])

    def statement(self, index: int) -> ast.stmt:
        """A top-level statement. One of a file that others ask about is parsed alone, where its tree is let go."""
        alone = None if self._has_tree() else self.outline.statement(index)
        return self.tree.body[index] if alone is None else alone

    def _has_tree(self) -> bool:
        """Whether the tree is there, or will be needed anyway."""
        return self.is_checked or "tree" in vars(self) or self.project.has_tree(self.outline)

    def forget_tree(self) -> int:
        """Keep no more of the tree than the classes and functions that were asked for; gives their lines."""
        vars(self).pop("tree", None)
        self.is_checked = False
        self._class_nodes.clear()
        self.outline.forget_lines()
        kept: list[ClassOutline | FunctionOutline] = [
            *(sketch.outline for sketch in self._classes.values() if sketch is not None),
            *(self.outline.functions[name] for name, scope in self._functions.items() if scope is not None),
        ]
        return sum(each.last - each.first + 1 for each in kept)

    def release(self) -> None:
        """Cut the circles of references, so that the tree is freed at once and not when garbage is collected."""
        self.outline.forget_lines()
        for sketch in self._classes.values():
            if sketch is not None:
                if "names" in vars(sketch):
                    self.possibilities.names[sketch.outline] = tuple(sketch.names)
                sketch.__dict__.clear()
        self.__dict__.clear()

    def other(self, outline: Outline) -> FileSketch:
        """The file that something is defined in, which this one asks about."""
        self.look_into(outline)
        return self if outline is self.outline else self.possibilities.asked_about(outline)

    def look_into(self, outline: Outline) -> None:
        """Note that the source of another file takes part in what is said of this one."""
        self.project.looked_into(outline)

    def meaning(self, dotted: str) -> Symbol | None:
        """What a dotted name of the module level means."""
        if dotted not in self._meanings:
            self._meanings[dotted] = self.project.resolve(self.outline, dotted)
        return self._meanings[dotted]

    def _classes_at(self, index: int) -> dict[tuple[int, str], ast.ClassDef]:
        """The classes in a top-level statement by the line of their word ``class`` and their name."""
        if index not in self._class_nodes:
            found = self._class_nodes[index] = {}
            has_inner = self.outline.classes_in[index] > 1
            stack: list[ast.AST] = [self.statement(index)]
            while stack:
                node = stack.pop()
                if isinstance(node, ast.ClassDef):
                    found[node.lineno, node.name] = node
                if has_inner or not isinstance(node, ast.ClassDef):
                    stack += [
                        child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)
                    ]
        return self._class_nodes[index]

    @cached_property
    def modules(self) -> list[ClassSketch]:
        """The Module classes."""
        found: list[ClassSketch | None] = []
        for definition in self.outline.definitions:
            # Of several with one name, the model may take the last for another.
            meant = self.outline.classes[definition.qualname]
            if meant.bases and self.project.is_module(self.project.class_symbol(self.outline, meant)):
                found.append(self.class_sketch(definition))
        return [sketch for sketch in found if sketch is not None]

    def attribute(self, symbol: Symbol, name: str) -> Kinds:
        """What ``self.name`` may hold in a class, by the assignments of the class or of its bases."""
        self._look_into_class(symbol)
        kinds = self.own_attribute(symbol, name)
        for base in self.bases(symbol):
            kinds |= self.own_attribute(base, name)
        return kinds

    def own_attribute(self, symbol: Symbol, name: str) -> Kinds:
        """The same by the assignments of the class alone, which need not be parsed where it has none of ``name``."""
        asked, definition = self.possibilities, symbol.class_outline
        assert symbol.outline is not None and definition is not None
        answer = asked.answers.get((definition, "attribute", name))
        if answer is not None:
            return answer
        known = asked.names.get(definition)
        may_assign = symbol.outline.may_assign(definition, name) if known is None else name in known
        sketch = self.class_of(symbol) if may_assign else None
        return sketch.own_attribute(name) if sketch is not None else 0

    def returned_by(self, symbol: Symbol, name: str) -> Kinds:
        """What the method of a class may return."""
        assert symbol.class_outline is not None
        answer = self.possibilities.answers.get((symbol.class_outline, "method", name))
        if answer is not None:
            return answer
        sketch = self.class_of(symbol)
        return sketch.own_returned_by(name) if sketch is not None else 0

    def may_hold_weights(self, symbol: Symbol) -> bool:
        """Whether an instance of a class may hold Parameters."""
        self._look_into_class(symbol)
        answers, key = self.possibilities.answers, (symbol.class_outline, "weights", "")
        if key not in answers:
            sketch = self.class_of(symbol)
            answers[key] = sketch is None or sketch.may_hold_weights
        return bool(answers[key])

    def bases(self, symbol: Symbol) -> list[Symbol]:
        """The base classes whose source is in the project, which takes part in what is said of this file."""
        definition = symbol.class_outline
        assert definition is not None
        if definition not in self._bases:
            found = [base for base in self.project.ancestors(symbol) if base is not None]
            self._bases[definition] = [base for base in found if base.class_outline is not None]
            for base in self._bases[definition]:
                self._look_into_class(base)
        return self._bases[definition]

    def _look_into_class(self, symbol: Symbol) -> None:
        """Note it also where what is said of the class is remembered, and its file need not be looked at again."""
        assert symbol.outline is not None
        self.look_into(symbol.outline)

    def class_of(self, symbol: Symbol) -> ClassSketch | None:
        """The sketch of a class, whatever file it is in."""
        if symbol.outline is None or symbol.class_outline is None:
            return None
        return self.other(symbol.outline).class_sketch(symbol.class_outline)

    def class_sketch(self, definition: ClassOutline) -> ClassSketch | None:
        key = f"{definition.line}:{definition.name}"
        if key not in self._classes:
            node = self._classes_at(definition.statement).get((definition.line, definition.name))
            self._classes[key] = ClassSketch(self, definition, node) if node is not None else None
        return self._classes[key]

    def function(self, name: str) -> Scope | None:
        """A function of the module level."""
        if name not in self._functions:
            outline = self.outline.functions.get(name)
            node = self.statement(outline.statement) if outline is not None else None
            self._functions[name] = (
                Scope(self, node.body, Sketch.of_function(node, is_method=False))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                else None
            )
        return self._functions[name]

    def scopes(self, index: int) -> Iterator[Scope]:
        """The functions and methods of a top-level statement, or the script that it is a part of."""
        statement = self.tree.body[index]
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            function = self.function(statement.name)
            if function is not None:
                yield function
        elif self.in_script(index):
            yield self.script
        for definition in self._classes_in.get(index, ()):
            sketch = self.class_sketch(definition)
            if sketch is not None:
                yield from sketch.methods.values()

    @cached_property
    def _classes_in(self) -> dict[int, list[ClassOutline]]:
        found: dict[int, list[ClassOutline]] = {}
        for definition in self.outline.classes.values():
            found.setdefault(definition.statement, []).append(definition)
        return found

    @cached_property
    def script(self) -> Scope:
        """The statements of the module level that are no definitions."""
        plain = None if self._has_tree() else self.outline.script()
        if plain is None:
            plain = [node for index, node in enumerate(self.tree.body) if self.in_script(index)]
        return Scope(self, plain, Sketch("<module>", plain))

    def growths(self, scope: Scope) -> _Growths:
        """What is added to the containers of a function that is no method."""
        if scope not in self._growths:
            self._growths[scope] = _Growths([scope])
        return self._growths[scope]

    def in_script(self, index: int) -> bool:
        """Whether a top-level statement is no definition."""
        return not isinstance(self.tree.body[index], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


class Scope:
    """A sketch where it stands: in a class or not, and inside which function."""

    def __init__(
        self,
        file: FileSketch,
        nodes: list[ast.stmt],
        sketch: Sketch,
        owner: ClassSketch | None = None,
        outer: Scope | None = None,
    ) -> None:
        self.file = file
        self.nodes = nodes
        self.sketch = sketch
        self.owner = owner
        self.outer = outer
        self._symbols: dict[str, Symbol | None] = {}

    @property
    def grown(self) -> _Growths:
        # Kept by the file, which is told when to let go of what refers to itself.
        return self.owner.grown if self.owner is not None else self.file.growths(self)

    def possible(self, node: ast.expr) -> Kinds:
        return self.file.evaluator.possible(node, self)

    def bindings(self, name: str) -> Iterator[Binding]:
        """What binds a name, in the innermost function that does."""
        scope = self._binder(name)
        if scope is None:
            return iter(())
        return iter([*scope.sketch.definitions.get(name, ()), *scope.sketch.inner.get(name, ())])

    def _binder(self, name: str) -> Scope | None:
        """The innermost function that binds a name, itself or in its closures."""
        scope: Scope | None = self
        while scope is not None and name not in scope.sketch.definitions and name not in scope.sketch.inner:
            scope = scope.outer
        return scope

    def is_parameter(self, name: str) -> bool:
        """Whether a name is a parameter of the function, and nothing else in it or in its closures."""
        sketch = self.sketch
        bindings = sketch.definitions.get(name, ())
        return len(bindings) == 1 and bindings[0].kind == "parameter" and name not in sketch.inner

    def symbol(self, dotted: str) -> Symbol | None:
        """What a dotted name means in the scope, unless that depends on what was assigned to it."""
        if dotted not in self._symbols:
            self._symbols[dotted] = self._find_symbol(dotted)
        return self._symbols[dotted]

    def _find_symbol(self, dotted: str) -> Symbol | None:
        head, _, rest = dotted.partition(".")
        scope = self._binder(head)
        if scope is None:
            return self.file.meaning(dotted)
        # What a closure binds is nothing to the function around it, where the name may mean something else.
        bindings = scope.sketch.definitions.get(head, ())
        if len(bindings) != 1 or bindings[0].kind != "import" or head in scope.sketch.inner:
            return None
        return self._imported(bindings[0].node, rest)

    def binds(self, name: str) -> bool:
        """Whether it is the function itself that binds a name, and not only closures in it."""
        scope = self._binder(name)
        return scope is not None and name in scope.sketch.definitions

    def _imported(self, dotted: str, rest: str) -> Symbol | None:
        project = self.file.project
        symbol = project.imported(self.file.outline, dotted)
        for name in rest.split(".") if rest else ():
            symbol = project.member(symbol, name) if symbol is not None else None
        return symbol

    def returned(self) -> Kinds:
        """What a call of the function may give; an argument of its own is nothing to the caller.

        A container of arguments is: the model asks what callers of the function put there.
        """
        return self.returned_of(self.sketch.returns)

    def returned_at(self, path: TargetPath) -> Kinds:
        """The same for one place of the tuples that the function returns."""
        kinds = 0
        for expression in self.sketch.returns:
            kinds |= self.file.evaluator._unpacked(expression, path, self)
        return kinds & ~ARGUMENT

    def returned_of(self, expressions: Iterable[ast.expr]) -> Kinds:
        kinds = 0
        for expression in expressions:
            kinds |= self.possible(expression)
        return kinds & ~ARGUMENT


class _Growths:
    """What is added to the containers of some functions, by the name of the container and its other names."""

    def __init__(self, scopes: Iterable[Scope]) -> None:
        self._parents: dict[object, object] = {}
        self._grown: dict[object, list[tuple[Scope, Growth]]] = {}
        self.wild: list[tuple[Scope, Growth]] = []
        found: list[tuple[object, Scope, list[Growth]]] = []
        for scope in scopes:
            sketch = scope.sketch
            for one, other in sketch.aliases:
                self._join(self._key(scope, one), self._key(scope, other))
            found += [(self._key(scope, name), scope, grown) for name, grown in sketch.growth.items()]
            self.wild += [(scope, growth) for growth in sketch.wild]
            for (
                name,
                grown,
            ) in sketch.growth.items():  # a container reached through something else than a name
                if "." not in name and not _is_simple(scope, name):
                    self.wild += [(scope, growth) for growth in grown]
        for key, scope, grown in found:
            self._grown.setdefault(self._root(key), []).extend((scope, growth) for growth in grown)

    def _key(self, scope: Scope, name: str) -> object:
        return name if name.startswith("self.") else (id(scope), name)

    def _root(self, key: object) -> object:
        while key in self._parents:
            key = self._parents[key]
        return key

    def _join(self, one: object, other: object) -> None:
        one, other = self._root(one), self._root(other)
        if one != other:
            self._parents[one] = other

    def of(self, scope: Scope, name: str) -> Iterator[tuple[Scope, Growth]]:
        """What is added to the container ``name`` (``layers``, ``self.layers``)."""
        if self._grown:
            yield from self._grown.get(self._root(self._key(scope, name)), ())


def _is_simple(scope: Scope, name: str) -> bool:
    """Whether a name is bound to nothing that may be a container which has another name, too, other than an alias."""
    bindings = [*scope.sketch.definitions.get(name, ()), *scope.sketch.inner.get(name, ())]
    return not any(
        binding.kind in ("loop", "unpacked") or (binding.kind == "value" and _may_share(binding.node, scope))
        for binding in bindings
    )


def _may_share(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression may give a container that is kept elsewhere. Plain names are aliases."""
    if isinstance(node, ast.Call):
        callee = dotted_name(node.func)
        symbol = scope.symbol(callee) if callee else None
        head, _, name = callee.partition(".")
        if head and head == scope.sketch.self_name and scope.owner is not None and "." not in name:
            # Anything else that is called is a module, or not known.
            return scope.owner.may_have_method(name)
        if symbol is None and head != scope.sketch.self_name:
            bindings = list(scope.bindings(head))
            if bindings and all(binding.kind == "parameter" for binding in bindings):
                return False  # what the caller gives is not known
        # A class, a function of the project and most others make something new.
        return symbol is None or symbol.kind == "value" or symbol.dotted in torch_facts().passthrough
    if isinstance(node, ast.Attribute):
        return not (isinstance(node.value, ast.Name) and node.value.id == scope.sketch.self_name)
    return isinstance(node, ast.Subscript | ast.IfExp | ast.BoolOp | ast.NamedExpr)


class ClassSketch:
    """One class: its methods and what they keep on ``self``."""

    def __init__(self, file: FileSketch, outline: ClassOutline, node: ast.ClassDef) -> None:
        self.file = file
        self.outline = outline
        self.node = node
        self.symbol = file.project.class_symbol(file.outline, outline)
        self._certain_uses: dict[str, Uses] = {}

    @cached_property
    def methods(self) -> dict[str, Scope]:
        return {
            node.name: Scope(
                self.file, node.body, Sketch.of_function(node, is_method=True), self, self._around
            )
            for node in self._functions
        }

    @cached_property
    def _functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return list(functions_in(self.node.body))

    @cached_property
    def _around(self) -> Scope | None:
        """The function that the class is defined in."""
        outer, separator, _ = self.outline.qualname.rpartition(".<locals>.")
        if not separator:
            return None
        method = self._method_around(outer)
        if method is not None:
            return method
        # Everything around it counts as one function: which one binds a name makes no difference to the screen.
        around = [self.file.statement(self.outline.statement)]
        return Scope(self.file, around, Sketch(outer, around))

    def _method_around(self, qualname: str) -> Scope | None:
        """The method that a function is, or is defined in."""
        while qualname:
            owner, _, name = qualname.rpartition(".")
            definition = self.file.outline.classes.get(owner)
            sketch = self.file.class_sketch(definition) if definition is not None else None
            if sketch is not None and name in sketch.methods:
                return sketch.methods[name]
            qualname = qualname.rpartition(".<locals>.")[0]
        return None

    @cached_property
    def body(self) -> Scope:
        plain = [
            node
            for node in self.node.body
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        ]
        return Scope(self.file, plain, Sketch("<class>", plain), self, self._around)

    @cached_property
    def grown(self) -> _Growths:
        return _Growths([*self.methods.values(), self.body])

    @cached_property
    def properties(self) -> frozenset[str]:
        return frozenset(node.name for node in self._functions if is_property(node))

    def attribute(self, name: str) -> Kinds:
        """What ``self.name`` may hold, by the assignments of this class or of its bases."""
        kinds = self.own_attribute(name)
        for base in self.file.bases(self.symbol):
            kinds |= self.file.own_attribute(base, name)
        return kinds

    def own_attribute(self, name: str) -> Kinds:
        """The same by the assignments of this class alone."""
        if name not in self.names:
            return 0
        return self._answered("attribute", name, lambda: self._evaluate(name))

    def _answered(self, question: str, name: str, answer: Callable[[], Kinds]) -> Kinds:
        asked = self.file.possibilities
        key = (self.outline, question, name)
        known = asked.answers.get(key)
        return known if known is not None else asked.solve(asked.answers, key, answer)

    @cached_property
    def names(self) -> set[str]:
        """The attributes that the class itself may give a value, or define."""
        registered = (_registered_name(call) for _, call in self._registering)
        return {
            *self._bound,
            *self.body.sketch.definitions,
            *self.properties,
            *(name for name in registered if isinstance(name, str)),
        }

    @cached_property
    def used_by_forward(self) -> set[str]:
        return self.reachable("forward", "__call__")

    @cached_property
    def used_by_init(self) -> set[str]:
        return self.reachable("__init__")

    @cached_property
    def stored(self) -> dict[str, list[tuple[Scope, ast.expr]]]:
        """What is assigned to each attribute of ``self``, one value to one target, and in which method."""
        found: dict[str, list[tuple[Scope, ast.expr]]] = {}
        for scope in self.methods.values():
            for name, bindings in scope.sketch.stores.items():
                values = [(scope, binding.node) for binding in bindings if binding.kind == "value"]
                if values:
                    found.setdefault(name, []).extend(values)
        return found

    @cached_property
    def _bound(self) -> dict[str, list[tuple[Scope, Binding]]]:
        """The same, and also ``self.a, self.b = make()`` and ``for self.x in``, which the same method may read."""
        found: dict[str, list[tuple[Scope, Binding]]] = {}
        for scope in self.methods.values():
            for name, bindings in scope.sketch.stores.items():
                found.setdefault(name, []).extend((scope, binding) for binding in bindings)
        return found

    def unpacks(self, name: str) -> bool:
        """Whether an attribute gets a part of something, or the elements of something in turn."""
        return any(binding.kind in ("unpacked", "loop") for _, binding in self._bound.get(name, ()))

    @cached_property
    def stored_kinds(self) -> list[tuple[str, Kinds]]:
        """The attributes that the class itself assigns, with what they may hold."""
        return [(name, self.own_attribute(name)) for name in self.stored]

    @cached_property
    def may_hold_weights(self) -> bool:
        """Whether an instance may hold Parameters, by itself or in a module: a loss of the project usually does not."""
        if self._may_hold_weights_itself:
            return True
        for symbol in self.file.bases(self.symbol):
            base = self.file.class_of(symbol)
            if base is None or base._may_hold_weights_itself:
                return True
        known = torch_facts().stateless_modules | {"torch.nn.Module"}
        bases = (base.dotted for base in self.file.project.ancestors(self.symbol) if base is not None)
        return any(dotted.startswith("torch.nn.") and dotted not in known for dotted in bases)

    @cached_property
    def _may_hold_weights_itself(self) -> bool:
        kinds = (self.own_attribute(name) for name in self.names)
        return bool(self._registering) or any(
            (each | held(each)) & (MODULE | PARAMETER | LOST) for each in kinds
        )

    @cached_property
    def _registering(self) -> list[tuple[Scope, Call]]:
        """Calls such as ``self.add_module(...)`` and ``setattr(self, ...)``."""
        return [
            (scope, call)
            for scope in self.methods.values()
            for call in scope.sketch.calls
            if call.callee.rpartition(".")[2] in _REGISTERING
        ]

    def _evaluate(self, name: str) -> Kinds:
        kinds = 0
        for scope, binding in self._bound.get(name, ()):
            kinds |= self.file.evaluator.of_bindings((binding,), scope)
        for scope, call in self._registering:
            kinds |= _registered(call, name, scope)
        for binding in self.body.sketch.definitions.get(name, ()):
            if binding.kind == "value":
                kinds |= self.body.possible(binding.node)
        if name in self.properties:
            kinds |= self.methods[name].returned() | self.file.evaluator.declared(self.node_of(name))
        if kinds & (CONTAINER | MODULE):
            method = next(iter(self.methods.values()), self.body)
            kinds |= self.file.evaluator.grown(method, f"self.{name}")
        return kinds

    def returned_by(self, name: str) -> Kinds:
        """What ``self.name(...)`` may return."""
        kinds = self.own_returned_by(name)
        for base in self._bases_with(name):
            kinds |= self.file.returned_by(base, name)
        return kinds

    def own_returned_by(self, name: str) -> Kinds:
        """The same of the method of this class alone."""
        if name not in self.methods:
            return 0
        return self._answered("method", name, lambda: self._evaluate_method(name))

    def _evaluate_method(self, name: str) -> Kinds:
        return self.methods[name].returned() | self.file.evaluator.declared(self.node_of(name))

    def owners_of_method(self, name: str) -> Iterator[ClassSketch]:
        """This class and the bases in view, as far as they have the method that ``self.name(...)`` may call."""
        bases = map(self.file.class_of, self._bases_with(name))
        return (sketch for sketch in (self, *bases) if sketch is not None and name in sketch.methods)

    def may_have_method(self, name: str) -> bool:
        """Whether the class or one of its bases in view has a method."""
        return name in self.methods or any(True for _ in self._bases_with(name))

    def _bases_with(self, name: str) -> Iterator[Symbol]:
        """The bases in view that have a method."""
        for base in self.file.bases(self.symbol):
            if base.class_outline is not None and name in base.class_outline.methods:
                yield base

    def node_of(self, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        found = [node for node in self._functions if node.name == name]
        return found[-1] if found else None

    def reachable(self, *starts: str, certainly: bool = False) -> set[str]:
        """The methods of this class that may run, or that ``certainly`` do, when one of ``starts`` is called."""
        found: set[str] = set()
        pending = [name for name in starts if name in self.methods]
        while pending:
            name = pending.pop()
            if name not in found:
                found.add(name)
                loads = self.certain_uses(name).loads if certainly else self.methods[name].sketch.loads
                pending += [load for load in loads if load in self.methods]
        return found

    def certain_uses(self, name: str) -> Uses:
        """What a method certainly uses of ``self``."""
        if name not in self._certain_uses:
            method = self.methods[name]
            self_name = method.sketch.self_name
            self._certain_uses[name] = uses(method.nodes, self_name) if self_name else Uses(set(), set())
        return self._certain_uses[name]


_REGISTERING = {*REGISTERING_METHODS, "setattr"}


def _registered(call: Call, name: str, scope: Scope) -> Kinds:
    """What ``self.add_module("name", layer)`` gives ``self.name``."""
    if _registered_name(call) != name:  # the model asks for no other, either
        return 0
    position = 1 if call.callee.rpartition(".")[2] == "setattr" else 0
    return scope.possible(given_to(call.node)[position + 1])


def _registered_name(call: Call) -> object:
    """The name under which a call registers a module or Parameter, where it is written out."""
    method = call.callee.rpartition(".")[2]
    given = given_to(call.node)
    position = 1 if method == "setattr" else 0
    if len(given) < position + 2 or method == "register_buffer":
        return None
    literal = next((item.value for item in call.node.keywords if item.arg == "name"), given[position])
    return literal.value if isinstance(literal, ast.Constant) else None
