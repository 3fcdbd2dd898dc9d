"""The screen for tensors that are viewed in a permutation of their own shape."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.model.dimensions import may_permute, reshapes
from torchlint.screen.lines import spans_any
from torchlint.screen.scopes import FileSketch


def viewing(file: FileSketch) -> Iterator[int]:
    """The top-level statements with a ``view`` or ``reshape`` that may be such."""
    text = file.outline.text
    if not file.outline.imports_torch:
        return
    lines = file.outline.lines_at(found.start for found in reshapes(text) if may_permute(found, text))
    for index, statement in enumerate(file.tree.body) if lines else ():
        if spans_any(statement, lines):
            yield index
