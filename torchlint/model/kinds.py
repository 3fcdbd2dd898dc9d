"""The words of the PyTorch model. Rules import them at run time, so nothing here imports LibCST."""

from __future__ import annotations

from enum import Enum, auto


class Kind(Enum):
    UNKNOWN = auto()
    NONE = auto()
    LITERAL = auto()
    SYMBOL = auto()
    """A class, function or module named by ``symbol``."""
    SELF = auto()
    ARGUMENT = auto()
    """A parameter of the enclosing function, whatever the caller gives."""
    MODULE = auto()
    """An instance of the ``torch.nn.Module`` subclass ``symbol``."""
    PARAMETER = auto()
    LOST_PARAMETER = auto()
    """A tensor computed from an ``nn.Parameter(...)``; ``source`` is the call that made the Parameter."""
    BUFFER = auto()
    TENSOR = auto()
    CONTAINER = auto()
    """A plain list, tuple, dict or set; see :meth:`Evaluator.elements`."""
    OPTIMIZER = auto()
    SCHEDULER = auto()
    FUNCTION = auto()
    """A function defined inside the enclosing one; ``node`` is its definition."""
    OBJECT = auto()
    """An instance of a class that is no Module, named by ``symbol``."""


class State(Enum):
    """What a module holds that ``state_dict()``, ``.to()`` or ``.eval()`` must reach."""

    PARAMETERS = auto()
    """Parameters, or statistics that training updates."""
    BUFFERS = auto()
    """Constant buffers, such as the class weights of a loss."""
    MODE = auto()
    """Only a behaviour that differs between training and evaluation."""
    NONE = auto()
    UNKNOWN = auto()
