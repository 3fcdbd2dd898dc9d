"""The screen for registrations that another one under the same name may take away."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from torchlint.model.vocabulary import KEYED, REGISTERING_METHODS
from torchlint.screen.kinds import MODULE
from torchlint.screen.lines import nodes_on
from torchlint.screen.scopes import ClassSketch, FileSketch

_REGISTERING = re.compile(r"add_module|register_(?:buffer|parameter|module)")


def replacing(file: FileSketch) -> Iterator[int]:
    """The top-level statements in which something may be registered twice under one name."""
    outline, project = file.outline, file.project
    for definition in outline.definitions:
        if definition.bases and project.is_module(project.class_symbol(outline, definition)):
            sketch = file.class_sketch(definition)
            if sketch is not None and _may_assign_twice(sketch):
                yield definition.statement
    if any(word in outline.text for word in REGISTERING_METHODS):
        lines = outline.lines_matching(_REGISTERING)
        for index in sorted(set(chain.from_iterable(map(outline.mentioning, REGISTERING_METHODS)))):
            if _may_register_twice(nodes_on([file.tree.body[index]], lines, in_classes=True)):
                yield index
    if any(word in outline.text for word in KEYED):
        for index, statement in enumerate(file.tree.body):
            if any(map(_repeats_key, ast.walk(statement))):
                yield index


def _may_assign_twice(cls: ClassSketch) -> bool:
    """Whether one method may assign two modules to one attribute."""
    for method in cls.methods.values():
        for name, bindings in method.sketch.stores.items():
            several = len(bindings) > 1 and sum(binding.kind == "value" for binding in bindings) > 1
            if several and cls.own_attribute(name) & MODULE:
                return True
    return False


def _may_register_twice(nodes: Iterable[ast.AST]) -> bool:
    """Whether a name that is written out is given twice, or perhaps in a loop."""
    names: set[object] = set()
    calls = loops = False
    for node in nodes:
        loops = loops or isinstance(node, ast.For | ast.AsyncFor)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in REGISTERING_METHODS
        ):
            name = _literal(_name_given(node))
            calls = calls or name is not None
            if name is not None and name in names:
                return True
            names.add(name)
    return calls and loops


def _name_given(call: ast.Call) -> ast.expr | None:
    named = (item.value for item in call.keywords if item.arg == "name")
    return call.args[0] if call.args else next(named, None)


def _repeats_key(node: ast.AST) -> bool:
    """Whether a key stands twice in a dict, or in a list of pairs."""
    keys: list[ast.expr | None] = []
    if isinstance(node, ast.Dict):
        keys = node.keys
    elif isinstance(node, ast.List | ast.Tuple):
        pairs = (item for item in node.elts if isinstance(item, ast.List | ast.Tuple))
        keys = [item.elts[0] for item in pairs if len(item.elts) == 2]
    names = [name for name in map(_literal, keys) if name is not None]
    return len(set(names)) < len(names)


def _literal(node: ast.expr | None) -> object:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str | bytes) else None
