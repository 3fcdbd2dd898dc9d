"""The outlines of earlier runs. They hold for a text, whatever else there is, so that nothing has to be checked."""

from __future__ import annotations

import os

from torchlint.cache import outlines, salt
from torchlint.cache.reader import Reader
from torchlint.project.outline import Outline
from torchlint.project.shelf import Shelf
from torchlint.project.trace import Trace, digest, shortened


class KeptOutlines(Shelf):
    """Those in the cache in ``folder``. New ones go to the ``trace``, where there is one."""

    def __init__(self, folder: str, trace: Trace | None = None) -> None:
        self._base = os.path.join(os.path.dirname(folder), "")
        self._trace = trace
        self._reader = Reader(folder)
        self._makers = repr((salt.programs(), outlines.SCHEMA))

    def find(self, path: str, module: str | None, text: str) -> Outline | None:
        if self._reader.has_nothing:
            return None
        short, key = self._name(path, module, text)
        row = self._reader.one("SELECT body FROM outlines WHERE path = ? AND key = ?", short, key)
        try:
            return None if row is None else outlines.read(row[0], path, text)
        except outlines.Malformed:
            return None

    def add(self, outline: Outline) -> None:
        if self._trace is None:
            return
        body = outlines.write(outline)
        if body is not None:
            self._trace.outlined(*self._name(outline.path, outline.module, outline.text), body)

    def close(self) -> None:
        self._reader.close()

    def _name(self, path: str, module: str | None, text: str) -> tuple[str, str]:
        """The path as it is written, and a name for all that an outline follows from."""
        short = shortened(path, self._base)
        parts = "\0".join((self._makers, short, repr(module), text))
        return short, digest(parts.encode("utf-8", "surrogatepass"))
