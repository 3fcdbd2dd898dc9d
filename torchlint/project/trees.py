"""The syntax trees that were parsed last: a file that other files ask about is parsed once, not once more for itself."""

from __future__ import annotations

import ast
from collections import OrderedDict
from collections.abc import Collection

from torchlint.project.outline import parse

_MOST_CHARACTERS = 4_000_000
"""Of all texts together; a tree takes about 30 times the memory of its text."""


class Trees:
    """``most`` is how many characters the texts of all trees together may have."""

    def __init__(self, most: int = _MOST_CHARACTERS) -> None:
        self._most = most
        self._trees: OrderedDict[str, tuple[str, ast.Module]] = OrderedDict()
        self._characters = 0
        self._added: dict[str, None] = {}
        self._expected: Collection[str] = ()

    def expect_files(self, paths: Collection[str]) -> None:
        """Say which files will be checked, so that their trees are wanted in any case."""
        self._expected = paths

    def expects(self, path: str) -> bool:
        """Whether the tree of a file is wanted, or here, even where an outline would do without."""
        return path in self._trees or path in self._expected

    def add(self, path: str, text: str, tree: ast.Module) -> None:
        """Keep a tree, and let those go that nobody asked for longest."""
        self.drop(path)
        self._trees[path] = (text, tree)
        self._added[path] = None
        self._characters += len(text)
        while self._characters > self._most and len(self._trees) > 1:
            self.drop(next(iter(self._trees)))

    def drop(self, path: str) -> None:
        """Let go of a tree."""
        text, _ = self._trees.pop(path, ("", None))
        self._added.pop(path, None)
        self._characters -= len(text)

    def take_added(self) -> list[str]:
        """The files whose trees were added since this was asked last."""
        added = list(self._added)
        self._added.clear()
        return added

    def __contains__(self, path: str) -> bool:
        return path in self._trees

    def has(self, path: str, text: str) -> bool:
        """Whether the tree of a text is kept."""
        known = self._trees.get(path)
        return known is not None and known[0] == text

    def parse(self, path: str, text: str) -> ast.Module:
        """The tree of a text; raises :class:`torchlint.project.outline.OutlineError` where Python refuses it."""
        known = self._trees.get(path)
        if known is not None and known[0] == text:
            self._trees.move_to_end(path)
            return known[1]
        tree = parse(text)
        self.add(path, text, tree)
        return tree
