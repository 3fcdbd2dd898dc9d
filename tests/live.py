"""The models of an example block, looked at by the runtime: each Module class of it that needs no arguments is built."""

from __future__ import annotations

import ast
import inspect
import linecache
from types import SimpleNamespace
from typing import Any

from torchlint import runtime


def look(namespace: dict[str, Any]) -> SimpleNamespace:
    """The findings in all models, and the lines of their classes: what the source says elsewhere cannot be compared."""
    from torch import nn

    source = "".join(linecache.getlines("<example>"))
    lines = {
        node.name: (node.lineno, node.end_lineno)
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }
    findings, built = [], []
    for name in lines:
        cls = namespace.get(name)
        if inspect.isclass(cls) and issubclass(cls, nn.Module):
            try:
                model = cls()
            except Exception:
                continue
            built.append(lines[name])
            findings += runtime.verify(model).findings
    return SimpleNamespace(findings=findings, built=built)
