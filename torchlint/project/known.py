"""What is known about names of torch and of other packages without reading them.

The facts are data, in :mod:`torchlint.project.third_party`; this module only looks them up. torch itself is never read.
"""

from __future__ import annotations

import re
import sys
from functools import cache, lru_cache

from torchlint.project import third_party as stated
from torchlint.record import Record

MODULE = "torch.nn.Module"


class Known(Record):
    """What the table says of one class: whether it is a Module, and what its framework does for it."""

    module: bool
    lightning: bool = False
    canonical: str | None = None


class _Entry(Record):
    names: tuple[str, ...]
    unless: tuple[str, ...]
    known: Known

    def has(self, dotted: str) -> bool:
        return _matches(self.names, dotted) and not _matches(self.unless, dotted)


class _Table(Record):
    """What :mod:`torchlint.project.third_party` states, made ready for lookups. ``entries`` are kept by top-level package."""

    terminal: frozenset[str]
    plain: frozenset[str]
    classes: dict[str, str]
    names: dict[str, str]
    same: dict[str, str]
    star: dict[str, frozenset[str]]
    entries: dict[str, list[_Entry]]


@cache
def _table() -> _Table:
    table = _Table(
        frozenset(stated.TERMINAL.split()),
        frozenset({"torch", *stated.PLAIN.split(), *sys.stdlib_module_names}),
        stated.TORCH_CLASSES,
        stated.TORCH_NAMES,
        stated.TORCH_SAME,
        {package: frozenset(names.split()) for package, names in stated.TORCH_STAR.items()},
        {},
    )
    for rows, module in ((stated.BASES, True), (stated.OTHERS, False)):
        for row in rows:
            entry = _entry(row, module=module)
            for package in {name.partition(".")[0] for name in entry.names}:
                table.entries.setdefault(package, []).append(entry)
    return table


def _entry(row: stated.Row, *, module: bool) -> _Entry:
    known = Known(module, row.lightning, row.canonical)
    return _Entry(tuple(row.names.split()), tuple(row.unless.split()), known)


_GLOB = {".": r"\.", "**": ".*", "*": "[^.]*", "{": "(?:", ",": "|", "}": ")"}


def _matches(globs: tuple[str, ...], dotted: str) -> bool:
    """Whether a name is one of the patterns; only those that begin like it are compiled."""
    return any(
        dotted.startswith(beginning) and _pattern(glob).fullmatch(dotted) is not None
        for beginning, glob in _beginnings(globs)
    )


@cache
def _beginnings(globs: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Each pattern behind what it has up to its first place that is not written out."""
    return tuple((re.split(r"[*\[{]", glob, maxsplit=1)[0], glob) for glob in globs)


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """What a pattern may hold is said at the top of the table."""
    return re.compile(re.sub(r"\*\*|[.*{,}]", lambda found: _GLOB[found[0]], glob))


@lru_cache(maxsize=4096)
def known(dotted: str) -> Known | None:
    """The table's word on an external class, by its canonical name; ``None`` where it has none."""
    package = dotted.partition(".")[0]
    for entry in _table().entries.get(package, ()):
        if entry.has(dotted):
            return entry.known
    # Every Module of torch is in the table, and these packages have none.
    return Known(module=False) if package in _table().plain else None


def plain(package: str) -> bool:
    """Whether a package has nothing that could pass for a Module of torch, by name or by kind."""
    return package in _table().plain


def terminal(package: str) -> bool:
    """Whether a top-level package is never read: the standard library, torch, and those the table names."""
    return package in sys.stdlib_module_names or package in _table().terminal


def starred(module: str) -> frozenset[str] | None:
    """What ``from module import *`` binds, where that is known without reading the module."""
    return _table().star.get(module)


@lru_cache(maxsize=8192)
def canonical(dotted: str) -> str:
    """The public spelling of an external name: ``torch.nn.modules.linear.Linear`` is ``torch.nn.Linear``."""
    if not dotted.startswith("torch."):
        found = known(dotted)
        return (found.canonical if found else None) or dotted
    for _ in range(4):  # no chain of renames is longer
        moved = _moved(dotted)
        if moved == dotted:
            break
        dotted = moved
    return dotted


def _moved(dotted: str) -> str:
    table = _table()
    parts = dotted.split(".")
    for size in range(len(parts) - 1, 0, -1):
        module, name, rest = ".".join(parts[:size]), parts[size], parts[size + 1 :]
        same = table.same.get(f"{module}.{name}")
        if same:
            return ".".join([same, *rest])
        home = table.names.get(module)
        if home is None and name[:1].isupper():
            home = table.classes.get(module) or _home_of_any(parts[:size])
        if home is not None and not name.startswith("_"):
            return ".".join([home, name, *rest])
    return dotted


def _home_of_any(module: list[str]) -> str | None:
    """The home given for any public module of a package: ``torch.nn.modules.*``."""
    return None if module[-1].startswith("_") else _table().classes.get(".".join([*module[:-1], "*"]))
