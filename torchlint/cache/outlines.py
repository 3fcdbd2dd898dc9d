"""Outlines as JSON and back, so that a file that did not change is not parsed again.

How they are written follows from their fields, and so does :data:`SCHEMA`. What is read may come from a stranger's
disk: whatever is not as written is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import product
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from torchlint.project.outline import Outline
from torchlint.project.trace import digest
from torchlint.record import Record

_LARGEST = 1 << 20
"""Characters of an outline that is kept."""

_CONTROL = re.compile(r"\\[bfnrt]|\\u00(?:[01][0-9a-f]|7f|[89][0-9a-f])")
"""What could control a terminal when a name gets there, as JSON writes it."""

_KNOWN_OTHERWISE = ("path", "text", "classes")
"""The fields of an outline that are not written: it is asked for with the first two, and the last follows."""


_RECORDS: list[Any] = []
"""The named tuples that are in an outline."""


class Malformed(Exception):
    """Not what :func:`write` makes."""


def write(outline: Outline) -> str | None:
    """The outline as text, ``None`` where it cannot be kept."""
    row = [part.write(getattr(outline, name)) for name, part in _PARTS.items()]
    text = json.dumps(row, separators=(",", ":"))
    return None if len(text) > _LARGEST or _has_controls(text) else text


def read(body: str, path: str, text: str) -> Outline:
    """What :func:`write` wrote, for the ``text`` of the file at ``path``. Raises :class:`Malformed`."""
    if _has_controls(body):
        raise Malformed("control characters")
    try:
        row = json.loads(body)
        parts = {name: part.checked(value) for (name, part), value in zip(_PARTS.items(), row, strict=True)}
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise Malformed(str(error)) from None
    classes = {found.qualname: found for found in parts["definitions"]}
    outline = Outline(path=path, text=text, classes=classes, **parts)
    if not _is_coherent(outline):
        raise Malformed("statement")
    return outline


def _is_coherent(outline: Outline) -> bool:
    """Whether the statements are there that definitions refer to."""
    statements = [found.statement for found in outline.definitions]
    statements += [found.statement for found in outline.functions.values()]
    return not statements or 0 <= min(statements) <= max(statements) < len(outline.statements)


def _has_controls(body: str) -> bool:
    return "\\" in body and _CONTROL.search(body) is not None


# -------------------------------------------------------------------------------------------------------- the parts


def _hints(kind: type) -> dict[str, Any]:
    """The types of the fields. Their module has what it needs of :mod:`typing` for type checkers alone."""
    return get_type_hints(kind, localns={"Literal": Literal})


class _Part(Record):
    """How a field is written: the types it has in JSON, and what is made of it on the way there and back."""

    types: frozenset[type]
    read: Callable[[Any], Any] | None = None
    write: Callable[[Any], Any] = lambda value: value

    def checked(self, value: Any) -> Any:
        if type(value) not in self.types:
            raise ValueError("type")
        return value if self.read is None else self.read(value)


@cache
def _part(hint: Any) -> _Part:
    """The part for a type as it stands in an annotation."""
    kind, inner = get_origin(hint), get_args(hint)
    if hint in (str, int, bool, NoneType):
        return _Part(frozenset({hint}))
    if kind is Literal:
        return _Part(frozenset(map(type, inner)), {value: value for value in inner}.__getitem__)
    if kind in (Union, UnionType):
        return _optional(*(_part(each) for each in inner if each is not NoneType))
    if kind is tuple and inner[1:] == (...,):
        return _sequence(_part(inner[0]), tuple, list)
    if kind is frozenset:
        return _sequence(_part(inner[0]), frozenset, sorted)
    if kind is not None and issubclass(kind, Mapping) and inner[0] is str:
        return _mapping(_part(inner[1]))
    return _record(hint)


def _optional(part: _Part) -> _Part:
    read, write = part.read, part.write
    return _Part(
        part.types | {NoneType},
        None if read is None else lambda value: None if value is None else read(value),
        lambda value: None if value is None else write(value),
    )


def _sequence(part: _Part, made: Callable[..., Any], listed: Callable[..., list[Any]]) -> _Part:
    types, read_one, write_one = part

    def read(values: list[Any]) -> Any:
        _check(values, types)
        return made(values) if read_one is None else made(map(read_one, values))

    return _Part(frozenset({list}), read, lambda values: [write_one(each) for each in listed(values)])


def _mapping(part: _Part) -> _Part:
    types, read_one, write_one = part
    read_value = read_one or (lambda value: value)

    def read(values: dict[str, Any]) -> dict[str, Any]:
        _check(values.values(), types)
        return {name: read_value(value) for name, value in values.items()}

    return _Part(
        frozenset({dict}),
        read,
        lambda values: {name: write_one(value) for name, value in values.items()},
    )


def _check(values: Iterable[Any], types: frozenset[type]) -> None:
    if not types.issuperset(map(type, values)):
        raise ValueError("type")


def _record(kind: Any) -> _Part:
    """A named tuple: the list of its fields, without those at the end that have their defaults."""
    _RECORDS.append(kind)
    parts = {name: _part(hint) for name, hint in _hints(kind).items()}
    defaults = kind._field_defaults
    least = len(parts) - len(defaults)
    types = [part.types for part in parts.values()]
    forms = {form for count in range(least, len(types) + 1) for form in product(*types[:count])}
    turned = [(index, part.read) for index, part in enumerate(parts.values()) if part.read is not None]

    def read(row: list[Any]) -> Any:
        if tuple(map(type, row)) not in forms:
            raise ValueError("type")
        for index, read_one in turned:
            if index < len(row):
                row[index] = read_one(row[index])
        return kind(*row)

    written = [(name, part.write) for name, part in parts.items()]
    final = [(name, defaults[name]) for name in reversed(list(parts)[least:])]

    def write(value: Any) -> list[Any]:
        count = len(written)
        for name, default in final:
            if getattr(value, name) != default:
                break
            count -= 1
        return [write_one(getattr(value, name)) for name, write_one in written[:count]]

    return _Part(frozenset({list}), read, write)


_PARTS = {name: _part(hint) for name, hint in _hints(Outline).items() if name not in _KNOWN_OTHERWISE}

SCHEMA = digest(repr([(kind.__name__, _hints(kind)) for kind in (Outline, *_RECORDS)]).encode())
"""The fields as they are written; with other fields, it is another."""
