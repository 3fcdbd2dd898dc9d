"""Execute example blocks on real PyTorch: a list of programs as JSON on stdin, a verdict for each on stdout.

A program sets ``broken``, or ``report`` to what ``torchlint.runtime`` gave; its verdict is ``{"broken": bool}``,
``{"found": [[code, severity, line], …]}`` or ``{"error": traceback}``. One process runs all of them, because importing torch
takes longer than most do.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import sys
import traceback
import types
import warnings
from typing import Any


def run(source: str) -> dict[str, Any]:
    import torch

    torch.manual_seed(0)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    name = "<example>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    module = sys.modules["example"] = types.ModuleType("example")
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, name, "exec"), vars(module))
    except BaseException:
        return {"error": traceback.format_exc()}
    if hasattr(module, "report"):
        lines = [int((each.assigned or ":0").rpartition(":")[2]) for each in module.report.findings]
        found = [
            (each.code, each.severity, line) for each, line in zip(module.report.findings, lines, strict=True)
        ]
        return {"found": found, "built": getattr(module.report, "built", None)}
    if not hasattr(module, "broken"):
        return {"error": "the program sets neither `broken` nor `report`"}
    return {"broken": bool(module.broken)}


if __name__ == "__main__":
    json.dump([run(program) for program in json.load(sys.stdin)], sys.stdout)
