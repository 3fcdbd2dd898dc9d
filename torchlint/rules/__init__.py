"""The catalogue: one rule per file, found by looking into this folder."""

from __future__ import annotations

import importlib
import os
from functools import cache

from torchlint.project.paths import stem
from torchlint.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of the catalogue, in the order of the codes."""
    names = [stem(file) for file in os.listdir(os.path.dirname(__file__)) if file.startswith("tl")]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    rules = [value for module in modules for value in vars(module).values() if isinstance(value, Rule)]
    return tuple(sorted(rules, key=lambda rule: rule.code))
