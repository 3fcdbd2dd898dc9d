"""Whether code depends on the mode of a module: training or evaluation, asked for directly or through names."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from torchlint.model.file import File
from torchlint.model.flow import Block, Function, Place, children, definitions_of, self_attribute
from torchlint.model.vocabulary import is_mode_word


def asks_for_mode(place: Place, file: File) -> bool:
    """Whether a condition around ``place`` speaks of training or evaluation."""
    return any(
        block.kind == "if" and mentions_mode(block.node, place.function, file) for block in place.blocks()
    ) or (place.function.outer is not None and _defined_under_mode(place.function, file))


def closures_around(function: Function) -> Iterator[Function]:
    """The closures that a call stands in, from the inside."""
    while function.is_closure and function.outer is not None:
        yield function
        function = function.outer


def _defined_under_mode(function: Function, file: File) -> bool:
    """Whether a closure is defined under such a condition."""
    outer = function.outer
    if outer is None or outer.node is None:
        return False
    definitions = [item for item in outer.definitions if item.node is function.node]
    return any(asks_for_mode(definition.place, file) for definition in definitions)


def words(node: cst.CSTNode) -> Iterator[str]:
    """Every identifier in an expression, attribute and keyword names included."""
    pending: list[cst.CSTNode] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, cst.Name):
            yield current.value
        elif isinstance(current, cst.Attribute):
            yield current.attr.value
        elif isinstance(current, cst.Arg) and current.keyword is not None:
            yield current.keyword.value
        elif isinstance(current, cst.MatchCase):
            continue
        pending.extend(children(current))


def mentions_mode(node: cst.CSTNode, function: Function, file: File, depth: int = 3) -> bool:
    """Whether an expression speaks of training or evaluation, or is computed from one that does."""
    if any(is_mode_word(word) for word in words(node)) or compares_with_mode(node):
        return True
    return depth > 0 and any(
        mentions_mode(source, where, file, depth - 1)
        for part in _parts(node)
        for source, where in _sources(part, function)
    )


def compares_with_mode(node: cst.CSTNode) -> bool:
    """``mode == "train"``, ``split in ("val", "test")``."""
    if isinstance(node, cst.Comparison):
        texts = [part for target in node.comparisons for part in _texts(target.comparator)]
        return any(is_mode_word(text) for text in [*texts, *_texts(node.left)])
    return not isinstance(node, cst.MatchCase) and any(compares_with_mode(child) for child in children(node))


def _texts(node: cst.BaseExpression) -> Iterator[str]:
    if isinstance(node, cst.SimpleString) and isinstance(node.evaluated_value, str):
        yield node.evaluated_value
    elif isinstance(node, (cst.Tuple, cst.List, cst.Set)):
        for element in node.elements:
            yield from _texts(element.value)


def _parts(node: cst.CSTNode) -> Iterator[cst.Name | cst.Attribute]:
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, (cst.Name, cst.Attribute)):
            yield current
        if not isinstance(current, cst.MatchCase):
            pending.extend(children(current))


def _sources(
    part: cst.Name | cst.Attribute, function: Function
) -> Iterator[tuple[cst.BaseExpression, Function]]:
    """What a local name, or a property or method of ``self``, was computed from, and under which conditions."""
    definitions, _ = definitions_of(function.reaching(part))
    for definition in definitions:
        where = definition.place.function
        if definition.value is not None and definition.kind in ("value", "augmented", "unpacked"):
            yield definition.value, where
        for block in definition.place.blocks():
            if (
                block.kind == "if"
                and isinstance(block.node, cst.BaseExpression)
                and not _around(block, part, function)
            ):
                yield block.node, where
    name = self_attribute(part, function.self_name)
    if name is not None and function.owner is not None:
        method = function.owner.methods.get(name)
        for expression, place in method.returns if method is not None else ():
            if expression is not None and method is not None:
                yield expression, method
                for block in place.blocks():
                    if block.kind == "if" and isinstance(block.node, cst.BaseExpression):
                        yield block.node, method


def _around(block: Block, part: cst.CSTNode, function: Function) -> bool:
    place = function.place(part)
    return place is not None and block in list(place.blocks())
