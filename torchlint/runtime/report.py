"""What a look at a live model found, and what could not be looked at: for people, for programs, for a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchlint import __version__
from torchlint.diagnostic import DOCS_URL
from torchlint.report import sarif
from torchlint.report.place import relative

if TYPE_CHECKING:
    from torchlint.diagnostic import Severity

SCHEMA_VERSION = 1

_RANKS: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


class VerificationError(AssertionError):
    """The model has findings of the asked severity; ``report`` has all of them."""

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True)
class Finding:
    """One defect of a live model.

    ``path`` leads from the model to the thing (``decoder.heads[0]``), or to the first of ``count`` alike, whose paths
    are in ``paths``. ``numel`` is the number of elements of all of them. ``owner`` is the class of the module that has
    the ``attribute``, ``assigned_in`` the base whose code assigns it; static findings are joined on class and
    attribute, never on lines. ``assigned`` and ``created`` are ``file:line``, ``created`` only under
    :func:`torchlint.runtime.trace` or where a call was seen. In ``evidence``, ``None`` means not tested.
    """

    code: str
    name: str
    severity: Severity
    message: str
    path: str
    type: str
    numel: int
    owner: str
    attribute: str
    assigned: str | None = None
    assigned_in: str | None = None
    created: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    count: int = 1
    paths: tuple[str, ...] = ()
    help: str = ""

    @property
    def place(self) -> str | None:
        """The line to go to, ``file:line``."""
        return self.assigned or self.created

    def __str__(self) -> str:
        where = f"{_shown(self.place)}: " if self.place else ""
        return f"{where}{self.code} {self.severity}: {self.message}"


@dataclass(frozen=True)
class NotRun:
    """A check that says nothing about the model, and why: it was ``skipped``, or came to no conclusion."""

    check: str
    why: str


@dataclass(frozen=True)
class Allowed:
    """A finding that the model's class allows, with the reason it gives."""

    finding: Finding
    reason: str


@dataclass
class Report:
    """The result of :func:`torchlint.runtime.verify`, and of a ``with`` block of :func:`torchlint.runtime.watch`.

    ``findings`` are sorted, errors first. ``devices`` says for each device whether its check was ``run``,
    ``simulated`` or ``skipped``. ``not_run`` lists the checks that did not take place: a report without findings says
    nothing about those. ``truncated`` says which parts of the model were too large to be looked at.
    """

    target: str = ""
    torch: str = ""
    findings: list[Finding] = field(default_factory=list)
    allowed: list[Allowed] = field(default_factory=list)
    not_run: list[NotRun] = field(default_factory=list)
    devices: dict[str, str] = field(default_factory=dict)
    truncated: list[str] = field(default_factory=list)
    picture: str = ""

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.findings.sort(key=lambda each: (_RANKS[each.severity], each.code, each.path))

    def at_least(self, severity: Severity) -> list[Finding]:
        """The findings of this severity and of graver ones."""
        return [each for each in self.findings if _RANKS[each.severity] <= _RANKS[severity]]

    def raise_on(self, severity: Severity = "error") -> None:
        """Raise :class:`VerificationError` if there are findings of this severity or a graver one.

        Raises ``ValueError`` for an unknown severity.
        """
        if severity not in _RANKS:
            raise ValueError(f"unknown severity {severity!r}: one of {', '.join(_RANKS)}")
        if self.at_least(severity):
            raise VerificationError(self)

    def tree(self) -> str:
        """The model as PyTorch sees it, with the hidden parts marked."""
        return self.picture

    def __str__(self) -> str:
        lines = [_block(each) for each in self.findings]
        lines += [f"allowed: {each.finding.code} {each.finding.path}: {each.reason}" for each in self.allowed]
        lines += [f"not run: {each.check}: {each.why}" for each in self.not_run]
        lines += [f"not looked at: {each}" for each in self.truncated]
        return "\n".join([*lines, self._conclusion()])

    def _conclusion(self) -> str:
        counts = [(sum(each.severity == name for each in self.findings), name) for name in _RANKS]
        found = ", ".join(f"{count} {name}{'s' * (count > 1)}" for count, name in counts if count)
        devices = ", ".join(f"{name}: {status}" for name, status in self.devices.items())
        return f"{self.target}: {found or 'nothing found'}{f' ({devices})' if devices else ''}"

    # ------------------------------------------------------------------------------------------------- for programs

    def as_dict(self) -> dict[str, Any]:
        """What :meth:`to_json` writes: plain lists, dicts, strings and numbers."""
        return {
            "schema_version": SCHEMA_VERSION,
            "tool": "torchlint.runtime",
            "version": __version__,
            "torch": self.torch,
            "target": self.target,
            "devices": dict(self.devices),
            "findings": [_as_dict(each) for each in self.findings],
            "allowed": [{**_as_dict(each.finding), "reason": each.reason} for each in self.allowed],
            "not_run": [asdict(each) for each in self.not_run],
            "truncated": list(self.truncated),
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """The report as JSON, all ASCII; written to ``path`` as well, if that is given."""
        return _written(json.dumps(self.as_dict(), indent=2, default=str) + "\n", path)

    def to_sarif(self, path: str | Path | None = None) -> str:
        """The report as SARIF 2.1.0; written to ``path`` as well, if that is given.

        A finding whose line is not known is located by its path in the model alone.
        """
        from torchlint.rules import all_rules

        rules = tuple(rule for rule in all_rules() if rule.trials)
        numbers = {rule.code: number for number, rule in enumerate(rules)}
        run = {
            "tool": {"driver": sarif.driver(rules)},
            "invocations": [
                {"executionSuccessful": True, "toolExecutionNotifications": self._notifications()}
            ],
            "results": [_sarif_result(each, numbers) for each in self.findings],
        }
        return _written(sarif.document(run), path)

    def _notifications(self) -> list[dict[str, Any]]:
        texts = [f"{each.check} did not run: {each.why}" for each in self.not_run]
        return [{"level": "note", "message": {"text": text}} for text in (*texts, *self.truncated)]


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "paths": list(finding.paths), "url": f"{DOCS_URL}/{finding.code}"}


def _block(finding: Finding) -> str:
    lines = [f"{finding.severity}[{finding.code}] {finding.name}: {finding.message}"]
    more = f" and {finding.count - 1} more" if finding.count > 1 else ""
    if finding.path:
        lines.append(f"  at: {finding.path}{more} ({finding.type})")
    for word, where in (("assigned", finding.assigned), ("created", finding.created)):
        if where:
            lines.append(f"  {word}: {_shown(where)}")
    if finding.help:
        lines.append(f"  help: {finding.help}")
    return "\n".join(lines)


def _shown(place: str | None) -> str:
    file, _, line = (place or "").rpartition(":")
    return f"{relative(file)}:{line}" if Path(file).is_absolute() else place or ""


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    return text


def _sarif_result(finding: Finding, numbers: Mapping[str, int]) -> dict[str, Any]:
    location: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": finding.path or finding.owner, "kind": "object"}]
    }
    if finding.place:
        file, _, line = finding.place.rpartition(":")
        location["physicalLocation"] = {
            "artifactLocation": sarif.artifact(file),
            "region": {"startLine": int(line)},
        }
    return {
        "ruleId": finding.code,
        "ruleIndex": numbers[finding.code],
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [location],
        "partialFingerprints": {"torchlint/v1": f"{finding.owner}.{finding.attribute or finding.path}"},
        "properties": {"path": finding.path, "paths": list(finding.paths), "numel": finding.numel},
    }
