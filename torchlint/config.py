"""Settings: ``[tool.torchlint]`` of the nearest ``pyproject.toml``, or ``torchlint.toml``, under the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """The settings in force for one file."""

    select: tuple[str, ...] = ("TL",)
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    preview: bool = False
