"""Plain containers on a Module that hold modules or Parameters which PyTorch cannot see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import libcst as cst

from torchlint.diagnostic import Edit, Fix
from torchlint.model.callers import given_values
from torchlint.model.flow import CallSite, Function, Load, Place, Store
from torchlint.model.kinds import Kind, State
from torchlint.model.module_class import Assigned, Attribute, ClassModel, root
from torchlint.model.values import Value, Values
from torchlint.model.vocabulary import OWN_REGISTRY, promises_plain_data

# Calls that look at a container without keeping what is in it.
_WORD = re.compile(r"[^\W\d]\w*")
_LOOKING = {
    "builtins." + name
    for name in (
        "all", "any", "dict", "enumerate", "filter", "id", "isinstance", "iter", "len", "list", "map", "max", "min",
        "next", "print", "range", "repr", "reversed", "set", "sorted", "str", "sum", "tuple", "zip",
    )
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class PlainContainer(Assigned):
    """``self.name`` bound to a plain list, tuple, dict or set that holds unregistered modules or Parameters."""

    hidden: Values
    """What it holds and nothing registers."""

    @property
    def use_method(self) -> str:
        return root(self.use.place.function).name if self.use else ""

    @property
    def display(self) -> str:
        """``list``, ``tuple``, ``dict`` or ``set``."""
        node = self.value.node
        if isinstance(node, cst.Tuple):
            return "tuple"
        if isinstance(node, (cst.Dict, cst.DictComp)):
            return "dict"
        if isinstance(node, (cst.Set, cst.SetComp)):
            return "set"
        if isinstance(node, cst.Call) and self.value.function is not None:
            made_by = self.value.function.file.evaluator.dotted(node.func, self.value.function)
            return _DISPLAYED_AS.get((made_by or "").rpartition(".")[2], "list")
        return "list"

    @property
    def holds(self) -> str:
        """What is hidden, in words: ``nn.Linear modules``, ``Parameters``."""
        kinds = {"Parameters" if value.kind is Kind.PARAMETER else "modules" for value in self.hidden}
        if len(kinds) > 1:
            return "modules and Parameters"
        names = {value.dotted for value in self.hidden if value.kind is Kind.MODULE}
        if len(names) == 1:
            return f"`{names.pop().rpartition('.')[2]}` modules"
        return kinds.pop()

    @property
    def only_mode(self) -> bool:
        """Whether the modules hold nothing to train or save, and only ``eval()`` must reach them."""
        return all(self.cls.file.evaluator.state(value) is State.MODE for value in self.hidden)

    @property
    def use(self) -> Load | None:
        """Where the forward pass reads the attribute."""
        return next(iter(self.attribute.loads_in_forward), None)

    def fix(self) -> Fix | None:
        """Wrap the display in the container of ``torch.nn``, where that is known to work."""
        node = self.store.value
        target = {"list": "List", "dict": "Dict"}.get(self.display)
        if target is None or node is not self.value.node or not isinstance(node, _DISPLAYS):
            return None
        if target == "Dict" and not self._has_plain_keys():
            return None
        kinds = {value.kind for value in self.hidden}
        if len(kinds) != 1 or any(
            value.kind not in kinds for value in self.cls.file.evaluator.elements(self.value)
        ):
            return None
        if not self._only_used_as_sequence():
            return None
        spelled = self.cls.file.spell(
            f"torch.nn.{'Parameter' if Kind.PARAMETER in kinds else 'Module'}{target}"
        )
        if spelled is None:
            return None
        file = self.cls.file
        if isinstance(node, (cst.List, cst.Dict)) and not node.elements:
            edits: tuple[Edit, ...] = (file.replace(node, f"{spelled}()"),)
        else:
            edits = file.wrap(node, f"{spelled}(", ")")
        return Fix(
            f"keep them in `{spelled}`, which adds them to `parameters()` and `state_dict()`",
            edits,
            safety="unsafe",
        )

    def _has_plain_keys(self) -> bool:
        """``nn.ModuleDict`` takes strings without a dot that are no attribute of it."""
        node = self.value.node
        if not isinstance(node, cst.Dict) or any(store.kind == "item" for store in self.attribute.stores):
            return False
        keys = [item.key for item in node.elements if isinstance(item, cst.DictElement)]
        texts = [key.evaluated_value for key in keys if isinstance(key, cst.SimpleString)]
        return len(texts) == len(node.elements) and all(
            isinstance(text, str) and text.isidentifier() and text not in _DICT_ATTRIBUTES for text in texts
        )

    def _only_used_as_sequence(self) -> bool:
        """Whether nothing is done with the attribute that ``nn.ModuleList`` cannot do."""
        for load in self.attribute.loads:
            parent = load.place.function.parent(load.node)
            if isinstance(parent, cst.BinaryOperation):
                return False
            if isinstance(parent, cst.Attribute) and parent.attr.value not in _SHARED_METHODS:
                return False
        return len([store for store in self.attribute.stores if store.kind == "assign"]) == 1


_DISPLAYED_AS = {
    "tuple": "tuple", "set": "set", "frozenset": "set", "dict": "dict", "OrderedDict": "dict", "defaultdict": "dict",
}  # fmt: skip
_DISPLAYS = (cst.List, cst.Dict, cst.ListComp, cst.DictComp)
_SHARED_METHODS = {"append", "extend", "insert", "items", "keys", "values", "update", "pop"}
_DICT_ATTRIBUTES = {
    "add_module", "apply", "children", "clear", "cpu", "cuda", "double", "eval", "extra_repr", "float", "forward",
    "get_parameter", "half", "items", "keys", "modules", "parameters", "pop", "register_buffer", "state_dict", "to",
    "train", "training", "type", "update", "values", "zero_grad",
}  # fmt: skip


def plain_containers(cls: ClassModel) -> Iterator[PlainContainer]:
    """The attributes of a Module class that hide modules or Parameters, one for each assignment that does.

    What callers of the class pass is only looked for where that is not ruled out.
    """
    from_callers = cls.file.given is None or cls.qualname in cls.file.given
    if OWN_REGISTRY & cls.methods.keys():
        return
    handed_on = cache(lambda: _handed_on(cls))  # which few classes need
    for attribute in cls.attributes.values():
        reported: set[int] = set()
        for store, value in attribute.assigned():
            found = (
                _plain_container(attribute, store, value, handed_on, from_callers)
                if id(store) not in reported
                else None
            )
            if found is not None and not _is_exempt(attribute) and not _is_explained(found):
                reported.add(id(store))
                yield found


def _plain_container(
    attribute: Attribute,
    store: Store,
    value: Value,
    handed_on: Callable[[], set[cst.CSTNode]],
    from_callers: bool,
) -> PlainContainer | None:
    """What ``value``, assigned by ``store``, hides."""
    cls = attribute.owner
    if value.kind is Kind.ARGUMENT or _copies_argument(cls, value):
        given, hidden = _given_hidden(attribute, store, value) if from_callers else (None, ())
        return PlainContainer(attribute, store, value if given is None else given, hidden) if hidden else None
    if value.kind is not Kind.CONTAINER:
        return None
    hidden = tuple(_hidden_in(cls, value))
    if hidden:
        hidden = tuple(item for item in hidden if item.identity not in handed_on())
    if (
        any(item.kind is Kind.PARAMETER for item in hidden) and cls.has_optimizer
    ):  # Parameters that the class makes and trains itself
        hidden = tuple(item for item in hidden if item.kind is not Kind.PARAMETER)
    return PlainContainer(attribute, store, value, hidden) if hidden else None


def _copies_argument(cls: ClassModel, value: Value) -> bool:
    """``tuple(models)``, ``list(models)``: the elements are those of a parameter."""
    return (
        value.kind is Kind.CONTAINER and isinstance(value.node, cst.Call) and _copied(cls, value) is not None
    )


def _copied(cls: ClassModel, value: Value) -> Value | None:
    node = value.node
    if not isinstance(node, cst.Call) or len(node.args) != 1 or value.function is None:
        return None
    values = cls.file.evaluator.values(node.args[0].value, value.function)
    return values[0] if len(values) == 1 and values[0].kind is Kind.ARGUMENT else None


def _given_hidden(attribute: Attribute, store: Store, value: Value) -> tuple[Value | None, Values]:
    """The modules in a list that callers of the class in this project pass for a parameter of ``__init__``, and,
    where the attribute is the very list, that list.

    Nothing where a caller passes something else or keeps the modules registered itself, and where ``__init__`` does
    anything else with the parameter.
    """
    parameter = value if value.kind is Kind.ARGUMENT else _copied(attribute.owner, value)
    function = store.place.function
    if parameter is None or root(function).name != "__init__" or not _runs_its_elements(attribute):
        return None, ()
    if sum(node.value == parameter.name for node in function.names) > 1:
        return None, ()
    if _promises_plain_data(attribute.owner, parameter.name):
        return None, ()
    found: list[Value] = []
    list_given: Value | None = None
    for call, values in given_values(parameter, function):
        owner = call.place.function.owner
        registered = owner.registered if owner is not None else set()
        for given in values:
            hidden = _modules_in(given)
            if not hidden or any(item.identity in registered for item in hidden):
                return None, ()
            found.extend(hidden)
            list_given = given if value.kind is Kind.ARGUMENT else None
    return list_given, tuple(found)


def _promises_plain_data(cls: ClassModel, parameter: str) -> bool:
    annotation = cls.annotation(parameter)
    return annotation is not None and promises_plain_data(_WORD.findall(cls.file.code(annotation)))


def _modules_in(given: Value) -> list[Value]:
    """The modules in a plain list, if it holds nothing else."""
    if given.kind is not Kind.CONTAINER or given.function is None:
        return []
    evaluator = given.function.file.evaluator
    elements = evaluator.elements(given)
    certain = all(item.kind is Kind.MODULE and evaluator.state(item) is State.PARAMETERS for item in elements)
    return elements if certain else []


def _runs_its_elements(attribute: Attribute) -> bool:
    """Whether the forward pass loops over the attribute, or picks from it, as it would with layers."""
    for load in attribute.loads_in_forward:
        within = load.place.function
        node: cst.CSTNode | None = load.node
        parent = within.parent(node)
        # enumerate(self.layers), zip(self.layers, ...)
        if isinstance(parent, cst.Arg) and parent.keyword is None and not parent.star:
            node = within.parent(parent)
            parent = within.parent(node)
        if isinstance(parent, cst.For) or (isinstance(parent, cst.Subscript) and parent.value is node):
            return True
        if isinstance(parent, cst.BaseComp) and node in _iterables(parent):
            return True
    return False


def _iterables(node: cst.BaseComp) -> list[cst.CSTNode]:
    """What the loops of a comprehension run over."""
    found: list[cst.CSTNode] = []
    loop: cst.CompFor | None = node.for_in
    while loop is not None:
        found.append(loop.iter)
        loop = loop.inner_for_in
    return found


def _handed_on(cls: ClassModel) -> set[cst.CSTNode]:
    """The modules that ``__init__`` also gives, under a local name, to a function that may register them."""
    evaluator = cls.file.evaluator
    found: set[cst.CSTNode] = set()
    for name in cls.used_by_init:
        for function in cls.methods[name].everything():
            for call in function.calls:
                names = [item.value for item in call.node.args if isinstance(item.value, cst.Name)]
                if len(call.node.args) < 2 or not names or not isinstance(call.node.func, cst.Name):
                    continue
                if (evaluator.dotted(call.node.func, function) or "").startswith(("builtins.", "torch.")):
                    continue
                for node in names:
                    values = evaluator.values(node, function)
                    found.update(
                        value.identity for value in values if value.kind is Kind.MODULE and value.identity
                    )
    return found


def _hidden_in(cls: ClassModel, holder: Value, depth: int = 3) -> Iterator[Value]:
    evaluator = cls.file.evaluator
    for element in evaluator.elements(holder):
        if element.kind is Kind.CONTAINER and depth > 0:
            yield from _hidden_in(cls, element, depth - 1)
        elif element.kind in (Kind.MODULE, Kind.PARAMETER):
            hidden = element.identity not in cls.registered
            if hidden and evaluator.state(element) is not State.NONE:
                yield element


def _is_exempt(attribute: Attribute) -> bool:
    return (
        _hides_on_purpose(attribute)
        or _is_rebound_to_module(attribute)
        or _is_registered_in_a_loop(attribute)
        or _writes_registries(attribute.owner)
        or any(_escapes(attribute, load) for load in attribute.loads)
    )


def _hides_on_purpose(attribute: Attribute) -> bool:
    """``self._teacher = [teacher]``: the one element is under a private name, or is what the caller handed in."""
    for store, value in attribute.assigned():
        node = value.node
        if isinstance(node, (cst.List, cst.Tuple)) and len(node.elements) == 1:
            element = node.elements[0].value
            function = value.function or store.place.function
            given = function.file.evaluator.values(element, function)
            if attribute.name.startswith("_") or any(item.kind is Kind.ARGUMENT for item in given):
                return True
    return False


def _is_explained(container: PlainContainer) -> bool:
    """Whether a comment beside the assignment says that the modules are hidden on purpose."""
    return any(_ON_PURPOSE.search(comment) for comment in container.cls.file.comments(container.range))


_ON_PURPOSE = re.compile(
    r"(?i)\b(hid(e|es|den|ing)|hack|unregistered|purpose\w*|intention\w*|deliberate\w*)\b|\b(not|avoid|without|prevent)\b.*"
    r"(regist|param|state_dict|submodule|DDP)"
)


def _is_rebound_to_module(attribute: Attribute) -> bool:
    """``self.layers = nn.ModuleList(layers)`` on some path: what was collected is registered in the end."""
    return any(value.kind is Kind.MODULE for _, value in attribute.assigned())


def _is_registered_in_a_loop(attribute: Attribute) -> bool:
    """``self.add_module(...)`` or ``setattr(self, ...)`` for the same items, in one of the functions that fill it."""
    filling = {id(root(item.place.function)) for item in attribute.stores}
    filling |= {id(root(load.place.function)) for load in attribute.loads}
    return any(
        id(root(call.place.function)) in filling and (call.place.loops() or _in_comprehension(call.place))
        for call, _, _ in attribute.owner.registrations
    )


def _writes_registries(cls: ClassModel) -> bool:
    """``self._modules[name] = layer``: what the methods of ``nn.Module`` do, done by hand."""
    names = ("_modules", "_parameters")
    attributes = [cls.attributes[name] for name in names if name in cls.attributes]
    return any(
        any(store.kind == "item" for store in item.stores) or any(_is_updated(load) for load in item.loads)
        for item in attributes
    )


def _is_updated(load: Load) -> bool:
    parent = load.place.function.parent(load.node)
    return isinstance(parent, cst.Attribute) and parent.attr.value in ("update", "setdefault")


def _in_comprehension(place: Place) -> bool:
    return any(block.kind == "comprehension" for block in place.blocks())


def _escapes(attribute: Attribute, load: Load) -> bool:
    """Whether the container is handed to something, outside of the forward pass, that may register what it holds."""
    function = load.place.function
    if root(function).name in attribute.owner.used_by_forward - attribute.owner.used_by_init:
        return False
    call = _call_around(load, function)
    if call is None:
        return False
    return attribute.owner.file.evaluator.dotted(call.node.func, function) not in _LOOKING


def _call_around(load: Load, function: Function) -> CallSite | None:
    """The call that ``self.x``, ``*self.x`` or ``self.x.values()`` is an argument of."""
    node: cst.CSTNode = load.node
    parent = function.parent(node)
    if isinstance(parent, cst.Attribute) and parent.attr.value in ("values", "items"):
        node = function.parent(parent) or parent
        parent = function.parent(node)
    if not isinstance(parent, cst.Arg):
        return None
    call = function.parent(parent)
    return next((site for site in function.calls if site.node is call), None)
