"""The usual command lines of ``check``, read without argparse: importing that takes a tenth of a run without changes.

What is not usual, or not right, is left to :mod:`torchlint.arguments`, which knows every option and has the help.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from torchlint.config import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ASKING = ("preview", "unsafe_fixes")
"""What settings decide unless it is said."""

_SAYING = (
    *("exit_non_zero_on_fix", "exit_zero", "fix", "diff", "force_exclude", "isolated", "no_cache"),
    *("quiet", "statistics", "stats", "verbose"),
)
_LISTING = ("select", "ignore", "extend_select", "exclude")
_NAMING = ("cache_dir", "config", "output_file", "stdin_filename")
_CHOOSING = {"output_format": FORMATS, "color": ("auto", "always", "never")}

_SHORT = {"-q": "--quiet", "-v": "--verbose", "-o": "--output-file", "-j": "--jobs"}


def usual_check(arguments: Sequence[str]) -> SimpleNamespace | None:
    """The options, as argparse would give them, or ``None`` where it must be asked."""
    if not arguments or arguments[0] != "check":
        return None
    options = _defaults()
    rest = list(reversed(arguments[1:]))
    while rest:
        argument = rest.pop()
        if argument == "-" or not argument.startswith("-"):
            options["paths"].append(argument)
            continue
        name, separator, value = argument.partition("=")
        if argument[:2] == "-j" and argument[2:].isdecimal():
            name, separator, value = "-j", "=", argument[2:]
        name = _SHORT.get(name, name)
        if not name.startswith("--") or "_" in name:
            return None
        key = name[2:].replace("-", "_")
        if key in _ASKING or key in _SAYING:
            if separator:
                return None
            options[key] = True
        elif not _take(options, key, value if separator else rest.pop() if rest else "-"):
            return None
    return SimpleNamespace(**options)


def _defaults() -> dict[str, Any]:
    options: dict[str, Any] = {"command": "check", "paths": [], "color": "auto"}
    options |= dict.fromkeys(_SAYING, False)
    return options | dict.fromkeys((*_ASKING, *_LISTING, *_NAMING, "output_format", "jobs", "shard"))


def _take(options: dict[str, Any], key: str, value: str) -> bool:
    """Note the value of an option; whether it is one, and this is a value for it."""
    if value.startswith("-"):
        return False
    if key in _LISTING:
        options[key] = [*(options[key] or ()), value]
    elif key in _NAMING or value in _CHOOSING.get(key, ()):
        options[key] = value
    elif key == "jobs" and value.isdecimal() and int(value):
        options[key] = int(value)
    else:
        return False
    return True
