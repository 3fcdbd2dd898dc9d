"""The tables that every run reads whole, kept by columns: to fetch a row for each file takes twice as long.

Numbers are eight bytes each, as the machine has them; texts stand behind one another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

Row = tuple[int, str, str, int, int]
"""A state with its id, path, digest, size and time."""

Listed = tuple[int, int, int, str]
"""What a listing holds for, the inode of the folder and its two times, and the names in it."""

Columns = tuple[bytes, str, bytes]
"""A row of the results as it is kept, without the salt."""

NONE: Columns = (b"", "", b"")
"""No results."""

TABLES = {
    # What was at a path: the digest of a file, "/" for a folder, "-" for nothing. One path may have been several.
    "states": "CREATE TABLE states(ids BLOB NOT NULL, paths TEXT NOT NULL, digests TEXT NOT NULL, "
    "sizes BLOB NOT NULL, times BLOB NOT NULL)",
    # The findings in files, by salt, with all the states that these follow from: others may be of other settings.
    "results": "CREATE TABLE results(salt INTEGER PRIMARY KEY, states BLOB NOT NULL, findings TEXT NOT NULL, "
    "needed BLOB NOT NULL)",
    # The names in folders. There is no row where the file system does not tell when something is added to a folder.
    "listings": "CREATE TABLE listings(folders TEXT NOT NULL, marks BLOB NOT NULL, names TEXT NOT NULL)",
}

_PATHS, _LINES = "\0", "\n"
"""What stands between texts: no path has the one in it, and neither digests nor findings have the other."""


class Results(Record):
    """What was found under one salt, by the states of the files, and all the states that this follows from."""

    findings: dict[int, str]
    needed: Collection[int]


class Torn(Exception):
    """The columns of a table do not fit together."""


def is_text(text: str) -> bool:
    """Whether SQLite takes it: the name of a file may be no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_states(connection: sqlite3.Connection) -> list[Row]:
    """All states. Raises :class:`Torn`."""
    row = connection.execute("SELECT ids, paths, digests, sizes, times FROM states").fetchone()
    if row is None:
        return []
    ids, paths, digests, sizes, times = row
    try:
        numbers = _numbers(ids)
        columns = (
            _texts(paths, _PATHS, numbers),
            _texts(digests, _LINES, numbers),
            _numbers(sizes),
            _numbers(times),
        )
        return list(zip(numbers, *columns, strict=True))
    except (AttributeError, TypeError, ValueError) as error:
        raise Torn(str(error)) from None


def read_results(connection: sqlite3.Connection) -> dict[int, Columns]:
    """All results by salt, for :func:`unpacked`: most of them are of other settings."""
    found = connection.execute("SELECT salt, states, findings, needed FROM results").fetchall()
    return {row[0]: row[1:] for row in found}


def unpacked(columns: Columns) -> Results:
    """The results of one salt. Raises :class:`Torn`."""
    states, findings, needed = columns
    try:
        numbers = _numbers(states)
        texts = _texts(findings, _LINES, numbers)
        return Results(dict(zip(numbers, texts, strict=True)), _numbers(needed))
    except (AttributeError, TypeError, ValueError) as error:
        raise Torn(str(error)) from None


def read_listings(connection: sqlite3.Connection) -> dict[str, Listed] | None:
    """The listings by folder, ``None`` where there shall be none. Raises :class:`Torn`."""
    row = connection.execute("SELECT folders, marks, names FROM listings").fetchone()
    if row is None:
        return None
    folders, marks, names = row
    try:
        numbers = _numbers(marks)
        nodes = numbers[::3]
        columns = (nodes, numbers[1::3], numbers[2::3], _texts(names, _PATHS, nodes))
        return dict(zip(_texts(folders, _PATHS, nodes), zip(*columns, strict=True), strict=True))
    except (AttributeError, TypeError, ValueError) as error:
        raise Torn(str(error)) from None


def write_states(connection: sqlite3.Connection, rows: Collection[Row]) -> None:
    """Keep these states, in the place of those that were kept."""
    ids, paths, digests, sizes, times = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    connection.execute("DELETE FROM states")
    connection.execute(
        "INSERT INTO states(ids, paths, digests, sizes, times) VALUES (?, ?, ?, ?, ?)",
        (_bytes(ids), _PATHS.join(paths), _LINES.join(digests), _bytes(sizes), _bytes(times)),
    )


def write_results(connection: sqlite3.Connection, results: Mapping[int, Results]) -> None:
    """Keep these results by salt, in the place of all that were kept."""
    connection.execute("DELETE FROM results")
    connection.executemany(
        "INSERT INTO results(salt, states, findings, needed) VALUES (?, ?, ?, ?)",
        [
            (salt, _bytes(findings), _LINES.join(findings.values()), _bytes(needed))
            for salt, (findings, needed) in results.items()
        ],
    )


def write_listings(connection: sqlite3.Connection, listings: Mapping[str, Listed] | None) -> None:
    """Keep these listings, in the place of those that were kept."""
    connection.execute("DELETE FROM listings")
    if listings is not None:
        marks = [number for *mark, _ in listings.values() for number in mark]
        names = _PATHS.join([each[3] for each in listings.values()])
        connection.execute(
            "INSERT INTO listings(folders, marks, names) VALUES (?, ?, ?)",
            (_PATHS.join(listings), _bytes(marks), names),
        )


def _numbers(column: bytes) -> list[int]:
    return memoryview(column).cast("q").tolist()


def _bytes(numbers: Iterable[int]) -> bytes:
    from array import array  # here, because a run without changes needs none

    return array("q", numbers).tobytes()


def _texts(column: str, between: str, numbers: list[int]) -> list[str]:
    """The texts of a column, one for each of the ``numbers``."""
    return column.split(between) if numbers else []
