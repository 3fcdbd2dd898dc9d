"""Names that the model and the screen must take alike: methods and functions of containers, and the conventions of
training code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from torchlint.project.outline import line_start

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

REGISTERING_LISTS = ("Sequential", "ModuleList")
"""Classes of ``torch.nn`` that register the modules they are given, one behind the other."""

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

METHODS_OF_DATA = {
    "append", "argmax", "backward", "chunk", "clone", "contiguous", "copy", "cpu", "cuda", "detach", "dim", "expand",
    "extend", "flatten", "float", "format", "get", "int", "item", "items", "join", "keys", "long", "masked_fill", "mean",
    "norm", "numel", "numpy", "permute", "pop", "repeat", "reshape", "size", "split", "squeeze", "strip", "sum", "to",
    "tolist", "transpose", "type", "unsqueeze", "update", "values", "view",
}  # fmt: skip
"""What a variable is most often asked to do. A function that rules look at is not taken to be renamed to one of these."""

CALLED_BY_TORCH = {"train", "eval", "children", "named_children", "parameters", "state_dict", "to"}
"""Methods of a module that PyTorch, or whoever trains the module, calls on it and on its submodules."""

_SHARED = r"(?i)shar(?:e|ing)|tied|tying|same (?:module|layer|block|weights)|recurren"


LONGEST_TEST = 300
"""How many characters ``isinstance(m, A or B)`` may have, with all of its types, to be looked at."""


def says_shared(text: str) -> bool:
    """Whether a name or a comment says that several places have the same weights."""
    return re.search(_SHARED, text) is not None


_INPLACE = r"(?i)in[- _]?place|LU6?[ \t]*\([ \t]*True|lu6?_[ \t]*\(|(?:mish|hardswish)_[ \t]*\("


def speaks_of_inplace(text: str) -> bool:
    """Whether there is ``inplace``, ``nn.ReLU(True)`` or ``relu_(`` in a text."""
    return re.search(_INPLACE, text) is not None


_MODES = ("mode", "flag", "enable", "enabled", "on", "value", "status", "b", "m")


def is_mode_argument(name: str) -> bool:
    """Whether a parameter of ``train`` is called as one that takes the mode."""
    return is_mode_word(name) or name.lower() in _MODES


ONE_SHOT_MAKERS = {
    "filter",
    "map",
    "zip",
    "iter",
    "enumerate",
    "reversed",
    "chain",
    "from_iterable",
    "islice",
}
"""Functions of Python whose result can be gone through once."""

TENSOR_METHODS = {
    "clamp", "clamp_max", "clamp_min", "expand_as", "index_add", "index_copy", "index_fill", "index_select",
    "log_softmax", "masked_fill", "masked_scatter", "masked_select", "permute", "scatter_add", "squeeze", "type_as",
    "unsqueeze",
}  # fmt: skip
"""Methods that give another tensor, with names that other things do not have for what changes them."""

MOVING_METHODS = {
    "bfloat16", "contiguous", "cpu", "cuda", "detach", "double", "float", "half", "int", "long", "to",
}  # fmt: skip
"""Methods that give another tensor, and change a module, or a batch object, in place."""

PURE_METHODS = {
    *TENSOR_METHODS, *MOVING_METHODS, "abs", "clone", "expand", "flatten", "matmul", "reshape", "sigmoid", "sqrt", "tanh",
    "transpose", "view",
}  # fmt: skip
"""Methods of a tensor that give another one and do nothing else."""

PURE_FUNCTIONS = {
    *TENSOR_METHODS, "abs", "add", "argmax", "bmm", "cat", "clip", "clone", "cumsum", "div", "dropout", "exp", "flatten",
    "flip", "full", "full_like", "gather", "interpolate", "log", "matmul", "max", "mean", "min", "mm", "mul", "nan_to_num",
    "normalize", "ones_like", "pad", "pow", "relu", "reshape", "round", "scatter", "sigmoid", "softmax", "sqrt", "stack",
    "sub", "sum", "tanh", "transpose", "where", "zeros_like",
}  # fmt: skip
"""Functions of ``torch`` and ``torch.nn.functional`` that give a tensor and do nothing else."""


def _one_of(names: Iterable[str]) -> str:
    """A pattern for one of the names, by their first letters: twice as fast as one by one."""
    by_initial = itertools.groupby(sorted(names), key=lambda name: name[0])
    return "|".join(f"{initial}(?:{'|'.join(name[1:] for name in some)})" for initial, some in by_initial)


_PURE_CALL = rf"\.(?:{_one_of(PURE_METHODS | PURE_FUNCTIONS)})\("
_HOLDER = r"[ \t]*[^\W\d][\w.]*(?:\[[^\]]*\][\w.]*)*"

RECURRENT_LAYERS = ("LSTM", "GRU", "RNN")
"""Layers of ``torch.nn`` whose input and output begin with the dimension of time, unless they are told."""

LAST_OF_SECOND = r"\[\s*:\s*,\s*-\s*1\s*[,\]]"
"""``[:, -1]`` and ``[:, -1, :]``."""


def may_make_iterator(name: str) -> bool:
    """Whether a function or method of this name may give what can be gone through once."""
    return name in ONE_SHOT_MAKERS or name in PARAMETER_ITERATORS or name in MODULE_ITERATORS


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

_THIRD_ARGUMENT = r"Embedding\([^(),=]+,[^(),=]+,[^(),=]"


def may_pad(text: str) -> bool:
    """Whether a file may make an embedding with a row for padding: with the word, or three arguments."""
    return "Embedding" in text and ("padding_idx" in text or re.search(_THIRD_ARGUMENT, text) is not None)


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


_FROM_TORCH = r"from[ \t]+torch[\w.]*[ \t]+import\b[ \t]*(?:\(([^)]*)\)|([^\n]*))"


@lru_cache(maxsize=4)
def pure_imports(text: str) -> frozenset[str]:
    """The pure functions that a text imports by their names."""
    imported = {
        word for found in re.findall(_FROM_TORCH, text) for word in re.findall(r"\w+", "".join(found))
    }
    return frozenset(PURE_FUNCTIONS & imported)


def pure_calls(text: str, names: Iterable[str] = ()) -> Iterator[int]:
    """Where lines of a text begin with a call of a pure method or function: ``x.unsqueeze(0)``.

    A function is also called by its name alone, where it is imported: one of ``names``.
    """
    for name in names:
        yield from (found.start() for found in re.finditer(rf"^[ \t]*{name}\(", text, re.MULTILINE))
    holder = re.compile(_HOLDER)
    for found in re.finditer(_PURE_CALL, text):
        start = line_start(text, found.start())
        if holder.fullmatch(text, start, found.start()):
            yield start


_LOADER = r"(?:loader|LOADER|Loader)\b"


def speaks_of_loader(text: str) -> bool:
    """Whether a text names a DataLoader: a loop is not taken for one over batches in a file that does not."""
    return re.search(_LOADER, text) is not None


def may_give_batches(names: Iterable[str]) -> bool:
    """Whether a loop over an expression with these names may be one over batches: modules and dicts give others."""
    return not any(name in (*MODULE_ITERATORS, *PARAMETER_ITERATORS, "items", "values") for name in names)


def is_last_of_second(code: str) -> bool:
    """Whether an expression ends by taking the last element in the second dimension, and all of the others."""
    found = [*re.finditer(LAST_OF_SECOND, code)]
    return bool(found) and set(code[found[-1].end() - 1 :]) <= set(", :.]")


def is_mode_word(word: str) -> bool:
    """Whether a name speaks of training or evaluation."""
    lowered = word.lower().strip("_")
    return lowered in _MODE_WORDS or "training" in lowered or lowered.startswith("is_train")


def is_optimizer(words: Iterable[str]) -> bool:
    """Whether an expression with these names is taken for an optimizer, or what scales its steps; by its last name."""
    *_, last = ("", *words)
    lowered = last.lower()
    return ("optim" in lowered and "sched" not in lowered) or lowered in ("opt", "scaler", "grad_scaler")


_SCHEDULERS = (
    "LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "SequentialLR",
    "CosineAnnealingLR", "ChainedScheduler", "ReduceLROnPlateau", "CyclicLR", "CosineAnnealingWarmRestarts", "OneCycleLR",
    "PolynomialLR",
)  # fmt: skip
_ASSIGNED = r"(\w+)[ \t]*=[ \t]*[\w.]*$"
_RENAMED = r"[ \t]+as[ \t]+(\w+)"

SCHEDULER_QUESTIONS = {
    "state_dict",
    "load_state_dict",
    "get_last_lr",
    "get_lr",
    "last_epoch",
    "base_lrs",
    "_last_lr",
}
"""What of a scheduler can be asked for, or restored, without a step."""


@lru_cache(maxsize=4)
def scheduler_names(text: str) -> frozenset[str]:
    """The names of schedulers of PyTorch in a text, and the other names that it gives them."""
    if "torch" not in text or not ("LR" in text or "ChainedScheduler" in text or "WarmRestarts" in text):
        return frozenset()
    found = [name for name in _SCHEDULERS if name in text]
    return frozenset(found).union(*(_other_names(name, text) for name in found))


def _other_names(name: str, text: str) -> Iterator[str]:
    """``make`` of ``make = StepLR``, and of ``import StepLR as make``."""
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        start = text.rfind("\n", 0, at) + 1
        assigned = re.compile(_ASSIGNED).search(text, start, at)
        renamed = re.compile(_RENAMED).match(text, end)
        for other in (assigned, renamed):
            if other is not None and text[end : end + 1] != "(":
                yield other[1]
        at = text.find(name, end)


def mentions_scheduler(text: str) -> bool:
    """Whether a text has a word for a scheduler: where one is given to a function, its class need not be named."""
    return "sched" in text or "Plateau" in text or bool(scheduler_names(text))


def is_scheduler(words: Iterable[str]) -> bool:
    """Whether the last of some names is that of a scheduler."""
    *_, last = ("", *words)
    lowered = last.lower()
    return "sched" in lowered or "plateau" in lowered or "lr" in lowered


HYPERPARAMETERS = {
    "lr": "lr", "learning_rate": "lr", "weight_decay": "weight_decay", "momentum": "momentum", "betas": "betas",
}  # fmt: skip
"""What is assigned to as an attribute of an optimizer, with the name that its parameter groups have for it."""
