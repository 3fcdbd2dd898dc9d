"""The database, for many small questions."""

from __future__ import annotations

import os

from torchlint.cache.folder import DATABASE
from torchlint.cache.store import connected, is_sound, refuse_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any


class Reader:
    """A connection that stays open. Where it does not work, there is nothing: this never raises.

    A process that is forked opens its own. SQLite asks that it neither uses nor closes that of its parent.
    """

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, DATABASE)
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._of_others: list[sqlite3.Connection] = []
        self.has_nothing = False

    def one(self, statement: str, *values: str) -> tuple[Any, ...] | None:
        """The first row."""
        try:
            # All of them, as a statement that is not at its end keeps others from writing.
            rows = self._connected().execute(statement, values).fetchall()
        except Exception:  # no database, another's or a broken one, or a path that is no text
            self.has_nothing = True
            return None
        return rows[0] if rows else None

    def close(self) -> None:
        """Close the connection, if this process opened it."""
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._process != os.getpid():
            self._of_others.append(self._connection)
            self._connection = None
        if self._connection is None:
            refuse_foreign(self._path)
            self._connection = connected(self._path)
            self._process = os.getpid()
            if not is_sound(self._connection):
                raise LookupError("of another version")
        return self._connection
