"""Calls of ``view`` and ``reshape`` whose arguments are dimensions of the tensor itself, as they are written.

The text says it: the screen and the model read it alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from torchlint.project.outline import line_start
from torchlint.record import Record

_CALL = re.compile(r"\.(?:view|reshape)\(")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*$")
_SHAPE = re.compile(r"\.(?:shape\b(?!\[)|size\(\))")
_UNPACKED = re.compile(r"=[ \t]*(\w+)$")
_FACTOR = re.compile(r"\s*(?:(-1)|(\w+)\.(?:size\(\s*(\d)\s*\)|shape\[\s*(\d)\s*\])|([A-Za-z_]\w*))\s*")
_COMMENT = re.compile(r"#[^\r\n]*")
_LONGEST = 400
_LONGEST_NAME = 60


class Dimension(Record):
    """One factor of an argument: a ``name``, a ``place`` in the tensor's own shape, or neither for ``-1``."""

    name: str | None = None
    place: int | None = None


class Reshape(Record):
    """``x.view(b, h * w, c)`` at a place in the text, with the factors of each argument."""

    start: int
    tensor: str
    arguments: list[list[Dimension]]


def reshapes(text: str) -> Iterator[Reshape]:
    """Those that give nothing but dimensions of the tensor, and names that may be such."""
    for found in _CALL.finditer(text):
        tensor = _NAME.search(text, max(found.start() - _LONGEST_NAME, 0), found.start())
        if tensor is None:
            continue
        arguments = _arguments(text[found.end() : found.end() + _LONGEST], tensor[0])
        if arguments is not None and len(arguments) > 1:
            yield Reshape(tensor.start(), tensor[0], arguments)


def _arguments(text: str, tensor: str) -> list[list[Dimension]] | None:
    """The factors of the arguments, up to the parenthesis that ends them."""
    text = _COMMENT.sub("", text) if "#" in text else text
    found: list[list[Dimension]] = [[]]
    at = 1 if text[:1] in ("(", "[") else 0
    while True:
        part = _FACTOR.match(text, at)
        if part is None or part[2] not in (None, tensor):
            return None
        digit = part[3] or part[4]
        found[-1].append(Dimension(part[5], int(digit) if digit else None))
        at = part.end()
        separator = text[at : at + 1]
        if separator in (")", "]"):
            return found
        if separator not in (",", "*") or text[at : at + 2] == "**":
            return None
        at += 1
        if separator == ",":
            if text[at:].lstrip()[:1] in (")", "]"):  # behind a last comma
                return found
            found.append([])


def may_permute(found: Reshape, text: str) -> bool:
    """Whether the order may be another than that of the tensor, as far as the text shows."""
    factors = [each for argument in found.arguments for each in argument]
    if not is_in_order([each.place for each in factors if each.place is not None]):
        return True
    names = [each.name for each in factors if each.name is not None]
    return len(names) > 1 and any(
        not is_in_order([bound.index(name) for name in names if name in bound])
        for bound in _unpacked(text).get(found.tensor, ())
    )


@lru_cache(maxsize=1)
def _unpacked(text: str) -> dict[str, list[list[str]]]:
    """For each tensor the names that its shape is unpacked to, each time."""
    found: dict[str, list[list[str]]] = {}
    for shape in _SHAPE.finditer(text):
        start = line_start(text, shape.start())
        unpacked = _UNPACKED.search(text, start, shape.start())
        if unpacked is not None:
            found.setdefault(unpacked[1], []).append(re.findall(r"\w+", text[start : unpacked.start()]))
    return found


def is_in_order(places: list[int]) -> bool:
    return places == sorted(places)
