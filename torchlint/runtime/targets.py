"""What ``pkg.mod:name`` stands for: a model, a class or function that makes one, or a function that helps with it."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from torch import nn

from torchlint.runtime.inputs import Inputs


class TargetError(Exception):
    """The target cannot be had, for the reason given: one sentence for the user, who wrote the code."""

    @property
    def is_uninitialised(self) -> bool:
        """Whether a layer was assigned before ``nn.Module.__init__`` was called."""
        return isinstance(self.__cause__, AttributeError) and "before Module.__init__() call" in str(
            self.__cause__
        )


class Arguments(NamedTuple):
    """What a class or function is called with."""

    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = {}


def load(target: str) -> Any:
    """Import ``pkg.mod:name`` or ``folder/file.py:name``, whose name may have dots; raises :class:`TargetError`.

    The name of a module is looked up on ``sys.path`` as Python does; importing runs its code.
    """
    place, separator, name = target.rpartition(":")
    if not separator or not place or not name:
        raise TargetError(f"`{target}` is not of the form `package.module:name` or `file.py:name`")
    found: Any = import_module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            close = difflib.get_close_matches(part, dir(found), n=1)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            raise TargetError(f"`{place}` has no `{part}`{hint}")
        found = getattr(found, part)
    return found


def import_module(place: str) -> ModuleType:
    """Import a module by its dotted name, or by the path of its file."""
    try:
        return _import_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise TargetError(
                f"there is no module `{error.name}` on the path; run this where `import {place}` works"
            ) from None
        raise TargetError(
            f"importing `{place}` failed: `{error.name}` is not installed{_where(error)}"
        ) from None
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise TargetError(f"importing `{place}` raised {described(error)}") from None


def _import_file(path: Path) -> ModuleType:
    """A file in a package is imported as a part of it, so that its relative imports work."""
    path = path.resolve()
    if not path.is_file():
        raise TargetError(f"there is no file `{path}`")
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(".".join(parts))


NOTHING = Arguments()


def build(made_by: Any, arguments: Arguments = NOTHING) -> nn.Module:
    """The model that a class, a function or a model itself stands for; raises :class:`TargetError`."""
    if isinstance(made_by, nn.Module):
        return made_by
    name = getattr(made_by, "__qualname__", type(made_by).__name__)
    if not callable(made_by):
        raise TargetError(f"`{name}` is {_kind(made_by)}, not a model or something that makes one")
    _require_arguments(made_by, name, arguments)
    try:
        model = made_by(*arguments.args, **arguments.kwargs)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise TargetError(f"`{name}` raised {described(error)}") from error
    if not isinstance(model, nn.Module):
        raise TargetError(f"`{name}` returned {_kind(model)}, not an nn.Module")
    return model


def _require_arguments(made_by: Callable[..., Any], name: str, arguments: Arguments) -> None:
    try:
        signature = inspect.signature(made_by)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*arguments.args, **arguments.kwargs)
    except TypeError as error:
        missing = [f"`{each.name}`" for each in required(signature)]
        if missing and not arguments.args and not arguments.kwargs:
            raise TargetError(
                f"`{name}` needs arguments ({', '.join(missing)}): give them with --arguments, "
                "or name a function that makes the model without any"
            ) from None
        raise TargetError(f"`{name}` does not take these arguments: {error}") from None


def required(signature: inspect.Signature) -> list[inspect.Parameter]:
    """The parameters that have to be given."""
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        each
        for each in signature.parameters.values()
        if each.default is each.empty and each.kind not in variadic
    ]


def inputs_from(made_by: Any) -> Inputs:
    """What a function gives for the forward pass: a tensor, a tuple of arguments, a dict of keywords, or both."""
    name = getattr(made_by, "__qualname__", "--inputs")
    try:
        given = made_by() if callable(made_by) else made_by
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        raise TargetError(f"`{name}` raised {described(error)}") from None
    if isinstance(given, Mapping):
        return Inputs((), dict(given))
    if isinstance(given, (tuple, list)):
        if len(given) == 2 and isinstance(given[0], (tuple, list)) and isinstance(given[1], Mapping):
            return Inputs(tuple(given[0]), dict(given[1]))
        return Inputs(tuple(given), {})
    return Inputs((given,), {})


def described(error: BaseException) -> str:
    """``ValueError: bad size (model.py:12)``: the last line of user code that was running."""
    text = " ".join(str(error).split())
    if len(text) > 300:
        text = f"{text[:300]}…"
    if isinstance(error, SystemExit):
        return f"SystemExit: it called sys.exit({error.code!r}){_where(error)}"
    return f"{type(error).__name__}{f': {text}' if text else ''}{_where(error)}"


def _where(error: BaseException) -> str:
    own = str(Path(__file__).parent)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((own, "<")) and "importlib" not in frame.filename
    ]
    users = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f" ({users[-1].filename}:{users[-1].lineno})" if users else ""


def _kind(value: object) -> str:
    if value is None:
        return "None"
    if isinstance(value, ModuleType):
        return f"the Python module `{value.__name__}`"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
