"""What a run cost and where the time went, for ``--stats``: tables to send with a complaint about speed."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from importlib import metadata

from torchlint import __version__, stopwatch
from torchlint.rules import all_rules
from torchlint.stopwatch import CPU, WALL, Costs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.rule import Rule
    from torchlint.run import Outcome, Result

_SLOWEST = 5
"""How many files are listed."""

_MODEL, _RULES = "model, by subject below", "rules, each below"

_STAGES = (
    stopwatch.DISCOVERY,
    stopwatch.CACHE,
    stopwatch.IMPORTS,
    stopwatch.READING,
    stopwatch.OUTLINE,
    stopwatch.SCREEN,
    stopwatch.SEARCH,
    stopwatch.PARSING,
    _MODEL,
    _RULES,
    stopwatch.SUPPRESSION,
    stopwatch.FIXES,
    stopwatch.REPORT,
    stopwatch.CREW,
    stopwatch.COUNTING,
    stopwatch.OTHER,
)

_NOT_OF_A_FILE = (stopwatch.IMPORTS, stopwatch.COUNTING)
"""What one file pays for all, or for these tables."""

_READ = (
    ("read because others import them", "imported"),
    ("read to search for uses of a name", "searched"),
)

_COUNTED = (
    ("with Modules", "files with a Module"),
    ("Modules", "Modules"),
    ("top-level statements left by the screen", "statements"),
    ("top-level statements given to LibCST", "parsed"),
    ("the same, of files looked into besides", "parsed of other files"),
)

_Row = Sequence[str]


def render(costs: Costs, wall: int, result: Result) -> str:
    """``costs`` are those of the run apart from its files, ``wall`` is the time that all of it took."""
    total: Costs = Counter(costs)
    for outcome in result.outcomes:
        total.update(outcome.costs or {})
    # What is waited for is counted where it is done.
    total.pop((WALL, stopwatch.WAITING), None)
    parts = [_heading(total, wall), _files(total, result), _stages(total)]
    if total["number", "checked"]:
        parts += [_rules(total), _slowest(result)]
    return "\n".join("".join(f"{line}\n" for line in part) for part in parts)


# ------------------------------------------------------------------------------------------------------------- parts


def _heading(costs: Costs, wall: int) -> list[str]:
    libcst = f", LibCST {metadata.version('libcst')}" if _is_parsed(costs) else ""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    workers = costs["number", "workers"]
    jobs = f"{workers} worker processes" if workers > 1 else "1 worker process" if workers else "1 process"
    cpu = sum(number for (kind, _), number in costs.items() if kind == CPU)
    nothing = [] if costs["number", "checked"] else ["nothing was checked"]
    return [
        f"torchlint {__version__}, {python}{libcst}, {platform.platform()}",
        ", ".join([f"{_seconds(wall)} s", f"CPU time {_seconds(cpu)} s", jobs, *nothing]),
    ]


def _is_parsed(costs: Costs) -> bool:
    return bool(costs["number", "parsed"] or costs["number", "parsed of other files"])


def _files(costs: Costs, result: Result) -> list[str]:
    checked = costs["bytes", "checked"]
    rows: list[_Row] = [("files", "number", "bytes", "share"), _counted(costs, "checked", "checked", checked)]
    hits, again, _ = result.cached or (0, 0, 0)
    rows.append(
        ("unchanged, by the cache" if result.cached else "unchanged (no cache)", _number(hits), "", "")
    )
    if again:
        rows.append(("unchanged, after asking again", _number(again), "", ""))
    rows += [_counted(costs, label, of, 0) for label, of in _READ]
    rows += [_counted(costs, label, of, checked) for label, of in _COUNTED]
    return _table(rows)


def _counted(costs: Costs, label: str, of: str, whole: int) -> _Row:
    size = costs["bytes", of]
    return label, _number(costs["number", of]), _number(size), _share(size, whole)


def _stages(costs: Costs) -> list[str]:
    times = {kind: _times(costs, kind) for kind in (WALL, CPU)}
    wall, cpu = (sum(times[kind].values()) for kind in (WALL, CPU))
    rows: list[_Row] = [("time", "seconds", "CPU", "share")]
    for name in _STAGES:
        spent = times[WALL][name]
        if spent:
            rows.append((name, _seconds(spent), _seconds(times[CPU][name]), _share(spent, wall)))
    processes = ", added up over all processes" if costs["number", "workers"] else ""
    rows.append((f"total{processes}", _seconds(wall), _seconds(cpu), _share(wall, wall)))
    return _table(rows)


def _times(costs: Costs, kind: str) -> Counter[str]:
    """The time of each stage: those of the subjects are the model's, those of the codes the rules'."""
    found: Counter[str] = Counter()
    codes = {rule.code for rule in all_rules()}
    for (measured, name), spent in costs.items():
        if measured == kind:
            stage = _RULES if name in codes else name if name in _STAGES else _MODEL
            found[stopwatch.OTHER if name == stopwatch.WAITING else stage] += spent
    return found


def _rules(costs: Costs) -> list[str]:
    """The subject whose screen leaves most comes first."""
    subjects: dict[str, list[Rule]] = {}
    for rule in all_rules():
        if ("number", rule.code) in costs:
            subjects.setdefault(rule.subject, []).append(rule)
    rows: list[_Row] = [
        ("subjects and their rules", "candidates", "bytes", "share", "looked at", "seconds", "findings")
    ]
    idle = [
        rule.code for subject, rules in subjects.items() for rule in rules if not costs["number", subject]
    ]
    busy = [subject for subject in subjects if costs["number", subject]]
    for subject in sorted(busy, key=lambda each: (-costs["bytes", each], each)):
        things = _number(costs["things", subject])
        rows.append((*_candidates(costs, subject, subject), things, _seconds(costs[WALL, subject]), ""))
        for rule in subjects[subject]:
            found = _number(costs["findings", rule.code])
            label = f"  {rule.code} {rule.name}"
            rows.append((*_candidates(costs, label, rule.code), "", _seconds(costs[WALL, rule.code]), found))
    return [*_table(rows), *([f"no candidates: {' '.join(sorted(idle))}"] if idle else [])]


def _candidates(costs: Costs, label: str, of: str) -> _Row:
    return _counted(costs, label, of, costs["bytes", "checked"])


def _slowest(result: Result) -> list[str]:
    timed = [(_spent(outcome), outcome) for outcome in result.outcomes if outcome.costs is not None]
    timed.sort(key=lambda each: (-each[0], each[1].path))
    rows: list[_Row] = [("slowest files", "bytes", "seconds")]
    for spent, outcome in timed[:_SLOWEST]:
        size = outcome.costs["bytes", "checked"] if outcome.costs else 0
        rows.append((outcome.path, _number(size), _seconds(spent)))
    return _table(rows)


def _spent(outcome: Outcome) -> int:
    return sum(
        spent
        for (kind, stage), spent in (outcome.costs or {}).items()
        if kind == WALL and stage not in _NOT_OF_A_FILE
    )


# -------------------------------------------------------------------------------------------------------------- text


def _table(rows: Sequence[_Row]) -> list[str]:
    """Labels to the left, numbers to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _number(number: int) -> str:
    return f"{number:,}"


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.3f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
