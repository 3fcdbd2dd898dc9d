"""The screen for registrations that another one under the same name may take away."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from torchlint.model.vocabulary import KEYED, REGISTERING_METHODS
from torchlint.screen.kinds import MODULE
from torchlint.screen.lines import spans_any
from torchlint.screen.scopes import ClassSketch, FileSketch
from torchlint.screen.sketch import dotted_name

_TRY = (ast.Try, getattr(ast, "TryStar", ast.Try))
_EMPTY = {"Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "Identity"}


def replacing(file: FileSketch) -> Iterator[int]:
    """The top-level statements in which something may be registered twice under one name."""
    outline = file.outline
    for cls in file.modules:
        if _may_assign_twice(cls):
            yield cls.outline.statement
    lines: list[int] = []
    if "register_" in outline.text or "add_module" in outline.text:
        lines = sorted(line for word in REGISTERING_METHODS for line in outline.lines_with(word))
    for index in sorted(outline.statements_on(lines)):
        if _may_register_twice(file.tree.body[index], lines):
            yield index
    keyed = [line for word in KEYED for line in outline.lines_with(word)]
    if keyed:
        yield from _repeating_keys(file, sorted(outline.statements_on(keyed)))


def _repeating_keys(file: FileSketch, named: list[int]) -> Iterator[int]:
    """Of the statements that name a dict of modules, those in which a key stands twice; a script is one for all."""
    in_script = [index for index in named if file.in_script(index) and not _imports(file.tree.body[index])]
    if in_script:
        script = [index for index in range(len(file.tree.body)) if file.in_script(index)]
        repeating = [index for index in script if _has_repeated_key(file.tree.body[index])]
        yield from (*repeating, *in_script) if repeating else ()
    for index in named:
        if index not in in_script and _has_repeated_key(file.tree.body[index]):
            yield index


def _imports(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _has_repeated_key(statement: ast.stmt) -> bool:
    return any(map(_repeats_key, ast.walk(statement)))


def _may_assign_twice(cls: ClassSketch) -> bool:
    """Whether one block of a method may assign two modules to one attribute."""
    for method in cls.methods.values():
        several = {name for name, bindings in method.sketch.stores.items() if len(bindings) > 1}
        if several and any(
            cls.own_attribute(name) & MODULE
            for name in several & _assigned_twice(method.nodes, method.sketch.self_name)
        ):
            return True
    return False


def _assigned_twice(statements: list[ast.stmt], self_name: str | None) -> set[str]:
    """The attributes that one block assigns twice, without a use of the first for the second."""
    found: set[str] = set()
    blocks: list[list[ast.stmt]] = [statements]
    while blocks:
        made: set[str] = set()
        for statement in _flat(blocks.pop(), blocks):
            if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                names = set(_attributes(statement))
                used = made & names and set(_read(statement.value, self_name))
                found |= made & (names - used)
                made |= names if _may_hold_weights(statement.value) else set()
    return found


def _may_hold_weights(value: ast.expr) -> bool:
    """Whether it is a call, other than for an empty container."""
    if isinstance(value, ast.Tuple | ast.List):
        return any(map(_may_hold_weights, value.elts))
    if not isinstance(value, ast.Call):
        return False
    return bool(value.args or value.keywords) or dotted_name(value.func).rpartition(".")[2] not in _EMPTY


def _read(value: ast.expr, self_name: str | None) -> Iterator[str]:
    """The attributes of ``self`` that an expression reads."""
    for node in ast.walk(value):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == self_name
        ):
            yield node.attr


def _flat(statements: list[ast.stmt], inner: list[list[ast.stmt]]) -> Iterator[ast.stmt]:
    """The statements of one block; the blocks in them go to ``inner``.

    What always runs behind a loop or a ``try`` belongs to the block around.
    """
    for statement in statements:
        yield statement
        if isinstance(statement, _TRY):
            inner.append([*statement.body, *statement.orelse])
            inner += [handler.body for handler in statement.handlers]
            yield from _flat(statement.finalbody, inner)
        elif isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            inner.append(statement.body)
            yield from _flat(statement.orelse, inner)
        elif isinstance(statement, ast.If):
            inner += [statement.body, statement.orelse]
        elif isinstance(statement, ast.With | ast.AsyncWith | ast.FunctionDef | ast.AsyncFunctionDef):
            inner.append(statement.body)
        elif isinstance(statement, ast.Match):
            inner += [case.body for case in statement.cases]


def _attributes(statement: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    """The names of the attributes that are assigned."""
    targets = list(statement.targets) if isinstance(statement, ast.Assign) else [statement.target]
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Attribute):
            yield target.attr
        elif isinstance(target, ast.Tuple | ast.List):
            targets += target.elts


def _may_register_twice(statement: ast.stmt, lines: Sequence[int]) -> bool:
    """Whether one block registers under a name twice that is written out, or the body of a loop does once."""
    blocks: list[list[ast.stmt]] = [[statement]]
    loops: list[ast.For | ast.AsyncFor] = []
    while blocks:
        names: set[object] = set()
        for each in _flat(blocks.pop(), blocks):
            if not spans_any(each, lines):
                continue
            if isinstance(each, ast.ClassDef):
                blocks.append(each.body)
            elif isinstance(each, ast.For | ast.AsyncFor):
                loops.append(each)
            for name in _registered(each):
                if name in names:
                    return True
                names.add(name)
    return any(name for loop in loops for each in _flat(loop.body, []) for name in _registered(each))


def _registered(statement: ast.stmt) -> Iterator[tuple[str, object]]:
    """What is registered under which names that are written out, in the calls of a statement, those in its blocks left out."""
    for part in ast.iter_child_nodes(statement):
        for node in ast.walk(part) if isinstance(part, ast.expr | ast.withitem) else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in REGISTERING_METHODS
            ):
                name = _literal(_name_given(node))
                if name is not None:
                    yield ast.dump(node.func.value), name


def _name_given(call: ast.Call) -> ast.expr | None:
    named = (item.value for item in call.keywords if item.arg == "name")
    return call.args[0] if call.args else next(named, None)


def _repeats_key(node: ast.AST) -> bool:
    """Whether a key stands twice in a dict, or in a list of pairs, with what may be a module."""
    pairs: list[tuple[ast.expr | None, ast.expr]] = []
    if isinstance(node, ast.Dict):
        pairs = list(zip(node.keys, node.values, strict=True))
    elif isinstance(node, ast.List | ast.Tuple):
        items = (item.elts for item in node.elts if isinstance(item, ast.List | ast.Tuple))
        pairs = [(item[0], item[1]) for item in items if len(item) == 2]
    if len(pairs) < 2:
        return False
    names = [_literal(key) for key, value in pairs if not _is_written_out(value)]
    names = [name for name in names if name is not None]
    return len(set(names)) < len(names)


def _is_written_out(node: ast.expr) -> bool:
    """Whether an expression is a number, a string or the like, or a tuple of such."""
    if isinstance(node, ast.Tuple | ast.List):
        return all(map(_is_written_out, node.elts))
    return isinstance(node, ast.Constant)


def _literal(node: ast.expr | None) -> object:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str | bytes) else None
