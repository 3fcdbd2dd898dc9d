"""What optimizers are given, and what becomes of the model afterwards."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Label, Range
from torchlint.model.file import File
from torchlint.model.flow import CallSite, Function, Place, children, definitions_of
from torchlint.model.kinds import Kind, State
from torchlint.model.module_class import ClassModel
from torchlint.model.values import Value, argument
from torchlint.model.vocabulary import MODULE_METHODS

_MAX_DEPTH = 3
_RESIZING = "resize_token_embeddings"
"""The method of Transformers that makes another embedding."""
_EXPLAINING = re.compile(r"(?i)train|fixed|fix\b|freez|only|except|without|leave|skip|ignore(?!\[)")
_ON_PURPOSE = (
    "requires_grad",
    "freeze",
    "frozen",
    "add_param_group",
    "no_grad",
    "detach",
    "finetune",
    "fine_tune",
)


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
        return (
            bool(values)
            and all(
                value.kind is Kind.MODULE and evaluator.state(value) is State.PARAMETERS for value in values
            )
            and not any(self._reuses(item.value) for item in self.value.args)
        )

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


# ------------------------------------------------------------------------------------------------------------- groups


@dataclass(frozen=True, eq=False)
class ParameterGroups:
    """What an optimizer is given, where it is written as the ``parameters()`` of modules and nothing else.

    Each of ``groups`` has the modules that are asked for their Parameters, ``net.fc``.
    """

    file: File
    call: CallSite
    groups: tuple[tuple[cst.BaseExpression, ...], ...]
    are_separate: bool
    """Whether there are groups, each with its own options, and not only one list."""

    @property
    def function(self) -> Function:
        return self.call.place.function

    @property
    def range(self) -> Range:
        return self.file.range(self.call.node)

    @property
    def optimizer(self) -> str:
        return self.code(self.call.node.func)

    def code(self, node: cst.BaseExpression) -> str:
        return self.file.code(node)

    def label(self, node: cst.BaseExpression, text: str) -> Label:
        return Label(self.file.range(node), text)

    @cached_property
    def twice(self) -> cst.BaseExpression | None:
        """A module that one group has twice, alone or as a part of another.

        PyTorch raises where the two are in different groups.
        """
        for group in self.groups:
            for index, later in enumerate(group):
                for earlier in group[:index]:
                    if self._is_within(earlier, later):
                        return later
                    if self._is_within(later, earlier):
                        return earlier
        return None

    def _is_within(self, outer: cst.BaseExpression, inner: cst.BaseExpression) -> bool:
        whole, part = self.file.code(outer), self.file.code(inner)
        return part == whole or part.startswith(f"{whole}.")

    @cached_property
    def missing(self) -> list[str]:
        """The submodules with Parameters of their own that no group names, as far as the class of the model shows."""
        named: set[str] = set()
        owners: set[str] = set()
        for path in (path for group in self.groups for path in group):
            parts = self.file.code(path).split(".")
            where = self._owner_parts(path)
            if where is None or len(parts) <= where:
                return []
            owners.add(".".join(parts[:where]))
            named.add(parts[where])
        if not self.are_separate or len(owners) != 1:
            return []
        owner = owners.pop()
        model = self._class_of(owner)
        if model is None or model.inherits_registered or any(each is None for each in model.ancestor_symbols):
            return []
        return [
            f"{owner}.{name}"
            for name in model.attributes
            if name not in named and self._is_left(name, named, model)
        ]

    def _owner_parts(self, path: cst.BaseExpression) -> int | None:
        """How many names of a path are those of the model: one for ``net.fc``, two for ``self.net.fc``, one in ``Net``."""
        root = _root(path)
        if root is None:
            return None
        function = self.function
        if root.value != function.self_name:
            return 1
        return 1 if function.owner is not None and function.owner.is_module else 2

    def _class_of(self, owner: str) -> ClassModel | None:
        paths = (path for group in self.groups for path in group)
        for path in paths:
            node: cst.BaseExpression = path
            while self.file.code(node) != owner and isinstance(node, cst.Attribute):
                node = node.value
            values = self.file.evaluator.values(node, self.function)
            if len(values) != 1:
                return None
            if values[0].kind is Kind.SELF:
                return self.function.owner
            symbol = values[0].symbol if values[0].kind is Kind.MODULE else None
            return self.file.program.class_model(symbol) if symbol is not None else None
        return None

    def _is_left(self, name: str, named: set[str], model: ClassModel) -> bool:
        """Whether an attribute can only be a layer with Parameters, which ``forward`` uses and nothing else has."""
        attribute = model.attributes[name]
        values = [value for _, value in attribute.assigned()]
        evaluator = model.file.evaluator
        if not values or not attribute.loads_in_forward:
            return False
        trained = all(
            evaluator.state(value) is State.PARAMETERS and value.kind is not Kind.LOST_PARAMETER
            for value in values
        )
        return trained and not any(self._shares(value, name, named, model) for value in values)

    def _shares(self, value: Value, name: str, named: set[str], model: ClassModel) -> bool:
        """Whether a layer is, or holds, another attribute of the model, or is held by one."""
        own = {id(value.identity)}
        for other in named & model.attributes.keys():
            for _, each in model.attributes[other].assigned():
                inside = (
                    f".{name}" in model.file.code(each.node)
                    if isinstance(each.node, cst.BaseExpression)
                    else True
                )
                if id(each.identity) in own or inside:
                    return True
        node = value.node
        return not isinstance(node, cst.Call) or any(
            isinstance(part, cst.Attribute) and part.attr.value in named for part in _everything(node)
        )

    @property
    def is_meant(self) -> bool:
        """Whether a comment, a freeze or another optimizer may say that the others are not to be trained."""
        text, names = self.file.source.text, [name.rpartition(".")[2] for name in self.missing]
        if any(word in text.lower() for word in _ON_PURPOSE):
            return True
        said = " ".join(self.file.comments(self.range))
        return any(_EXPLAINING.search(said) or name in said for name in names) or any(
            re.search(rf"\b{re.escape(name)}\b[^\n]*parameters\(", text) for name in names
        )


def parameter_groups(file: File, wanted: Collection[int]) -> Iterator[ParameterGroups]:
    """Those in the top-level statements with these indices."""
    for function in file.all_functions(wanted):
        for call in function.calls:
            dotted = file.evaluator.dotted(call.node.func, function) or ""
            if not dotted.startswith("torch.optim.") or dotted.startswith("torch.optim.lr_scheduler."):
                continue
            given = argument(call.node, "params", 0)
            groups, are_separate = _groups(given, function) if given is not None else ([], False)
            known = [tuple(group) for group in groups if group is not None]
            if known and len(known) == len(groups):
                yield ParameterGroups(file, call, tuple(known), are_separate)


def _groups(
    node: cst.BaseExpression, function: Function
) -> tuple[list[list[cst.BaseExpression] | None], bool]:
    """The modules of each group; ``None`` where one has something else."""
    node = _meant(node, function)
    if isinstance(node, (cst.List, cst.Tuple)) and any(
        isinstance(item.value, cst.Dict) for item in node.elements
    ):
        return [_group(item.value, function) for item in node.elements], True
    return [_plain(node, function)], False


def _group(node: cst.BaseExpression, function: Function) -> list[cst.BaseExpression] | None:
    """The modules of ``{"params": net.fc.parameters(), "lr": 0.1}``."""
    if isinstance(node, cst.Dict):
        for item in node.elements:
            key = item.key if isinstance(item, cst.DictElement) else None
            if isinstance(key, cst.SimpleString) and key.evaluated_value == "params":
                return _plain(item.value, function)
    return None


def _meant(node: cst.BaseExpression, function: Function) -> cst.BaseExpression:
    """What a name is bound to, where that is one thing of this function."""
    if isinstance(node, cst.Name):
        found, free = definitions_of(function.reaching(node))
        if len(found) == 1 and not free and found[0].kind == "value" and found[0].place.function is function:
            return found[0].value or node
    return node


def _plain(node: cst.BaseExpression, function: Function) -> list[cst.BaseExpression] | None:
    """The modules whose Parameters an expression has, and nothing but these."""
    node = _meant(node, function)
    parts: list[cst.BaseExpression]
    if isinstance(node, cst.Call):
        callee = node.func
        if isinstance(callee, cst.Attribute) and callee.attr.value == "parameters" and not node.args:
            return [callee.value] if _is_path(callee.value) else None
        dotted = function.file.evaluator.dotted(callee, function)
        if dotted not in ("builtins.list", "builtins.tuple", "itertools.chain"):
            return None
        parts = [item.value for item in node.args]
        if any(item.star or item.keyword is not None for item in node.args):
            return None
    elif isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add):
        parts = [node.left, node.right]
    elif isinstance(node, (cst.List, cst.Tuple)) and all(
        isinstance(item, cst.StarredElement) for item in node.elements
    ):
        parts = [item.value for item in node.elements]
    else:
        return None
    found: list[cst.BaseExpression] = []
    for part in parts:
        inner = _plain(part, function)
        if inner is None:
            return None
        found += inner
    return found
