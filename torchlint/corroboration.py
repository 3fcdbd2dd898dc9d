"""Static findings beside what was seen on live models of the same classes, joined on class and attribute.

Lines do not join them: a base class, a helper or a decorator may be where one witness points and the other does not.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from torchlint.rule import Rule

Status = Literal["confirmed", "unconfirmed", "not constructible", "inconclusive"]
STATUSES: tuple[Status, ...] = ("confirmed", "unconfirmed", "not constructible", "inconclusive")

_SEEN_WITHOUT_INPUTS = {
    "UninitialisedModule",
    "HiddenModule",
    "HiddenParameter",
    "HiddenTensor",
    "DerivedTensor",
    "FailedCopy",
    "BrokenTie",
    "EmptyEntry",
    "RepeatedEntry",
    "RecurrentDropout",
    "RunningStatistics",
    "IdleSwitch",
}
"""What :func:`torchlint.runtime.verify` observes by looking at a model alone."""

_SEEN_OVER_STEPS = {
    "SchedulerPace",
    "OptimizerSteps",
    "BackwardModes",
    "UncoveredParameter",
    "ForeignTensors",
}
"""What only a training run shows, or an optimizer."""


class Unusable(Exception):
    """The file of findings cannot be used, for the reason given."""


class Claim(NamedTuple):
    """A static finding: what it says, and which class and attribute it says it of, as far as the source tells."""

    code: str
    name: str
    message: str
    path: str
    line: int
    cls: str | None
    attribute: str | None

    @property
    def subject(self) -> str:
        return ".".join(part for part in (self.cls, self.attribute) if part)


class Judged(NamedTuple):
    """A claim with what the runtime has to say about it."""

    claim: Claim
    status: Status
    reason: str


class Comparison(NamedTuple):
    """All claims, and what only the runtime saw."""

    judged: list[Judged]
    runtime_only: list[dict[str, Any]]

    def count(self, status: Status) -> int:
        return sum(each.status == status for each in self.judged)


# ------------------------------------------------------------------------------------------------------------- reading


def read_claims(file: Path, root: Path) -> list[Claim]:
    """The findings of ``torchlint check --output-format json``, whose paths are relative to ``root``.

    Raises :class:`Unusable` where the file is not such a report.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["diagnostics"]
        rows = [(row, root / row["path"]) for row in found]
        trees = {path: _tree(path) for _, path in rows}
        return [_claim(row, path, trees[path]) for row, path in rows]
    except OSError as error:
        raise Unusable(f"{error.filename or file}: {error.strerror}") from None
    except (ValueError, TypeError, LookupError):
        raise Unusable(f"{file}: this is not what `torchlint check --output-format json` prints") from None


def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except FileNotFoundError:
        raise Unusable(f"{path}: no such file; give the folder that was checked as PATH") from None
    except (SyntaxError, ValueError):
        return None


def _claim(row: Mapping[str, Any], path: Path, tree: ast.Module | None) -> Claim:
    first, last = row["range"]["start"]["line"], row["range"]["end"]["line"]
    cls, attribute = _subject(tree, first, last) if tree is not None else (None, None)
    return Claim(row["code"], row["name"], row["message"], str(path), first, cls, attribute)


def _subject(tree: ast.Module, first: int, last: int) -> tuple[str | None, str | None]:
    """The class around some lines, and the attribute of ``self`` that they assign."""
    qualname: list[str] = []
    found: str | None = None
    body: Sequence[ast.stmt] = tree.body
    inside: ast.stmt | None = None
    while (around := next((node for node in body if _spans(node, first)), None)) is not None:
        if isinstance(around, ast.ClassDef):
            qualname.append(around.name)
            found = ".".join(qualname)
        elif isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef)):
            qualname += [around.name, "<locals>"]
        inside, body = around, _inner(around)
    return found, _attribute(inside, last) if inside is not None else None


def _spans(node: ast.stmt, line: int) -> bool:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return (
        min([node.lineno, *(each.lineno for each in decorators)]) <= line <= (node.end_lineno or node.lineno)
    )


def _inner(node: ast.stmt) -> list[ast.stmt]:
    blocks = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
    blocks += [each.body for each in (*getattr(node, "handlers", []), *getattr(node, "cases", []))]
    return [statement for block in blocks for statement in block]


def _attribute(statement: ast.stmt, last: int) -> str | None:
    attributes = [
        node
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.lineno <= last
    ]
    stored = [node for node in attributes if isinstance(node.ctx, ast.Store)]
    return stored[0].attr if stored else None


# ------------------------------------------------------------------------------------------------------------- joining


def compare(
    claims: Iterable[Claim], answers: Mapping[tuple[str, str], Mapping[str, Any]], rules: Mapping[str, Rule]
) -> Comparison:
    """Join claims with the answers about their classes, by file and name of the class."""
    judged: list[Judged] = []
    confirming: set[int] = set()
    for claim in claims:
        answer = answers.get((claim.path, claim.cls or ""))
        status, reason, seen = _judge(claim, answer, rules.get(claim.code))
        judged.append(Judged(claim, status, reason))
        confirming |= seen
    found = [
        each for answer in answers.values() if "report" in answer for each in answer["report"]["findings"]
    ]
    return Comparison(
        judged, [each for each in found if id(each) not in confirming and each["severity"] != "note"]
    )


def _judge(claim: Claim, answer: Mapping[str, Any] | None, rule: Rule | None) -> tuple[Status, str, set[int]]:
    if rule is None or not rule.trials:
        return "inconclusive", f"{claim.code} has no runtime witness", set()
    if claim.cls is None:
        return "inconclusive", "it is not about a class", set()
    if "<locals>" in claim.cls:
        return "not constructible", f"`{claim.cls}` is made by a function", set()
    if answer is None or "failed" in answer:
        return "not constructible", answer["failed"] if answer else "it was not built", set()
    report = answer["report"]
    matching = [each for each in report["findings"] if _is_same(claim, each, answer["class"])]
    if matching:
        return "confirmed", matching[0]["message"], {id(each) for each in matching}
    if rule.trials.keys() <= _SEEN_OVER_STEPS:
        return "inconclusive", "only training steps show it: see `runtime.watch`", set()
    if not rule.trials.keys() & _SEEN_WITHOUT_INPUTS and (why := _forward_not_run(report)):
        return "inconclusive", why, set()
    return "unconfirmed", f"nothing of the kind on a model built with {answer['how']}", set()


def _is_same(claim: Claim, finding: Mapping[str, Any], cls: str) -> bool:
    if finding["code"] != claim.code or cls not in (finding["owner"], finding["assigned_in"]):
        return False
    return claim.attribute is None or not finding["attribute"] or claim.attribute == finding["attribute"]


def _forward_not_run(report: Mapping[str, Any]) -> str | None:
    return next((each["why"] for each in report["not_run"] if each["check"].startswith("forward")), None)
