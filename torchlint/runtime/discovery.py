"""The Module classes of an installed package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from torch import nn

from torchlint.runtime.targets import described


def modules_of(package: str) -> Iterator[list[type[nn.Module]] | str]:
    """For each Python module of a package, the Module classes that it defines, or ``name: why`` it cannot be imported.

    Importing runs the code of all of them.
    """
    try:
        top = importlib.import_module(package)
    except (Exception, SystemExit) as error:
        yield f"{package}: {described(error)}"
        return
    yield _classes_in(top)
    for found in pkgutil.walk_packages(getattr(top, "__path__", ()), f"{package}.", onerror=lambda _: None):
        if found.name.rpartition(".")[2] == "__main__":
            continue
        try:
            module = importlib.import_module(found.name)
        except (Exception, SystemExit) as error:
            yield f"{found.name}: {described(error)}"
            continue
        yield _classes_in(module)


def _classes_in(module: ModuleType) -> list[type[nn.Module]]:
    """Those that the module defines itself, but for abstract ones."""
    return [
        found
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, nn.Module)
        and found.__module__ == module.__name__
        and not inspect.isabstract(found)
    ]
