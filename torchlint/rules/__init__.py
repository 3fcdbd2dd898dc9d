"""The catalogue: one rule per file, found by looking into this folder, and imported alone where its code is known."""

from __future__ import annotations

import importlib
import os
from functools import cache

from torchlint.project.paths import stem
from torchlint.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of the catalogue, in the order of the codes."""
    return tuple(map(the_rule, sorted(_modules())))


@cache
def the_rule(code: str) -> Rule:
    """The rule with a code. No other is imported: a file needs few of them, and all take as long as a small file."""
    module = importlib.import_module(f"{__name__}.{_modules()[code]}")
    (found,) = (value for value in vars(module).values() if isinstance(value, Rule))
    return found


@cache
def _modules() -> dict[str, str]:
    names = (stem(file) for file in os.listdir(os.path.dirname(__file__)) if file.startswith("tl"))
    return {name.partition("_")[0].upper(): name for name in names}
