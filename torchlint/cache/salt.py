"""What findings depend on besides files: the programs at work, the environment, and the settings.

It is kept as plain text: comparing is all that is done with it, and a digest would cost an import.
"""

from __future__ import annotations

import os
import sys

from torchlint import __version__
from torchlint.config import Config
from torchlint.project.environment import package_folders

FORMAT = 5


def surroundings(base: str) -> str:
    """All that is the same for every file of a run. ``base`` is the folder that paths are relative to."""
    parts = (
        *programs(),
        _version_of("libcst"),
        tuple(_from(base, folder) for folder in package_folders()),
        _from(base, os.getcwd()),
        _home(base),
    )
    return repr(parts)


def programs() -> tuple[object, ...]:
    """Who reads Python files: torchlint and Python itself."""
    return (FORMAT, __version__, _own_source(), sys.implementation.cache_tag, sys.version_info[:3])


def of_config(config: Config, base: str) -> str:
    """The settings that findings depend on. The fixes that are applied and the format are none of them."""
    kept = config._replace(
        exclude=(), unsafe_fixes=False, output_format=None, cache_dir=None, origin="", root=""
    )
    root = _from(base, config.root) if config.per_file_ignores else ""
    return repr((tuple(kept), root))


def _from(base: str, path: str) -> str:
    """``path`` as it is written where the cache may be carried to another place with the project."""
    path = os.path.abspath(path)
    inside = os.path.join(base, "")
    if path == base:
        return "."
    return path[len(inside) :].replace(os.sep, "/") if path.startswith(inside) else path


def _home(base: str) -> str:
    """The home folder bounds the search for a project's root, where no repository does."""
    if os.path.exists(os.path.join(base, ".git")):
        return ""
    return _from(base, os.path.expanduser("~"))


def _version_of(package: str) -> str:
    """The version of an installed package, read from the name of the folder with its metadata."""
    for entry in sys.path:
        if entry and os.path.isdir(os.path.join(entry, package)):
            names = (name for name in os.listdir(entry) if name.startswith(f"{package}-"))
            return next((name for name in names if name.endswith(".dist-info")), entry)
    return ""


def _own_source() -> tuple[object, ...]:
    """What tells one state of torchlint's source from another, for who works on it; installed, the version does."""
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.basename(os.path.dirname(top)) in ("site-packages", "dist-packages"):
        return ()
    found = []
    folders = [top]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append((entry.path[len(top) :], status.st_size, status.st_mtime_ns))
                elif entry.name != "__pycache__" and entry.is_dir():
                    folders.append(entry.path)
    return tuple(sorted(found))
