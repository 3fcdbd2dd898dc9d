"""The catalogue: one rule per file, found by looking into this folder."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from torchlint.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of the catalogue, in the order of the codes."""
    files = Path(__file__).parent.glob("tl*.py")
    modules = [importlib.import_module(f"{__name__}.{file.stem}") for file in files]
    rules = [value for module in modules for value in vars(module).values() if isinstance(value, Rule)]
    return tuple(sorted(rules, key=lambda rule: rule.code))
