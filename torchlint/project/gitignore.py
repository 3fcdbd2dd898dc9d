"""The lines of a ``.gitignore``.

``pathspec`` takes tens of milliseconds to import, as long as all the rest of a run without changes, and each expression
adds to that. The lines that nearly all ignore files consist of need neither; the others are left to ``pathspec``.
"""

from __future__ import annotations

from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

_INSIDE = "ps_d"
"""The group of an expression of ``pathspec`` that has the slash behind a folder."""


class Usual(Record):
    """A line about a name that has at most one ``*`` in it.

    ``names`` are the ways in which it may begin and end, where the end is ``None`` for the whole name. It lies in the
    folder ``parent``; ``anywhere``: in any such folder.
    """

    include: bool
    folders: bool
    anywhere: bool
    parent: str
    names: tuple[tuple[str, str | None], ...]

    def matches(self, path: str) -> bool:
        """Whether the entry itself is meant; a folder above it was decided on when it was entered."""
        folder = path.endswith("/")
        if self.folders and not folder:
            return False
        parent, _, name = (path[:-1] if folder else path).rpartition("/")
        if not any(_is_named(name, *each) for each in self.names):
            return False
        if self.anywhere:
            return not self.parent or f"/{parent}".endswith(f"/{self.parent}")
        return parent == self.parent


class Unusual(Record):
    """Any line. Where there is a slash in it, it is about the path, else about the name."""

    include: bool
    regex: re.Pattern[str]
    about_path: bool

    def matches(self, path: str) -> bool:
        """Whether the entry itself is meant; a folder above it was decided on when it was entered."""
        found = self.regex.search(path if self.about_path else path[path.rfind("/", 0, -1) + 1 :])
        if found is None:
            return False
        inside = found.groupdict().get(_INSIDE)
        return inside is None or found.end(_INSIDE) == len(found.string)


class Lines:
    """The lines of one file, the last first: that is the order in which they decide."""

    def __init__(self, patterns: Iterable[Usual | Unusual]) -> None:
        self.patterns = tuple(patterns)
        names = [each for found in self.patterns if isinstance(found, Usual) for each in found.names]
        self._whole = {begin for begin, end in names if end is None}
        self._ends = tuple(end for _, end in names if end)
        self._begins = tuple(begin for begin, end in names if end == "" and begin)
        # Whether there is a line that may be about any name.
        self._any = ("", "") in names or any(isinstance(found, Unusual) for found in self.patterns)

    def verdict(self, path: str) -> bool | None:
        """Whether the path is ignored; ``None`` where no line is about it."""
        name = path[path.rfind("/", 0, -1) + 1 :].removesuffix("/")
        # Thousands of names are asked about, and nearly no line is about any of them.
        if not (
            self._any or name in self._whole or name.endswith(self._ends) or name.startswith(self._begins)
        ):
            return None
        return next((found.include for found in self.patterns if found.matches(path)), None)


def pattern_of(line: str) -> Usual | Unusual | None:
    """``None`` for a comment, and for what git passes over because it cannot be read, such as a lone ``!``."""
    line = line.rstrip() if not line.endswith("\\ ") else line
    if not line or line.startswith("#"):
        return None
    return usual(line) or unusual(line)


def usual(line: str) -> Usual | None:
    """What a line means that has nothing unusual in it."""
    body = line.removeprefix("!")
    folders = body.endswith("/")
    body = body.removesuffix("/")
    anywhere = body.startswith("**/") or "/" not in body
    parent, _, name = body.removeprefix("**/" if anywhere else "/").rpartition("/")
    names = _names(name)
    if not names or any(sign in body for sign in "?\\") or any(sign in parent for sign in "*[]"):
        return None
    if "//" in line or parent.startswith("/"):
        return None
    return Usual(not line.startswith("!"), folders, anywhere, parent, names)


def _names(name: str) -> tuple[tuple[str, str | None], ...]:
    """How a name may begin and end; nothing where there is more to it."""
    head, bracket, rest = name.partition("[")
    letters, closed, tail = rest.partition("]")
    if bracket and not (closed and letters.isalnum()):
        return ()
    spelled = [f"{head}{letter}{tail}" for letter in letters] if bracket else [name]
    if not name or any(each.count("*") > 1 or "[" in each or "]" in each for each in spelled):
        return ()
    parts = [each.partition("*") for each in spelled]
    return tuple((begin, end if star else None) for begin, star, end in parts)


def _is_named(name: str, begin: str, end: str | None) -> bool:
    if end is None:
        return name == begin
    return name.startswith(begin) and name.endswith(end) and len(name) >= len(begin) + len(end)


def unusual(line: str) -> Unusual | None:
    """What a line means, whatever is in it; see :func:`pattern_of`."""
    import warnings

    from pathspec import GitIgnoreSpec

    if line.endswith(("/**", "/**/")):
        # What is in the folder, but not the folder itself, or `!folder/a.py` could bring nothing back.
        line = f"{line}*/" if line.endswith("/") else f"{line}/*"
    try:
        with warnings.catch_warnings():  # Python wonders about `[[`
            warnings.simplefilter("ignore")
            (pattern,) = GitIgnoreSpec.from_lines([line]).patterns
    except ValueError:
        return None
    if pattern.regex is None or pattern.include is None:
        return None
    return Unusual(pattern.include, pattern.regex, "/" in line.removeprefix("!").removesuffix("/"))
