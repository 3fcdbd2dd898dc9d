"""Where a tensor is viewed in a shape that has its own dimensions in another order."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import libcst as cst

from torchlint.diagnostic import Range
from torchlint.model.dimensions import Dimension, Reshape, is_in_order, reshapes
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Definition, Function, definitions_of

_IN_PLACE = {"resize_", "squeeze_", "swapaxes_", "swapdims_", "t_", "transpose_", "unsqueeze_"}


@dataclass(frozen=True, eq=False)
class OwnShape:
    """``x.view(b, w, h, c)``, with names that ``x.shape`` was unpacked to, or with ``x.size(1)``."""

    file: File
    site: CallSite
    tensor: cst.Name
    reshape: Reshape

    @property
    def function(self) -> Function:
        return self.site.place.function

    @property
    def range(self) -> Range:
        return self.file.range(self.site.node)

    @property
    def spelled(self) -> str:
        return self.file.code(self.site.node)

    @property
    def name(self) -> str:
        return self.tensor.value

    @property
    def order(self) -> list[int] | None:
        """The dimensions in the order in which they are given; nothing where some are missing, or are not known.

        The order of the factors of one argument makes no difference. What is left to ``-1`` is only known where that is
        the last.
        """
        found: list[int] = []
        *most, last = self.reshape.arguments
        for argument in most if last == [Dimension()] else self.reshape.arguments:
            indices = [self._index(each) for each in argument]
            if None in indices:
                return None
            found += sorted(index for index in indices if index is not None)
        complete = sorted(found) == list(range(len(found)))
        rank = self._rank
        return found if complete and (rank is None or last == [Dimension()] or rank == len(found)) else None

    @property
    def permutes(self) -> bool:
        order = self.order
        return order is not None and not is_in_order(order) and not self._is_turned_in_place

    def _index(self, given: Dimension) -> int | None:
        if given.place is not None:
            return given.place
        definition = self._unpacked(given.name) if given.name is not None else None
        return definition.index[0] if definition is not None else None

    @property
    def _rank(self) -> int | None:
        """How many dimensions the tensor has, where its shape was unpacked."""
        for argument in self.reshape.arguments:
            for each in argument:
                definition = self._unpacked(each.name) if each.name is not None else None
                if definition is not None:
                    statement = self.function.parent(definition.value)
                    targets = statement.targets if isinstance(statement, cst.Assign) else ()
                    sizes = [
                        len(item.target.elements)
                        for item in targets
                        if isinstance(item.target, (cst.Tuple, cst.List))
                    ]
                    return sizes[0] if sizes else None
        return None

    def _unpacked(self, name: str) -> Definition | None:
        """What unpacks the shape of the very tensor to a name that the call is given."""
        read = next(
            (each for item in self.site.node.args for each in _names(item.value) if each.value == name),
            None,
        )
        if read is None:
            return None
        found, free = definitions_of(self.function.reaching(read))
        if free or len(found) != 1:
            return None
        return found[0] if self._is_own_shape(found[0]) else None

    def _is_own_shape(self, definition: Definition) -> bool:
        value = definition.value
        if definition.kind != "unpacked" or len(definition.index) != 1 or value is None:
            return False
        if definition.place.function is not self.function or not self._is_straight(value):
            return False
        if self.file.code(value) not in (f"{self.name}.shape", f"{self.name}.size()"):
            return False
        before = next(_names(value))
        here, _ = definitions_of(self.function.reaching(self.tensor))
        there, _ = definitions_of(self.function.reaching(before))
        return bool(here) and here == there

    def _is_straight(self, value: cst.BaseExpression) -> bool:
        """``b, c, h, w = x.shape`` on one line, with no star in it."""
        statement = self.function.parent(value)
        if not isinstance(statement, cst.Assign):
            return False
        if self.file.range(statement).start.line != self.file.range(value).start.line:
            return False
        return not any(
            isinstance(element, cst.StarredElement)
            for item in statement.targets
            if isinstance(item.target, (cst.Tuple, cst.List))
            for element in item.target.elements
        )

    @property
    def _is_turned_in_place(self) -> bool:
        return any(
            isinstance(call.node.func, cst.Attribute) and call.node.func.attr.value in _IN_PLACE
            for call in self.function.calls
        )


def own_shapes(file: File, wanted: Collection[int]) -> Iterator[OwnShape]:
    """Those in the top-level statements with these indices."""
    if not file.outline.imports_torch:
        return
    for function in file.all_functions(wanted):
        for site in function.calls:
            callee = site.node.func
            if (
                isinstance(callee, cst.Attribute)
                and callee.attr.value in ("view", "reshape")
                and isinstance(callee.value, cst.Name)
            ):
                written = next(reshapes(file.text(file.range(site.node))), None)
                if written is not None and written.start == 0:
                    yield OwnShape(file, site, callee.value, written)


def _names(node: cst.CSTNode) -> Iterator[cst.Name]:
    if isinstance(node, cst.Name):
        yield node
    elif isinstance(node, cst.Attribute):
        yield from _names(node.value)
    else:
        for child in node.children:
            yield from _names(child)
