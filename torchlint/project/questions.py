"""A project as one file asks it: every question is written down with its answer, so that it can be asked again.

An answer is written without line numbers: which class or function it is, and what its header says.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from torchlint.project.index import Project, Symbol
from torchlint.project.known import Known
from torchlint.project.outline import ClassOutline, FunctionOutline, Outline
from torchlint.project.trace import Asker, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Answer = TypeVar("Answer")


class Questions:
    """The questions that the file of ``outline`` asks ``project``, where they are written down."""

    def __init__(self, project: Project, outline: Outline) -> None:
        self._project = project
        self._outline = outline
        self._trace = project.trace
        self._asker: Asker = (
            self._trace.short(project.root) if project.root else "",
            self._trace.short(outline.path),
        )
        self._asked: set[tuple[object, ...]] = set()
        self._trace.drawn(self._asker, project.touched_by(outline))

    def tree(self, outline: Outline) -> ast.Module:
        """See :meth:`Project.tree`."""
        return self._project.tree(outline)

    def has_tree(self, outline: Outline) -> bool:
        """See :meth:`Project.has_tree`."""
        return self._project.has_tree(outline)

    def resolve(
        self, outline: Outline, dotted: str, *, scope: ClassOutline | None = None, line: int | None = None
    ) -> Symbol | None:
        """See :meth:`Project.resolve`."""
        return self._ask(
            ("resolve", outline, dotted, scope, line),
            lambda: self._project.resolve(outline, dotted, scope=scope, line=line),
        )

    def member(self, symbol: Symbol, name: str) -> Symbol | None:
        """See :meth:`Project.member`."""
        return self._ask(("member", symbol, name), lambda: self._project.member(symbol, name))

    def imported(self, outline: Outline, dotted: str) -> Symbol | None:
        """See :meth:`Project.imported`."""
        return self._ask(("imported", outline, dotted), lambda: self._project.imported(outline, dotted))

    def class_symbol(self, outline: Outline, definition: ClassOutline) -> Symbol:
        """See :meth:`Project.class_symbol`."""
        return self._project.class_symbol(outline, definition)

    def bases(self, outline: Outline, definition: ClassOutline) -> tuple[Symbol | None, ...]:
        """See :meth:`Project.bases`."""
        return self._ask(
            ("bases", self._project.class_symbol(outline, definition)),
            lambda: self._project.bases(outline, definition),
        )

    def ancestors(self, symbol: Symbol) -> tuple[Symbol | None, ...]:
        """See :meth:`Project.ancestors`."""
        return self._ask(("ancestors", symbol), lambda: self._project.ancestors(symbol))

    def known(self, symbol: Symbol) -> Known | None:
        """See :meth:`Project.known`."""
        return self._ask(("known", symbol), lambda: self._project.known(symbol))

    def is_known_module(self, symbol: Symbol) -> bool:
        """See :meth:`Project.is_known_module`."""
        found = self.known(symbol)
        return found is not None and found.module

    def is_module(self, symbol: Symbol) -> bool | None:
        """See :meth:`Project.is_module`."""
        return self._ask(("is_module", symbol), lambda: self._project.is_module(symbol))

    def users(self, symbol: Symbol) -> Iterator[Outline]:
        """See :meth:`Project.users`."""
        return iter(self._ask(("users", symbol), lambda: tuple(self._project.users(symbol))))

    def looked_into(self, outline: Outline) -> None:
        """See :meth:`Project.looked_into`."""
        if outline is not self._outline:
            self._trace.looked(self._asker, outline.path)

    def _ask(self, question: tuple[object, ...], answer: Callable[[], Answer]) -> Answer:
        trace = self._trace
        if question in self._asked:
            return answer()
        outer = trace.begin(self._behind(question))
        try:
            found = answer()
        except BaseException:
            trace.broken(self._asker)
            raise
        finally:
            touched = trace.end(outer)
        self._asked.add(question)
        trace.asked(self._asker, self._written(question), written(found, self._project), touched)
        return found

    def _behind(self, question: tuple[object, ...]) -> int:
        """What the outlines were drawn from that the question is about."""
        touched = 0
        for part in question:
            outline = part.outline if isinstance(part, Symbol) else part
            if isinstance(outline, Outline):
                touched |= self._project.touched_by(outline)
        return touched

    def _written(self, question: tuple[object, ...]) -> str:
        import json  # here, because a run without a cache needs none

        return json.dumps([self._argument(part) for part in question], separators=(",", ":"))

    def _argument(self, part: object) -> Any:
        if isinstance(part, Outline):
            return None if part is self._outline else self._trace.short(part.path)
        if isinstance(part, ClassOutline):
            return [part.qualname, part.line]
        if isinstance(part, Symbol):
            folder = self._trace.short(part.folder) if part.folder else None
            path = self._trace.short(part.outline.path) if part.outline else None
            return [part.kind, part.dotted, path, part.qualname, _number(part), folder]
        return part


def written(found: object, project: Project) -> str:
    """An answer as text."""
    if isinstance(found, Symbol):
        return _written_symbol(found, project)
    if isinstance(found, Outline):
        return project.trace.short(found.path)
    if isinstance(found, tuple) and not isinstance(found, Known):
        return f"({', '.join(written(each, project) for each in found)})"
    return repr(found)


def _written_symbol(symbol: Symbol, project: Project) -> str:
    where = project.trace.short(symbol.outline.path) if symbol.outline else ""
    folder = project.trace.short(symbol.folder) if symbol.folder else ""
    parts = [symbol.kind, symbol.dotted, where, folder]
    if symbol.definition is not None:
        parts += [symbol.qualname, str(_number(symbol))]
    if symbol.class_outline is not None:
        parts.append(_header(symbol.class_outline))
    return " ".join(parts)


def _header(definition: ClassOutline) -> str:
    """What is asked of a class without another question."""
    words = (definition.bases, definition.metaclass, definition.decorators)
    names = (sorted(definition.methods), sorted(definition.assigned))
    return digest(repr((words, names)).encode("utf-8", "surrogatepass"))[:12]


def _number(symbol: Symbol) -> int:
    """Which of the definitions of that name it is."""
    if symbol.outline is None or not isinstance(symbol.definition, ClassOutline):
        return 0
    same = [found for found in symbol.outline.definitions if found.qualname == symbol.qualname]
    return same.index(symbol.definition) if symbol.definition in same else -1


class Unanswerable(Exception):
    """What a question was about is not there any more."""


_ASKABLE = frozenset({"member", "imported", "ancestors", "known", "is_module", "users"})


def ask_again(project: Project, file: str, questions: Sequence[str], locate: Callable[[str], str]) -> None:
    """Ask on behalf of ``file`` what was asked before; ``locate`` turns a short path into a full one.

    The answers go to the trace of the project. Raises :class:`Unanswerable`, or anything for a question that
    torchlint did not write.
    """
    own = _outline(project, locate(file))
    asking = project.asked_by(own)
    read = _Part(project, own, locate)
    import json

    for question in questions:
        name, *parts = json.loads(question)
        if name == "resolve":
            outline, dotted, scope, line = parts
            asked_of = read(outline)
            asking.resolve(asked_of, dotted, scope=_scope(asked_of, scope), line=line)
        elif name == "bases":
            symbol = read(*parts)
            asking.bases(symbol.outline, symbol.definition)
        elif name in _ASKABLE:
            getattr(asking, name)(*map(read, parts))
        else:
            raise Unanswerable(name)


def _outline(project: Project, path: str) -> Outline:
    outline = project.outline(path)
    if outline is None:
        raise Unanswerable(path)
    return outline


def _scope(outline: Outline, part: Any) -> ClassOutline | None:
    if part is None:
        return None
    qualname, line = part
    return next(found for found in outline.definitions if (found.qualname, found.line) == (qualname, line))


class _Part:
    """Turns a part of a written question into what it stood for."""

    def __init__(self, project: Project, own: Outline, locate: Callable[[str], str]) -> None:
        self._project = project
        self._own = own
        self._locate = locate

    def __call__(self, part: Any) -> Any:
        if part is None:
            return self._own
        if not isinstance(part, list) or len(part) != 6:
            return part
        kind, dotted, path, qualname, number, folder = part
        outline = _outline(self._project, self._locate(path)) if path else None
        definition: ClassOutline | FunctionOutline | None = None
        if qualname and outline is not None:
            definition = _definition(outline, kind, qualname, number)
        return Symbol(kind, dotted, outline, definition, self._locate(folder) if folder else None)


def _definition(outline: Outline, kind: str, qualname: str, number: int) -> ClassOutline | FunctionOutline:
    if kind == "function":
        return outline.functions[qualname]
    return [found for found in outline.definitions if found.qualname == qualname][number]
