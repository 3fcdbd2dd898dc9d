"""The catalogue: one rule per file, found by looking into this folder."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from torchlint.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of the catalogue, in the order of the codes."""
    modules = (
        importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    )
    rules = [value for module in modules for value in vars(module).values() if isinstance(value, Rule)]
    return tuple(sorted(rules, key=lambda rule: rule.code))
