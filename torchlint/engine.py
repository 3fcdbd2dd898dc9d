"""From the bytes of one file to its sorted diagnostics: the one path that every door takes.

decode -> outline (``ast``: syntax, depth, names) -> screen -> tree (LibCST) -> PyTorch model -> rules -> suppress -> sort
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torchlint.config import Config
from torchlint.diagnostic import Diagnostic
from torchlint.project.index import Project


@dataclass(frozen=True)
class Checked:
    """What came of one file: its diagnostics after suppression, in the order of their positions."""

    path: str
    diagnostics: tuple[Diagnostic, ...] = field(default=())


def check_source(
    source: bytes | str, path: str, config: Config | None = None, project: Project | None = None
) -> list[Diagnostic]:
    """Check one file.

    ``path`` is shown in the diagnostics and is where imports of other files start from; the file itself is never
    read. A file that cannot be checked gives one TL000; nothing raises.
    """
    raise NotImplementedError
