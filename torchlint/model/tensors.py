"""Tensors kept on a Module as plain attributes: Parameters lost on the way, and tensors that nothing registers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Range
from torchlint.model.callers import called_function
from torchlint.model.facts import torch_facts
from torchlint.model.flow import Function, Load, Store
from torchlint.model.kinds import Kind
from torchlint.model.module_class import Assigned, Attribute, ClassModel, name_given, root
from torchlint.model.rebinding import is_registered_before
from torchlint.model.values import Value, argument
from torchlint.model.vocabulary import REGISTERING_METHODS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.file import File

_SIMPLE = (cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.Integer, cst.Float, cst.List)


@dataclass(frozen=True, eq=False)
class LostParameter(Assigned):
    """``self.name = nn.Parameter(x).to(device)``: what is kept is no Parameter."""

    @cached_property
    def file(self) -> File:
        """The file of the expression: another one where a function of the project makes the tensor."""
        return self.value.function.file if self.value.function is not None else self.cls.file

    @cached_property
    def operations(self) -> str:
        """What is done to the Parameter, as written: ``.to(device)``; nothing where it does not come first."""
        node, innermost = self.value.node, self._innermost
        if not isinstance(node, cst.BaseExpression) or innermost is None or node.lpar or innermost.lpar:
            return ""
        whole, inner = self.file.range(node), self.file.range(innermost)
        if whole.start != inner.start or whole.start.line != whole.end.line:
            return ""
        return self.file.text(Range(inner.end, whole.end)).strip()

    @property
    def is_move(self) -> bool:
        """Whether it is lost only where something is moved or cast: with ``.to(device)``, on another device."""
        chain = self._chain
        return bool(chain) and all(
            isinstance(node, cst.Call) and _method(node) in torch_facts().casts for node in chain
        )

    @cached_property
    def _chain(self) -> list[cst.BaseExpression]:
        """The operations from the outermost to the one on the Parameter itself, or on a name that it is bound to."""
        chain: list[cst.BaseExpression] = []
        node = self.value.node
        while isinstance(node, cst.BaseExpression) and node is not self.value.source:
            if isinstance(node, (cst.Name, cst.Call)) and _operand(node) is None:
                break
            chain.append(node)
            node = self._parameter_in(node)
        return chain

    @property
    def _innermost(self) -> cst.BaseExpression | None:
        """What the operations are done to."""
        return self._parameter_in(self._chain[-1]) if self._chain else None

    def _parameter_in(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        """What an operation is done to, where that stands first and is the Parameter, or computed from it."""
        inner = _operand(node)
        if inner is None or self.value.function is None:
            return None
        values = self.file.evaluator.values(inner, self.value.function)
        return inner if any(value.kind in (Kind.PARAMETER, Kind.LOST_PARAMETER) for value in values) else None

    @property
    def data(self) -> cst.BaseExpression | None:
        """What the Parameter is made of."""
        return argument(self.value.source, "data", 0) if self.value.source is not None else None

    @cached_property
    def _is_made_here(self) -> bool:
        """Whether the Parameter is made in the same function, so that expressions mean the same."""
        return self.value.function is not None and self.value.function.parent(self.value.source) is not None

    @property
    def is_redundant(self) -> bool:
        """Whether nothing is moved or cast, because the inner tensor is made so: the same Parameter comes back."""
        if not self.is_move or self.data is None:
            return False
        if self._is_made_here:
            return all(self._changes_nothing(node) for node in self._chain)
        return any(
            _method(inner) in torch_facts().casts or argument(inner, "device")
            for inner in _calls_in(self.data)
        )

    @property
    def is_left_on_purpose(self) -> bool:
        """Whether a copy is made that shall not be trained: ``.detach()``, ``.clone()``."""
        return any(isinstance(node, cst.Call) and _method(node) in _LEAVING for node in self._chain)

    def _changes_nothing(self, node: cst.BaseExpression) -> bool:
        assert isinstance(node, cst.Call) and self.data is not None
        if _method(node) == "float" and not any(word in self.file.code(self.data) for word in _OTHER_TYPES):
            return True
        wanted = [self.file.code(item.value) for item in node.args]
        return any(self._is_made_with(inner, _method(node), wanted) for inner in _calls_in(self.data))

    def _is_made_with(self, inner: cst.Call, cast: str, wanted: list[str]) -> bool:
        given = [self.file.code(item.value) for item in inner.args]
        if _method(inner) == cast and given == wanted:
            return True
        placed = {item.keyword.value: self.file.code(item.value) for item in inner.args if item.keyword}
        return bool(wanted) and wanted[0] in (placed.get("device"), placed.get("dtype"))

    def _suffix(self) -> str:
        """The text behind the Parameter, where the Parameter is what the expression begins with."""
        source, node = self.value.source, self.value.node
        if source is None or not isinstance(node, cst.BaseExpression) or node.lpar or source.lpar:
            return ""
        if not self._is_made_here:
            return ""
        whole, inner = self.file.range(node), self.file.range(source)
        if whole.start != inner.start or inner.end >= whole.end:
            return ""
        return self.file.text(Range(inner.end, whole.end))

    def fix(self) -> Fix | None:
        """Do it to the tensor, before it becomes a Parameter."""
        data, source = self.data, self.value.source
        if data is None or source is None or self.store.value is not self.value.node:
            return None
        suffix, file = self._suffix(), self.file
        if not suffix:
            return None
        assert isinstance(self.value.node, cst.BaseExpression)
        drop = Edit(Range(file.range(source).end, file.range(self.value.node).end), "")
        simple = isinstance(data, _SIMPLE) or bool(data.lpar)
        before, after = file.wrap(data, "" if simple else "(", suffix if simple else f"){suffix}")
        edits = (after, drop) if simple else (before, after, drop)
        return Fix(
            f"make the Parameter of the result: `{suffix.strip()}` inside of `nn.Parameter(...)`", edits
        )


_OTHER_TYPES = (
    "double",
    "float64",
    "half",
    "float16",
    "bfloat16",
    "int",
    "long",
    "Long",
    "Double",
    "Half",
    "numpy",
    "np.",
)
_LEAVING = {"detach", "data", "item", "numpy", "tolist", "clone"}


def _method(node: cst.Call) -> str:
    return node.func.attr.value if isinstance(node.func, cst.Attribute) else ""


def _operand(node: cst.BaseExpression) -> cst.BaseExpression | None:
    """What an operation is done to, where that stands first: ``x`` of ``x.to(device)``, ``x * 2`` and ``x.T``."""
    if isinstance(node, cst.Call):
        return node.func.value if isinstance(node.func, cst.Attribute) else None
    if isinstance(node, cst.BinaryOperation):
        return node.left
    return node.value if isinstance(node, cst.Attribute) else None


def _calls_in(node: cst.CSTNode) -> Iterator[cst.Call]:
    """The calls of a chain such as ``torch.zeros(3).to(device)``, outermost first."""
    while isinstance(node, (cst.Call, cst.Attribute)):
        if isinstance(node, cst.Call):
            yield node
            node = node.func
        else:
            node = node.value


def lost_parameters(cls: ClassModel) -> Iterator[LostParameter]:
    """The attributes of a Module class that keep a tensor computed from a new Parameter instead of the Parameter."""
    for attribute in cls.attributes.values():
        for store, value in _assigned_or_listed(attribute):
            if value.kind is not Kind.LOST_PARAMETER or value.source is None:
                continue
            if root(store.place.function).name in ("forward", "__call__") or value.source in cls.registered:
                continue
            if _is_replaced(store, attribute):
                continue
            lost = LostParameter(attribute, store, value)
            if not lost.is_redundant and not lost.is_left_on_purpose:
                yield lost


def _assigned_or_listed(attribute: Attribute) -> Iterator[tuple[Store, Value]]:
    """Each value that is assigned, and those in a plain container that is assigned."""
    evaluator = attribute.owner.file.evaluator
    for store, value in attribute.assigned():
        yield store, value
        if value.kind is Kind.CONTAINER:
            lost = (item for item in evaluator.elements(value) if item.kind is Kind.LOST_PARAMETER)
            yield from ((store, item) for item in itertools.islice(lost, 1))


# -------------------------------------------------------------------------------------------------- plain tensors

_MOVING_METHODS = {
    "to",
    "cuda",
    "cpu",
    "type_as",
    "new_tensor",
    "pin_memory",
    "device",
    "numpy",
    "tolist",
    "item",
}
"""Uses that say that somebody thinks of the device, or that the tensor is wanted on the CPU."""
_REDUCTIONS = {"sum", "mean", "prod", "max", "min", "norm", "std", "var", "median", "numel", "det", "trace"}
_SIZED = {
    f"torch.{name}" for name in ("empty", "zeros", "ones", "rand", "randn", "eye", "Tensor", "FloatTensor")
}
"""The factories whose positional arguments are sizes: a 0 among them makes a tensor without elements."""
_INIT_NAMES = (
    "xavier",
    "kaiming",
    "normal_",
    "uniform_",
    "orthogonal_",
    "trunc_normal_",
    "sparse_",
    "eye_",
    "dirac_",
)


Uses = Mapping[tuple[cst.Call, bool], cst.CSTNode]
"""Where the forward pass computes with a tensor, by the call that made it, and whether it was moved before."""


@dataclass(frozen=True, eq=False)
class PlainTensor(Assigned):
    """``self.name`` bound, while the model is built, to a tensor that is neither a Parameter nor a buffer."""

    uses: Uses

    @cached_property
    def factory(self) -> cst.Call | None:
        """The call that the tensor begins with: ``torch.zeros(3)`` of ``torch.zeros(3).unsqueeze(0)``."""
        return self.value.source

    @property
    def _made_in(self) -> Function:
        """The function that the tensor is made in, which may stand in another file."""
        return self.value.function or self.store.place.function

    # -- meant to be trained ---------------------------------------------------------------------------------------

    @property
    def is_meant_to_be_trained(self) -> bool:
        """Whether gradients are asked for, or the tensor is initialised as weights are."""
        return self._asks_for_gradients() or self._is_initialised_as_weight()

    def _asks_for_gradients(self) -> bool:
        chain = list(_calls_in(self.store.value)) if self.store.value is not None else []
        if self.factory is not None and self.factory not in chain:
            chain.append(self.factory)
        if any(_is_word(argument(call, "requires_grad"), "True") or _requires_grad(call) for call in chain):
            return True
        early = self.cls.used_by_init - self.cls.used_by_forward
        return any(
            _asks_later(load) for load in self.attribute.loads if root(load.place.function).name in early
        )

    @property
    def is_trained_by_hand(self) -> bool:
        """Whether the class gives the tensor to an optimizer itself."""
        return any(_is_given_to_optimizer(load) for load in self.attribute.loads)

    def _is_initialised_as_weight(self) -> bool:
        """``nn.init.xavier_uniform_(self.name)``, or ``self.name.data.uniform_(...)``."""
        for load in self.attribute.loads:
            if root(load.place.function).name in self.cls.used_by_forward:
                continue
            function = load.place.function
            parent = function.parent(load.node)
            if isinstance(parent, cst.Arg):
                call = function.parent(parent)
                called = (
                    self.cls.file.evaluator.dotted(call.func, function)
                    if isinstance(call, cst.Call)
                    else None
                )
                if (
                    called is not None
                    and called.startswith("torch.nn.init.")
                    and any(n in called for n in _INIT_NAMES)
                ):
                    return True
        return False

    # -- used where the device matters -----------------------------------------------------------------------------

    @property
    def meets_the_input(self) -> cst.CSTNode | None:
        """Where the forward pass computes with the tensor as it is."""
        return self.uses.get((self.factory, self.value.moved)) if self.factory is not None else None

    @property
    def is_moved_by_hand(self) -> bool:
        """Whether the forward pass moves the tensor, or asks where it is."""
        return any(_is_moved(load) for load in self.attribute.loads_in_forward)

    @property
    def is_pinned(self) -> bool:
        """Whether it is made for a device that the caller chose: ``device=...`` or ``.to(device)``."""
        on_device = self.factory is not None and argument(self.factory, "device") is not None
        return on_device or (self.value.moved and not self.is_on_cuda)

    @property
    def is_on_cuda(self) -> bool:
        calls = list(_calls_in(self.store.value)) if self.store.value is not None else []
        return any(_method(call) == "cuda" for call in calls)

    @property
    def is_scalar_or_empty(self) -> bool:
        """``torch.tensor(0.5)``, which works with tensors of any device, and placeholders without elements."""
        factory = self.factory
        if factory is None or self._is_reduced():
            return True
        first = next((item.value for item in factory.args if item.keyword is None and item.star == ""), None)
        if first is None:
            return not any(item.star for item in factory.args)
        name = self._made_in.file.evaluator.dotted(factory.func, self._made_in) or ""
        if name in ("torch.tensor", "torch.as_tensor"):
            return not self._is_sequence(first)
        if isinstance(first, (cst.List, cst.Tuple)) and not first.elements:
            return True
        sizes = [item.value for item in factory.args if item.keyword is None] if name in _SIZED else []
        return any(isinstance(size, cst.Integer) and size.value == "0" for size in sizes)

    def _is_reduced(self) -> bool:
        """``torch.sqrt(torch.sum(x))``, ``x.mean()``: a reduction over everything, under functions of one argument."""
        node = self.store.value
        while isinstance(node, cst.Call):
            method = _method(node)
            receiver = node.func.value if isinstance(node.func, cst.Attribute) else None
            symbol = self._made_in.file.evaluator.symbol(node.func, self._made_in)
            given = [item.value for item in node.args]
            if symbol is None and receiver is not None:
                given.insert(0, receiver)
            if method in _REDUCTIONS and len(given) == 1:
                return True
            node = given[0] if len(given) == 1 else None
        return False

    def _is_sequence(self, node: cst.BaseExpression) -> bool:
        if isinstance(node, (cst.List, cst.Tuple)):
            return bool(node.elements)
        if isinstance(node, (cst.ListComp, cst.BinaryOperation)):
            return isinstance(node, cst.ListComp)
        values = self._made_in.file.evaluator.values(node, self._made_in)
        return all(value.kind is Kind.CONTAINER for value in values)

    def fix(self) -> Fix | None:
        """Make it a Parameter, or a buffer that is not saved, so that old checkpoints still load."""
        node, statement = self.store.value, self.store.statement
        if node is None or not isinstance(statement, cst.Assign) or len(statement.targets) != 1:
            return None
        if statement.targets[0].target is not self.store.target:  # one of several: `self.a, self.b = ...`
            return None
        file, self_name = self.cls.file, self.store.place.function.self_name
        if self.is_meant_to_be_trained:
            spelled = file.spell("torch.nn.Parameter")
            return (
                Fix("make it a Parameter", file.wrap(node, f"{spelled}(", ")"), "unsafe") if spelled else None
            )
        if len([store for store in self.attribute.stores if store.kind == "assign"]) != 1:
            return None
        made = file.text(file.outer_range(node))
        text = f'{self_name}.register_buffer("{self.attribute.name}", {made}, persistent=False)'
        return Fix("register it as a buffer", (Edit(file.range(statement), text),), "unsafe")


def plain_tensors(cls: ClassModel) -> Iterator[PlainTensor]:
    """The tensors that ``__init__`` of a Module class keeps as plain attributes."""
    if cls.methods.keys() & {"_apply", "to", "cuda"} or cls.inherits_registered or _moves_itself(cls):
        return
    found = list(_candidates(cls))
    uses = _uses_in_forward(cls) if found else {}
    for attribute, store, value in found:
        yield PlainTensor(attribute, store, value, uses)


def _candidates(cls: ClassModel) -> Iterator[tuple[Attribute, Store, Value]]:
    for attribute in cls.attributes.values():
        if attribute.name == "example_input_array" or not attribute.loads_in_forward:
            continue
        for store in attribute.stores:
            values = _values(store) if store.kind == "assign" and not _is_replaced(store, attribute) else ()
            if (
                values
                and all(value.kind is Kind.TENSOR for value in values)
                and not _is_of_parameter(values[0])
                and not is_registered_before(attribute, store)
                and _is_settled_in_init(attribute)
            ):
                yield attribute, store, values[0]
                break  # one finding for an attribute, also where it is assigned on several paths


def _is_of_parameter(value: Value) -> bool:
    """``torch.sigmoid(nn.Parameter(x))``: computed from a Parameter, which a buffer would not save."""
    first = argument(value.source, "input", 0) if value.source is not None else None
    if first is None or value.function is None or value.function.parent(value.source) is None:
        return False
    kinds = {item.kind for item in value.function.file.evaluator.values(first, value.function)}
    return bool(kinds & {Kind.PARAMETER, Kind.LOST_PARAMETER})


def _is_word(node: cst.BaseExpression | None, word: str) -> bool:
    return isinstance(node, cst.Name) and node.value == word


def _requires_grad(call: cst.Call) -> bool:
    """``.requires_grad_()``, but not ``.requires_grad_(False)``."""
    return _method(call) == "requires_grad_" and not any(_is_word(item.value, "False") for item in call.args)


def _asks_later(load: Load) -> bool:
    """``self.x.requires_grad_()`` or ``self.x.requires_grad = True``."""
    function = load.place.function
    parent = function.parent(load.node)
    if not isinstance(parent, cst.Attribute) or not parent.attr.value.startswith("requires_grad"):
        return False
    user = function.parent(parent)
    if isinstance(user, cst.Call):
        return _requires_grad(user)
    parents = map(function.parent, function.walked)
    statements = (node for node in parents if isinstance(node, cst.Assign))
    return any(
        _is_word(node.value, "True") and any(target.target is parent for target in node.targets)
        for node in statements
    )


def _is_given_to_optimizer(load: Load) -> bool:
    """``torch.optim.SGD([self.x])``."""
    function = load.place.function
    node = function.parent(load.node)
    while isinstance(node, (cst.Arg, cst.Element, cst.List, cst.Tuple, cst.Dict, cst.DictElement)):
        node = function.parent(node)
    called = function.file.evaluator.dotted(node.func, function) if isinstance(node, cst.Call) else None
    return called is not None and called.startswith("torch.optim.")


def _is_replaced(store: Store, attribute: Attribute) -> bool:
    """Whether a later assignment in the same function always takes its place."""
    around = set(store.place.blocks())
    return any(
        other.place.function is store.place.function
        and other.place.order > store.place.order
        and set(other.place.blocks()) <= around
        for other in attribute.stores
        if other.kind == "assign"
    )


def _values(store: Store) -> tuple[Value, ...]:
    assert store.value is not None
    function = store.place.function
    return function.file.evaluator.values(store.value, function)


def _is_settled_in_init(attribute: Attribute) -> bool:
    """Whether only ``__init__`` (and what it alone calls) assigns the attribute, and nothing registers the name."""
    owner = attribute.owner
    early = owner.used_by_init - owner.used_by_forward
    if any(
        root(store.place.function).name not in early for store in attribute.stores if store.kind != "item"
    ):
        return False
    if any(value.kind is Kind.BUFFER for value in owner.own_attribute_values(attribute.name)):
        return False
    registering = owner.ancestors_with((*REGISTERING_METHODS, "setattr"))
    return not any(_may_register(model, attribute.name) for model in (owner, *registering))


def _may_register(model: ClassModel, name: str) -> bool:
    """Whether a ``register_buffer`` with this name, or with a name that is computed, exists in a class."""
    for call, method, _ in model.registrations:
        given = name_given(call, method)
        if not isinstance(given, cst.SimpleString) or given.evaluated_value == name:
            return True
    return False


def _moves_itself(cls: ClassModel) -> bool:
    """torchmetrics.Metric and the like bring their own ``to``."""
    return any(
        symbol is not None and symbol.dotted.startswith("torchmetrics.") for symbol in cls.ancestor_symbols
    )


def _is_moved(load: Load) -> bool:
    """Whether the attribute is moved where it is read, or handed to something that moves: ``to_device(self.x)``."""
    function = load.place.function
    node: cst.CSTNode = load.node
    while True:
        parent = function.parent(node)
        if isinstance(parent, cst.Attribute) and parent.attr.value in _MOVING_METHODS:
            return True
        if isinstance(parent, cst.Arg) and _goes_to_a_mover(parent, function):
            return True
        is_method = isinstance(parent, cst.Call) and parent.func is node
        is_item = isinstance(parent, cst.Subscript) and parent.value is node
        if parent is None or not (is_method or is_item or isinstance(parent, cst.Attribute)):
            return False
        node = parent


def _goes_to_a_mover(item: cst.Arg, function: Function) -> bool:
    call = function.parent(item)
    if not isinstance(call, cst.Call):
        return False
    name = _method(call) or (call.func.value if isinstance(call.func, cst.Name) else "")
    return "device" in name or "cuda" in name or name in _TAKERS


_TAKERS = {"to", "type_as", "nested_map", "deepcopy", "clone", "setattr"}


def _uses_in_forward(cls: ClassModel) -> Uses:
    found: dict[tuple[cst.Call, bool], cst.CSTNode] = {}
    for name in cls.used_by_forward:
        for function in cls.methods[name].everything():
            for node in function.walked:
                if isinstance(node, _OPERANDS) and _is_operand(node, function.parent(node), function):
                    for value in function.file.evaluator.values(node, function):
                        if value.kind is Kind.TENSOR and value.source is not None:
                            found.setdefault((value.source, value.moved), node)
    return found


_OPERANDS = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)


def _is_operand(node: cst.CSTNode, parent: cst.CSTNode | None, function: Function) -> bool:
    """Whether ``node`` is computed with: an operand of an operator, or an argument beside the input of the model."""
    if isinstance(parent, (cst.BinaryOperation, cst.ComparisonTarget, cst.Comparison)):
        return not _result_is_moved(parent, function)
    if isinstance(parent, cst.Element):  # torch.cat([x, self.grid])
        display = function.parent(parent)
        beside = (
            [item.value for item in display.elements] if isinstance(display, (cst.List, cst.Tuple)) else []
        )
        meets_another = any(part is not node and _may_be_tensor(part) for part in beside)
        return meets_another and _torch_call_with(display, function) is not None
    if isinstance(parent, cst.Arg):
        call = function.parent(parent)
        return (
            isinstance(call, cst.Call)
            and _computes(call, parent, function)
            and not _result_is_moved(call, function)
        )
    if isinstance(parent, cst.Assign) and parent.value is node:
        return any(
            isinstance(target.target, cst.Subscript) and _is_input(target.target, function)
            for target in parent.targets
        )
    return False


def _result_is_moved(node: cst.CSTNode, function: Function) -> bool:
    """Whether the result is moved, at once or under the local name that it is bound to."""
    parent = function.parent(node)
    while isinstance(
        parent,
        (cst.BinaryOperation, cst.Attribute, cst.Call, cst.ComparisonTarget, cst.Comparison, cst.Subscript),
    ):
        if isinstance(parent, cst.Attribute) and parent.attr.value in _MOVING_METHODS:
            return True
        node, parent = parent, function.parent(parent)
    if not isinstance(parent, cst.Assign):
        return False
    names = {target.target.value for target in parent.targets if isinstance(target.target, cst.Name)}
    return any(
        other.attr.value in _MOVING_METHODS and _first_name(other) in names for other in function.attributes
    )


def _first_name(node: cst.CSTNode) -> str | None:
    while isinstance(node, (cst.Attribute, cst.Call, cst.Subscript)):
        node = node.func if isinstance(node, cst.Call) else node.value
    return node.value if isinstance(node, cst.Name) else None


def _is_input(node: cst.BaseExpression, function: Function) -> bool:
    """Whether an expression begins with a parameter of the method."""
    while isinstance(node, (cst.Attribute, cst.Subscript, cst.Call)):
        node = node.func if isinstance(node, cst.Call) else node.value
    if not isinstance(node, cst.Name) or node.value == function.self_name:
        return False
    return any(value.kind is Kind.ARGUMENT for value in function.file.evaluator.values(node, function))


def _computes(call: cst.Call, item: cst.Arg, function: Function) -> bool:
    """Whether a call computes with its arguments, the tensor among them and what the method was given: a torch
    function, a layer, or a function of the project that does not move the tensor itself."""
    beside = [other.value for other in call.args if other is not item]
    if not any(_may_be_tensor(part) for part in beside):
        return False
    evaluator = function.file.evaluator
    symbol = evaluator.symbol(call.func, function)
    if symbol is not None and symbol.kind == "external":
        if symbol.dotted in _UPDATING and item is not call.args[0]:
            return False  # running statistics: reported as such, by TL105
        return symbol.dotted.startswith("torch.") and not symbol.dotted.startswith(_NOT_COMPUTING)
    called = called_function(call, function)
    if called is not None:
        return not _callee_moves(called, call, item)
    is_method = isinstance(call.func, cst.Attribute) and any(
        value.kind in (Kind.TENSOR, Kind.ARGUMENT) for value in evaluator.values(call.func.value, function)
    )
    return is_method or any(value.kind is Kind.MODULE for value in evaluator.values(call.func, function))


def _torch_call_with(node: cst.CSTNode | None, function: Function) -> cst.Call | None:
    """The call of a torch function, such as ``torch.cat``, that ``node`` is an argument of."""
    item = function.parent(node)
    call = function.parent(item) if isinstance(item, cst.Arg) else None
    if not isinstance(call, cst.Call):
        return None
    called = function.file.evaluator.dotted(call.func, function) or ""
    return call if called.startswith("torch.") and not called.startswith(_NOT_COMPUTING) else None


def _may_be_tensor(node: cst.BaseExpression) -> bool:
    """Whether an argument beside the tensor may be what the method was given: no number, flag or attribute."""
    if isinstance(node, cst.Name):
        return node.value not in ("None", "True", "False")
    return isinstance(node, (cst.Call, cst.Subscript))


_NOT_COMPUTING = (
    "torch.jit",
    "torch.save",
    "torch.utils",
    "torch.Size",
    "torch.device",
    "torch.tensor",
    "torch.as_tensor",
)
_UPDATING = ("torch.nn.functional.batch_norm", "torch.nn.functional.instance_norm")


def _callee_moves(called: Function, call: cst.Call, item: cst.Arg) -> bool:
    """Whether the function that is called moves the parameter that the tensor is given for."""
    offset = 1 if called.self_name is not None and isinstance(call.func, cst.Attribute) else 0
    if item.keyword is not None:
        name = item.keyword.value
    else:
        position = call.args.index(item) + offset
        name = called.parameters[position].name if position < len(called.parameters) else ""
    return any(node.attr.value in _MOVING_METHODS and _first_name(node) == name for node in called.attributes)
