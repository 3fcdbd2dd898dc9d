"""The screen for assignments to attributes that are called like a hyper-parameter of an optimizer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from torchlint.model.vocabulary import HYPERPARAMETERS
from torchlint.screen.lines import nodes_on, statements_with
from torchlint.screen.scopes import FileSketch, Scope

_STORE = re.compile(
    rf"\.[\s\\]*(?:{'|'.join(HYPERPARAMETERS)})\b(?:[^=\n]*=|[ \t]*[,)\\]?[ \t]*(?:#.*)?$)", re.MULTILINE
)
"""``.lr =``, also in ``optimizer.lr, decay = ...`` and with an annotation, or at the end of a line that goes on."""


def assigning(file: FileSketch) -> Iterator[int]:
    """The top-level statements that assign to such an attribute of something other than ``self``."""
    outline = file.outline
    lines = outline.lines_matching(_STORE)
    if lines:
        every = range(len(outline.statements))
        yield from statements_with(file, every, partial(_assigned, lines), _may_be_optimizer)


def _assigned(lines: Sequence[int], nodes: Iterable[ast.AST], *, in_classes: bool) -> Iterator[ast.expr]:
    """The ``x`` of ``x.lr = ...``."""
    for node in nodes_on(nodes, lines, in_classes=in_classes):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from _holders(target)


def _holders(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _holders(element)
    elif isinstance(target, ast.Attribute) and target.attr in HYPERPARAMETERS:
        yield target.value


def _may_be_optimizer(holder: ast.expr, scope: Scope) -> bool:
    """Whether it may be anything but ``self``: what is an optimizer, the model finds out for the few that are left."""
    return not isinstance(holder, ast.Name) or holder.id != scope.sketch.self_name
