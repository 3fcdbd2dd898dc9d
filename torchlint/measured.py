"""A project whose reading and parsing is measured, for ``--stats``. The one in use otherwise has no clock in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torchlint.project.index import Project
from torchlint.project.outline import Outline
from torchlint.project.trace import Trace
from torchlint.stopwatch import OUTLINE, READING, SEARCH, clock, stage


class MeasuredTrace(Trace):
    def read(self, path: str) -> bytes:
        with stage(READING):
            content = super().read(path)
        running = clock()
        if running is not None:
            running.count("number", "read", 1)
            running.count("bytes", "read", len(content))
        return content


class MeasuredProject(Project):
    def _read(self, path: str) -> Outline | None:
        with stage(OUTLINE), _counted("imported"):
            return super()._read(path)

    def parse(self, text: str, path: str | os.PathLike[str]) -> Outline:
        with stage(OUTLINE):
            return super().parse(text, path)

    def _mentions(self, root: str, name: str) -> Iterable[str]:
        with stage(SEARCH):
            return super()._mentions(root, name)

    def _content(self, path: str) -> bytes:
        with _counted("searched"):
            return super()._content(path)


@contextmanager
def _counted(purpose: str) -> Iterator[None]:
    """What is read inside is read for this ``purpose``."""
    running = clock()
    before = [running.costs[kind, "read"] for kind in ("number", "bytes")] if running else []
    yield
    if running:
        for kind, known in zip(("number", "bytes"), before, strict=True):
            running.count(kind, purpose, running.costs[kind, "read"] - known)
