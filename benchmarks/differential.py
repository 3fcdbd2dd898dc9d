"""Checks folders with the screen and without, and lists every finding that differs; see README.md."""

from __future__ import annotations

import argparse
import ast
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from torchlint.config import Config
from torchlint.diagnostic import Diagnostic
from torchlint.engine import check_source
from torchlint.process import take_over
from torchlint.project.index import Project
from torchlint.rules import all_rules

EVERY_RULE = Config(select=tuple(rule.code for rule in all_rules()))
Result = TypeVar("Result")


@dataclass
class Clock:
    """CPU seconds of each part."""

    seconds: dict[str, float] = field(default_factory=dict)

    def __call__(self, part: str, work: Callable[..., Result], *given: Any, **options: Any) -> Result:
        start = time.process_time()
        try:
            return work(*given, **options)
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.process_time() - start

    def ratio(self, part: str) -> float:
        return self.seconds.get(part, 0.0) / max(self.seconds.get("parse", 0.0), 1e-9)


@dataclass
class Tally:
    files: int = 0
    findings: int = 0
    differences: list[str] = field(default_factory=list)


def shown(diagnostic: Diagnostic) -> str:
    start = diagnostic.range.start
    return f"{diagnostic.path}:{start.line}:{start.column} {diagnostic.code} {diagnostic.message}"


def compare(found: Sequence[Diagnostic], all_of_it: Sequence[Diagnostic]) -> Iterator[str]:
    """What only one of the two ways reports; without the screen, more of a file is too deep for LibCST."""
    screened = set(map(shown, found))
    whole = {shown(each) for each in all_of_it if not (each.code == "TL000" and "deep" in each.message)}
    yield from (f"only without the screen: {line}" for line in sorted(whole - screened))
    yield from (f"only with the screen: {line}" for line in sorted(screened - whole) if " TL000 " not in line)


def check_folder(folder: Path, clock: Clock, tally: Tally) -> None:
    screened, whole = Project(folder), Project(folder)
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]:
        if not path.is_file():
            continue
        text = path.read_bytes()
        clock("parse", parse, text)
        found = clock("screened", check_source, text, str(path), EVERY_RULE, screened)
        all_of_it = clock("whole", check_source, text, str(path), EVERY_RULE, whole, screened=False)
        tally.files += 1
        tally.findings += len(found)
        for line in compare(found, all_of_it):
            tally.differences.append(line)
            print(line, flush=True)


def parse(text: bytes) -> None:
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        ast.parse(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a folder, or one file")
    clock, tally = Clock(), Tally()
    warnings.simplefilter("ignore")  # of the files that are parsed
    take_over()
    for folder in parser.parse_args().folders:
        check_folder(folder, clock, tally)
    print(
        f"{tally.files} files, {tally.findings} findings, {len(tally.differences)} differences; "
        f"CPU as multiples of ast.parse: {clock.ratio('screened'):.2f} with the screen, {clock.ratio('whole'):.2f} without"
    )
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
