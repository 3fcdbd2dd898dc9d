"""How fast is torchlint? Ratios to other programs, measured in turn with them, each beside its target.

    python benchmarks/speed.py --folder DIR [--scripts FOLDER] [--only SECTION]

Downloads pinned packages as something to check and installs other linters, all of it into DIR, which should not
be inside of a repository. Prints one Markdown table. The exit status is 1 where a target is missed. It is no test
and no test runs it: what it says depends on the machine, although far less than seconds would.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from measure import Measure, Pairs, Process, compare, machine
from packages import copies, environment, python_files, sources

AST_PARSE = """\
import ast, sys, warnings
warnings.simplefilter("ignore")
for name in sys.stdin.read().split("\\0"):
    with open(name, "rb") as file:
        text = file.read()
    try:
        ast.parse(text)
    except SyntaxError:
        pass
"""
"""The least that any linter written in Python must do."""

PRE_COMMIT_FILE = "torchvision/datasets/folder.py"
"""A file of usual size, about torch, without anything that a rule could be about."""

FEW, SOME, MANY = 1, 3, 15
"""Rounds for what takes minutes, for what takes seconds, and for what takes less."""


@dataclass(frozen=True)
class Target:
    """``<= 3`` or ``>= 25``."""

    sign: str
    bound: float

    def met(self, ratio: float) -> bool:
        return {
            "<=": ratio <= self.bound,
            "<": ratio < self.bound,
            ">=": ratio >= self.bound,
            ">": ratio > self.bound,
        }[self.sign]

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True)
class Row:
    """One comparison. ``pairs.first`` is above the line of the ratio, ``pairs.second`` below it."""

    what: str
    corpus: str
    measure: Measure
    target: Target | None
    pairs: Pairs

    @property
    def ratio(self) -> float:
        return self.pairs.ratio(self.measure)

    @property
    def passed(self) -> bool:
        return self.target is None or self.target.met(self.ratio)

    def cells(self) -> list[str]:
        first, second = self.pairs.seconds(self.measure)
        peaks = " / ".join(f"{peak:.0f}" for peak in self.pairs.peaks_mb())
        verdict = "" if self.target is None else "pass" if self.passed else "**fail**"
        seconds = f"{first:.2f} s / {second:.2f} s"
        rounds = str(len(self.pairs.first))
        measure = {"cpu": "CPU", "wall": "wall"}[self.measure]
        return [
            *(self.what, self.corpus, measure, f"{self.ratio:.2f}", str(self.target or ""), verdict),
            *(seconds, peaks, rounds),
        ]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "passed": self.passed}


HEADER = ["what", "files", "measure", "ratio", "target", "", "median", "peak MB", "rounds"]


@dataclass(frozen=True)
class Corpus:
    """Folders to check, below ``root``."""

    label: str
    root: Path
    paths: tuple[str, ...] = (".",)

    @cached_property
    def files(self) -> list[str]:
        found = (path for name in self.paths for path in python_files(self.root / name))
        return [os.path.relpath(path, self.root) for path in found]

    def __str__(self) -> str:
        size = sum((self.root / name).stat().st_size for name in self.files)
        return f"{self.label}: {len(self.files):,} files, {size / 1e6:.1f} MB"


class Benchmark:
    """The processes that are compared, and the corpora they run on."""

    def __init__(self, folder: Path, scripts: Path | None, rounds: int | None) -> None:
        self.folder = folder
        self.scripts = scripts
        self._rounds = rounds

    def rounds(self, usual: int) -> int:
        return self._rounds or usual

    # ---------------------------------------------------------------------------------------------------- corpora

    def corpus(self, *names: str) -> Corpus:
        roots = [sources(self.folder, name) for name in names]
        label = " + ".join(names)
        if len(roots) == 1:
            return Corpus(label, roots[0])
        return Corpus(label, roots[0].parent, tuple(root.name for root in roots))

    def copied(self, name: str, number: int) -> Corpus:
        return Corpus(f"{name}, {number} copies", copies(self.folder, sources(self.folder, name), number))

    # -------------------------------------------------------------------------------------------------- processes

    def tool(self, name: str, corpus: Corpus, *arguments: str, executable: str = "") -> Process:
        path = environment(self.folder, name) / (executable or name)
        return Process([str(path), *arguments, *corpus.paths], corpus.root)

    def torchlint(self, corpus: Corpus, *options: str) -> Process:
        return self.tool("torchlint", corpus, "check", *options)

    def cold(self, corpus: Corpus, jobs: int = 1) -> Process:
        return self.torchlint(corpus, "--isolated", "--no-cache", f"-j{jobs}")

    def python(self, program: str, corpus: Corpus) -> Process:
        python = environment(self.folder, "torchlint") / "python"
        return Process([str(python), "-c", program], corpus.root, "\0".join(corpus.files).encode(), (0,))

    def ast_parse(self, corpus: Corpus) -> Process:
        return self.python(AST_PARSE, corpus)

    def require_same_files(self, corpus: Corpus) -> None:
        """A ratio means nothing where the linter leaves files out that the other program reads."""
        command = self.torchlint(corpus, "--isolated", "--output-format", "json", "--select", "TL000").command
        done = subprocess.run(command, cwd=corpus.root, capture_output=True, check=False, encoding="utf-8")
        checked = json.loads(done.stdout)["summary"]["files"]
        if checked != len(corpus.files):
            sys.exit(f"{corpus.label}: torchlint checks {checked} of {len(corpus.files)} files")


# ---------------------------------------------------------------------------------------------------------- sections


def cold(benchmark: Benchmark) -> Iterator[Row]:
    """A first run of all default rules, against reading and parsing the same files."""
    corpora = [(benchmark.corpus(name), 3) for name in ("transformers", "timm", "torchvision", "torch")]
    if benchmark.scripts is not None:
        corpora.append((Corpus("scripts", benchmark.scripts), 6))
    for corpus, bound in corpora:
        benchmark.require_same_files(corpus)
        pairs = compare(benchmark.cold(corpus), benchmark.ast_parse(corpus), benchmark.rounds(SOME))
        yield Row("cold `-j1` / `ast.parse`", str(corpus), "cpu", Target("<=", bound), pairs)


def jobs(benchmark: Benchmark) -> Iterator[Row]:
    """What a second process brings."""
    corpus = benchmark.corpus("transformers")
    pairs = compare(benchmark.cold(corpus, 1), benchmark.cold(corpus, 2), benchmark.rounds(SOME))
    yield Row("cold `-j1` / cold `-j2`", str(corpus), "wall", Target(">=", 1.8), pairs)


def peers(benchmark: Benchmark) -> Iterator[Row]:
    """Linters that are written in Python, on packages small enough to wait for the slowest of them."""
    corpus = benchmark.corpus("timm", "torchvision")
    ours = benchmark.cold(corpus)
    for what, tool, arguments, target, rounds in (
        ("`torchfix --select=ALL`", "torchfix", ("--select=ALL",), Target(">=", 25), FEW),
        ("`fixit lint`", "fixit", ("lint",), Target(">=", 20), FEW),
        ("`flake8 -j1 --select F`", "flake8", ("--isolated", "-j1", "--select=F"), Target(">", 1), SOME),
    ):
        theirs = benchmark.tool(tool, corpus, *arguments)
        pairs = compare(theirs, ours, benchmark.rounds(rounds))
        yield Row(f"{what} / cold `-j1`", str(corpus), "cpu", target, pairs)


def plugin(benchmark: Benchmark) -> Iterator[Row]:
    """What the plugin adds to flake8, in two environments that differ in nothing else.

    Both report what pyflakes finds, so that both have the same to print. flake8 runs all of its own checks
    whatever is selected.
    """
    corpus = benchmark.corpus("timm", "torchvision")
    options = ("--isolated", "-j1")
    with_plugin = benchmark.tool("flake8-torchlint", corpus, *options, "--select=F,TL", executable="flake8")
    without = benchmark.tool("flake8", corpus, *options, "--select=F")
    pairs = compare(with_plugin, without, benchmark.rounds(SOME))
    yield Row("`flake8` with / without the plugin", str(corpus), "cpu", Target("<=", 1.25), pairs)


def warm(benchmark: Benchmark) -> Iterator[Row]:
    """A run after which nothing has changed, against ruff, which prints nothing here.

    ruff looks again at files in which it has found something. With ``F``, there are a few of them; with ``E9``,
    none, and no linter could be faster. Its default rules find something in many files: against them, it would
    be no contest.
    """
    corpus = benchmark.corpus("transformers", "torch")
    ours = benchmark.torchlint(corpus, "--isolated")
    ours.run()
    for rules, target in (("F", Target("<=", 1)), ("E9", None)):
        cache = str(benchmark.folder / f"ruff-cache-{rules}")
        options = ("--isolated", "--silent", "--cache-dir", cache, "--select", rules)
        ruff = benchmark.tool("ruff", corpus, "check", *options)
        ruff.run()
        pairs = compare(ours, ruff, benchmark.rounds(MANY))
        yield Row(f"warm / `ruff check --select {rules}` warm", str(corpus), "wall", target, pairs)


def linear(benchmark: Benchmark) -> Iterator[Row]:
    """Eight times the files cost eight times as much, and no more memory."""
    one, eight = benchmark.copied("timm", 1), benchmark.copied("timm", 8)
    for number in (1, 2):
        pairs = compare(benchmark.cold(eight, number), benchmark.cold(one, number), benchmark.rounds(SOME))
        yield Row(f"8 copies / 1 copy, `-j{number}`", str(eight), "cpu", Target("<=", 8.5), pairs)


def start(benchmark: Benchmark) -> Iterator[Row]:
    """One small file with nothing to find in it, as pre-commit checks it."""
    root = sources(benchmark.folder, "torchvision")
    corpus = Corpus("one file without candidates", root, (PRE_COMMIT_FILE,))
    pairs = compare(
        benchmark.cold(corpus),
        benchmark.python("import ast, sqlite3", corpus),
        benchmark.rounds(MANY),
    )
    yield Row("cold / `python -c 'import ast, sqlite3'`", corpus.label, "cpu", Target("<", 2), pairs)


SECTIONS: dict[str, Callable[[Benchmark], Iterator[Row]]] = {
    section.__name__: section for section in (start, cold, jobs, linear, warm, plugin, peers)
}


# ------------------------------------------------------------------------------------------------------------ report


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, required=True, metavar="DIR", help="for all that is downloaded"
    )
    parser.add_argument("--scripts", type=Path, metavar="FOLDER", help="a collection of training scripts")
    parser.add_argument(
        "--only", action="append", choices=SECTIONS, metavar="SECTION", help=f"one of {', '.join(SECTIONS)}"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="of each comparison")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every figure of every round")
    options = parser.parse_args(arguments)
    scripts = options.scripts.resolve() if options.scripts else None
    benchmark = Benchmark(options.folder.resolve(), scripts, options.rounds)

    print(f"{machine()}\n\n{line(HEADER)}\n{line(['---'] * len(HEADER))}", flush=True)
    rows = []
    for name in options.only or SECTIONS:
        for row in SECTIONS[name](benchmark):
            rows.append(row)
            print(line(row.cells()), flush=True)
    if options.json:
        report = {"machine": machine(), "rows": [row.as_json() for row in rows]}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
