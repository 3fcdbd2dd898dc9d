"""The process in which the user's code runs: ``python -m torchlint.runtime.child FOLDER``, started by ``verify``.

It reads ``request.json`` in the folder and adds a line to ``answers.jsonl`` for each thing that it was asked about.
What it is doing stands in ``doing``, for the case that it does not survive it. What user code prints goes to stderr.
"""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from torchlint.runtime.inputs import Inputs
    from torchlint.runtime.report import Report

FACTORIES = "torchlint_factories"
"""A module of the user with a dict ``FACTORIES``: how to build classes, by their names."""


def main(folder: Path) -> None:
    faulthandler.enable()
    session = _Session(folder)
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    sys.path[:0] = [entry for entry in request["path"] if entry not in sys.path]
    with session.doing("importing torch"):
        try:
            import torch  # noqa: F401
        except ImportError as error:
            reason = f"torch cannot be imported ({error}); `pip install 'torchlint[runtime]'` installs it"
            for _ in request["units"]:
                session.answer({"failed": reason})
            return
    devices = [device for unit in request["units"] for device in unit.get("devices") or ()]
    if all(
        device == "cpu" for device in devices
    ):  # a GPU's driver reserves more addresses than any limit has
        _limit_memory(request["memory"])
    ask: Callable[[_Session, dict[str, Any]], dict[str, Any]]
    ask = {"target": _verify_target, "class": _verify_class}[request["kind"]]
    for unit in request["units"]:
        session.answer(_answer(ask, session, unit))


def _answer(
    ask: Callable[[_Session, dict[str, Any]], dict[str, Any]], session: _Session, unit: dict[str, Any]
) -> dict[str, Any]:
    from torchlint.runtime.targets import TargetError, described
    from torchlint.settings import ConfigError

    try:
        return ask(session, unit)
    except (TargetError, ConfigError) as error:
        return {"failed": str(error)}
    except MemoryError as error:
        return {"failed": f"it ran out of memory: {described(error)}"}
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        return {"failed": f"{session.now} raised {described(error)}"}


class _Session:
    """The folder through which the parent hears of us."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = os.getpid()
        self.now = ""

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        self.now = what
        (self._folder / "doing").write_text(what, encoding="utf-8")
        yield

    def answer(self, found: dict[str, Any]) -> None:
        if os.getpid() != self._process:  # user code has forked, and the copy came back to us
            os._exit(0)
        with (self._folder / "answers.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(found, default=str) + "\n")


def _limit_memory(megabytes: int | None) -> None:
    """What user code may take, on top of what torch has taken by now."""
    if megabytes is None:
        return
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return  # not on this system
    limit = pages * resource.getpagesize() + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _die_with_parent() -> None:
    """A parent that is killed cannot end us; on Linux, the system does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


# ---------------------------------------------------------------------------------------------------------- one target


def _verify_target(session: _Session, unit: dict[str, Any]) -> dict[str, Any]:
    import torch

    from torchlint.runtime.targets import Arguments, build, inputs_from, load
    from torchlint.runtime.verification import verify

    with session.doing(f"importing `{unit['target'].rpartition(':')[0]}`"):
        made_by = load(unit["target"])
    inputs_by = load(unit["inputs"]) if unit["inputs"] else None
    given = unit["arguments"]
    arguments = Arguments(given or ()) if isinstance(given, (list, type(None))) else Arguments((), given)
    with session.doing(f"calling `{unit['target']}`"):
        torch.manual_seed(0)
        model = build(made_by, arguments)
    with session.doing("making the inputs"):
        inputs = inputs_from(inputs_by) if inputs_by is not None else None
    with session.doing("making the optimizer"):
        optimizer = _optimizer(unit["optimizer"], model) if unit["optimizer"] else None
    with session.doing("verifying the model"):
        report = verify(
            model,
            *((inputs.args, inputs.kwargs) if inputs is not None else ()),
            optimizer=optimizer,
            factory=None if made_by is model else lambda: build(made_by, arguments),
            devices=unit["devices"] or ("cpu",),
            select=unit["select"],
            ignore=unit["ignore"],
        )
    return {
        "report": report.as_dict(),
        "text": str(report),
        "tree": report.tree(),
        "sarif": report.to_sarif(),
        "found": bool(report.at_least("warning")),
    }


def _optimizer(named: str, model: nn.Module) -> Any:
    """``pkg.mod:function``, which gets the model, or the name of a class in ``torch.optim``."""
    import torch

    from torchlint.runtime.targets import TargetError, load

    if ":" in named:
        return load(named)(model)
    cls = getattr(torch.optim, named.removeprefix("torch.optim."), None)
    if not (isinstance(cls, type) and issubclass(cls, torch.optim.Optimizer)):
        raise TargetError(f"`{named}` is neither `package.module:function` nor an optimizer of torch.optim")
    make: Callable[..., torch.optim.Optimizer] = (
        cls  # all of them have a learning rate, but for their base class
    )
    return make(model.parameters(), lr=1e-3)


# ------------------------------------------------------------------------------------------------------------- classes


def _verify_class(session: _Session, unit: dict[str, Any]) -> dict[str, Any]:
    """One class of a file, built as the user says or with guessed arguments."""
    import torch

    from torchlint.runtime.creation import name_of
    from torchlint.runtime.targets import TargetError, described, import_module
    from torchlint.runtime.verification import never_initialised, verify

    with session.doing(f"importing `{unit['file']}`"):
        found: Any = import_module(unit["file"])
        for part in unit["class"].split("."):
            if not hasattr(found, part):
                raise TargetError(f"`{found.__name__}` has no `{part}` once it is imported")
            found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, torch.nn.Module)):
        raise TargetError("it is no nn.Module class once it is imported")
    with session.doing(f"building `{unit['class']}`"):
        torch.manual_seed(0)
        try:
            model, inputs, how = _built(found, unit["arguments"])
        except TargetError as error:
            if not error.is_uninitialised:
                raise
            report = never_initialised(found, described(error.__cause__ or error))
            return {"report": report.as_dict(), "class": name_of(found), "how": "an error"}
    with session.doing(f"verifying `{unit['class']}`"):
        report = _verified(verify, model, inputs)
    return {"report": report.as_dict(), "class": name_of(found), "how": how}


def _verified(verify: Callable[..., Report], model: nn.Module, inputs: Inputs | None) -> Report:
    from torchlint.runtime.construction import guess_inputs

    inputs = inputs or guess_inputs(model)
    return verify(model) if inputs is None else verify(model, inputs.args, inputs.kwargs)


def _built(cls: type[nn.Module], given: dict[str, Any]) -> tuple[nn.Module, Inputs | None, str]:
    """The model, inputs where the user gives some, and what it was built with."""
    from torchlint.runtime.construction import guess_arguments
    from torchlint.runtime.targets import Arguments, build, inputs_from

    names = (f"{cls.__module__}.{cls.__qualname__}", cls.__qualname__)
    factory = next((_factories()[name] for name in names if name in _factories()), None)
    if factory is not None:
        made = factory()
        model, inputs = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
        return build(model), None if inputs is None else inputs_from(inputs), FACTORIES
    arguments = next((given[name] for name in names if name in given), None)
    if arguments is not None:
        return build(cls, Arguments((), arguments)), None, "given arguments"
    guessed = guess_arguments(cls)
    return build(cls, guessed), None, "inferred arguments" if guessed.args or guessed.kwargs else "defaults"


def _factories() -> dict[str, Callable[[], Any]]:
    from torchlint.runtime.targets import TargetError, import_module

    found: ModuleType
    if not any((Path(entry or ".") / f"{FACTORIES}.py").is_file() for entry in sys.path):
        return {}
    found = import_module(FACTORIES)
    factories = getattr(found, "FACTORIES", None)
    if not isinstance(factories, dict):
        raise TargetError(f"`{FACTORIES}.py` has no dict `FACTORIES`")
    return factories


if __name__ == "__main__":
    # What user code prints must not get into the report, which the parent prints.
    os.dup2(2, 1)
    _die_with_parent()
    main(Path(sys.argv[1]))
    sys.stderr.flush()
    os._exit(0)  # threads of user code may go on for ever
