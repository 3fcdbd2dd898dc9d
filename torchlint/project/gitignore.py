"""The lines of a ``.gitignore``, each as a regular expression.

``pathspec`` takes tens of milliseconds to import, as long as all the rest of a run without changes. The lines that
nearly all ignore files consist of are turned here, into what ``pathspec`` makes of them; the others are left to it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SEGMENT = r"(?:[\w.$~+@%=, -]|\*(?!\*)|\?|\[[A-Za-z0-9]+\])+"
_USUAL = re.compile(rf"(!?)(\*\*/|/)?((?:{_SEGMENT}/(?:\*\*/)?)*{_SEGMENT})(/?)")
_PIECE = re.compile(r"(\*\*)|(\*)|(\?)|(\[\w+\])|([^*?\[]+)")

_EVERYTHING = ("*", "*/", "!*", "!*/", "**/*", "**/*/", "!**/*", "!**/*/")
"""Lines of which ``pathspec`` makes something of its own."""

_INSIDE = "ps_d"
"""The group with the slash behind a folder, as in ``pathspec``."""


class IgnorePattern(NamedTuple):
    """A line of an ignore file. Where there is a slash in it, it is about the path, else about the name."""

    regex: re.Pattern[str]
    include: bool
    about_path: bool

    @classmethod
    def of(cls, line: str) -> IgnorePattern | None:
        """``None`` for a comment, and for what git passes over because it cannot be read, such as a lone ``!``."""
        line = line.rstrip() if not line.endswith("\\ ") else line
        if not line or line.startswith("#"):
            return None
        if line.endswith(("/**", "/**/")):
            # What is in the folder, but not the folder itself, or `!folder/a.py` could bring nothing back.
            line = f"{line}*/" if line.endswith("/") else f"{line}/*"
        found = usual(line) or _any(line)
        if found is None:
            return None
        return cls(*found, "/" in line.removeprefix("!").removesuffix("/"))

    def matches(self, path: str) -> bool:
        """Whether the entry itself is meant; a folder above it was decided on when it was entered."""
        found = self.regex.search(path if self.about_path else _name(path))
        if found is None:
            return False
        inside = found.groupdict().get(_INSIDE)
        return inside is None or found.end(_INSIDE) == len(found.string)


def usual(line: str) -> tuple[re.Pattern[str], bool] | None:
    """The expression for a line without anything unusual in it, and whether it ignores or takes back."""
    found = _USUAL.fullmatch(line)
    if found is None or line in _EVERYTHING:
        return None
    back, start, segments, folder = found.groups()
    anywhere = start == "**/" or (not start and "/" not in segments)
    parts = ["^(?:.+/)?" if anywhere else "^"]
    for number, segment in enumerate(segments.split("/")):
        if segment == "**":
            parts.append("(?:/.+)?")
        else:
            parts += ["/" if number else "", _expression(segment)]
    parts.append(f"(?P<{_INSIDE}>/)" if folder else f"(?:(?P<{_INSIDE}>/)|$)")
    return re.compile("".join(parts)), not back


def _expression(segment: str) -> str:
    if segment == "*":
        return "[^/]+"
    return _PIECE.sub(_translated, segment)


def _translated(piece: re.Match[str]) -> str:
    _, star, mark, bracket, plain = piece.groups()
    if star:
        return "[^/]*"
    return "[^/]" if mark else bracket or re.escape(plain)


def _any(line: str) -> tuple[re.Pattern[str], bool] | None:
    from pathspec import GitIgnoreSpec

    try:
        (pattern,) = GitIgnoreSpec.from_lines([line]).patterns
    except ValueError:
        return None
    if pattern.regex is None or pattern.include is None:
        return None
    return pattern.regex, pattern.include


def _name(path: str) -> str:
    """The last part, with the slash behind the name of a folder."""
    return path[path.rfind("/", 0, -1) + 1 :]
