"""Questions about names across files: what is this name, is this class a Module, who uses it.

Everything is lazy: only the imports that a question needs are followed, and each file is parsed once per
process. A name means one thing or nothing: where several bindings do not fold to one symbol, the answer is
``None``.
"""

from __future__ import annotations

import builtins
import codecs
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice

from torchlint.decoding import decode
from torchlint.project.installed import MAX_FILES, Finder, Place, find_root
from torchlint.project.known import MODULE, Known, canonical, known, plain, starred
from torchlint.project.outline import (
    Binding,
    ClassOutline,
    FunctionOutline,
    Import,
    Outline,
    OutlineError,
    absolute,
)
from torchlint.project.paths import absolute_path, stem
from torchlint.project.shelf import Shelf
from torchlint.project.trace import Trace
from torchlint.project.trees import Trees
from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from typing import Literal

    from torchlint.project.questions import Questions

    SymbolKind = Literal["external", "class", "function", "module", "value"]


_BUILTINS = frozenset(dir(builtins))

# Builtins that a star import of torch, numpy or pylab binds to functions of its own.
_SHADOWED_BY_STARS = {
    *("abs", "all", "any", "bool", "bytes", "compile", "complex", "divmod", "float", "hash", "int", "max"),
    *("min", "pow", "range", "round", "str", "sum"),
}

_END = 1 << 60
"""After the last line of a file: what an importer sees."""

_MAX_HOPS = 30
"""How long a chain of imports and aliases is followed; real ones have fewer than ten links."""

_MAX_STAR_FILES = 300
"""How many files are looked at for a name that star imports may bind."""

_STAR = re.compile(rb"import\s*\(?\s*\*")

_MAX_BASES = 100
"""How many classes may inherit from each other in a circle before Python's own stack is in danger."""

_MAX_STEPS = 5000
"""How many names are looked at for one question, however the files import each other."""


class Symbol(Record):
    """What a name means. An external one is known by its dotted name only, the others by their file.

    ``definition`` is the class or top-level function; ``folder`` is set for a package.
    """

    kind: SymbolKind
    dotted: str
    outline: Outline | None = None
    definition: ClassOutline | FunctionOutline | None = None
    folder: str | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        where = (self.outline.path if self.outline else None, self.folder)
        line = self.definition.line if self.definition else None
        return (self.kind, self.dotted, *where, line)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Symbol) and self.identity == other.identity)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.dotted)

    @property
    def qualname(self) -> str:
        """The name inside of the file: ``Outer.Inner``; empty where there is no definition."""
        return self.definition.qualname if self.definition else ""

    @property
    def class_outline(self) -> ClassOutline | None:
        return self.definition if isinstance(self.definition, ClassOutline) else None


class _Missing:
    """The module is there, but does not bind the name: another file of that name may."""


class _Cycle:
    """The question led back to itself, which adds nothing to its answer.

    So where ``models/vae.py`` says ``from models import Base`` and ``models/__init__.py`` says both
    ``from .base import *`` and ``from .vae import *``.
    """


class _Stars(Record):
    """Where the star imports of a module may take a name from.

    ``binders`` bind it themselves, ``tables`` are modules known to have it without being read, ``unread`` are
    all that were not read. The search is not ``complete`` where it would have led through too many files.
    """

    binders: list[Outline]
    submodules: list[Place]
    tables: list[str]
    unread: set[str]
    complete: bool = True


_MISSING = _Missing()
_CYCLE = _Cycle()
_Found = Symbol | Place | _Cycle | None


class Project:
    """The files of a project and of the packages it imports, as far as anyone asked.

    ``root`` is found for each file where it is not given. ``environment`` are folders of installed packages.
    ``trace`` says what answers were drawn from, ``shelf`` has outlines of earlier runs.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        environment: Sequence[str | os.PathLike[str]] | None = None,
        finder: Finder | None = None,
        trace: Trace | None = None,
        shelf: Shelf | None = None,
        trees: Trees | None = None,
    ) -> None:
        self.root = None if root is None else absolute_path(root)
        self.trace = trace or Trace()
        self._finder = finder or Finder(self.root, environment, self.trace)
        self.trees = trees or Trees()
        self._shelf = shelf or Shelf()
        self._outlines: dict[str, Outline | None] = {}
        self.characters = 0
        """How much text was outlined."""
        # What each kept answer was drawn from, by the same keys.
        self._touched: dict[object, int] = {}
        self._buffers: dict[str, Outline] = {}
        self._folds: dict[tuple[object, ...], _Found | _Missing] = {}
        self._active: dict[tuple[object, ...], int] = {}
        self._star_searches: dict[tuple[Outline, str], _Stars] = {}
        self._cut = _END
        self._steps = 0
        self._module_names: dict[str, str] = {}
        self._placed: dict[tuple[Outline, int, str], tuple[Place, ...]] = {}
        self._class_symbols: dict[ClassOutline, Symbol] = {}
        self._modules: dict[Symbol, tuple[bool | None, int]] = {}
        self._ancestors: dict[Symbol, tuple[Symbol | None, ...]] = {}
        self._line_was_cut = False
        self._mentioning: dict[tuple[str, str], tuple[str, ...]] = {}
        self._importing: dict[Outline, tuple[frozenset[str], frozenset[str]]] = {}
        self._not_compared: list[str] = []
        self._unsaved: dict[str, Outline] = {}
        self._files: dict[str, tuple[str, ...]] = {}

    @classmethod
    def for_path(
        cls, path: str | os.PathLike[str], *, start: str | os.PathLike[str] | None = None
    ) -> Project:
        """The project that the file ``path`` belongs to; see :func:`find_root`."""
        return cls(find_root(path, start))

    # -------------------------------------------------------------------------------------------------- files

    def outline(self, path: str | os.PathLike[str]) -> Outline | None:
        """The outline of a file, ``None`` where it cannot be read or parsed."""
        path = absolute_path(path)
        if path in self._outlines:
            self.trace.touched |= self._touched[path]
        else:
            outer = self.trace.begin()
            self._outlines[path] = self._read(path)
            self._touched[path] = self.trace.end(outer)
        return self._outlines[path]

    def touched_by(self, outline: Outline) -> int:
        """What an outline was drawn from, for the trace."""
        return self._touched.get(outline.path, 0)

    def asked_by(self, outline: Outline) -> Project | Questions:
        """The project, as the file of ``outline`` asks it: what it asks is written down where the trace records."""
        if not self.trace.recording:
            return self
        from torchlint.project.questions import Questions

        return Questions(self, outline)

    def looked_into(self, outline: Outline) -> None:
        """Note that the source of another file takes part in what is said of the one that asks."""

    def tree(self, outline: Outline) -> ast.Module:
        """The syntax tree of a file."""
        return self.trees.parse(outline.path, outline.text)

    def has_tree(self, outline: Outline) -> bool:
        """Whether the syntax tree of a file is at hand."""
        return self.trees.has(outline.path, outline.text)

    def _read(self, path: str) -> Outline | None:
        try:
            return self._outlined(path, decode(self.trace.read(path)))
        except (OSError, SyntaxError, UnicodeDecodeError, LookupError, OutlineError):
            return None

    def parse(self, text: str, path: str | os.PathLike[str]) -> Outline:
        """Outline the text of a file that is being checked and :meth:`add` it; raises ``OutlineError``."""
        path = absolute_path(path)
        self.trees.parse(path, text)  # all of it, though the outline may be known
        known = self._outlines.get(path)
        if known is None or known.text != text:
            known = self._outlined(path, text)
        self.add(known)
        return known

    def _outlined(self, path: str, text: str) -> Outline:
        module = self.module_name(path)
        found = self._shelf.find(path, module, text)
        if found is None:
            found = Outline.from_tree(self._tree_outside(path, text), text, path, module)
            self._shelf.add(found)
        self.characters += len(text)
        return found

    def _tree_outside(self, path: str, text: str) -> ast.Module:
        """A syntax tree for an outline: the whole one where it is wanted anyway, and Python accepts the file."""
        if self.trees.expects(path):
            with suppress(OutlineError):
                return self.trees.parse(path, text)
        from torchlint.project.skeleton import (
            parse_outside,
        )  # here, because its patterns take time to compile

        return parse_outside(text)

    def add(self, outline: Outline) -> None:
        """Let ``outline`` win over the file on disk."""
        path = outline.path
        before = self._outlines.get(path)
        changed = path in self._outlines and (before is None or before.text != outline.text)
        self._outlines[path] = self._buffers[path] = outline
        self._not_compared.append(path)
        # No answer so far depends on a file that was never read and was known to exist.
        if self._finder.add(path) or changed:
            self._folds.clear()
            self._star_searches.clear()
            self._placed.clear()
            self._module_names.clear()
            self._ancestors.clear()
            self._class_symbols.clear()
            self._modules.clear()
            self._files.clear()
            self._mentioning.clear()
            self._importing.clear()
            self.trace.move()
        outer = self.trace.begin(self.trace.bit(path))
        self.module_name(path)
        self._touched[path] = self.trace.end(outer)

    def module_name(self, path: str) -> str:
        if path not in self._module_names:
            outer = self.trace.begin()
            self._module_names[path] = self._finder.module_name(path)
            self._touched["module name", path] = self.trace.end(outer)
        else:
            self.trace.touched |= self._touched["module name", path]
        return self._module_names[path]

    # -------------------------------------------------------------------------------------------------- names

    def resolve(
        self, outline: Outline, dotted: str, *, scope: ClassOutline | None = None, line: int | None = None
    ) -> Symbol | None:
        """What ``dotted`` means in a file, ``None`` where that is ambiguous or not known.

        With ``line``, what it means when module-level code on that line runs; without, in a function, which
        may run at any time. ``scope`` is the class whose enclosing functions are looked at first.
        """
        return self._symbol(self._resolve(outline, dotted, scope, line))

    def member(self, symbol: Symbol, name: str) -> Symbol | None:
        """What ``symbol.name`` means, where ``symbol`` is a module, a class or something external."""
        if symbol.kind != "module":
            return self._symbol(self._attribute(symbol, name))
        file = symbol.outline.path if symbol.outline else None
        return self._symbol(self._attribute(Place(symbol.dotted, file, symbol.folder), name))

    def imported(self, outline: Outline, dotted: str) -> Symbol | None:
        """What an import of ``dotted`` (``..layers.Conv`` with its leading dots) in a function binds."""
        level = len(dotted) - len(dotted.lstrip("."))
        module, _, member = dotted[level:].rpartition(".")
        for origin in (Import(level, dotted[level:], None), Import(level, module, member)):
            target = self._absolute(outline, origin.level, origin.module, origin.member)
            found = self._imported(outline, Binding(member, "import", 0, target=target, origin=origin))
            is_readable = isinstance(found, Place) or (isinstance(found, Symbol) and found.kind != "external")
            if is_readable or not module:
                break
        return self._symbol(found)

    def class_symbol(self, outline: Outline, definition: ClassOutline) -> Symbol:
        """The symbol of a class that is defined in ``outline``."""
        known = self._class_symbols.get(definition)
        if known is None or known.outline is not outline:
            dotted = f"{_module_of(outline)}.{definition.qualname}"
            known = self._class_symbols[definition] = Symbol("class", dotted, outline, definition)
        return known

    def _resolve(self, outline: Outline, dotted: str, scope: ClassOutline | None, line: int | None) -> _Found:
        head, *attributes = dotted.split(".")
        found = self._name(outline, head, scope, line)
        for attribute in attributes:
            found = self._attribute(found, attribute)
        return found

    def _symbol(self, found: _Found) -> Symbol | None:
        if isinstance(found, Place):
            outline = self.outline(found.file) if found.file else None
            dotted = outline.module if outline and outline.module else found.dotted.lstrip(".")
            return Symbol("module", dotted, outline, None, found.folder)
        if isinstance(found, Symbol) and found.kind == "external":
            return _external(found.dotted)
        return found if isinstance(found, Symbol) else None

    def _name(self, outline: Outline, name: str, scope: ClassOutline | None, line: int | None) -> _Found:
        if scope is not None and name in scope.enclosed:
            return self._enclosed(outline, name, scope)
        found = self._bound(outline, name, line)
        if not isinstance(found, _Missing):
            return found
        if name in _BUILTINS and not (outline.stars and name in _SHADOWED_BY_STARS):
            return Symbol("external", f"builtins.{name}")
        return self._from_the_only_unread_star(outline, name)

    def _bound(self, outline: Outline, name: str, line: int | None) -> _Found | _Missing:
        """What a module binds ``name`` to, explicitly or through a star import."""
        key = (outline, name, line)
        if key in self._folds:
            self.trace.touched |= self._touched[key]
            return self._folds[key]

        def answer() -> _Found | _Missing:
            bindings = _live(outline.bindings.get(name, ()), line)
            return self._fold(outline, name, bindings) if bindings else self._starred(outline, name)

        return self._once(key, answer)

    def _enclosed(self, outline: Outline, name: str, scope: ClassOutline) -> _Found:
        """What a function around a class binds ``name`` to, as far as it has run when the class is made."""
        bindings = scope.enclosed[name]
        earlier = tuple(found for found in bindings if found.line < scope.line) or bindings
        found = self._once(
            (outline, name, scope.line, scope.qualname),
            lambda: self._fold(outline, name, earlier, scope),
        )
        return None if isinstance(found, _Missing) else found

    def _once(self, key: tuple[object, ...], answer: Callable[[], _Found | _Missing]) -> _Found | _Missing:
        """The answer to a question, which is kept."""
        if key in self._folds:
            self.trace.touched |= self._touched[key]
            return self._folds[key]
        if key in self._active:
            self._cut = min(self._cut, self._active[key])
            return _CYCLE
        depth = len(self._active)
        self._steps = self._steps + 1 if depth else 0
        if depth > _MAX_HOPS or self._steps > _MAX_STEPS:
            self._cut = 0
            return None
        self._active[key] = depth
        outer = self.trace.begin()
        try:
            found = answer()
        finally:
            del self._active[key]
            touched = self.trace.end(outer)
        # An answer that a cycle cut short depends on where the question started: it is not kept.
        if self._cut >= depth:
            self._cut = _END
            self._folds[key] = found
            self._touched[key] = touched
        return found

    def _fold(
        self, outline: Outline, name: str, bindings: Sequence[Binding], scope: ClassOutline | None = None
    ) -> _Found:
        """The one thing that all of the bindings stand for; placeholders such as ``None`` do not count."""
        candidates = (self._binding(outline, found, scope) for found in bindings if not found.literal)
        found = _one_of(candidates)
        if isinstance(found, _Missing):
            return Symbol("value", f"{_module_of(outline)}.{name}", outline)
        return found

    def _binding(self, outline: Outline, binding: Binding, scope: ClassOutline | None) -> _Found:
        if binding.kind == "import":
            return self._imported(outline, binding)
        dotted = f"{_module_of(outline)}.{binding.name}"
        if binding.kind == "class":
            definition = outline.class_at(binding.line, binding.name)
            return self.class_symbol(outline, definition) if definition else None
        if binding.kind == "function":
            function = outline.functions.get(binding.name)
            known_here = function is not None and function.line == binding.line
            return Symbol("function", dotted, outline, function if known_here else None)
        if binding.alias is None:
            return Symbol("value", dotted, outline)
        return self._resolve(outline, binding.alias, scope, None if scope else binding.line)

    # ------------------------------------------------------------------------------------------------ imports

    def _imported(self, outline: Outline, binding: Binding) -> _Found:
        origin = binding.origin
        if origin is None or binding.target is None:
            return None
        places = self._places(outline, origin.level, origin.module)
        if not places:
            return Symbol("external", self._external_name(outline, binding.target, origin))
        if origin.member is None:
            return self._top(places[0], origin.module, binding.target)
        for place in places:
            if place.file == outline.path:  # `from . import layers` in an `__init__.py`
                return self._finder.descend(place, [origin.member])
            found = self._member(place, origin.member)
            if not isinstance(found, _Missing) and not (found is None and place.installed):
                return found
        if any(place.file and not place.installed for place in places):
            return None
        # Folders without a file of their own, such as a data folder named like an installed package, or a
        # package that makes its names up when it is imported.
        return Symbol("external", binding.target)

    def _external_name(self, outline: Outline, target: str, origin: Import) -> str:
        return self._absolute(outline, origin.level, origin.module, origin.member) if origin.level else target

    def _top(self, place: Place, module: str, bound: str) -> Place:
        """The package ``a`` of the place of ``a.b.c``, which is what ``import a.b.c`` binds."""
        for _ in range(module.count(".") - bound.count(".")):
            start = os.path.dirname(place.folder or place.file or "")
            file = os.path.join(start, "__init__.py") if self._finder.is_file(start, "__init__.py") else None
            place = Place("", file, start, place.installed)
        return place._replace(dotted=bound)

    def _places(self, outline: Outline, level: int, module: str) -> tuple[Place, ...]:
        """Where an imported module can be; nothing where no file is read."""
        key = (outline, level, module)
        if key not in self._placed:
            outer = self.trace.begin()
            self._placed[key] = self._find_places(outline, level, module)
            self._touched["placed", key] = self.trace.end(outer)
        else:
            self.trace.touched |= self._touched["placed", key]
        return self._placed[key]

    def _find_places(self, outline: Outline, level: int, module: str) -> tuple[Place, ...]:
        if not level:
            return self._finder.absolute(module, os.path.dirname(outline.path))
        if self._finder.in_torch(outline.path):
            return ()
        place = self._finder.relative(level, module, outline.path)
        if place is None:
            return ()
        dotted = self._absolute(outline, level, module, None)
        return (place._replace(dotted=dotted),)

    def _absolute(self, outline: Outline, level: int, module: str, member: str | None) -> str:
        name = outline.module or self.module_name(outline.path)
        package = name if os.path.basename(outline.path) == "__init__.py" else name.rpartition(".")[0]
        dotted = absolute(level, module, package)
        if member is None:
            return dotted
        return f"{dotted}{member}" if dotted.endswith(".") else f"{dotted}.{member}"

    def _attribute(self, found: _Found, name: str) -> _Found:
        if isinstance(found, Place):
            member = self._member(found, name)
            if not isinstance(member, _Missing):
                return member
            # A folder without a file of its own is more likely data than a package.
            outside = found.file is None or found.installed
            return Symbol("external", f"{found.dotted}.{name}") if outside else None
        if found is None or isinstance(found, _Cycle):
            return found
        if found.kind == "external":
            return Symbol("external", f"{found.dotted}.{name}")
        if found.kind == "class" and found.outline and found.class_outline:
            inner = found.outline.classes.get(f"{found.class_outline.qualname}.{name}")
            return self.class_symbol(found.outline, inner) if inner else None
        return None

    def _member(self, place: Place, name: str) -> _Found | _Missing:
        """The attribute of a module: what it binds, else its submodule."""
        if place.installed and known(f"{place.dotted}.{name}"):
            return Symbol("external", f"{place.dotted}.{name}")  # no need to read the package
        outline = self.outline(place.file) if place.file else None
        if outline is not None:
            found = self._bound(outline, name, _END)
            if not isinstance(found, _Missing):
                return found
        submodule = self._finder.descend(place, [name])
        if submodule is not None:
            return submodule
        if place.file is not None and (outline is None or "__getattr__" in outline.bindings):
            return None
        if outline is not None:
            only = self._from_the_only_unread_star(outline, name)
            return _MISSING if only is None else only
        return _MISSING

    # ------------------------------------------------------------------------------------------- star imports

    def _starred(self, outline: Outline, name: str) -> _Found | _Missing:
        """What the star imports of a module bind ``name`` to."""
        stars = self._stars(outline, name)
        return _one_of(self._star_candidates(stars, name)) if stars.complete else None

    def _star_candidates(self, stars: _Stars, name: str) -> Iterator[_Found]:
        for source in stars.binders:
            found = self._bound(source, name, _END)
            yield None if isinstance(found, _Missing) else found
        yield from stars.submodules
        for module in stars.tables:
            # A look-alike that is star-imported as well may have bound the name after torch did.
            safe = all(plain(other.partition(".")[0]) for other in stars.unread)
            yield Symbol("external", f"{module}.{name}") if safe else None

    def _from_the_only_unread_star(self, outline: Outline, name: str) -> _Found:
        """A name that nothing binds comes from the star import that is not read, if there is just one."""
        stars = self._stars(outline, name)
        unread = [module for module in stars.unread if starred(module) is None]
        return Symbol("external", f"{unread[0]}.{name}") if stars.complete and len(unread) == 1 else None

    def _stars(self, outline: Outline, name: str) -> _Stars:
        """Where the star imports of a module lead for ``name``: a search over files, so cycles do no harm."""
        key = (outline, name)
        if key not in self._star_searches:
            outer = self.trace.begin()
            self._star_searches[key] = self._search_stars(outline, name)
            self._touched[key] = self.trace.end(outer)
        else:
            self.trace.touched |= self._touched[key]
        return self._star_searches[key]

    def _search_stars(self, outline: Outline, name: str) -> _Stars:
        stars = _Stars([], [], [], set())
        seen = {outline.path}
        stack = [(outline, star) for star in outline.stars]
        while stack:
            importer, star = stack.pop()
            places = [found for found in self._places(importer, star.level, star.module) if found.file]
            source = self._star_source(places[0].file, name, seen) if places and places[0].file else None
            if len(seen) > _MAX_STAR_FILES:
                return stars._replace(complete=False)
            if not places or (source is None and places[0].file not in seen):
                module = self._absolute(importer, star.level, star.module, None)
                stars.unread.add(module)
                if name in (starred(module) or ()):
                    stars.tables.append(module)
            elif source is None or not _exported(source, name):
                continue
            elif source.bindings.get(name):
                stars.binders.append(source)
            elif source.exports is not None and (inner := self._finder.descend(places[0], [name])):
                stars.submodules.append(inner)
            else:
                stack += [(source, inner_star) for inner_star in source.stars]
        return stars

    def _star_source(self, path: str, name: str, seen: set[str]) -> Outline | None:
        """The outline of a star-imported file, ``None`` if it was ``seen`` or cannot have the name.

        Most files are ruled out by their bytes: the packages of models import hundreds of files by star.
        A file that cannot be parsed is not added to ``seen``.
        """
        if path in seen:
            return None
        if path not in self._outlines:
            content = self._content(path)
            if not _has_word(content, name.encode()) and not (b"*" in content and _STAR.search(content)):
                seen.add(path)
                return None
        source = self.outline(path)
        if source is not None:
            seen.add(path)
        return source

    # ------------------------------------------------------------------------------------------------ classes

    def bases(self, outline: Outline, definition: ClassOutline) -> tuple[Symbol | None, ...]:
        """The bases of a class as written, ``None`` for each that is not known to be a class."""
        line = None if definition.local else definition.line
        found = (
            self.resolve(outline, base, scope=definition, line=line) if base else None
            for base in definition.bases
        )
        return tuple(base if base and base.kind in ("class", "external") else None for base in found)

    def ancestors(self, symbol: Symbol) -> tuple[Symbol | None, ...]:
        """The bases of a class and theirs, in the order of Python's method resolution; ``None``: unknown."""
        kept = self._ancestors.get(symbol)
        if kept is not None:
            self.trace.touched |= self._touched[symbol]
            return kept
        for found in self._bases_first(symbol):
            self._line_was_cut = False
            self._line(found, ())
        return tuple(found if isinstance(found, Symbol) else None for found in self._line(symbol, ()))

    def _bases_first(self, symbol: Symbol) -> Iterator[Symbol]:
        """The classes that ``symbol`` inherits from, each after its bases, so that no long line recurses."""
        seen: set[Symbol] = set()
        stack = [(symbol, False)]
        while stack:
            found, has_bases = stack.pop()
            if has_bases:
                yield found
            elif found not in seen and found not in self._ancestors:
                seen.add(found)
                stack.append((found, True))
                if found.outline is not None and found.class_outline is not None:
                    bases = self.bases(found.outline, found.class_outline)
                    stack += [(base, False) for base in bases if base is not None]

    def _line(self, symbol: Symbol, below: tuple[Symbol, ...]) -> list[Symbol | object]:
        definition = symbol.class_outline
        if symbol.outline is None or definition is None:
            return self._line_of_external(symbol)
        if symbol in below or len(below) > _MAX_BASES:
            self._line_was_cut = True
            return [object()]  # inherits from itself
        kept = self._ancestors.get(symbol)
        if kept is not None:
            self.trace.touched |= self._touched[symbol]
            return [found or object() for found in kept]
        outer = self.trace.begin()
        try:
            return self._line_of_bases(symbol, symbol.outline, definition, below)
        finally:
            touched = self.trace.end(outer)
            if symbol in self._ancestors:
                self._touched[symbol] = touched

    def _line_of_bases(
        self, symbol: Symbol, outline: Outline, definition: ClassOutline, below: tuple[Symbol, ...]
    ) -> list[Symbol | object]:
        bases: list[Symbol | object] = [base or object() for base in self.bases(outline, definition)]
        lines = [
            [base, *self._line(base, (*below, symbol))] if isinstance(base, Symbol) else [base]
            for base in bases
        ]
        if len(lines) == 1:
            return self._keep(symbol, lines[0])
        merged = _merge([*[list(line) for line in lines], list(bases)])
        line = (
            merged if merged is not None else list(dict.fromkeys(found for line in lines for found in line))
        )
        return self._keep(symbol, line)

    def _keep(self, symbol: Symbol, line: list[Symbol | object]) -> list[Symbol | object]:
        if not self._line_was_cut:
            self._ancestors[symbol] = tuple(found if isinstance(found, Symbol) else None for found in line)
        return line

    def _line_of_external(self, symbol: Symbol) -> list[Symbol | object]:
        is_module = symbol.dotted != MODULE and self.is_known_module(symbol)
        return [Symbol("external", MODULE)] if is_module else []

    def known(self, symbol: Symbol) -> Known | None:
        """What the table of third-party classes says of a symbol, by the name that an importer would use."""
        return known(self._public_name(symbol)) if symbol.kind in ("external", "class") else None

    def is_known_module(self, symbol: Symbol) -> bool:
        found = self.known(symbol)
        return found is not None and found.module

    def _public_name(self, symbol: Symbol) -> str:
        """Classes of packages go by public names, and so do PyTorch's when PyTorch itself is checked."""
        path = symbol.outline.path if symbol.outline else None
        public = path is None or self._finder.in_torch(path) or self._finder.is_installed(path)
        return canonical(symbol.dotted) if public else ""

    def is_module(self, symbol: Symbol) -> bool | None:
        """Whether a class is a ``torch.nn.Module``; ``None`` where a base is unknown and none is a Module."""
        if symbol.kind not in ("class", "external"):
            return False if symbol.kind == "function" else None
        known = self._modules.get(symbol)
        if known is None:
            outer = self.trace.begin()
            answer = self._is_module(symbol)
            known = self._modules[symbol] = (answer, self.trace.end(outer))
        else:
            self.trace.touched |= known[1]
        return known[0]

    def _is_module(self, symbol: Symbol) -> bool | None:
        if _is_placeholder(symbol):
            return False
        line: list[Symbol | None] = [symbol, *self.ancestors(symbol)]
        for found in line:
            if found is None:
                continue
            is_module, touched = self._modules.get(found, (None, 0))
            if is_module or self.is_known_module(found):
                self.trace.touched |= touched
                return True
        unknown = any(
            found is None or (found.kind == "external" and self.known(found) is None) for found in line
        )
        return None if unknown else False

    # -------------------------------------------------------------------------------------------------- users

    def users(self, symbol: Symbol) -> Iterator[Outline]:
        """The files of the project that can mention ``symbol``: its own, and those that import to match."""
        if symbol.outline is None or symbol.definition is None:
            return
        own = symbol.outline.path
        folder, file = os.path.split(own)
        name = symbol.definition.name
        module = os.path.basename(folder) if file == "__init__.py" else stem(file)
        for path in self._mentions(self._finder.root_of(folder), name):
            outline = self.outline(path)
            if outline is not None and (path == own or self._imports(outline, module, name)):
                yield outline

    def files(self, root: str) -> tuple[str, ...]:
        """The Python files below ``root``, at most ``MAX_FILES`` of them; see :meth:`has_all_files`."""
        if root not in self._files:
            outer = self.trace.begin()
            found = self._finder.project_files(root)
            self._files[root] = tuple(islice(found, MAX_FILES + 1))
            self._touched["files", root] = self.trace.end(outer)
        else:
            self.trace.touched |= self._touched["files", root]
        return self._files[root][:MAX_FILES]

    def _mentions(self, root: str, name: str) -> Iterable[str]:
        """The files of the project in which ``name`` is a word."""
        word = name.encode()
        if (root, name) not in self._mentioning:
            outer = self.trace.begin()
            found = (path for path in self.files(root) if _has_word(self._content(path), word))
            self._mentioning[root, name] = tuple(found)
            self._touched["mentioning", root, name] = self.trace.end(outer)
        else:
            self.trace.touched |= self._touched["mentioning", root, name]
        on_disk = self._mentioning[root, name]
        unsaved = self._unsaved_buffers()
        if not unsaved:
            return on_disk
        among = {path for path in on_disk if path not in unsaved}
        among.update(path for path, buffer in unsaved.items() if _has_word(_bytes_of(buffer), word))
        return [path for path in self.files(root) if path in among]

    def _unsaved_buffers(self) -> dict[str, Outline]:
        """The files whose text came from the caller and is not what the disk has, so that a search must look at it."""
        for path in self._not_compared:
            buffer = self._buffers[path]
            if self._content(path).removeprefix(codecs.BOM_UTF8) == _bytes_of(buffer):
                self._unsaved.pop(path, None)
            else:
                self._unsaved[path] = buffer
        self._not_compared.clear()
        return self._unsaved

    def _imports(self, outline: Outline, module: str, name: str) -> bool:
        """Whether a file imports ``name`` from anywhere, or anything by the name of ``module``."""
        if outline not in self._importing:
            self._importing[outline] = _imported_words(outline)
        members, modules = self._importing[outline]
        return name in members or module in members or module in modules

    def _content(self, path: str) -> bytes:
        try:
            return self.trace.read(path)
        except OSError:
            return b""


def _module_of(outline: Outline) -> str:
    return outline.module or stem(outline.path)


def _bytes_of(buffer: Outline) -> bytes:
    return buffer.text.encode(errors="replace")


def _has_word(content: bytes, name: bytes) -> bool:
    # Most files do not have it at all, which the search for a substring finds out a hundred times faster.
    return name in content and _word(name).search(content) is not None


@lru_cache(maxsize=256)
def _word(name: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"\b" + re.escape(name) + rb"\b")


@lru_cache(maxsize=4096)
def _external(dotted: str) -> Symbol:
    return Symbol("external", canonical(dotted))


def _live(bindings: Sequence[Binding], line: int | None) -> Sequence[Binding]:
    """The bindings that can be in force on a line; without one, all of them."""
    if line is None:
        return bindings
    before = [found for found in bindings if found.line < line or found.everywhere]
    last = max((index for index, found in enumerate(before) if not found.conditional), default=0)
    return [found for index, found in enumerate(before) if index >= last or found.everywhere]


def _one_of(candidates: Iterable[_Found]) -> _Found | _Missing:
    """The one thing that all candidates mean, ``None`` where they differ or one is unknown."""
    found: list[_Found] = []
    led_back = False
    for candidate in candidates:
        if candidate is None:
            return None
        if isinstance(candidate, _Cycle):
            led_back = True
        else:
            found.append(candidate)
    if len(found) > 1:
        found = [candidate for candidate in found if not _is_placeholder(candidate)] or found
    if not found:
        return _CYCLE if led_back else _MISSING
    return found[0] if len({_spelling(candidate) for candidate in found}) == 1 else None


def _spelling(found: _Found) -> tuple[object, ...]:
    """What two candidates have in common when they mean the same thing."""
    if isinstance(found, Symbol):
        return ("external", canonical(found.dotted)) if found.kind == "external" else found.identity
    return (found.file, found.folder) if isinstance(found, Place) else ()


def _is_placeholder(found: _Found) -> bool:
    """The stand-in for a class of a package that is missing: ``class Net(metaclass=DummyObject)``.

    So in transformers, diffusers and optimum (``utils/dummy_pt_objects.py``).
    """
    definition = found.class_outline if isinstance(found, Symbol) else None
    metaclass = definition.metaclass if definition else None
    return metaclass is not None and metaclass.rpartition(".")[2] == "DummyObject"


def _exported(outline: Outline, name: str) -> bool:
    if outline.exports is not None:
        return name in outline.exports
    return not name.startswith("_")


def _imported_words(outline: Outline) -> tuple[frozenset[str], frozenset[str]]:
    """What the imports of a file name: members, and the parts of modules."""
    origins = [found.origin for bindings in outline.bindings.values() for found in bindings if found.origin]
    members = frozenset(origin.member for origin in origins if origin.member is not None)
    modules = {part for origin in origins for part in origin.module.split(".")}
    modules.update(part for star in outline.stars for part in star.module.split("."))
    return members, frozenset(modules)


def _merge(lines: list[list[Symbol | object]]) -> list[Symbol | object] | None:
    """The C3 linearisation (https://docs.python.org/3/howto/mro.html), ``None`` where there is none."""
    merged: list[Symbol | object] = []
    while lines := [line for line in lines if line]:
        head = next((line[0] for line in lines if not any(line[0] in other[1:] for other in lines)), None)
        if head is None:
            return None
        merged.append(head)
        lines = [line[1:] if line[0] == head else line for line in lines]
    return merged
