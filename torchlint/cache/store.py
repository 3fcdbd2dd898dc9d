"""The database: read in one transaction, written in one transaction, and never trusted to be what it should be.

It has SQLite's rollback journal, not its write-ahead log, which needs to write for reading and shared memory
that network file systems do not have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager

from torchlint.cache.columns import (
    NONE,
    TABLES,
    Columns,
    Listed,
    Results,
    Row,
    Torn,
    read_listings,
    read_results,
    read_states,
    unpacked,
)
from torchlint.cache.folder import APPLICATION, DATABASE, is_foreign, prepare
from torchlint.cache.salt import FORMAT

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

_TABLES = {
    **TABLES,
    # For a folder: the names that were looked for, and what they were.
    "probes": "CREATE TABLE probes(state INTEGER PRIMARY KEY, names TEXT NOT NULL)",
    # What they hold for: states that must be the same, states that answers came from, and the questions.
    "needs": "CREATE TABLE needs(state INTEGER, salt INTEGER, same TEXT NOT NULL, drawn TEXT NOT NULL, "
    "records TEXT NOT NULL, PRIMARY KEY(state, salt))",
    "records": "CREATE TABLE records(id INTEGER PRIMARY KEY, digest TEXT UNIQUE NOT NULL, body TEXT NOT NULL)",
    # Outlines, each with the name of what it follows from, a text above all.
    "outlines": "CREATE TABLE outlines(path TEXT PRIMARY KEY, key TEXT NOT NULL, body TEXT NOT NULL)",
    "salts": "CREATE TABLE salts(id INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL, used INTEGER)",
    "generation": "CREATE TABLE generation(number INTEGER)",
}

Result = tuple[int, int]
"""The findings in a file are kept by its state and the salt."""

Needs = tuple[int, int, str, str, str]
"""State and salt of a result, and what it holds for: the same states, those drawn from, and the records."""


class Unusable(Exception):
    """There is no cache to be had here; the text says why."""


class Malformed(Unusable):
    """The database is torchlint's, but does not hold what torchlint writes."""


class Store:
    """The database in ``folder``. Every method raises :class:`Unusable` where the database is of no use."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.path = os.path.join(folder, DATABASE)
        self.start_over = False
        # Looked at once: to close the file in the middle of a transaction would lose SQLite its lock on it.
        self._is_ours = False
        self.generation = 0
        self.salts: dict[str, int] = {}
        self._columns: dict[int, Columns] = {}

    def load(self) -> tuple[list[Row], dict[str, Listed] | None]:
        """All states and listings; none where there is no database. Results are read with them, for :meth:`results`."""
        if not os.path.exists(self.path):
            return [], None
        with self._reading() as connection:
            self._check(connection)
            self.salts = dict(connection.execute("SELECT text, id FROM salts").fetchall())
            self._columns = read_results(connection)
            return read_states(connection), read_listings(connection)

    def results(self, salts: Collection[str]) -> dict[int, Results]:
        """The results under ``salts``, of what was loaded."""
        self.salts = {text: number for text, number in self.salts.items() if text in salts}
        try:
            return {number: unpacked(self._columns.get(number, NONE)) for number in self.salts.values()}
        except Torn as error:
            raise Malformed(f"{self.path}: {error}") from None

    def _check(self, connection: sqlite3.Connection) -> None:
        if not self._is_sound(connection):
            raise Unusable(f"{self.path} is of another version")

    def _salts(self) -> str:
        return ",".join(str(int(number)) for number in self.salts.values())

    def needs(self, ids: Iterable[int]) -> list[Needs]:
        """What the results for some of the states hold for."""
        wanted = set(ids)
        with self._reading() as connection:
            rows = connection.execute(
                f"SELECT state, salt, same, drawn, records FROM needs WHERE salt IN ({self._salts()})"
            )
            return [row for row in rows if row[0] in wanted]

    def probes(self, numbers: Sequence[int]) -> dict[int, str]:
        """The names looked for in some of the folders."""
        if not numbers:
            return {}
        with self._reading() as connection:
            found = [probes_in(connection, number) for number in numbers]
            return {number: names for number, names in zip(numbers, found, strict=True) if names is not None}

    def record(self, number: int) -> str:
        """The questions of one record."""
        with self._reading() as connection:
            row = connection.execute("SELECT body FROM records WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise Malformed("a record is missing")
            return str(row[0])

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        import sqlite3

        if not self._is_ours:
            refuse_foreign(self.path)
            self._is_ours = True
        try:
            connection = connected(self.path)
            try:
                connection.execute("BEGIN")  # else every statement could see what another run wrote meanwhile
                yield connection
            finally:
                connection.close()
        except sqlite3.OperationalError as error:  # it is locked, or cannot be read
            raise Unusable(f"{self.path}: {error}") from None
        except (sqlite3.Error, Torn, OverflowError, UnicodeError, MemoryError) as error:
            raise Malformed(f"{self.path}: {error}") from None

    def _is_sound(self, connection: sqlite3.Connection) -> bool:
        """Whether the tables are ours; the generation is looked up then."""
        if not is_sound(connection):
            return False
        (self.generation,) = connection.execute("SELECT number FROM generation").fetchone() or (0,)
        return True

    # ------------------------------------------------------------------------------------------------- writing

    def write(self, change: Callable[[sqlite3.Connection, bool], None]) -> None:
        """Run ``change`` in one transaction; it is told whether the database is as it was loaded."""
        import sqlite3

        try:
            prepare(self._folder)
            refuse_foreign(self.path)
            try:
                self._write(change)
            except sqlite3.OperationalError:  # locked, read-only, or the disk is full
                raise
            except (sqlite3.DatabaseError, Torn):  # what is left of ours: begin anew
                _remove(self.path)
                self._write(change)
        except OSError as error:
            raise Unusable(f"{self._folder}: {error.strerror or error}") from None
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise Unusable(f"{self.path}: {error}") from None

    def _write(self, change: Callable[[sqlite3.Connection, bool], None]) -> None:
        import sqlite3

        loaded = self.generation
        with closing(sqlite3.connect(self.path, timeout=5, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not self._is_sound(connection) or self.start_over:
                    self._make(connection)
                change(connection, self.generation == loaded)
                connection.execute("UPDATE generation SET number = number + 1")
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _make(self, connection: sqlite3.Connection) -> None:
        """Make the tables, in the place of those of another version."""
        statement = "SELECT type, name FROM sqlite_master WHERE type != 'index'"
        for kind, name in connection.execute(statement).fetchall():
            quoted = str(name).replace('"', '""')
            connection.execute(f'DROP {kind} IF EXISTS "{quoted}"')
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        for statement in _TABLES.values():
            connection.execute(statement)
        # A number of its own, so that a database made anew is not taken for the one before.
        self.generation = int.from_bytes(os.urandom(6), "big")
        connection.execute("INSERT INTO generation VALUES (?)", (self.generation,))


def probes_in(connection: sqlite3.Connection, number: int) -> str | None:
    """The names looked for in a folder."""
    row = connection.execute("SELECT names FROM probes WHERE state = ?", (number,)).fetchone()
    return None if row is None else row[0]


def refuse_foreign(path: str) -> None:
    """Raise :class:`Unusable` for the database of another program."""
    if is_foreign(path):
        raise Unusable(f"{path} is not torchlint's")


def connected(path: str) -> sqlite3.Connection:
    """A connection that can only read."""
    import sqlite3

    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return sqlite3.connect(f"file:{escaped}?mode=ro", uri=True, timeout=1)


def is_sound(connection: sqlite3.Connection) -> bool:
    """Whether the tables are ours. Views and triggers of a stranger must not run."""
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return dict(found) == _TABLES and connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)


def _remove(path: str) -> None:
    for each in (f"{path}-journal", path):
        if os.path.lexists(each):
            os.remove(each)
