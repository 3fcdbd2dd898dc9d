"""Workflow commands that GitHub Actions shows as annotations of the changed lines."""

from __future__ import annotations

from torchlint.report.place import relative
from torchlint.report.style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.diagnostic import Diagnostic
    from torchlint.run import Result

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(result: Result, style: Style) -> str:
    del style
    return "".join(f"{_command(diagnostic)}\n" for diagnostic in result.diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    start, end = diagnostic.range
    properties = {
        "title": f"torchlint {diagnostic.code} ({diagnostic.name})",
        "file": relative(diagnostic.path),
        "line": str(start.line),
        "col": str(start.column),
        "endLine": str(end.line),
        "endColumn": str(end.column),
    }
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{_data(diagnostic.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
