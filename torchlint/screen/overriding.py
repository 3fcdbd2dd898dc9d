"""The screen for methods of ``nn.Module`` that a class overrides, or hides behind an attribute."""

from __future__ import annotations

import ast
import re

from torchlint.model.vocabulary import CALLED_BY_TORCH, is_mode_argument
from torchlint.project.outline import line_start
from torchlint.screen.scopes import ClassSketch

_CALLED = re.compile(r"\.(?:train|eval)[ \t]*\(")
_STATEMENT = re.compile(r"[ \t]*(?:super\(\)|[\w.]+(?:\[[^]\n]*\][\w.]*)*)")
_END = re.compile(
    r"[^()\n]*\)[ \t]*(?:;|(?:#[^\n]*)?(?:\Z|\r?\n\s*(?:#[^\n]*\n\s*)*(?![\s.,)\]}]|(?:or|and|else|is|in|not)\b)))"
)
"""What follows on a call that is a statement of its own."""


def may_override(cls: ClassSketch) -> bool:
    """Whether ``train`` or ``eval`` of the class may be wrong, or data stands under the name of such a method."""
    if CALLED_BY_TORCH & cls.stored.keys():
        return True
    methods = [cls.node_of(name) for name in ("train", "eval") if name in cls.methods]
    return any(node is not None and _may_be_wrong(node, cls) for node in methods)


def _may_be_wrong(node: ast.FunctionDef | ast.AsyncFunctionDef, cls: ClassSketch) -> bool:
    if not (_takes_nothing if node.name == "eval" else _takes_mode)(node.args):
        return True
    gives = any(isinstance(inner, ast.Return) and inner.value is not None for inner in ast.walk(node))
    return not gives and _is_result_used(cls.file.outline.text)


def _takes_nothing(arguments: ast.arguments) -> bool:
    positional = [*arguments.posonlyargs, *arguments.args][1:]
    return len(positional) <= len(arguments.defaults) and None not in arguments.kw_defaults


def _takes_mode(arguments: ast.arguments) -> bool:
    """Whether the first parameter is the mode, by its name or default, and no other must be given."""
    positional = [*arguments.posonlyargs, *arguments.args][1:]
    defaults = arguments.defaults[-len(positional) :] if positional else []
    if not positional or len(defaults) < len(positional) - 1 or None in arguments.kw_defaults:
        return False
    given = defaults[0] if len(defaults) == len(positional) else None
    is_bool = isinstance(given, ast.Constant) and isinstance(given.value, bool)
    return is_bool or is_mode_argument(positional[0].arg)


def _is_result_used(text: str) -> bool:
    """Whether there is a call of ``train()`` or ``eval()`` that is no statement of its own."""
    for found in _CALLED.finditer(text):
        start = line_start(text, found.start())
        if not _STATEMENT.fullmatch(text, start, found.start()) or not _END.match(text, found.end()):
            return True
    return False
