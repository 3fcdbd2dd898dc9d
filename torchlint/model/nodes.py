"""LibCST with nodes that take less time to define and to make, for a process of our own.

Its nodes are dataclasses that are frozen and check themselves as they are made, which is of use to who changes trees.
Here they come from LibCST's parser and are only read. What makes them so is half of the time that it takes to import
LibCST, and a fifth of the time that it takes to parse.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def import_light() -> None:
    """Import LibCST with such nodes, unless it is there already."""
    if "libcst" in sys.modules:
        return
    usual = dataclasses.dataclass
    dataclasses.dataclass = _lighten(usual)
    try:
        import libcst  # noqa: F401
    finally:
        dataclasses.dataclass = usual


def _lighten(usual: Callable[..., Any]) -> Any:
    """The decorator ``dataclass`` that makes nodes in another way, and other classes in the ``usual`` one."""

    def dataclass(cls: type | None = None, /, **options: Any) -> Any:
        if cls is None:
            return lambda decorated: dataclass(decorated, **options)
        if not _is_node(cls):
            return usual(cls, **options)
        if "__post_init__" in vars(cls):
            del cls.__post_init__  # type: ignore[attr-defined]
        # Nodes have a representation and an equality of their own.
        return usual(cls, **{**options, "frozen": False, "repr": False, "eq": False})

    return dataclass


def _is_node(cls: type) -> bool:
    return any(base.__name__ == "CSTNode" and base.__module__.startswith("libcst.") for base in cls.__mro__)
