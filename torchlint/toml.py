"""TOML of the standard library, or ``tomli`` below Python 3.11."""

from __future__ import annotations

import importlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TOML = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

TOMLDecodeError: type[ValueError] = _TOML.TOMLDecodeError


def loads(text: str) -> dict[str, Any]:
    """Parse ``text``; raises :class:`TOMLDecodeError`."""
    tables: dict[str, Any] = _TOML.loads(text)
    return tables
