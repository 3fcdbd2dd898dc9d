"""What is possible in the files of a project, remembered across them, and the solver for questions in a circle."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from torchlint.project.index import Project, Symbol
from torchlint.project.outline import ClassOutline, Outline
from torchlint.screen.kinds import (
    ANY_THING,
    ANYTHING,
    CALLABLE,
    CLASS,
    FIRST_THING,
    FOREIGN,
    MAX_DEPTH,
    MODULE,
    NAMESPACE,
    Kinds,
)
from torchlint.screen.scopes import FileSketch, Scope

_MAX_ROUNDS = 50
_MOST_LINES = 40_000
"""How many lines there may be in the classes and functions that others have asked about, before some are let go."""

_NAMESPACES = {
    "torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.modules", "torch.nn.parameter",
    "torch.nn.utils", "torch.optim", "torch.optim.lr_scheduler",
}  # fmt: skip

_MOST_DOTS = 6
"""In the names of torch and of the classes that are known: ``layer = layer.func`` gives no more names than these."""


class Possibilities:
    """The files of a project with their sketches; what functions return and attributes hold is remembered."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._files: dict[Outline, FileSketch] = {}
        self._unasked: Outline | None = None
        self._asked: dict[FileSketch, int] = {}
        self._asked_now: set[FileSketch] = set()
        self._checked: dict[str, Outline] = {}
        self.names: dict[ClassOutline, tuple[str, ...]] = {}
        """The attributes that classes give values, of those whose sketches were let go."""
        self.answers: dict[object, Kinds] = {}
        """What was asked about classes, which is remembered when their sketches are let go."""
        self.returned: dict[object, Kinds] = {}
        self._bits: dict[object, Kinds] = {}
        self._things: list[object] = []
        self._results: dict[object, Kinds] = {}
        self.depth = 0
        self.circles = 0
        """How often an answer was not the last word, because it is a part of a circle."""
        self.settled: dict[object, Kinds] = {}
        """What the open circle has answered in this round."""
        self._approximations: dict[object, Kinds] = {}
        self._homes: dict[object, dict[object, Kinds]] = {}
        self._active: set[object] = set()
        self._asked_again: set[object] = set()
        self._has_grown = False

    def _bit(self, thing: object) -> Kinds:
        if thing not in self._bits:
            self._bits[thing] = 1 << FIRST_THING + len(self._things)
            self._things.append(thing)
        return self._bits[thing]

    def symbols_in(self, kinds: Kinds) -> Iterator[Symbol]:
        """The functions and classes that may be meant."""
        return (thing for thing in self._things_in(kinds) if isinstance(thing, Symbol))

    def _things_in(self, kinds: Kinds) -> Iterator[object]:
        bits = kinds >> FIRST_THING
        while bits:
            lowest = bits & -bits
            bits ^= lowest
            yield self._things[lowest.bit_length() - 1]

    def module_of(self, symbol: Symbol) -> Kinds:
        """The instances of a Module class."""
        return MODULE | FOREIGN | self._bit(symbol) if symbol.class_outline is not None else MODULE

    def closure_of(self, key: object, result: Kinds) -> Kinds:
        """A function in a function, by what a call of it gives."""
        self._results[key] = self._results.get(key, 0) | result
        return CALLABLE | self._bit(key)

    def attribute(self, kinds: Kinds, name: str, asking: FileSketch) -> Kinds:
        """What ``module.name`` may hold, by the classes that the module may be of."""
        found = ANYTHING if kinds & ANY_THING else 0
        for symbol in self.symbols_in(kinds):
            if symbol.class_outline is not None:
                found |= asking.attribute(symbol, name)
            if kinds & (CLASS | NAMESPACE | CALLABLE) and _may_have_members(symbol):
                member = asking.project.member(symbol, name)
                found |= self.of_symbol(member, asking) if member is not None else 0
        return found

    def of_symbol(self, symbol: Symbol, asking: FileSketch) -> Kinds:
        """What a class or function is by itself."""
        bit = self._bit(symbol)
        if symbol.kind == "module" or symbol.dotted in _NAMESPACES:
            return NAMESPACE | bit
        if symbol.kind == "class":
            return CLASS | bit if asking.project.is_module(symbol) else NAMESPACE | bit
        if symbol.kind == "external" and (
            symbol.dotted == "torch.nn.Parameter" or asking.project.is_module(symbol)
        ):
            return CLASS | bit
        return CALLABLE | bit if symbol.kind in ("function", "external") else 0

    def called(self, kinds: Kinds, node: ast.Call, scope: Scope) -> Kinds:
        """What a call of the functions in ``kinds`` may give."""
        found = ANYTHING if kinds & ANY_THING else 0
        for thing in self._things_in(kinds):
            if not isinstance(thing, Symbol):
                found |= self._results[thing]
            elif thing.kind in ("function", "external"):
                found |= scope.file.evaluator.call_symbol(thing, node, scope)
        return found

    def solve(self, memo: dict[object, Kinds], key: object, answer: Callable[[], Kinds]) -> Kinds:
        """The answer to a question that may lead back to itself: the least one that agrees with itself.

        A question that is asked while it is being answered gets what is known so far. Where that was too little, the
        outermost question is asked once more; kinds only ever grow, so this ends. Then all of it goes to the memos.
        """
        if key in self._active:
            self._asked_again.add(key)
            self.circles += 1
            return self._approximations.get(key, 0)
        if key in self.settled:
            self.circles += 1
            return self.settled[key]
        if self.depth > MAX_DEPTH:
            return ANYTHING
        circles = self.circles
        found = self._ask(key, answer)
        if self.circles == circles:
            memo[key] = found
            return found
        self._note(key, found)
        self._homes[key] = memo
        if self._active:
            return self.settled[key]
        self.circles = circles
        return self._finish(key, answer)

    def _finish(self, key: object, answer: Callable[[], Kinds]) -> Kinds:
        for _ in range(_MAX_ROUNDS):
            if not self._has_grown:
                break
            self._has_grown = False
            self.settled.clear()
            self._note(key, self._ask(key, answer))
        if not self._has_grown:
            for known, memo in self._homes.items():
                if known in self.settled:
                    memo[known] = self.settled[known]
        found = self.settled[key] if not self._has_grown else ANYTHING
        self._forget()
        return found

    def _ask(self, key: object, answer: Callable[[], Kinds]) -> Kinds:
        self._active.add(key)
        self.depth += 1
        found = answer()
        self.depth -= 1
        self._active.discard(key)
        return found

    def _note(self, key: object, found: Kinds) -> None:
        so_far = self._approximations.get(key, 0)
        found |= so_far
        self._approximations[key] = self.settled[key] = found
        if found != so_far and key in self._asked_again:
            self._has_grown = True

    def _forget(self) -> None:
        for table in (self._approximations, self.settled, self._homes, self._asked_again):
            table.clear()
        self._has_grown = False

    def asked_about(self, outline: Outline) -> FileSketch:
        """The sketch of a file that another one asks about, and may remember parts of."""
        if outline is self._unasked:
            self._unasked = None
        file = self._file(outline)
        self._asked_now.add(file)
        return file

    def _file(self, outline: Outline) -> FileSketch:
        known = self._files.get(outline)
        if known is None:
            known = self._files[outline] = FileSketch(self, outline)
        return known

    def begin(self, outline: Outline) -> FileSketch:
        """The sketch of a file that is being checked. Now nobody is asking about others, so they can be let go."""
        self.depth = 0
        self._active.clear()  # an error may have left them
        self._forget()
        before = self._checked.get(outline.path)
        self._checked[outline.path] = outline
        if before is not None and before is not outline:
            self.returned.clear()  # what other files were told about it may no longer hold
            self.names.clear()
            self.answers.clear()
            self.release()
        self._let_go_of_trees()
        if self._unasked is not None:
            self._files.pop(self._unasked).release()
        self._unasked = None if outline in self._files else outline
        file = self._file(outline)
        if self._unasked is None:
            self._asked_now.add(file)
        file.is_checked = True
        return file

    def _let_go_of_trees(self) -> None:
        """Keep what others have asked about, as far as that is not too much; what was not asked for longest goes first."""
        for file in self._asked_now:
            self._asked.pop(file, None)
            self._asked[file] = file.forget_tree()
        self._asked_now.clear()
        lines = sum(self._asked.values())
        while lines > _MOST_LINES:
            file = next(iter(self._asked))
            lines -= self._asked.pop(file)
            self._files.pop(file.outline).release()

    def release(self) -> None:
        """Free all of them."""
        for file in self._files.values():
            file.release()
        self._files.clear()
        self._unasked = None
        self._asked.clear()
        self._asked_now.clear()


def _may_have_members(symbol: Symbol) -> bool:
    """Whether a class or Python module may have others in it."""
    return symbol.kind in ("class", "module") or (
        symbol.kind == "external" and symbol.dotted.count(".") < _MOST_DOTS
    )
