"""Precision and recall of ``torchlint check`` on labelled places in real repositories.

The cases are a file with one JSON object a line: ``label`` says whether a linter must flag the place
(``bug``) or must leave it alone (``ok``), ``rule`` is the group that is scored together, a finding of any of
``codes`` counts. A bug is found where such a finding begins at ``line`` or one of ``alt_lines``, or covers
one of them; an ok place is a false alarm where such a finding begins there.

FOLDER holds the repositories, checked out at the commits of the cases, as one of

    FOLDER/<owner>__<name>@<start of the commit>     FOLDER/<owner>/<name>@<start of the commit>
    FOLDER/<owner>__<name>                           FOLDER/<owner>/<name>

What is not there, or is there in another version than the one that was labelled, is listed and counted.
The exit status is 1 where a group has a precision below 0.95 or a recall below 0.85, or where a call of
torchlint failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command import Run, check, table

PRECISION, RECALL = 0.95, 0.85


@dataclass(frozen=True)
class Case:
    """One labelled place."""

    id: str
    rule: str
    variant: str
    label: str
    confidence: str
    repo: str
    commit: str
    path: str
    line: int
    lines: frozenset[int]
    codes: tuple[str, ...]
    blob: str
    why: str

    @classmethod
    def read(cls, line: str) -> Case:
        entry = json.loads(line)
        plain = ("id", "rule", "variant", "label", "confidence", "repo", "commit", "path", "line")
        return cls(
            **{key: entry[key] for key in (*plain, "blob", "why")},
            lines=frozenset((entry["line"], *entry["alt_lines"])),
            codes=tuple(entry["codes"]),
        )

    def is_hit(self, finding: dict[str, Any]) -> bool:
        """Whether the finding is about this place."""
        if finding["code"] not in self.codes or finding["path"].removeprefix("./") != self.path:
            return False
        start, end = finding["range"]["start"]["line"], finding["range"]["end"]["line"]
        if self.label == "ok":
            return start in self.lines
        return any(start <= line <= end for line in self.lines)

    def __str__(self) -> str:
        label = f"{self.id} {self.label} ({self.confidence}) {self.variant}"
        return f"{label} {self.repo}@{self.commit[:12]} {self.path}:{self.line}"


@dataclass(frozen=True)
class Judged:
    """A case and the findings about it."""

    case: Case
    findings: tuple[dict[str, Any], ...]

    @property
    def right(self) -> bool:
        return bool(self.findings) == (self.case.label == "bug")


@dataclass(frozen=True)
class Score:
    """What a group of judged cases amounts to."""

    found: int
    missed: int
    false_alarms: int
    silent: int

    @classmethod
    def of(cls, judged: Iterable[Judged]) -> Score:
        outcomes = [(each.case.label, bool(each.findings)) for each in judged]
        kinds = (("bug", True), ("bug", False), ("ok", True), ("ok", False))
        return cls(*(outcomes.count(kind) for kind in kinds))

    @property
    def precision(self) -> float | None:
        return _ratio(self.found, self.found + self.false_alarms)

    @property
    def recall(self) -> float | None:
        return _ratio(self.found, self.found + self.missed)

    @property
    def enough(self) -> bool:
        return (self.precision or 0) >= PRECISION and (self.recall or 0) >= RECALL

    def row(self) -> tuple[object, ...]:
        return (
            self.found,
            self.missed,
            self.false_alarms,
            self.silent,
            _show(self.precision),
            _show(self.recall),
        )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _show(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.3f}"


def find_checkout(folder: Path, repo: str, commit: str) -> Path | None:
    """Where the repository is: the folder of the commit where there is one, else the one of its name."""
    owner, name = repo.split("/")
    for parent, stem in ((folder, f"{owner}__{name}"), (folder / owner, name)):
        for path in sorted(parent.glob(f"{stem}@*")):
            if commit.startswith(path.name.rpartition("@")[2]) and path.is_dir():
                return path
    plain = (folder / f"{owner}__{name}", folder / owner / name)
    return next((path for path in plain if path.is_dir()), None)


def is_labelled_version(path: Path, blob: str) -> bool:
    """Whether the file has the content that was labelled, by its git blob."""
    content = path.read_bytes()
    # Git itself may have checked the file out with other line ends.
    candidates = (content, content.replace(b"\r\n", b"\n"))
    return blob in {hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest() for text in candidates}


def sort_out(cases: Iterable[Case], folder: Path) -> tuple[dict[Path, list[Case]], list[str]]:
    """The cases that can be judged, by checkout; and for the others why not."""
    usable: dict[Path, list[Case]] = {}
    missing = []
    for case in cases:
        checkout = find_checkout(folder, case.repo, case.commit)
        if checkout is None:
            missing.append(f"{case}: the repository is not there")
        elif not (checkout / case.path).is_file():
            missing.append(f"{case}: the file is not there")
        elif not is_labelled_version(checkout / case.path, case.blob):
            missing.append(f"{case}: the file is not the labelled version")
        else:
            usable.setdefault(checkout, []).append(case)
    return usable, missing


def judge(usable: dict[Path, list[Case]], jobs: int) -> tuple[list[Judged], list[Run]]:
    """Check every checkout with one call for all of its files."""

    def run(checkout: Path) -> Run:
        return check(checkout, sorted({case.path for case in usable[checkout]}), ["-j1"])

    with ThreadPoolExecutor(jobs) as pool:
        runs = list(pool.map(run, usable))
    judged = [
        Judged(case, tuple(finding for finding in each.findings if case.is_hit(finding)))
        for each in runs
        if not each.crash
        for case in usable[each.folder]
    ]
    return judged, [each for each in runs if each.crash]


def print_scores(judged: Sequence[Judged]) -> bool:
    """The table; whether every group is good enough."""
    groups = sorted({each.case.rule for each in judged})
    scores = {group: Score.of(each for each in judged if each.case.rule == group) for group in groups}
    header = ("group", "found", "missed", "false alarms", "silent", "precision", "recall", "")
    rows: list[tuple[object, ...]] = [header]
    rows += [(group, *score.row(), "" if score.enough else "TOO LOW") for group, score in scores.items()]
    rows.append(("all", *Score.of(judged).row(), ""))
    print(table(rows))
    return bool(scores) and all(score.enough for score in scores.values())


def print_wrong(title: str, judged: Iterable[Judged]) -> None:
    wrong = [each for each in judged if not each.right]
    if not wrong:
        return
    print(f"\n{title}: {len(wrong)}")
    for each in sorted(wrong, key=lambda one: (one.case.rule, one.case.label, one.case.id)):
        print(f"  {'MISSED     ' if each.case.label == 'bug' else 'FALSE ALARM'} {each.case}")
        print(f"      label: {each.case.why}")
        for finding in each.findings:
            print(f"      found: {finding['range']['start']['line']} {finding['code']} {finding['message']}")


def print_all(judged: Iterable[Judged]) -> None:
    print("\nEvery case:")
    for each in judged:
        found = ", ".join(f"{one['code']}:{one['range']['start']['line']}" for one in each.findings)
        print(f"  {'right' if each.right else 'WRONG'}  {each.case}  [{found}]")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cases", type=Path, required=True, metavar="FILE", help="the cases, a JSON object a line"
    )
    parser.add_argument("--repositories", type=Path, required=True, metavar="FOLDER", help="the checkouts")
    parser.add_argument(
        "--confidence",
        default="high,medium",
        help="the labels that count (default: %(default)s); others are listed",
    )
    parser.add_argument(
        "-j", "--jobs", type=int, default=2, help="calls at the same time (default: %(default)s)"
    )
    parser.add_argument(
        "--disputed",
        default="",
        metavar="IDS",
        help="labels that a reader holds to be wrong, comma-separated: listed, not counted",
    )
    parser.add_argument("--verbose", action="store_true", help="list every case, not only those judged wrong")
    options = parser.parse_args(arguments)

    lines = options.cases.read_text(encoding="utf-8").splitlines()
    cases = [Case.read(line) for line in lines if line.strip()]
    usable, missing = sort_out(cases, options.repositories)
    judged, crashes = judge(usable, options.jobs)
    disputed = set(options.disputed.split(","))
    counting = [
        each
        for each in judged
        if each.case.confidence in options.confidence.split(",") and each.case.id not in disputed
    ]

    good = print_scores(counting)
    print_wrong("Judged wrong", counting)
    print_wrong(
        "Differs from a label that is not counted (low confidence, or disputed)",
        [each for each in judged if each not in counting],
    )
    if options.verbose:
        print_all(judged)
    print(f"\n{len(cases)} cases, {len(judged)} checked, {len(counting)} counted, {len(missing)} not at hand")
    for each in missing:
        print(f"  NOT AT HAND {each}")
    for run in crashes:
        print(f"  CRASH {run.folder}: {run.crash}")
    return 0 if good and not crashes else 1


if __name__ == "__main__":
    sys.exit(main())
