"""Where the time of a run goes and what it is spent on, for ``--stats``; off unless :func:`start` was called.

A clock runs in every process. Time belongs to the innermost stage, so that the stages add up to the whole.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Costs = Counter[tuple[str, str]]
"""Numbers by what is counted and of what: ``("wall", "screen")`` in nanoseconds, ``("candidates", "TL001")``.

Those of several files and processes are added up with ``update``.
"""

WALL, CPU = "wall", "cpu"

DISCOVERY = "finding files and settings"
CACHE = "cache"
READING = "reading and decoding"
OUTLINE = "ast.parse, outlines"
SCREEN = "screen"
SEARCH = "searching for uses of a name"
IMPORTS = "importing torchlint and LibCST"
PARSING = "parsing with LibCST"
MODEL = "model"
SUPPRESSION = "suppression comments"
FIXES = "fixes"
COUNTING = "counting for these tables"
REPORT = "report"
CREW = "worker processes"
WAITING = "waiting for workers"
OTHER = "everything else"

_OFF: AbstractContextManager[None] = nullcontext()


class Clock:
    def __init__(self) -> None:
        self.costs: Costs = Counter()
        self.closed = False
        """Inside of a stage that nothing else is told apart in."""
        self.checked: str | None = None
        """The file that is checked, as against others that it asks about."""
        self._stages = [OTHER]
        self._mark = _now()
        self._started = self._mark[0]

    def elapsed(self) -> int:
        """The nanoseconds since the start, all of which are in the costs now, or in those that were kept apart."""
        self._lap()
        return self._mark[0] - self._started

    def count(self, what: str, of: str, number: int) -> None:
        self.costs[what, of] += number

    @contextmanager
    def stage(self, name: str, *, closed: bool = False) -> Iterator[None]:
        """The time inside goes to ``name``, even that of stages within where it is ``closed``."""
        self._lap()
        self._stages.append(name)
        self.closed = closed
        try:
            yield
        finally:
            self._lap()
            self._stages.pop()
            self.closed = False

    @contextmanager
    def apart(self) -> Iterator[Costs]:
        """What is measured inside is not added to the rest: it is one file's, and sent to whoever asked for it."""
        self._lap()
        outer, self.costs = self.costs, Counter()
        self._stages.append(OTHER)
        try:
            yield self.costs
        finally:
            self._lap()
            self._stages.pop()
            self.costs = outer

    def _lap(self) -> None:
        now = _now()
        stage = self._stages[-1]
        self.costs[WALL, stage] += now[0] - self._mark[0]
        self.costs[CPU, stage] += now[1] - self._mark[1]
        self._mark = now


_running: list[Clock] = []


def start() -> Clock:
    """Measure from now on, in this process."""
    _running[:] = [Clock()]
    return _running[0]


def stop() -> None:
    _running.clear()


def is_on() -> bool:
    return bool(_running)


def clock() -> Clock | None:
    """The clock, where there is anything to measure."""
    return _running[0] if _running and not _running[0].closed else None


def stage(name: str, *, closed: bool = False) -> AbstractContextManager[None]:
    """The time inside goes to ``name``."""
    running = clock()
    return _OFF if running is None else running.stage(name, closed=closed)


def apart() -> AbstractContextManager[Costs | None]:
    """See :meth:`Clock.apart`; gives nothing where nothing is measured."""
    running = clock()
    return nullcontext() if running is None else running.apart()


def _now() -> tuple[int, int]:
    return time.perf_counter_ns(), time.process_time_ns()
