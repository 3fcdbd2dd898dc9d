"""What a process costs, and what it costs compared with another one that runs in turn with it.

Seconds say little: machines differ, and other processes get in the way. So two commands run one after the other,
again and again, and what counts is the median of the ratios.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Measure = Literal["cpu", "wall"]

_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024

_NOT_OURS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Cost:
    """``cpu`` is user and system time of the process and its children; ``peak`` is of the largest of them."""

    wall: float
    cpu: float
    peak: int

    @property
    def peak_mb(self) -> float:
        return self.peak / 1e6


@dataclass(frozen=True)
class Process:
    """A command, started in ``cwd`` with ``stdin``. A linter that finds something is not one that failed."""

    command: Sequence[str]
    cwd: Path
    stdin: bytes = b""
    statuses: tuple[int, ...] = (0, 1)
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> Cost:
        """Run it to its end; its output goes nowhere."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
            given.write(self.stdin)
            given.seek(0)
            started = time.perf_counter()
            process = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=self._environment(),
            )
            # `wait` would take the exit status and throw away what the process has used.
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in self.statuses:
                errors.seek(0)
                said = errors.read()[-2000:].decode("utf-8", "replace")
                raise RuntimeError(f"{' '.join(self.command)}: exit status {process.returncode}\n{said}")
        return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * _PEAK_UNIT)

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        return {**inherited, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", **self.variables}


@dataclass(frozen=True)
class Pairs:
    """What two processes cost in each of several rounds."""

    first: tuple[Cost, ...]
    second: tuple[Cost, ...]

    def ratio(self, measure: Measure) -> float:
        """The median over the rounds of what the first cost as a multiple of the second."""
        return statistics.median(self.ratios(measure))

    def ratios(self, measure: Measure) -> list[float]:
        pairs = zip(self.first, self.second, strict=True)
        return [getattr(one, measure) / getattr(other, measure) for one, other in pairs]

    def seconds(self, measure: Measure) -> tuple[float, float]:
        first, second = (
            statistics.median(getattr(cost, measure) for cost in costs) for costs in (self.first, self.second)
        )
        return first, second

    def peaks_mb(self) -> tuple[float, float]:
        first, second = (max(cost.peak_mb for cost in costs) for costs in (self.first, self.second))
        return first, second


def compare(first: Process, second: Process, rounds: int) -> Pairs:
    """Run both in turn; who comes first changes, as the machine may get busier all the while."""
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    for number in range(rounds):
        order = ((0, first), (1, second)) if number % 2 == 0 else ((1, second), (0, first))
        for which, process in order:
            costs[which].append(process.run())
    return Pairs(tuple(costs[0]), tuple(costs[1]))


def machine() -> str:
    """Where figures come from, in a line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python} on {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
