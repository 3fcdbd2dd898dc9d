"""Another process, which looks whether files are as they were while this one finds those to check.

Where little changed, a run does little else than to ask the system about files: two processes do that in less time.
What this one is told spares it to look; nothing else depends on it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO


def is_possible() -> bool:
    """Whether there is a processor to spare, and nothing that a fork would leave behind half done."""
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
        return False
    threading = sys.modules.get("threading")
    return threading is None or threading.active_count() == 1


class Scout:
    """The process, and the pipe that it reports over."""

    def __init__(self, process: int, report: BinaryIO) -> None:
        self._process = process
        self._report: BinaryIO | None = report

    @classmethod
    def send(cls, look: Callable[[], bytes]) -> Scout:
        """Have ``look`` called there. Raises ``OSError`` where there cannot be another process."""
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            _serve(look, reading, writing)
        os.close(writing)
        return cls(process, open(reading, "rb"))

    def report(self) -> bytes:
        """What ``look`` returned: less if it came to no end, nothing if it was asked for before."""
        if self._report is None:
            return b""
        with self._report:
            content = self._report.read()
        self._report = None
        self._wait(0)
        return content

    def dismiss(self) -> None:
        """End it, if nobody asked what it saw."""
        if self._report is not None:
            self._report.close()
            self._report = None
            if self._wait(os.WNOHANG):
                os.kill(self._process, 9)
                self._wait(0)

    def _wait(self, options: int) -> bool:
        """Whether the process is still there."""
        try:
            return os.waitpid(self._process, options) == (0, 0)
        except ChildProcessError:  # whoever started us chose that nobody waits for processes
            return False


def _serve(look: Callable[[], bytes], reading: int, writing: int) -> None:
    """The life of the process. It leaves nothing that it has from its parent to be ended or flushed a second time."""
    try:
        os.close(reading)
        content = look()
        with open(writing, "wb") as report:
            report.write(content)
    finally:
        os._exit(0)
