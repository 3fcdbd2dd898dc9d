"""Names that the model and the screen must take alike: methods and functions of containers, and the conventions of
training code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

GROWING_METHODS = {
    "append": 0, "appendleft": 0, "add": 0, "extend": 0, "insert": 1, "setdefault": 1, "update": 0, "add_module": 1,
}  # fmt: skip
"""Methods of containers that take an element (or, `extend` and `update`, a container of them), with its position."""

CONTAINER_TYPES = {
    "builtins.list", "builtins.tuple", "builtins.set", "builtins.frozenset", "builtins.dict", "builtins.reversed",
    "builtins.sorted", "collections.OrderedDict", "collections.deque", "collections.defaultdict", "builtins.iter",
}  # fmt: skip
"""What makes a plain container of the elements of another."""

ITERATORS = {"builtins.map", "builtins.filter", "builtins.zip", "itertools.chain"}
"""What makes an iterator that is taken for a plain container."""

OWN_REGISTRY = {"parameters", "named_parameters", "named_modules", "modules", "_apply", "__setattr__"}
"""A Module class that overrides one of these decides itself what its parameters are."""

REGISTERING_METHODS = {
    "register_buffer": 1, "register_parameter": 1, "add_module": 1, "register_module": 1,
}  # fmt: skip
"""Methods of ``nn.Module`` that register, with the position of what they register; the name comes first."""

KEYED_CONTAINERS = ("torch.nn.Sequential", "torch.nn.ModuleDict", "torch.nn.ParameterDict")
KEYED = ("OrderedDict", "ModuleDict", "ParameterDict")
"""Modules that are made of a dict, and the words that a file with one has."""

COMPUTING = ("torch.nn.functional.", "torch.autograd.Variable")
"""How the names of functions begin that compute a tensor of their arguments."""

MISSPELLED_SWITCHES = (
    "require_grad", "require_grads", "required_grad", "requires_grads", "requires_gard", "requiers_grad", "reqires_grad",
    "requre_grad", "requred_grad",
)  # fmt: skip
GRADIENT_SWITCHES = ("requires_grad", "requires_grad_", *MISSPELLED_SWITCHES)
"""What is assigned to in order to freeze a Parameter, and what is taken for it."""

MODULE_ITERATORS = {"children": (), "modules": (), "named_children": (1,), "named_modules": (1,)}
CHILDREN: dict[str, tuple[int, ...]] = {"children": (), "named_children": (1,)}
PARAMETER_ITERATORS = {"parameters": (), "named_parameters": (1,), "buffers": (), "named_buffers": (1,)}
"""Methods of a module that go through what it holds, with the place of that in what they give."""

MODULE_METHODS = {
    *MODULE_ITERATORS, *PARAMETER_ITERATORS, "state_dict", "load_state_dict", "train", "eval", "forward",
}  # fmt: skip
"""Methods that no tensor has."""

CALLED_BY_TORCH = {"train", "eval", "children", "named_children", "parameters", "state_dict", "to"}
"""Methods of a module that PyTorch, or whoever trains the module, calls on it and on its submodules."""


def _slips(word: str) -> Iterator[str]:
    """A letter that is left out, doubled or hit twice with its neighbour's turn, or another case."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[: at + 1] + word[at:]
        yield word[:at] + word[at : at + 2][::-1] + word[at + 2 :]


_OFTEN_MISSPELLED = ("forward", "training_step", "validation_step", "test_step", "configure_optimizers")
_OTHER_SLIPS = {
    "forword": "forward", "forwared": "forward", "farward": "forward", "fordward": "forward", "forwaed": "forward",
    "Forward": "forward", "foreward": "forward", "forwarf": "forward", "configure_optimizer": "configure_optimizers",
    "_init_": "__init__", "__int__": "__init__", "__inti__": "__init__", "__ini__": "__init__", "__nit__": "__init__",
    "_init__": "__init__", "__init_": "__init__", "___init__": "__init__", "__init___": "__init__",
    "__iinit__": "__init__", "__innit__": "__init__", "__iniit__": "__init__", "__initt__": "__init__",
    "__intit__": "__init__", "__Init__": "__init__", "__INIT__": "__init__", "__nint__": "__init__",
    "__initi__": "__init__", "__intt__": "__init__", "__inint__": "__init__", "__init": "__init__",
}  # fmt: skip
MISSPELLED_METHODS = {
    slip: word for word in _OFTEN_MISSPELLED for slip in _slips(word) if slip != word
} | _OTHER_SLIPS
"""What is taken for the name of a method that PyTorch calls, with that name."""

RANDOM_INITS = (
    "normal", "uniform", "trunc_normal", "xavier_normal", "xavier_uniform", "kaiming_normal", "kaiming_uniform",
    "orthogonal", "random",
)  # fmt: skip
"""Functions of ``torch.nn.init``, and methods of a tensor, that fill with random values, without a last underscore."""

_THIRD_ARGUMENT = re.compile(r"Embedding\([^(),=]+,[^(),=]+,[^(),=]")


def may_pad(text: str) -> bool:
    """Whether a file may make an embedding with a row for padding: with the word, or three arguments."""
    return "Embedding" in text and ("padding_idx" in text or _THIRD_ARGUMENT.search(text) is not None)


EMPTY_TENSORS = ("torch.empty", "torch.Tensor", "torch.FloatTensor", "torch.DoubleTensor", "torch.HalfTensor")
"""What makes a tensor of memory as it was found."""

_MODE_WORDS = ("training", "train", "is_eval", "eval", "evaluating", "inference", "is_test", "test")


_PLAIN_TYPES = {"int", "float", "bool", "str", "bytes"}
_TYPE_FORMS = {
    "typing", "collections", "abc", "list", "List", "tuple", "Tuple", "set", "Set", "Sequence", "Iterable",
    "Collection", "Optional", "Union", "None",
}  # fmt: skip


def promises_plain_data(words: Iterable[str]) -> bool:
    """Whether an annotation with these names, such as ``Optional[list[int]]``, speaks of numbers and strings alone."""
    named = set(words)
    return bool(named & _PLAIN_TYPES) and named <= _PLAIN_TYPES | _TYPE_FORMS


def is_mode_word(word: str) -> bool:
    """Whether a name speaks of training or evaluation."""
    lowered = word.lower().strip("_")
    return lowered in _MODE_WORDS or "training" in lowered or lowered.startswith("is_train")


def is_optimizer(words: Iterable[str]) -> bool:
    """Whether an expression with these names is taken for an optimizer, or what scales its steps; by its last name."""
    *_, last = ("", *words)
    lowered = last.lower()
    return ("optim" in lowered and "sched" not in lowered) or lowered in ("opt", "scaler", "grad_scaler")
