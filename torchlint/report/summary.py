"""The numbers of a run, and the sentence that ends a report for people."""

from __future__ import annotations

from torchlint.record import Record
from torchlint.report.style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.run import Result


class Totals(Record):
    """``fixable`` is what ``--fix`` mends with the same options; ``fixable_unsafe`` is what else there is."""

    files: int
    files_with_findings: int
    findings: int
    not_checked: int
    fixable: int
    fixable_unsafe: int
    fixed: int

    @classmethod
    def of(cls, result: Result) -> Totals:
        found = result.diagnostics
        return cls(
            files=result.files,
            files_with_findings=len({diagnostic.path for diagnostic in found}),
            findings=len(found),
            not_checked=len(errors(result)),
            fixable=sum(result.applicable(diagnostic) for diagnostic in found),
            fixable_unsafe=sum(result.needs_unsafe(diagnostic) for diagnostic in found),
            fixed=len(result.fixed),
        )


def errors(result: Result) -> list[tuple[str, str]]:
    """Path and reason of everything that could not be checked, missing paths among them."""
    failed = [(each.path, each.message) for each in result.diagnostics if each.code == "TL000"]
    return [*failed, *((path, "does not exist") for path in result.missing)]


def conclusion(result: Result, style: Style) -> str:
    """``Found 3 errors in 2 files (12 checked). 1 fixable with `--fix`.``"""
    totals = Totals.of(result)
    if not totals.findings:
        fixed = f"Fixed {count(totals.fixed, 'error')}. " if totals.fixed else ""
        if not totals.files and result.missing:
            return f"{fixed}Nothing was checked."
        passed = style.paint("All checks passed!", "bold", "green")
        return f"{fixed}{passed} ({count(totals.files, 'file')} checked)"
    found = f"Found {_by_severity(result)} in {count(totals.files_with_findings, 'file')}"
    fixed = f" {totals.fixed} fixed." if totals.fixed else ""
    return f"{style.paint(found, 'bold')} ({totals.files} checked).{fixed}{_fixable(totals)}"


def _by_severity(result: Result) -> str:
    severities = [diagnostic.severity for diagnostic in result.diagnostics]
    present = [kind for kind in ("error", "warning", "note") if kind in severities]
    counts = [count(severities.count(kind), kind) for kind in present]
    return " and ".join([", ".join(counts[:-1]), counts[-1]] if len(counts) > 1 else counts)


def _fixable(totals: Totals) -> str:
    if totals.fixable and totals.fixable_unsafe:
        return f" {totals.fixable} fixable with `--fix`, {totals.fixable_unsafe} more with `--unsafe-fixes`."
    if totals.fixable:
        return f" {totals.fixable} fixable with `--fix`."
    if totals.fixable_unsafe:
        return f" {totals.fixable_unsafe} fixable with `--fix --unsafe-fixes`."
    return ""


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
