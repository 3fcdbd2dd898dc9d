"""What a run found, as text: one module per format, each with one function ``render(result, style)``."""

from __future__ import annotations

import importlib

from torchlint.report.style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.run import Result


def render(output_format: str, result: Result, style: Style) -> str:
    """The report in one of :data:`torchlint.config.FORMATS`; only that format's module is imported."""
    module = importlib.import_module(f"torchlint.report.{output_format}")
    text: str = module.render(result, style)
    return text
