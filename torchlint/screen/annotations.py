"""What the annotations of the parameters of ``__init__`` say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from torchlint.model.vocabulary import promises_plain_data
from torchlint.screen.scopes import ClassSketch
from torchlint.screen.sketch import functions_in

_WORD = r"[^\W\d]\w*"


def annotated(cls: ClassSketch, *, as_data: bool) -> set[str]:
    """The parameters that are annotated with numbers and strings (``sizes: list[int]``), or with something else."""
    init = [node for node in functions_in(cls.node.body) if node.name == "__init__"]
    if len(init) > 1 and as_data:
        return set()
    named = (
        item for node in init for item in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    )
    return {
        item.arg
        for item in named
        if item.annotation and promises_plain_data(_words(item.annotation)) == as_data
    }


def _words(annotation: ast.expr) -> Iterator[str]:
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant):
            yield from re.findall(_WORD, str(node.value))
