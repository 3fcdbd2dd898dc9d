"""Which files are tests: there, statements that do nothing are often what is tested."""

from __future__ import annotations

import os
import re

from torchlint.project.paths import is_below, stem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.project.outline import Outline

_NAME = r"conftest|tests?|test_.*|.*_tests?"
_FOLDERS = {"test", "tests", "testing"}
_TOOLS = {"pytest", "unittest"}
_IMPORT = r"(?m)^(?:import|from)[ \t]+(?:pytest|unittest)\b(?!\.mock)"


def is_test(outline: Outline, root: str | None) -> bool:
    """Whether a file is a test, or stands among tests, by its name, its folders below ``root`` and its imports."""
    path = outline.path
    if re.fullmatch(_NAME, stem(path)):
        return True
    if root is not None:
        below = os.path.dirname(path)[len(root) :].split(os.sep) if is_below(path, root) else ()
        # A folder of tests that is no package is a root of its own.
        if _FOLDERS.intersection(below) or os.path.basename(root) == "tests":
            return True
    return not _TOOLS.isdisjoint(outline.imported_packages) and bool(re.search(_IMPORT, outline.text))
