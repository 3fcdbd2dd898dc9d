"""Repair a file: apply the fixes of its findings, check it again, and never leave it worse than it was.

A fix is applied as a whole or not at all. After every round the new source must parse, and the findings that
were fixed must be gone; a fix that fails this is dropped and the others go on.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import stat
import tempfile
import tokenize
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torchlint.comments import Layout
from torchlint.config import ALWAYS_ON
from torchlint.diagnostic import Diagnostic
from torchlint.fix.edits import (
    Offsets,
    Splice,
    apply_splices,
    combined,
    compatible,
    consistent,
    dominant_newline,
    with_newline,
)
from torchlint.model.source import SourceError, decode

MAX_ROUNDS = 10

Check = Callable[[bytes], list[Diagnostic]]
Outcome = tuple[bytes, list[Diagnostic]]
"""A source and what is found in it."""


@dataclass(frozen=True)
class Fixed:
    """``applied`` are the findings that were repaired, ``remaining`` those that ``source`` still has."""

    source: bytes
    applied: tuple[Diagnostic, ...]
    remaining: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Document:
    """The text of a file and how to get back to its bytes."""

    text: str
    encoding: str

    @classmethod
    def read(cls, source: bytes, path: str) -> Document | None:
        """The document, or ``None`` where text and bytes do not correspond exactly."""
        try:
            text = decode(source, path).text
            encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
            document = cls(text, encoding)
            return document if document.encode(text) == source else None
        except (SourceError, SyntaxError, UnicodeError):
            return None

    def encode(self, text: str) -> bytes:
        return text.encode(self.encoding)


@dataclass(frozen=True)
class Repair:
    """A finding and the splices of its fix."""

    diagnostic: Diagnostic
    splices: tuple[Splice, ...]

    def key(self, document: Document) -> tuple[str, ...]:
        """What stays the same about a fix when others move its lines."""
        replaced = (document.text[start:end] for start, end, _ in self.splices)
        return (*_kind(self.diagnostic), *replaced, *(splice.content for splice in self.splices))


def fix_source(source: bytes, path: str, check: Check, *, unsafe: bool) -> Fixed:
    """Apply the safe fixes of what ``check`` reports, with ``unsafe`` all fixes, until none is left.

    ``check`` is asked again after every round. A source that cannot be written back byte by byte is
    left as it is.
    """
    found = check(source)
    applied: list[Diagnostic] = []
    rejected: set[tuple[str, ...]] = set()
    for _ in range(MAX_ROUNDS):
        document = Document.read(source, path)
        if document is None:
            break
        repairs = [each for each in _repairs(document, found, unsafe) if each.key(document) not in rejected]
        chosen = _choose(repairs)
        if not chosen or not _round_trips(source):
            break
        outcome = _attempt(document, path, found, chosen, check)
        if outcome is None:
            chosen, outcome = _attempt_singly(document, path, found, chosen, check, rejected)
        if outcome is not None:
            source, found = outcome
            applied += [repair.diagnostic for repair in chosen]
    return Fixed(source, tuple(applied), tuple(found))


def _repairs(document: Document, found: Iterable[Diagnostic], unsafe: bool) -> list[Repair]:
    """The fixes that may be applied at all, in the order of the text."""
    fixable = [each for each in found if each.fix is not None]
    if not fixable:
        return []
    offsets = Offsets(document.text)
    newline = dominant_newline(document.text)
    comments = [] if unsafe else _comment_spans(document.text, offsets)
    repairs = []
    for diagnostic in sorted(fixable, key=lambda each: each.sort_key):
        fix = diagnostic.fix
        if fix is None or (fix.safety != "safe" and not unsafe):
            continue
        with contextlib.suppress(ValueError):
            splices = combined(with_newline(offsets.splice(edit), newline) for edit in fix.edits)
            if consistent(splices) and not _loses_a_comment(document.text, splices, comments):
                repairs.append(Repair(diagnostic, splices))
    return repairs


def _comment_spans(text: str, offsets: Offsets) -> list[tuple[int, int]]:
    starts = [(offsets.offset(comment.start), comment) for comment in Layout.of(text).comments]
    return [(start, start + len(comment.text)) for start, comment in starts]


def _loses_a_comment(text: str, splices: Sequence[Splice], comments: Iterable[tuple[int, int]]) -> bool:
    """Whether an edit of code takes a comment with it. An edit of nothing but comments means what it does."""
    written = "".join(splice.content for splice in splices)
    for start, end, _ in splices:
        hit = [span for span in comments if span[0] < end and start < span[1]]
        lost = [span for span in hit if text[slice(*span)].rstrip() not in written]
        if lost and not _only_comments(text, start, end, hit):
            return True
    return False


def _only_comments(text: str, start: int, end: int, comments: Iterable[tuple[int, int]]) -> bool:
    code = start
    for first, last in comments:
        if text[code:first].strip():
            return False
        code = max(code, last)
    return not text[code:end].strip()


def _choose(repairs: Iterable[Repair]) -> list[Repair]:
    """As many repairs as fit together, the first in the text first; the others wait for the next round."""
    chosen: list[Repair] = []
    accepted: list[Splice] = []
    for repair in repairs:
        if compatible(repair.splices, accepted):
            chosen.append(repair)
            accepted += repair.splices
    return chosen


def _round_trips(source: bytes) -> bool:
    """Whether LibCST, from whose tree the positions come, gives back exactly these bytes."""
    import libcst  # here, because it takes longer to import than most files take to check

    try:
        return libcst.parse_module(source).bytes == source
    except Exception:  # LibCST raises TypeError and others on some valid sources
        return False


def _attempt(
    document: Document, path: str, found: Sequence[Diagnostic], repairs: Sequence[Repair], check: Check
) -> Outcome | None:
    """The source after ``repairs`` and what is found there, or ``None`` where they break their promise."""
    text = apply_splices(document.text, (splice for repair in repairs for splice in repair.splices))
    try:
        source = document.encode(text)
    except UnicodeError:
        return None
    again = Document.read(source, path)
    if again is None or again.text != text or not _parses(source):
        return None
    after = check(source)
    promised = Counter(_kind(repair.diagnostic) for repair in repairs)
    before, now = Counter(map(_kind, found)), Counter(map(_kind, after))
    kept = all(now[kind] <= before[kind] - count for kind, count in promised.items())
    broke = _failures(after) > _failures(found)
    return (source, after) if kept and not broke else None


def _parses(source: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _attempt_singly(
    document: Document,
    path: str,
    found: Sequence[Diagnostic],
    repairs: Sequence[Repair],
    check: Check,
    rejected: set[tuple[str, ...]],
) -> tuple[list[Repair], Outcome | None]:
    """Apply the first repair that works by itself; those before it are ``rejected`` for good."""
    for repair in repairs:
        outcome = _attempt(document, path, found, [repair], check)
        if outcome is not None:
            return [repair], outcome
        rejected.add(repair.key(document))
    return [], None


def _kind(diagnostic: Diagnostic) -> tuple[str, str]:
    """What identifies a finding while its lines move."""
    return diagnostic.code, diagnostic.message


def _failures(diagnostics: Iterable[Diagnostic]) -> int:
    return sum(each.code == ALWAYS_ON for each in diagnostics)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file by ``content``, keeping its mode; a reader sees the old file or the new one.

    A symbolic link stays, and the file it points to is replaced. A file that may not be written is not
    replaced either, although its folder would allow it.
    """
    target = path.resolve(strict=True)
    if not os.access(target, os.W_OK):
        raise PermissionError(f"{path} is not writable")
    status = target.stat()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".torchlint-", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        with contextlib.suppress(OSError, AttributeError):  # where there are owners, and we may set them
            os.chown(temporary, status.st_uid, status.st_gid)
        temporary.chmod(stat.S_IMODE(status.st_mode))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
