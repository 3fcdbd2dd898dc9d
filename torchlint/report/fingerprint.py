"""A name for a finding that stays the same while the code around it moves."""

from __future__ import annotations

import hashlib
from collections import Counter

from torchlint.model.source import Source
from torchlint.report.place import relative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.diagnostic import Diagnostic
    from torchlint.run import Result


def fingerprints(result: Result) -> list[str]:
    """One for each diagnostic, in order.

    A hash of the code, the path and the words of the finding's lines; the space between words does not count.
    Equal ones are numbered in the order of the file, so that each finding has its own.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    sources: dict[str, Source] = {}
    prints = []
    for diagnostic in result.diagnostics:
        source = sources.setdefault(diagnostic.path, Source(diagnostic.path, result.text_of(diagnostic.path)))
        key = (diagnostic.code, relative(diagnostic.path), _words(source, diagnostic))
        seen[key] += 1
        content = "\0".join((*key, str(seen[key])))
        prints.append(hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return prints


def _words(source: Source, diagnostic: Diagnostic) -> str:
    start, end = diagnostic.range
    return " ".join("".join(source.lines[start.line - 1 : end.line]).split())
