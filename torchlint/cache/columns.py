"""The two tables that every run reads whole, kept by columns: to fetch a row for each file takes ten times as long.

Numbers are eight bytes each, as the machine has them; texts stand behind one another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

Row = tuple[int, str, str, int, int]
"""A state with its id, path, digest, size and time."""

TABLES = {
    # What was at a path: the digest of a file, "/" for a folder, "-" for nothing. One path may have been several.
    "states": "CREATE TABLE states(ids BLOB NOT NULL, paths TEXT NOT NULL, digests TEXT NOT NULL, "
    "sizes BLOB NOT NULL, times BLOB NOT NULL)",
    # The findings in files, by salt: those of other settings and versions are not read.
    "results": "CREATE TABLE results(salt INTEGER PRIMARY KEY, states BLOB NOT NULL, findings TEXT NOT NULL)",
}

_PATHS, _LINES = "\0", "\n"
"""What stands between texts: no path has the one in it, and neither digests nor findings have the other."""


class Torn(Exception):
    """The columns of a table do not fit together."""


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


def read_results(connection: sqlite3.Connection, salts: Iterable[int]) -> dict[int, dict[int, str]]:
    """The findings by salt and state. Raises :class:`Torn`."""
    found = {}
    for salt in salts:
        row = connection.execute("SELECT states, findings FROM results WHERE salt = ?", (salt,)).fetchone()
        try:
            states = _numbers(row[0]) if row else []
            found[salt] = dict(zip(states, _texts(row[1], _LINES, states), strict=True)) if row else {}
        except (AttributeError, TypeError, ValueError) as error:
            raise Torn(str(error)) from None
    return found


def write_states(connection: sqlite3.Connection, rows: Collection[Row]) -> None:
    """Keep these states, in the place of those that were kept."""
    ids, paths, digests, sizes, times = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    connection.execute("DELETE FROM states")
    connection.execute(
        "INSERT INTO states(ids, paths, digests, sizes, times) VALUES (?, ?, ?, ?, ?)",
        (_bytes(ids), _PATHS.join(paths), _LINES.join(digests), _bytes(sizes), _bytes(times)),
    )


def write_results(connection: sqlite3.Connection, results: Mapping[int, Mapping[int, str]]) -> None:
    """Keep these findings by salt and state, in the place of all that were kept."""
    connection.execute("DELETE FROM results")
    connection.executemany(
        "INSERT INTO results(salt, states, findings) VALUES (?, ?, ?)",
        [(salt, _bytes(found), _LINES.join(found.values())) for salt, found in results.items()],
    )


def _numbers(column: bytes) -> list[int]:
    return memoryview(column).cast("q").tolist()


def _bytes(numbers: Iterable[int]) -> bytes:
    from array import array  # here, because a run without changes needs none

    return array("q", numbers).tobytes()


def _texts(column: str, between: str, numbers: list[int]) -> list[str]:
    """The texts of a column, one for each of the ``numbers``."""
    return column.split(between) if numbers else []
