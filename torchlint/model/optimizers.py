"""What optimizers are given, and what becomes of the model afterwards."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Label, Range
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Function, Place, children, definitions_of
from torchlint.model.kinds import Kind, State
from torchlint.model.vocabulary import MODULE_METHODS

_MAX_DEPTH = 3
_RESIZING = "resize_token_embeddings"
"""The method of Transformers that makes another embedding."""


@dataclass(frozen=True, eq=False)
class LateLayer:
    """A layer that a module gets in a function that has made an optimizer for its Parameters before.

    ``target`` is what is assigned, ``net.fc``, ``value`` the new layer, ``given`` the module whose Parameters the optimizer
    has, ``net``.
    """

    file: File
    function: Function
    target: cst.BaseExpression
    value: cst.BaseExpression
    place: Place
    optimizer: CallSite
    given: cst.BaseExpression

    @property
    def range(self) -> Range:
        return self.file.range(self.target)

    @property
    def name(self) -> str:
        return self.file.code(self.target)

    @property
    def owner(self) -> str:
        """The module whose Parameters the optimizer has."""
        return self.file.code(self.given)

    @property
    def optimizer_name(self) -> str:
        """What the optimizer is bound to."""
        names = [self.file.code(node) for node in self._bound]
        return names[0] if names else self.file.code(self.optimizer.node.func)

    @property
    def label(self) -> Label:
        return Label(self.file.range(self.optimizer.node), "takes the Parameters that are there")

    @cached_property
    def has_new_parameters(self) -> bool:
        """Whether the new layer is made here, has Parameters, and nothing of the old one in it."""
        if not isinstance(self.value, cst.Call):
            return False
        if isinstance(self.value.func, cst.Attribute) and self.value.func.attr.value == _RESIZING:
            return True
        evaluator = self.file.evaluator
        values = evaluator.values(self.value, self.function)
        return all(
            value.kind is Kind.MODULE and evaluator.state(value) is State.PARAMETERS for value in values
        ) and not any(self._reuses(item.value) for item in self.value.args)

    def _reuses(self, node: cst.CSTNode) -> bool:
        """Whether an expression has a part of the model in it: ``nn.Sequential(net.fc, nn.Dropout())``."""
        if isinstance(node, (cst.Attribute, cst.Name)):
            code = self.file.code(node)
            last = code.rpartition(".")[2]
            if f"{self.name}.".startswith(f"{code}.") or last in MODULE_METHODS:
                return True
            values = self.file.evaluator.values(node, self.function)
            return any(value.kind in (Kind.MODULE, Kind.PARAMETER, Kind.CONTAINER) for value in values)
        return any(map(self._reuses, children(node)))

    # -- before and after --------------------------------------------------------------------------------------------

    @cached_property
    def _order(self) -> dict[int, int]:
        return {id(node): index for index, node in enumerate(self.function.walked)}

    @property
    def comes_later(self) -> bool:
        """Whether the optimizer has always been made when the layer comes, for the same model."""
        here, there = self.place.loops(), self.optimizer.place.loops()
        return (
            self.optimizer.place.order < self.place.order
            and self.optimizer.place.branches() <= self.place.branches()
            and here[len(here) - len(there) :] == there
            and self._is_same_model
        )

    @property
    def _is_same_model(self) -> bool:
        owner = f"{self.owner}."
        one, other = _root(self.given), _root(self.target)
        if one is None or other is None:
            return False
        first, _ = definitions_of(self.function.reaching(one))
        second, _ = definitions_of(self.function.reaching(other))
        return first == second and not any(
            owner.startswith(f"{self.file.code(target)}.")
            and self.optimizer.place.order < place.order < self.place.order
            for target, _, place in _layers_set(self.function)
        )

    @cached_property
    def _bound(self) -> list[cst.BaseExpression]:
        """The names of the optimizer."""
        statement = self.function.parent(self.optimizer.node)
        return [item.target for item in statement.targets] if isinstance(statement, cst.Assign) else []

    @property
    def is_used_later(self) -> bool:
        """Whether the function, or another one, does something with the optimizer afterwards."""
        names = {self.file.code(node) for node in self._bound}
        if any("." in name for name in names):
            return True
        loops = self.place.loops()
        last = self._order.get(id(self.value), 0)
        for node in self.function.names:
            if node.value in names and self._order.get(id(node), 0) > last:
                return True
        return any(
            call.node.func.value.value in names and set(map(id, call.place.loops())) & set(map(id, loops))
            for call in self.function.calls
            if isinstance(call.node.func, cst.Attribute) and isinstance(call.node.func.value, cst.Name)
        )

    @property
    def is_mended(self) -> bool:
        """Whether the new Parameters are given to an optimizer afterwards."""
        return any(
            _takes_parameters(call, self.file)
            for call in self.function.calls
            if call.place.order > self.place.order
        )


def _takes_parameters(call: CallSite, file: File) -> bool:
    """Whether a call may make an optimizer, or add to one."""
    dotted = file.evaluator.dotted(call.node.func, call.place.function) or file.code(call.node.func)
    name = dotted.rpartition(".")[2].lower()
    rated = any(item.keyword is not None and item.keyword.value == "lr" for item in call.node.args)
    return rated or name == "add_param_group" or "optim" in name or dotted.startswith("torch.optim.")


def late_layers(file: File, wanted: Collection[int]) -> Iterator[LateLayer]:
    """Those in the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        made = [
            (call, given)
            for call in function.calls
            if (file.evaluator.dotted(call.node.func, function) or "").startswith("torch.optim.")
            for item in call.node.args[:1]
            for given in _modules_given(item.value, function, _MAX_DEPTH)
        ]
        for target, value, place in _layers_set(function) if made else ():
            code = file.code(target)
            for call, given in made:
                owner = file.code(given)
                if code == owner or code.startswith((f"{owner}.", f"{owner}[")):
                    yield LateLayer(file, function, target, value, place, call, given)
                    break


def _layers_set(function: Function) -> Iterator[tuple[cst.BaseExpression, cst.BaseExpression, Place]]:
    """``net.fc = layer``, ``self.fc = layer``, ``net[0] = layer``, and methods that do the same."""
    for stored in function.attribute_stores:
        yield stored.target, stored.value, stored.place
    for store in function.stores:
        if store.kind == "assign" and store.value is not None:
            yield store.target, store.value, store.place
    yield from function.item_stores
    for call in function.calls:
        callee = call.node.func
        if isinstance(callee, cst.Attribute):
            if not isinstance(function.parent(call.node), cst.Expr):
                continue
            if callee.attr.value == _RESIZING:
                yield callee, call.node, call.place
            elif callee.attr.value == "add_module" and len(call.node.args) == 2:
                yield callee, call.node.args[1].value, call.place


def _modules_given(node: cst.BaseExpression, function: Function, depth: int) -> Iterator[cst.BaseExpression]:
    """The modules that are asked for their Parameters in an expression, or in what its names are bound to."""
    for part in _everything(node):
        if isinstance(part, cst.Call) and isinstance(part.func, cst.Attribute):
            if part.func.attr.value in ("parameters", "named_parameters") and _is_path(part.func.value):
                yield part.func.value
        elif isinstance(part, cst.Name) and depth:
            found, _ = definitions_of(function.reaching(part))
            own = len(found) == 1 and found[0].kind == "value" and found[0].place.function is function
            if own and found[0].value is not None:
                yield from _modules_given(found[0].value, function, depth - 1)


def _is_path(node: cst.BaseExpression) -> bool:
    while isinstance(node, cst.Attribute):
        node = node.value
    return isinstance(node, cst.Name)


def _root(node: cst.CSTNode) -> cst.Name | None:
    while isinstance(node, (cst.Attribute, cst.Subscript)):
        node = node.value
    return node if isinstance(node, cst.Name) else None


def _everything(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in children(node):
        yield from _everything(child)
