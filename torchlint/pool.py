"""Worker processes that a single bad file cannot take down with it.

Every worker writes down, in memory that it shares with its parent, which file it turns to, so when one dies it is known
which file it was at. That file is tried once more, alone in a fresh process, because the death may have been for another
reason (memory that earlier files used); if that dies too, the file gets a TL000. The other files go to a fresh worker,
with those that were checked and not yet answered for: answers are sent a few times a second, as the parent, which has to
be woken for them, is in the way of the workers.

There are no threads here: forking a process that has threads is unsafe, and replacing a worker forks again.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from mmap import mmap
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import cast

from torchlint.process import take_over
from torchlint.run import (
    Job,
    Outcome,
    check_file,
    in_order_of_need,
    not_checked,
    record_for,
    recorded_for,
)
from torchlint.stopwatch import WAITING, is_on, stage, start

_SECONDS_BETWEEN_ANSWERS = 0.2


def check_in_processes(jobs: Sequence[Job], workers: int) -> tuple[Outcome, ...]:
    """Check the files with ``workers`` processes; the outcomes come in the order of the jobs."""
    crew = _Crew(jobs, workers)
    try:
        return crew.run()
    finally:
        crew.dismiss()


class _Worker:
    """One process, the files it has in hand, and the pipe that it answers over."""

    def __init__(self, colleagues: Iterable[_Worker]) -> None:
        forking = sys.platform == "linux" and threading.active_count() == 1
        context = multiprocessing.get_context("fork" if forking else "spawn")
        self.connection, theirs = context.Pipe()
        self._at = _shared_number(forking)
        # A forked worker must let go of our ends of all pipes, or nobody would notice that we are gone.
        ours = [self.connection, *(each.connection for each in colleagues)] if forking else []
        arguments = (theirs, self._at, ours, recorded_for(), is_on())
        self.process = context.Process(target=_serve, args=arguments, daemon=True)  # type: ignore[attr-defined]
        self.process.start()
        # And we of its end: its death is seen as the end of the pipe.
        theirs.close()
        self.in_hand: dict[int, Job] = {}

    @property
    def at(self) -> int:
        """The number of the file that it turned to last."""
        return self._at[0]

    def take(self, chunk: dict[int, Job]) -> None:
        self.in_hand.update(chunk)
        self.connection.send(chunk)

    def stop(self) -> None:
        """End the process: by itself at the end of its pipe when it is idle, or at once."""
        self.connection.close()
        if self.in_hand:
            self.process.terminate()
        self.process.join()


class _Crew:
    def __init__(self, jobs: Sequence[Job], workers: int) -> None:
        self._size = workers
        self._waiting = deque(_chunks(jobs, workers))
        self._outcomes: dict[int, Outcome] = {}
        self._tried: set[int] = set()
        self._workers: dict[Connection, _Worker] = {}

    def run(self) -> tuple[Outcome, ...]:
        while self._hand_out():
            with stage(WAITING):
                ready = wait(list(self._workers))
            for connection in ready:
                self._hear(self._workers[cast(Connection, connection)])
        return tuple(outcome for _, outcome in sorted(self._outcomes.items()))

    def dismiss(self) -> None:
        for worker in self._workers.values():
            worker.stop()
        self._workers.clear()

    def _hand_out(self) -> bool:
        """Give every worker something to do, and leave to those without; whether anybody is at work."""
        idle = [worker for worker in self._workers.values() if not worker.in_hand]
        while self._waiting and (idle or len(self._workers) < self._size):
            worker = idle.pop() if idle else self._hire()
            worker.take(self._waiting.popleft())
        for worker in idle:
            self._discharge(worker)
        return bool(self._workers)

    def _hire(self) -> _Worker:
        worker = _Worker(self._workers.values())
        self._workers[worker.connection] = worker
        return worker

    def _discharge(self, worker: _Worker) -> None:
        del self._workers[worker.connection]
        worker.stop()

    def _hear(self, worker: _Worker) -> None:
        try:
            outcomes = worker.connection.recv()
        except (EOFError, OSError):
            self._mourn(worker)
            return
        self._outcomes.update(outcomes)
        for number in outcomes:
            del worker.in_hand[number]

    def _mourn(self, worker: _Worker) -> None:
        """Blame the file that a dead worker was at, or give it a second chance alone."""
        unanswered = dict(worker.in_hand)
        self._discharge(worker)
        number = worker.at if worker.at in unanswered else next(iter(unanswered))
        job = unanswered.pop(number)
        if number in self._tried:
            end = worker.process.exitcode
            how = f"signal {-end}" if end is not None and end < 0 else f"exit status {end}"
            self._outcomes[number] = not_checked(job.path, f"the process that checked it died ({how})")
        else:
            self._tried.add(number)
            self._waiting.appendleft({number: job})
        if unanswered:
            self._waiting.append(unanswered)


def _shared_number(forking: bool) -> MutableSequence[int]:
    """A place for one number that a worker writes and its parent reads."""
    if forking:
        return cast("MutableSequence[int]", memoryview(mmap(-1, 8)).cast("q"))
    return cast("MutableSequence[int]", multiprocessing.RawArray("q", 1))


def _serve(
    connection: Connection,
    at: MutableSequence[int],
    not_ours: Sequence[Connection],
    cache: str | None,
    measured: bool,
) -> None:
    """The life of a worker: take a chunk, turn to each file and answer for it, until the pipe closes."""
    # Ctrl-C reaches the whole process group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    take_over()
    if measured:
        start()
    record_for(cache)
    for other in not_ours:
        other.close()
    try:
        while True:
            jobs = connection.recv()
            outcomes: dict[int, Outcome] = {}
            sent = monotonic()
            for number in in_order_of_need(jobs):
                at[0] = number
                outcomes[number] = check_file(jobs[number])
                if monotonic() > sent + _SECONDS_BETWEEN_ANSWERS:
                    connection.send(outcomes)
                    outcomes, sent = {}, monotonic()
            connection.send(outcomes)
    except (EOFError, OSError):
        return


def _chunks(jobs: Sequence[Job], workers: int) -> Iterator[dict[int, Job]]:
    """Neighbours stay together, as they share imports; ever fewer of them, so that no worker ends long after the rest.

    Two workers begin with a third each: with larger shares, one of them might be at its first for longer than all the
    rest takes, and with smaller ones, more is asked twice about files that are in another share.
    """
    start = 0
    while start < len(jobs):
        end = start + max(1, 2 * (len(jobs) - start) // (3 * workers))
        yield {number: jobs[number] for number in range(start, end)}
        start = end
