"""User code in a process of its own, with limits: whatever it does, it costs an answer and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

_GLANCE = 0.02
"""Seconds between two looks at the child."""


class Limits(NamedTuple):
    """Seconds for each thing that is asked, and megabytes that user code may take; ``None``: what the machine has."""

    seconds: float
    megabytes: int | None = None


def ask(
    kind: str,
    units: list[dict[str, Any]],
    limits: Limits,
    *,
    path: list[str] | None = None,
    environment: dict[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Ask :mod:`torchlint.runtime.child` about each unit; an answer without ``failed`` is what it found.

    Where the child dies or is too slow, the unit it was at has failed, and another child goes on with the rest.
    """
    answers: list[dict[str, Any]] = []
    while len(answers) < len(units):
        request = {
            "kind": kind,
            "units": units[len(answers) :],
            "memory": _available() if limits.megabytes is None else limits.megabytes,
            "path": path or [],
        }
        with tempfile.TemporaryDirectory(prefix="torchlint-") as folder:
            child = _Child(Path(folder), request, environment or {})
            ended = child.wait(limits.seconds)
            answers += child.answers()
            if len(answers) < len(units):
                answers.append({"failed": f"{ended} while {child.doing()}"})
    return answers


def _available() -> int | None:
    """Megabytes that no process uses, where the system says so."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None


class _Child:
    def __init__(self, folder: Path, request: dict[str, Any], environment: dict[str, str]) -> None:
        self._folder = folder
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "torchlint.runtime.child", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **environment},
            start_new_session=True,
        )

    def wait(self, seconds: float) -> str:
        """Wait until it ends, or until one answer takes longer than that; how it ended."""
        try:
            return self._wait(seconds)
        finally:
            self._end()

    def _wait(self, seconds: float) -> str:
        size, deadline = 0, time.monotonic() + seconds
        while (status := self._process.poll()) is None:
            grown = self._answered()
            if grown > size:
                size, deadline = grown, time.monotonic() + seconds
            if time.monotonic() > deadline:
                return f"it took longer than {seconds:g} s"
            time.sleep(_GLANCE)
        if status < 0:
            return f"the process died of {_signal(-status)}"
        return f"the process ended with status {status}"

    def _end(self) -> None:
        """End it, and all processes that it has started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (AttributeError, OSError):  # they are gone; Windows has no groups
            self._process.kill()
        self._process.wait()

    def _answered(self) -> int:
        try:
            return (self._folder / "answers.jsonl").stat().st_size
        except FileNotFoundError:
            return 0

    def answers(self) -> list[dict[str, Any]]:
        try:
            text = (self._folder / "answers.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        whole = text[: text.rfind("\n") + 1]  # it may have died while writing
        return [json.loads(line) for line in whole.splitlines()]

    def doing(self) -> str:
        try:
            return (self._folder / "doing").read_text(encoding="utf-8") or "starting"
        except FileNotFoundError:
            return "starting"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
