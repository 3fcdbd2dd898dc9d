"""Run ``torchlint check`` the way a user does: as a process of its own, in the folder that is checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """One call: its report, how long it took, and what went wrong with the call itself, if anything did."""

    folder: Path
    findings: tuple[dict[str, Any], ...]
    errors: tuple[Any, ...]
    seconds: float
    crash: str = ""


def check(
    folder: Path, paths: Iterable[str] = (".",), options: Sequence[str] = (), timeout: int = 3600
) -> Run:
    """Check ``paths``, relative to ``folder``, with the default settings."""
    arguments = ["check", "--output-format", "json", "--isolated", "--no-cache", *options, *paths]
    # The checked folder must not be on the interpreter's path: it may hold a module called like one of ours.
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"}
    started = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "torchlint", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Run(folder, (), (), time.perf_counter() - started, f"no answer within {timeout} s")
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 1):
        return Run(folder, (), (), seconds, f"exit status {done.returncode}: {_last_lines(done.stderr)}")
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return Run(folder, (), (), seconds, f"no JSON on standard output: {_last_lines(done.stderr)}")
    crash = _last_lines(done.stderr) if "Traceback" in done.stderr else ""
    return Run(folder, tuple(report["diagnostics"]), tuple(report["errors"]), seconds, crash)


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-5:])


def table(rows: Sequence[Sequence[object]]) -> str:
    """Rows of text in columns; numbers stand right."""
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(_cell(value, width) for value, width in zip(row, widths, strict=True)) for row in rows
    )


def _cell(value: object, width: int) -> str:
    text = str(value)
    return text.rjust(width) if text[:1].isdigit() else text.ljust(width)
