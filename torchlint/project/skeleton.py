"""The text of a file without what its functions do: all that an outline needs, at a fraction of the cost of parsing.

Files that others import are mostly asked what they define. What a function does begins on its line and ends before the
next line of code that is not indented more, which is found without a parser where no line is taken for code that is a
part of a string. Where a line inside of brackets is, the bracket that closes them is left without the one that opens
them, so that the skeleton cannot be parsed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from torchlint.project.outline import MAX_CHARACTERS, OutlineError, parse

_TRIPLE = re.compile("\"\"\"|'''")

_TOKEN = re.compile(
    r'''
      """ [^"\\]* (?: (?: \\. | "(?!"") ) [^"\\]* )* """
    | \'\'\' [^'\\]* (?: (?: \\. | '(?!'') ) [^'\\]* )* \'\'\'
    | " [^"\\\n]* (?: \\. [^"\\\n]* )* "
    | ' [^'\\\n]* (?: \\. [^'\\\n]* )* '
    | \# [^\n]*
    ''',
    re.VERBOSE | re.DOTALL,
)
"""A string or a comment."""

_BEFORE_TOKEN = re.compile("[\"'#]")

_GOES_ON = "\x01"
"""What is put at the beginning of a line that goes on with the one before. Python allows it in strings alone."""

_COMMENTED = re.compile(r"#.*\\$|\\\n *#", re.MULTILINE)
"""A backslash at the end of a comment, after which no line goes on, or before one, which is no part of the line."""

_OTHER_INDENTATION = re.compile(r"^ *[\t\f]", re.MULTILINE)
_FUNCTION = re.compile(r"\n( *)((?:async +)?def +\w+)")
_CLASS = re.compile(r"\n *class\b")


def parse_outside(text: str) -> ast.Module:
    """The syntax tree of ``text``, where what functions do may be left out; raises as :func:`parse` does.

    An outline of this tree is one of the whole. Whether Python accepts what is left out is not seen.
    """
    short = skeleton(text) if len(text) <= MAX_CHARACTERS else None
    try:
        return parse(text if short is None else short)
    except OutlineError:
        if short is None:
            raise
        return parse(text)


def skeleton(text: str) -> str | None:
    """``text`` with ``pass`` for what functions do, line by line; nothing where that is not sure to be right.

    Functions in which a class is defined, or a global name, are left whole: an outline has these.
    """
    bare = _in_lines(text)
    if bare is None:
        return None
    lines = text.split("\n")
    for first, last, head in _functions(bare):
        indentation = head[: len(head) - len(head.lstrip())]
        lines[first : last + 1] = [f"{head}():", *[""] * (last - first)]
        lines[last] += f"{indentation} pass"
    return "\n".join(lines)


def _in_lines(text: str) -> str | None:
    """The text with a mark on each line that does not begin with code; nothing where it is not indented by spaces."""
    if (
        "\r" in text
        or _GOES_ON in text
        or (("\t" in text or "\f" in text) and _OTHER_INDENTATION.search(text))
    ):
        return None
    if "\\\n" in text:
        if _COMMENTED.search(text):
            return None
        text = text.replace("\\\n", f"\\\n{_GOES_ON}")
    parts: list[str] = []
    at = 0
    while found := _TRIPLE.search(text, at):
        token = _token_at(text, found.start(), at)
        if token is None:
            return None
        parts += (text[at : token.start()], token[0].replace("\n", f"\n{_GOES_ON}"))
        at = token.end()
    return "".join(parts) + text[at:]


def _token_at(text: str, place: int, least: int) -> re.Match[str] | None:
    """The string or comment that the quotes at a place belong to, where those before ``least`` are known."""
    start = max(text.rfind("\n", 0, place) + 1, least)
    while found := _BEFORE_TOKEN.search(text, start, place + 1):
        token = _TOKEN.match(text, found.start())
        if token is None:
            return None  # a quote that nothing closes
        if token.end() > place:
            return token
        start = token.end()
    return None


def _functions(bare: str) -> Iterator[tuple[int, int, str]]:
    """The first and last line of each outermost function, counted from 0, and the words before its parameters."""
    bare = f"\n{bare}"  # patterns that begin with a literal are found several times as fast
    at = line = 0
    while found := _FUNCTION.search(bare, at):
        start = found.start()
        line += bare.count("\n", at, start)
        end = _end(len(found[1])).search(bare, found.end())
        at = len(bare) if end is None else end.start()
        body = bare[start:at]
        if "global" not in body and not ("class" in body and _CLASS.search(body)):
            yield line, line + _last_line_of_code(body), f"{found[1]}{found[2]}"
        line += body.count("\n")


def _last_line_of_code(function: str) -> int:
    end = len(function)
    while True:
        end = len(function[:end].rstrip(f" \n{_GOES_ON}"))
        start = function.rindex("\n", 0, end) + 1
        if not function[start:end].lstrip(" ").startswith("#"):
            return function.count("\n", 1, end)
        end = start


@lru_cache(maxsize=64)
def _end(indentation: int) -> re.Pattern[str]:
    """What is before the next line of code that is not indented more. A bracket at its beginning closes an earlier one."""
    return re.compile(rf"\n {{0,{indentation}}}[^ \n#)\]}}{_GOES_ON}]")
