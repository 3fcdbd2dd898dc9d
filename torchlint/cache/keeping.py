"""Writing down what a run found, with what it follows from."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from torchlint.cache.ledger import Basis, Ledger, record
from torchlint.cache.states import States
from torchlint.project.trace import FOLDER, Asker, State, digest
from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

_MONTH = 30 * 24 * 3600
"""How many seconds results under other settings are kept."""


class _Finding(Record):
    path: str
    salt: str
    findings: str
    basis: Basis


class Keeping:
    """One transaction. ``salts`` are those that the run asked for."""

    def __init__(self, states: States, ledger: Ledger, salts: Iterable[str]) -> None:
        self._states = states
        self._ledger = ledger
        self._salts = list(salts)
        self._results: list[_Finding] = []
        self._ids: dict[str, int | None] = {}
        self._records: dict[Asker, int] = {}
        self._as_loaded = True

    def add(self, path: str, salt: str, findings: str) -> None:
        """Keep the findings in a file, unless it is not known what they follow from."""
        basis = None if self._ledger.moved else self._ledger.basis(path)
        if basis is not None:
            self._results.append(_Finding(path, salt, findings, basis))

    def write(self, connection: sqlite3.Connection, as_loaded: bool) -> None:
        """The transaction itself. Where another run wrote in between, no number that was loaded means anything."""
        self._as_loaded = as_loaded
        self._connection = connection
        if as_loaded:
            refreshed = [(*stat, number) for number, stat in self._states.refreshed.items()]
            connection.executemany("UPDATE states SET size = ?, mtime = ? WHERE id = ?", refreshed)
            gone = [(number,) for number in self._states.gone]
            salts = "(SELECT id FROM salts)"  # all of them, so that the key is used
            connection.executemany(f"DELETE FROM results WHERE state = ? AND salt IN {salts}", gone)
            connection.executemany("DELETE FROM needs WHERE state = ?", gone)
        numbers = {salt: self._salt(salt) for salt in self._salts}
        for result in self._results:
            self._write_result(result, numbers[result.salt])
        rows = [(path, *row) for path, row in self._ledger.outlines.items()]
        connection.executemany("INSERT OR REPLACE INTO outlines(path, key, body) VALUES (?, ?, ?)", rows)
        if len(self._states) and (self._results or self._states.gone):
            self._sweep()

    def _salt(self, text: str) -> int:
        now = int(time.time())
        self._connection.execute(
            "INSERT INTO salts(text, used) VALUES (?, ?) ON CONFLICT(text) DO UPDATE SET used = excluded.used",
            (text, now),
        )
        (number,) = self._connection.execute("SELECT id FROM salts WHERE text = ?", (text,)).fetchone()
        return int(number)

    def _write_result(self, result: _Finding, salt: int) -> None:
        own = self._state(result.path)
        same = [self._state(path) for path in sorted(result.basis.same)]
        drawn = [self._state(path) for path in sorted(result.basis.drawn)]
        if own is None or None in same or None in drawn:
            return
        records = [self._record(asker) for asker in sorted(result.basis.askers)]
        for row in self._states.of_path(result.path) if self._as_loaded else ():
            if row[0] != own:
                for table in ("results", "needs"):
                    statement = f"DELETE FROM {table} WHERE state = ? AND salt = ?"
                    self._connection.execute(statement, (row[0], salt))
        self._connection.execute(
            "INSERT OR REPLACE INTO results(state, salt, findings) VALUES (?, ?, ?)",
            (own, salt, result.findings),
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO needs(state, salt, same, drawn, records) VALUES (?, ?, ?, ?, ?)",
            (own, salt, *(json.dumps(part, separators=(",", ":")) for part in (same, drawn, records))),
        )

    # -- states ----------------------------------------------------------------------------------------------------

    def _state(self, path: str) -> int | None:
        """The number of what is at ``path``, ``None`` where nobody looked."""
        if path not in self._ids:
            self._ids[path] = self._stored(path)
        return self._ids[path]

    def _stored(self, path: str) -> int | None:
        state = self._ledger.states.get(path)
        row = self._states.current(path) if self._as_loaded else None
        if row is not None and (state is None or state.digest == row[2]):
            if row[2] == FOLDER:
                known = self._states.probes(row[0])
                self._write_probes(row[0], known, self._ledger.probes.get(path, {}))
            return row[0]
        return None if state is None else self._insert(path, state)

    def _insert(self, path: str, state: State) -> int:
        cursor = self._connection.execute(
            "INSERT INTO states(path, digest, size, mtime) VALUES (?, ?, ?, ?)",
            (path, state.digest, state.size, self._states.trusted(state.mtime)),
        )
        number = int(cursor.lastrowid or 0)
        if state.digest == FOLDER:
            self._write_probes(number, {}, self._ledger.probes.get(path, {}))
        return number

    def _write_probes(self, number: int, known: dict[str, str], more: dict[str, str]) -> None:
        if not known or more.keys() - known.keys():
            names = json.dumps({**known, **more}, separators=(",", ":"))
            self._connection.execute(
                "INSERT OR REPLACE INTO probes(state, names) VALUES (?, ?)", (number, names)
            )

    def _record(self, asker: Asker) -> int:
        if asker not in self._records:
            body = record(self._ledger, asker)
            key = digest(body.encode("utf-8", "surrogatepass"))
            self._connection.execute("INSERT OR IGNORE INTO records(digest, body) VALUES (?, ?)", (key, body))
            found = self._connection.execute("SELECT id FROM records WHERE digest = ?", (key,)).fetchone()
            self._records[asker] = int(found[0])
        return self._records[asker]

    # -- what is not needed any more -------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Take away what no result refers to, and results under settings that nobody used for a month."""
        run = self._connection.execute
        old = "(SELECT id FROM salts WHERE used < ?)"
        for table in ("results", "needs"):
            run(f"DELETE FROM {table} WHERE salt IN {old}", (int(time.time()) - _MONTH,))
        run("DELETE FROM salts WHERE used < ?", (int(time.time()) - _MONTH,))
        states: set[int] = set()
        records: set[int] = set()
        for state, same, drawn, asked in run("SELECT state, same, drawn, records FROM needs"):
            states.add(state)
            states.update(json.loads(same))
            states.update(json.loads(drawn))
            records.update(json.loads(asked))
        self._delete("states", "id", states)
        self._delete("probes", "state", states)
        self._delete("records", "id", records)
        run("DELETE FROM outlines WHERE path NOT IN (SELECT path FROM states)")

    def _delete(self, table: str, column: str, kept: set[int]) -> None:
        numbers = self._connection.execute(f"SELECT {column} FROM {table}").fetchall()
        superfluous = [row for row in numbers if row[0] not in kept]
        self._connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", superfluous)
