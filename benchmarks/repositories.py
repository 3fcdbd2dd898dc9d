"""Run ``torchlint check`` on whole repositories, and list the findings for a person to read and judge.

Prints for each folder how long it took, how many findings each rule has, the files that could not be checked
(TL000), and crashes. ``--output NAME`` writes NAME.json with every finding and NAME.md, to read: each finding
with the lines around it and room for a verdict. ``--sample N`` takes N findings of each rule into NAME.md,
drawn over all folders with ``--seed``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from command import Run, check, table

CONTEXT = 6
Finding = dict[str, Any]


def with_context(folder: Path, finding: Finding) -> Finding:
    """The finding with the folder it is in, the source around it, and an empty verdict to fill in."""
    rows = (folder / finding["path"]).read_text(encoding="utf-8", errors="replace").splitlines()
    first, last = finding["range"]["start"]["line"], finding["range"]["end"]["line"]
    numbers = range(max(1, first - CONTEXT), min(len(rows), last + CONTEXT) + 1)
    source = [f"{'>' if first <= number <= last else ' '}{number:5} {rows[number - 1]}" for number in numbers]
    return {"repository": folder.name, **finding, "source": source, "verdict": None}


def draw(findings: Iterable[Finding], sample: int | None, seed: int) -> list[Finding]:
    """``sample`` findings of each rule, all of them where there are not more, in the order of the codes."""
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding["code"], []).append(finding)
    chosen = []
    for code, group in sorted(by_code.items()):
        size = len(group) if sample is None else min(sample, len(group))
        drawn = random.Random(f"{seed}-{code}").sample(group, size)
        chosen += sorted(
            drawn, key=lambda one: (one["repository"], one["path"], one["range"]["start"]["line"])
        )
    return chosen


def render(findings: Sequence[Finding]) -> str:
    """The reading list."""
    parts = [f"# {len(findings)} findings to read\n"]
    for number, one in enumerate(findings, start=1):
        place = f"{one['repository']}/{one['path']}:{one['range']['start']['line']}"
        labels = [f"- {label['range']['start']['line']}: {label['message']}" for label in one["labels"]]
        parts += [f"## {number}. {one['code']} {place}\n", f"{one['message']}\n", *labels]
        parts += ["\n```python", *one["source"], "```\n", "Verdict:\n"]
    return "\n".join(parts)


def summarize(runs: Sequence[Run]) -> str:
    """A row for each folder, a column for each rule."""
    counts = [Counter(finding["code"] for finding in run.findings) for run in runs]
    codes = sorted({code for count in counts for code in count})
    rows: list[tuple[object, ...]] = [("folder", "seconds", *codes, "")]
    for run, count in zip(runs, counts, strict=True):
        note = "CRASH" if run.crash else ""
        rows.append((run.folder.name, f"{run.seconds:.1f}", *(count[code] for code in codes), note))
    total: Counter[str] = sum(counts, Counter())
    rows.append(("all", f"{sum(run.seconds for run in runs):.1f}", *(total[code] for code in codes), ""))
    return table(rows)


def print_failures(runs: Iterable[Run]) -> None:
    for run in runs:
        for one in run.findings:
            if one["code"] == "TL000":
                line = one["range"]["start"]["line"]
                print(f"TL000 {run.folder.name}/{one['path']}:{line} {one['message']}")
        for error in run.errors:
            print(f"ERROR {run.folder.name}: {error}")
        if run.crash:
            print(f"CRASH {run.folder.name}: {run.crash}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="a repository or package")
    parser.add_argument("--output", type=Path, metavar="NAME", help="write NAME.json and NAME.md")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="findings of each rule in NAME.md (default: all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: %(default)s)")
    parser.add_argument("--select", default="TL", help="rules to run (default: %(default)s)")
    parser.add_argument(
        "-j", "--jobs", type=int, default=2, help="folders at the same time (default: %(default)s)"
    )
    options = parser.parse_args(arguments)

    def run(folder: Path) -> Run:
        return check(folder.resolve(), options=["-j1", "--select", options.select])

    with ThreadPoolExecutor(options.jobs) as pool:
        runs = list(pool.map(run, options.folders))
    print(summarize(runs))
    print_failures(runs)
    if options.output:
        findings = [with_context(run.folder, finding) for run in runs for finding in run.findings]
        text = json.dumps(findings, indent=1, ensure_ascii=False)
        options.output.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
        reading = render(draw(findings, options.sample, options.seed))
        options.output.with_suffix(".md").write_text(reading, encoding="utf-8")
    return 1 if any(run.crash for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
