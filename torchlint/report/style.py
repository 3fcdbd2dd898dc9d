"""How a report looks: colours, and what to leave out."""

from __future__ import annotations

import os
from collections.abc import Mapping

from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_CODES = {
    "bold": "1",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "94",
    "cyan": "36",
}


class Style(Record):
    """``quiet`` leaves out everything but the diagnostics."""

    colour: bool = False
    quiet: bool = False

    def paint(self, text: str, *names: str) -> str:
        """``text`` in the colours called ``names``."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"


def wants_colour(choice: str, stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to write colours: as the option says, else the usual variables, else the terminal."""
    if choice != "auto":
        return choice == "always"
    forced = (environ.get("FORCE_COLOR", ""), environ.get("CLICOLOR_FORCE", ""))
    if any(value not in ("", "0") for value in forced):
        return True
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return stream.isatty()
