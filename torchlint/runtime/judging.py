"""From observations to findings: those alike are taken together, and the rules that ask for them are called."""

from __future__ import annotations

import linecache
from collections.abc import Iterable, Iterator, Mapping

from torchlint.config import Config
from torchlint.diagnostic import Diagnostic, Position, Range
from torchlint.diagnostic import Finding as Placed
from torchlint.observed import Observation
from torchlint.rule import Rule
from torchlint.rules import all_rules
from torchlint.runtime.allowance import allowed
from torchlint.runtime.report import Allowed, Finding, Report
from torchlint.settings import check_selectors
from torchlint.suppress import apply as suppress


class Judge:
    """Calls the runtime witnesses that ``select`` and ``ignore`` leave, as ``torchlint check`` would choose rules.

    Raises :class:`torchlint.settings.ConfigError` for a selector that means no rule.
    """

    def __init__(self, select: Iterable[str] | None = None, ignore: Iterable[str] | None = None) -> None:
        selected, ignored = _names(select, ("TL",)), _names(ignore, ())
        check_selectors(selected, "select")
        check_selectors(ignored, "ignore")
        config = Config(select=selected, ignore=ignored)
        self.rules: list[Rule] = [rule for rule in all_rules() if rule.trials and config.enabled(rule)]

    def wants(self, *observations: type[Observation]) -> bool:
        """Whether any rule looks at one of these."""
        names = {each.__name__ for each in observations}
        return any(names.intersection(rule.trials) for rule in self.rules)

    def findings(self, observations: Iterable[Observation]) -> Iterator[Finding]:
        for observed in together(observations):
            for rule in self.rules:
                trial = rule.trials.get(type(observed).__name__)
                for verdict in trial(observed) if trial else ():
                    yield Finding(
                        code=rule.code,
                        name=rule.name,
                        severity=verdict.severity,
                        message=verdict.message,
                        help=verdict.help,
                        path=observed.path,
                        type=observed.type,
                        numel=observed.numel,
                        owner=observed.owner,
                        attribute=observed.attribute,
                        assigned=observed.assigned,
                        assigned_in=observed.assigned_in,
                        created=observed.created,
                        evidence=dict(observed.evidence),
                        count=observed.count,
                        paths=observed.paths or ((observed.path,) if observed.path else ()),
                    )

    def report(self, observations: Iterable[Observation], into: Report, classes: Mapping[str, type]) -> None:
        """Add what the rules find; ``classes`` are those of the model by name, which may allow a finding."""
        for finding in self.findings(observations):
            cls = classes.get(finding.owner)
            allowance = allowed(cls, finding.code, finding.name, finding.attribute) if cls else None
            if allowance is not None:
                into.allowed.append(Allowed(finding, allowance.reason))
            elif is_silenced(finding):
                into.allowed.append(Allowed(finding, f"by a comment at {finding.place}"))
            else:
                into.add(finding)


def is_silenced(finding: Finding) -> bool:
    """Whether a comment on the line of the finding silences the rule, as it does for ``torchlint check``."""
    file, _, line = (finding.place or "").rpartition(":")
    lines = linecache.getlines(file) if file else []
    if not 0 < int(line or 0) <= len(lines):
        return False
    start = Position(int(line), 1)
    place = Range(start, Position(start.line, len(lines[start.line - 1]) + 1))
    static = Diagnostic(finding.code, finding.name, finding.severity, file, Placed(place, finding.message))
    return static not in suppress("".join(lines), [static], lambda _: False, file)


def together(observations: Iterable[Observation]) -> list[Observation]:
    """Observations with equal keys as one: the first of them, with the paths and numbers of all."""
    groups: dict[tuple[object, ...], list[Observation]] = {}
    for each in observations:
        groups.setdefault(each.key, []).append(each)
    return [group[0].with_others(group[1:]) if group[1:] else group[0] for group in groups.values()]


def _names(given: Iterable[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    if given is None:
        return default
    return (given,) if isinstance(given, str) else tuple(given)
