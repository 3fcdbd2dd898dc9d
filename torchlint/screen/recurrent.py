"""The screen for what is taken from the output of recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.model.vocabulary import LAST_OF_SECOND, RECURRENT_LAYERS
from torchlint.screen.lines import spans_any
from torchlint.screen.scopes import FileSketch


def taking(file: FileSketch) -> Iterator[int]:
    """The top-level statements with ``[:, -1]``, in a file that names a recurrent layer."""
    text = file.outline.text
    if "-1" not in text or not any(f"{name}" in text for name in RECURRENT_LAYERS):
        return
    lines = file.outline.lines_matching(LAST_OF_SECOND)
    for index, statement in enumerate(file.tree.body) if lines else ():
        if spans_any(statement, lines):
            yield index
