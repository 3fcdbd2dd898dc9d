"""Calls in the methods of a Module, and in the functions that its forward pass calls: what they make and are given."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Finding, Fix, Label, Range
from torchlint.model.callers import argument_for
from torchlint.model.facts import torch_facts
from torchlint.model.file import File
from torchlint.model.flow import (
    CallSite,
    Function,
    Place,
    Store,
    self_attribute,
)
from torchlint.model.kinds import Kind, State
from torchlint.model.mode import (
    asks_for_mode,
    closures_around,
    compares_with_mode,
    mentions_mode,
    words,
)
from torchlint.model.module_class import ClassModel, root
from torchlint.model.values import Value, Values, argument, has_star
from torchlint.model.vocabulary import is_mode_word


@dataclass(frozen=True, eq=False)
class MethodCall:
    """One call inside a method (or a closure of a method) of a Module class."""

    cls: ClassModel
    site: CallSite

    @property
    def file(self) -> File:
        return self.cls.file

    @property
    def function(self) -> Function:
        return self.site.place.function

    @property
    def node(self) -> cst.Call:
        return self.site.node

    @property
    def range(self) -> Range:
        return self.file.range(self.site.node)

    @cached_property
    def callee(self) -> str:
        """The dotted name of what is called (``torch.nn.functional.dropout``), or the empty string."""
        return self.file.evaluator.dotted(self.node.func, self.function) or ""

    @property
    def spelled(self) -> str:
        """The callee as the user wrote it, ``F.dropout``."""
        return self.file.code(self.node.func)

    @property
    def where(self) -> str:
        """``Net.forward``."""
        return f"{self.cls.name}.{self.method}"

    @property
    def method(self) -> str:
        """The method of the class that the call stands in, also when it is in a closure."""
        return root(self.function).name

    def argument(self, name: str, position: int | None = None) -> cst.BaseExpression | None:
        return argument(self.node, name, position)

    def has_star(self, star: str | None = None) -> bool:
        return has_star(self.node, star)

    def code(self, node: cst.BaseExpression) -> str:
        return self.file.code(node)

    # -- what the call makes ---------------------------------------------------------------------------------------

    @property
    def has_elements(self) -> bool:
        """Whether the sizes that a tensor factory is given make a tensor with dimensions, and none of them is 0."""
        sizes = [
            item.value for item in self.node.args if item.keyword is None or item.keyword.value == "size"
        ]
        if len(sizes) == 1 and isinstance(sizes[0], (cst.Tuple, cst.List)):
            sizes = [element.value for element in sizes[0].elements]
        return bool(sizes) and not any(map(self.is_zero, sizes))

    @property
    def is_moved(self) -> bool:
        """Whether the tensor that it makes is moved: at once, under its name, or by what the file says of devices.

        A Parameter that is made of it is another matter.
        """
        text = self.file.source.text
        if "torch.device(" in text or "set_default_" in text:
            return True
        parent = self.function.parent(self.node)
        if isinstance(parent, cst.Arg):
            taker = self.function.parent(parent)
            return (
                isinstance(taker, cst.Call)
                and self.file.evaluator.dotted(taker.func, self.function) == "torch.nn.Parameter"
            )
        if isinstance(parent, cst.Attribute):
            return True  # `.to(x)`, `.type_as(x)`, or one of many that tell it from a tensor to compute with
        if not isinstance(parent, (cst.Assign, cst.AnnAssign)):
            return False
        targets = (
            [item.target for item in parent.targets] if isinstance(parent, cst.Assign) else [parent.target]
        )
        return not all(
            isinstance(target, cst.Name) and not self._is_moved_as(target.value) for target in targets
        )

    def _is_moved_as(self, name: str) -> bool:
        return any(
            isinstance(node, cst.Attribute)
            and node.attr.value in torch_facts().casts
            and isinstance(node.value, cst.Name)
            and node.value.value == name
            for node in self.function.walked
        )

    @property
    def device_of_input(self) -> str | None:
        """``x.device`` of the first parameter of ``forward(self, x)``, which a tensor is taken for."""
        named = [item.name for item in self.function.parameters if item.kind == "positional"][1:2]
        is_forward = self.method == "forward" and self.function.name == "forward"
        return f"{named[0]}.device" if named and is_forward else None

    @cached_property
    def made(self) -> Value | None:
        """The one Module or Parameter that this very call creates, if it creates one."""
        if not self.file.evaluator.names_constructor(self.node.func, self.function):
            return None
        values = self.file.evaluator.values(self.node, self.function)
        return values[0] if len(values) == 1 and values[0].node is self.node else None

    @property
    def is_behind_forward(self) -> bool:
        """Whether the call stands in a method that the forward pass calls, and ``__init__`` does not."""
        return self.method in self.cls.used_by_forward and self.method not in self.cls.used_by_init

    @property
    def in_forward_only(self) -> bool:
        """Whether the call runs at each forward pass: not in ``__init__``, nor once, on some condition.

        A helper that is only called where something is not there yet (``if self.head is None: self.build(x)``), or
        whose decorator may keep its result, is meant to run once.
        """
        if not self.is_behind_forward:
            return False
        if self.method in ("forward", "__call__"):
            return True
        return not (self._is_decorated() or self._is_called_on_condition() or self.is_lazily_kept)

    def _is_decorated(self) -> bool:
        node = self.cls.methods[self.method].node
        assert isinstance(node, cst.FunctionDef)
        names = [self.file.code(item.decorator) for item in node.decorators]
        return any(not name.startswith(_HARMLESS_DECORATORS) for name in names)

    def _is_called_on_condition(self) -> bool:
        sites = list(self._calls_of_method())
        return bool(sites) and all(any(block.kind == "if" for block in site.blocks()) for site in sites)

    def _calls_of_method(self) -> Iterator[Place]:
        """Where methods of the class call the method that this call stands in."""
        for function in self.cls.functions():
            for load in function.loads:
                if load.name == self.method and isinstance(function.parent(load.node), cst.Call):
                    yield load.place

    @property
    def makes_layer(self) -> bool:
        """Whether the call builds a module with parameters or buffers of its own."""
        made = self.made
        if made is None or made.kind is not Kind.MODULE or self.file.evaluator.is_module_container(made):
            return False
        return self.file.evaluator.state(made) is State.PARAMETERS

    @property
    def makes_mode_module_in_forward(self) -> bool:
        """Whether the call builds, in the forward pass, a module that differs between training and evaluation."""
        made = self.made if self.is_behind_forward else None
        if made is None or made.kind is not Kind.MODULE or not self.in_forward_only:
            return False
        if self.is_lazily_kept or self._is_told_the_mode():
            return False
        if self.file.evaluator.is_module_container(made):  # what is built in it is judged by itself
            return False
        if not made.dotted.startswith("torch.nn.") or self.file.evaluator.state(made) is not State.MODE:
            return False
        rate = self.argument("p", 0)
        return rate is None or not (self.is_zero(rate) or self.depends_on_mode(rate))

    def _is_told_the_mode(self) -> bool:
        """``nn.Dropout(0.5).train(self.training)(x)``, also through a local name."""
        names = self._bound_names()
        return any(
            node.attr.value in ("train", "eval", "training")
            and (node.value is self.node or (isinstance(node.value, cst.Name) and node.value.value in names))
            for node in self.function.attributes
        )

    @property
    def makes_trained_parameter(self) -> bool:
        """Whether the call makes a Parameter that is kept on ``self``, or filled at random, to be trained."""
        made = self.made if self.is_behind_forward and self.function.self_name is not None else None
        if made is None or made.kind is not Kind.PARAMETER:
            return False
        if not (self.in_forward_only or self._replaces_parameter()):
            return False
        trained = self.argument("requires_grad", 1)
        if trained is not None and self.code(trained) != "True":
            return False
        data = self.argument("data", 0)
        if self._is_frozen_afterwards() or self.cls.has_optimizer:
            return False
        return self._kept_on_self() is not None or (data is not None and self.is_random_tensor(data))

    def _replaces_parameter(self) -> bool:
        """Whether the forward pass assigns it to an attribute that ``__init__`` has set up as a Parameter."""
        if not self.is_behind_forward:
            return False
        store = self._kept_on_self()
        return store is not None and any(
            value.kind is Kind.PARAMETER and value.identity is not self.node
            for value in self.cls.values_set_in(self.cls.used_by_init, store.name)
        )

    def _is_frozen_afterwards(self) -> bool:
        """``self.weight = nn.Parameter(...); self.weight.requires_grad = False``."""
        names = self._bound_names()
        return any(
            node.attr.value in ("requires_grad", "requires_grad_", "detach_")
            and f"self.{self_attribute(node.value, self.function.self_name)}" in names
            for node in self.function.attributes
        )

    def _bound_names(self) -> set[str]:
        """The local names and attributes (``self.x``) that the object is bound to in this function."""
        return {
            definition.name
            for definition in self.function.definitions
            if definition.value is not None and self._makes_this(definition.value)
        }

    @property
    def weights_are_replaced(self) -> bool:
        """Whether the weights of the layer built here are set right away: nothing random is left to be trained."""
        names = self._bound_names()
        kept = {name.removeprefix("self.") for name in names if name.startswith("self.")}
        return any(
            node.attr.value in _WEIGHT_ACCESS
            and (
                (isinstance(node.value, cst.Name) and node.value.value in names)
                or self_attribute(node.value, function.self_name) in kept
            )
            for function in self.cls.functions()
            for node in function.attributes
            if function is self.function or kept
        )

    @property
    def is_lazily_kept(self) -> bool:
        """Whether the object is kept on ``self`` under a condition, as in ``if self.bn is None:``."""
        store = self._kept_on_self("assign", "item")
        return store is not None and any(block.kind == "if" for block in store.place.blocks())

    def _kept_on_self(self, *kinds: str) -> Store | None:
        """The assignment to ``self.x``, or to ``self.x[key]``, that keeps the object."""
        for store in self.function.stores:
            if (
                store.kind in (kinds or ("assign",))
                and store.value is not None
                and self._makes_this(store.value)
            ):
                return store
        return None

    def _makes_this(self, node: cst.BaseExpression) -> bool:
        return any(value.identity is self.node for value in self.file.evaluator.values(node, self.function))

    # -- what the arguments are ------------------------------------------------------------------------------------

    def values(self, node: cst.BaseExpression) -> Values:
        return self.file.evaluator.values(node, self.function)

    def is_zero(self, node: cst.BaseExpression) -> bool:
        """Whether the expression can only be the number 0, or ``False``."""
        return all(_is_zero(item.node) for item in self.values(node))

    def is_mode_flag(self, node: cst.BaseExpression) -> bool:
        """Whether the expression is ``self.training``, a flag named like it, or ``True``."""
        if isinstance(node, cst.Attribute):
            return node.attr.value == "training"
        return isinstance(node, cst.Name) and node.value in ("training", "is_training", "True")

    def is_given(self, node: cst.BaseExpression) -> bool:
        """Whether the caller of the method decides: the expression is a parameter, or computed from one."""
        if isinstance(node, cst.BinaryOperation):
            return self.is_given(node.left) or self.is_given(node.right)
        if isinstance(node, cst.IfExp):
            return any(self.is_given(part) for part in (node.test, node.body, node.orelse))
        while isinstance(node, (cst.Attribute, cst.Subscript)):
            node = node.value
        if not isinstance(node, cst.Name) or node.value == self.function.self_name:
            return False
        here = set(self.function.and_outer())
        return any(value.kind is Kind.ARGUMENT and value.function in here for value in self.values(node))

    def is_plain_tensor_attribute(self, node: cst.BaseExpression) -> bool:
        """Whether the expression is ``self.x``, and every assignment to it makes a plain tensor."""
        name = self_attribute(node, self.function.self_name)
        if name is None or self.cls.inherits_registered:
            return False
        return all(value.kind is Kind.TENSOR for value in self.cls.attribute_values(name))

    def is_random_tensor(self, node: cst.BaseExpression) -> bool:
        """Whether the expression is a random tensor made in this very method, out of nothing but sizes."""
        return all(
            value.kind is Kind.TENSOR
            and value.dotted in _RANDOM
            and value.function is self.function
            and not (value.dotted == "torch.normal" and self._is_computed(value.source))
            for value in self.values(node)
        )

    def _is_computed(self, call: cst.Call | None) -> bool:
        """Whether one of the first two arguments is not written out: ``torch.normal(self.mean, self.std)``."""
        first = call.args[:2] if call is not None else ()
        return any(value.kind is not Kind.LITERAL for item in first for value in self.values(item.value))

    # -- training mode ---------------------------------------------------------------------------------------------

    @property
    def deliberately_stochastic(self) -> bool:
        """Whether the names say that evaluation is to be random: Monte Carlo or Bayesian dropout."""
        name = f"{self.cls.name} {self.method}"
        return bool(_STOCHASTIC.search(name)) or self._is_explained()

    def _is_explained(self) -> bool:
        """Whether a comment on the call's lines, or on the line above, says that this is wanted in evaluation."""
        return any(_ON_PURPOSE.search(comment) for comment in self.file.comments(self.range))

    @cached_property
    def guarded(self) -> bool:
        """Whether the call runs in training only: under ``if self.training:``, or in ``training_step``."""
        return (
            asks_for_mode(self.site.place, self.file)
            or bool(_FOR_TRAINING.search(self.method))
            or self._only_called_under_guard()
        )

    def _only_called_under_guard(self) -> bool:
        """Whether every call of the method in its class, or of the closure, stands under such a condition."""
        if any(self._closure_is_guarded(function) for function in closures_around(self.function)):
            return True
        if self.method in ("forward", "__call__"):
            return False
        sites = list(self._calls_of_method())
        return bool(sites) and all(asks_for_mode(site, self.file) for site in sites)

    def _closure_is_guarded(self, closure: Function) -> bool:
        outer = closure.outer
        functions = list(outer.everything()) if outer is not None else []
        named = [node for function in functions for node in function.names if node.value == closure.name]
        sites = [call.place for function in functions for call in function.calls if call.node.func in named]
        # Where the closure is passed on, nothing is known about its calls.
        return (
            bool(sites) and len(sites) == len(named) and all(asks_for_mode(site, self.file) for site in sites)
        )

    def depends_on_mode(self, node: cst.BaseExpression) -> bool:
        """Whether an argument is computed from the mode, directly or through local names, attributes and properties."""
        return mentions_mode(node, self.function, self.file)

    # -- reporting -------------------------------------------------------------------------------------------------

    def finding(
        self,
        message: str,
        *,
        caption: str = "",
        labels: Iterable[tuple[cst.BaseExpression, str]] = (),
        fix: Fix | None = None,
        help: str = "",
    ) -> Finding:
        """A finding at the call; ``labels`` point at its arguments."""
        marked = tuple(Label(self.file.outer_range(node), text) for node, text in labels)
        return Finding(self.range, message, caption, marked, fix, help)

    @property
    def training_flag(self) -> str | None:
        """``self.training`` in the words of this method, where ``self`` can be reached."""
        return f"{self.function.self_name}.training" if self.function.self_name else None

    @property
    def mode_advice(self) -> str:
        """How the call is told the mode."""
        if self.training_flag is None:
            return "take the mode as a parameter and pass it as `training=`"
        return f"pass `training={self.training_flag}`"

    def add_argument(self, name: str, text: str | None) -> Fix | None:
        """Pass one more argument by name; no fix where the call passes on ``**`` arguments or has none to follow."""
        if text is None or not self.node.args or self.has_star("**"):
            return None
        end = self.file.outer_range(self.node.args[-1].value).end
        return Fix(f"pass `{name}={text}`", (self.file.insert(end, f", {name}={text}"),))

    def name_argument(self, node: cst.BaseExpression, name: str) -> Fix:
        """Pass the argument ``node`` under another name; unsafe, as what it was given for gets its default."""
        keyword = next((item.keyword for item in self.node.args if item.value is node), None)
        if keyword is not None:
            edit = self.file.replace(keyword, name)
        else:
            edit = self.file.insert(self.file.outer_range(node).start, f"{name}=")
        return Fix(f"pass it as `{name}=`", (edit,), safety="unsafe")

    def append_to(self, node: cst.BaseExpression, text: str) -> Fix:
        """Go on behind the argument ``node``, which is put in parentheses where it needs them."""
        simple = (
            isinstance(node, (cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.Float, cst.Integer))
            or node.lpar
        )
        before, after = self.file.wrap(node, "" if simple else "(", text if simple else f"){text}")
        edits = (after,) if simple else (before, after)
        return Fix(f"apply it in training only: `{self.file.code(node)}{text}`", edits)


_HARMLESS_DECORATORS = (
    "torch.",
    "staticmethod",
    "typing.",
    "override",
    "autocast",
    "custom_fwd",
    "jit.",
    "no_grad",
)
_WEIGHT_ACCESS = (
    "weight",
    "bias",
    "load_state_dict",
    "parameters",
    "state_dict",
    "requires_grad_",
    "data",
    "apply",
)
_RANDOM = {f"torch.{name}" for name in ("rand", "randn", "normal", "empty", "Tensor", "FloatTensor")}
_ON_PURPOSE = re.compile(r"(?i)\b(always|inference|evaluation|eval|test[- ]?time|even (at|in|during))\b")
_STOCHASTIC = re.compile(r"(?i:monte_?carlo|bayes|stochastic)|MC[A-Z_]|(?:^|[_ ])mc(?:_|$)|MC$")
_FOR_TRAINING = re.compile(r"(?:^|_)train(?:ing)?(?:_|$)")


def _is_zero(node: cst.CSTNode | None) -> bool:
    if isinstance(node, cst.Name):
        return node.value == "False"
    return isinstance(node, (cst.Integer, cst.Float)) and not node.evaluated_value


def calls_of(cls: ClassModel, words: Collection[str] | None = None) -> Iterator[MethodCall]:
    """Every call in the methods of a Module class, and in the functions of the file that its forward pass calls.

    With ``words``, only the calls of something whose name ends in one of them, as the file spells it (``drop`` behind
    ``from torch.nn.functional import dropout as drop``).
    """
    calls_functions = bool(cls.file.outline.functions)
    for function in cls.functions():
        is_used = calls_functions and root(function).name in cls.used_by_forward
        for site in function.calls:
            if words is None or _called_word(site.node) in words:
                yield MethodCall(cls, site)
            if is_used:
                yield from _calls_of_function(MethodCall(cls, site), words)


def _called_word(call: cst.Call) -> str:
    callee = call.func
    if type(callee) is cst.Attribute:
        return callee.attr.value
    return callee.value if type(callee) is cst.Name else ""


@dataclass(frozen=True, eq=False)
class FunctionCall(MethodCall):
    """One call inside a function of the file that the forward pass of a Module calls."""

    caller: MethodCall

    @property
    def where(self) -> str:
        return self.function.qualname

    @property
    def method(self) -> str:
        return self.function.name

    @property
    def is_behind_forward(self) -> bool:
        return False  # the function may have other callers

    @cached_property
    def guarded(self) -> bool:
        """Whether the mode decides about the call: at the caller, or here, as far as the function can know it."""
        return self.caller.guarded or self._knows_the_mode() or bool(_FOR_TRAINING.search(self.method))

    def _knows_the_mode(self) -> bool:
        node, parameters = self.function.node, self.function.parameters
        names = [item.name for item in parameters]
        return (
            not isinstance(node, cst.FunctionDef)
            or any(item.kind in ("variadic", "keywords") for item in parameters)
            or any(is_mode_word(word) or word in _OTHER_MODES for word in (*names, *words(node.body)))
            or compares_with_mode(node.body)
        )

    def is_given(self, node: cst.BaseExpression) -> bool:
        """Whether it cannot be seen that the caller passes something that does not depend on the mode."""
        if not super().is_given(node):
            return False
        if not isinstance(node, cst.Name):
            return True
        given = argument_for(self.caller.node, node.value, self.function)
        if given is not None:
            caller = self.caller
            return caller.is_zero(given) or caller.depends_on_mode(given) or caller.is_given(given)
        default = next((item.default for item in self.function.parameters if item.name == node.value), None)
        return default is None or self.caller.has_star() or self.is_zero(default)

    def finding(
        self,
        message: str,
        *,
        caption: str = "",
        labels: Iterable[tuple[cst.BaseExpression, str]] = (),
        fix: Fix | None = None,
        help: str = "",
    ) -> Finding:
        called = (self.caller.node, f"called by `{self.caller.where}`")
        return super().finding(message, caption=caption, labels=[*labels, called], fix=fix, help=help)


_OTHER_MODES = ("deterministic", "is_grad_enabled", "is_inference_mode_enabled")


def _calls_of_function(call: MethodCall, words: Collection[str] | None) -> Iterator[FunctionCall]:
    """The calls in the function of this file that ``call`` calls."""
    symbol = call.file.evaluator.symbol(call.node.func, call.function)
    if symbol is not None and symbol.kind == "function" and symbol.outline is call.file.outline:
        if words is not None and not call.file.function_has_word(symbol.qualname, words):
            return
        function = call.file.function(symbol.qualname)
        for site in function.calls if function is not None else ():
            if words is None or _called_word(site.node) in words:
                yield FunctionCall(call.cls, site, call)
