"""Findings as JSON and back. What is read may come from a stranger's disk: whatever is not as written is refused."""

from __future__ import annotations

import json

from torchlint.diagnostic import Diagnostic, Edit, Finding, Fix, Label, Position, Range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Malformed(Exception):
    """Not what :func:`write` makes."""


def write(diagnostics: tuple[Diagnostic, ...]) -> str:
    """The findings in one file, without its path: empty for none."""
    if not diagnostics:
        return ""
    rows = [(each.code, each.name, each.severity, each.finding) for each in diagnostics]
    return json.dumps(rows, separators=(",", ":"))


def read(text: str, path: str) -> tuple[Diagnostic, ...]:
    """What :func:`write` wrote, for the file at ``path``. Raises :class:`Malformed`."""
    if not text:
        return ()
    try:
        return tuple(_diagnostic(row, path) for row in _list(json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from None


def _diagnostic(row: Any, path: str) -> Diagnostic:
    code, name, severity, finding = _list(row, 4)
    if severity not in ("error", "warning", "note"):
        raise Malformed("severity")
    return Diagnostic(_word(code), _word(name), severity, path, _finding(finding))


def _finding(row: Any) -> Finding:
    place, message, caption, labels, fix, advice = _list(row, 6)
    return Finding(
        _range(place),
        _word(message),
        _word(caption),
        tuple(_label(label) for label in _list(labels)),
        None if fix is None else _fix(fix),
        _word(advice),
    )


def _label(row: Any) -> Label:
    place, message = _list(row, 2)
    return Label(_range(place), _word(message))


def _fix(row: Any) -> Fix:
    message, edits, safety = _list(row, 3)
    if safety not in ("safe", "unsafe"):
        raise Malformed("safety")
    return Fix(_word(message), tuple(_edit(edit) for edit in _list(edits)), safety)


def _edit(row: Any) -> Edit:
    place, content = _list(row, 2)
    return Edit(_range(place), _text(content))


def _range(row: Any) -> Range:
    start, end = _list(row, 2)
    return Range(_position(start), _position(end))


def _position(row: Any) -> Position:
    line, column = _list(row, 2)
    if type(line) is not int or type(column) is not int or line < 1 or column < 1:
        raise Malformed("position")
    return Position(line, column)


def _list(value: Any, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise Malformed("list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed("text")
    return value


def _word(value: Any) -> str:
    """Text for the terminal, which must not be able to control it."""
    if not _text(value).replace("\n", " ").isprintable():
        raise Malformed("text")
    return str(value)
