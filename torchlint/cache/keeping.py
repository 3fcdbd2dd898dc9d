"""Writing down what a run found, with what it follows from."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from torchlint.cache.columns import (
    Results,
    Row,
    is_text,
    read_listings,
    read_results,
    read_states,
    unpacked,
    write_listings,
    write_results,
    write_states,
)
from torchlint.cache.fields import joined
from torchlint.cache.ledger import Basis, Ledger, record
from torchlint.cache.listings import Listings
from torchlint.cache.states import States, probed_names
from torchlint.cache.store import probes_in
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

    def __init__(self, states: States, listings: Listings, ledger: Ledger, salts: Iterable[str]) -> None:
        self._states = states
        self._listings = listings
        self._ledger = ledger
        self._salts = list(salts)
        self._fresh: list[_Finding] = []
        self._rows: dict[int, Row] = {}
        self._results: dict[int, Results] = {}
        self._highest = 0
        self._ids: dict[str, int | None] = {}
        self._records: dict[Asker, int] = {}
        self._as_loaded = True

    def add(self, path: str, salt: str, findings: str) -> None:
        """Keep the findings in a file, unless it is not known what they follow from."""
        basis = None if self._ledger.moved else self._ledger.basis(path)
        if basis is not None:
            self._fresh.append(_Finding(path, salt, findings, basis))

    def write(self, connection: sqlite3.Connection, as_loaded: bool) -> None:
        """The transaction itself. Where another run wrote in between, no number that was loaded means anything."""
        self._as_loaded = as_loaded
        self._connection = connection
        if self._fresh or self._states.news:
            self._write_findings()
        kept = read_listings(connection)
        if self._listings.fresh or kept is None:
            write_listings(connection, self._listings.to_keep(kept))

    def _write_findings(self) -> None:
        connection = self._connection
        self._rows = {row[0]: row for row in read_states(connection)}
        self._highest = max(self._rows, default=0)
        self._results = {salt: unpacked(columns) for salt, columns in read_results(connection).items()}
        if self._as_loaded:
            self._note_what_was_seen()
        numbers = {salt: self._salt(salt) for salt in self._salts}
        for finding in self._fresh:
            self._write_finding(finding, numbers[finding.salt])
        rows = [(path, *row) for path, row in self._ledger.outlines.items() if is_text(path)]
        connection.executemany("INSERT OR REPLACE INTO outlines(path, key, body) VALUES (?, ?, ?)", rows)
        if self._fresh or self._states.gone:
            self._sweep()
        write_states(connection, self._rows.values())
        write_results(connection, self._results)

    def _note_what_was_seen(self) -> None:
        for number, (size, mtime) in self._states.refreshed.items():
            _, path, digest, *_ = self._rows[number]
            self._rows[number] = (number, path, digest, size, mtime)
        for number in self._states.gone:
            for results in self._results.values():
                results.findings.pop(number, None)
        gone = [(number,) for number in self._states.gone]
        self._connection.executemany("DELETE FROM needs WHERE state = ?", gone)

    def _salt(self, text: str) -> int:
        now = int(time.time())
        self._connection.execute(
            "INSERT INTO salts(text, used) VALUES (?, ?) ON CONFLICT(text) DO UPDATE SET used = excluded.used",
            (text, now),
        )
        (number,) = self._connection.execute("SELECT id FROM salts WHERE text = ?", (text,)).fetchone()
        return int(number)

    def _write_finding(self, finding: _Finding, salt: int) -> None:
        own = self._state(finding.path)
        same = [self._state(path) for path in sorted(finding.basis.same)]
        drawn = [self._state(path) for path in sorted(finding.basis.drawn)]
        if own is None or None in same or None in drawn:
            return
        records = [self._record(asker) for asker in sorted(finding.basis.askers)]
        findings = self._results.setdefault(salt, Results({}, ())).findings
        for row in self._states.of_path(finding.path) if self._as_loaded else ():
            if row[0] != own:
                findings.pop(row[0], None)
                self._connection.execute("DELETE FROM needs WHERE state = ? AND salt = ?", (row[0], salt))
        findings[own] = finding.findings
        self._connection.execute(
            "INSERT OR REPLACE INTO needs(state, salt, same, drawn, records) VALUES (?, ?, ?, ?, ?)",
            (own, salt, *(json.dumps(part, separators=(",", ":")) for part in (same, drawn, records))),
        )

    # -- states ----------------------------------------------------------------------------------------------------

    def _state(self, path: str) -> int | None:
        """The number of what is at ``path``, ``None`` where nobody looked, or where the path is no text."""
        if path not in self._ids:
            self._ids[path] = self._stored(path)
        return self._ids[path]

    def _stored(self, path: str) -> int | None:
        state = self._ledger.states.get(path)
        row = self._states.current(path) if self._as_loaded else None
        if row is not None and (state is None or state.digest == row[2]):
            if row[2] == FOLDER:
                known = probed_names(probes_in(self._connection, row[0]))
                self._write_probes(row[0], known, self._ledger.probes.get(path, {}))
            return row[0]
        return self._insert(path, state) if state is not None and is_text(path) else None

    def _insert(self, path: str, state: State) -> int:
        self._highest += 1
        number = self._highest
        self._rows[number] = (number, path, state.digest, state.size, self._states.trusted(state.mtime))
        if state.digest == FOLDER:
            self._write_probes(number, {}, self._ledger.probes.get(path, {}))
        return number

    def _write_probes(self, number: int, known: dict[str, str], more: dict[str, str]) -> None:
        if not known or more.keys() - known.keys():
            names = joined(text for probe in {**known, **more}.items() for text in probe)
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
        for (salt,) in run("SELECT id FROM salts WHERE used < ?", (int(time.time()) - _MONTH,)).fetchall():
            self._results.pop(salt, None)
            run("DELETE FROM needs WHERE salt = ?", (salt,))
            run("DELETE FROM salts WHERE id = ?", (salt,))
        needed: dict[int, set[int]] = {salt: set() for salt in self._results}
        records: set[int] = set()
        for state, salt, same, drawn, asked in run("SELECT state, salt, same, drawn, records FROM needs"):
            needed.setdefault(salt, set()).update((state,), json.loads(same), json.loads(drawn))
            records.update(json.loads(asked))
        for salt, results in self._results.items():
            self._results[salt] = results._replace(needed=needed[salt])
        states = set().union(*needed.values())
        self._rows = {number: row for number, row in self._rows.items() if number in states}
        self._delete("probes", "state", states)
        self._delete("records", "id", records)
        paths = {row[1] for row in self._rows.values()}
        gone = [row for row in run("SELECT path FROM outlines").fetchall() if row[0] not in paths]
        self._connection.executemany("DELETE FROM outlines WHERE path = ?", gone)

    def _delete(self, table: str, column: str, kept: set[int]) -> None:
        numbers = self._connection.execute(f"SELECT {column} FROM {table}").fetchall()
        superfluous = [row for row in numbers if row[0] not in kept]
        self._connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", superfluous)
