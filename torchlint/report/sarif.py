"""SARIF 2.1.0, for code scanning services.

Places are relative to the source root, which is the working directory, so that a report means the same on
another machine; a file outside it has an absolute one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

from torchlint import __version__
from torchlint.report.fingerprint import fingerprints
from torchlint.report.place import relative
from torchlint.report.style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.diagnostic import Diagnostic, Fix, Range
    from torchlint.rule import Rule
    from torchlint.run import Result

    Json = dict[str, Any]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOMEPAGE = "https://torchlint.readthedocs.io"


def render(result: Result, style: Style) -> str:
    del style
    from torchlint.rules import all_rules

    rules = tuple(rule for rule in all_rules() if "source" in rule.witnesses)
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    found = zip(result.diagnostics, fingerprints(result), strict=True)
    run = {
        "tool": {"driver": driver(rules)},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(result)],
        "results": [_result(each, name, numbers) for each, name in found],
    }
    return document(run)


def document(run: Json) -> str:
    """One run as a whole file."""
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def driver(rules: tuple[Rule, ...]) -> Json:
    return {
        "name": "torchlint",
        "informationUri": HOMEPAGE,
        "version": __version__,
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: Rule) -> Json:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.page},
        "help": {"text": rule.page, "markdown": rule.page},
        "helpUri": rule.url,
        "defaultConfiguration": {"level": rule.severity, "enabled": not rule.preview},
    }


def _invocation(result: Result) -> Json:
    """A missing path is no result: it has no place in a file. It makes the run an incomplete one."""
    invocation: Json = {"executionSuccessful": not result.missing}
    if result.missing:
        invocation["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": f"{path} does not exist"}} for path in result.missing
        ]
    return invocation


def _result(diagnostic: Diagnostic, fingerprint: str, numbers: dict[str, int]) -> Json:
    finding = diagnostic.finding
    place = artifact(diagnostic.path)
    result: Json = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity,
        "message": {"text": diagnostic.message},
        "locations": [{"physicalLocation": {"artifactLocation": place, "region": _region(finding.range)}}],
        "partialFingerprints": {"torchlint/v1": fingerprint},
    }
    if diagnostic.code in numbers:
        result["ruleIndex"] = numbers[diagnostic.code]
    if finding.labels:
        result["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": {"artifactLocation": place, "region": _region(label.range)},
                "message": {"text": label.message},
            }
            for number, label in enumerate(finding.labels)
        ]
    if finding.fix:
        result["fixes"] = [_fix(finding.fix, place)]
    return result


def _fix(fix: Fix, place: Json) -> Json:
    unsafe = " (unsafe: review the change)" if fix.safety == "unsafe" else ""
    replacements = [
        {"deletedRegion": _region(edit.range), "insertedContent": {"text": edit.content}}
        for edit in fix.edits
    ]
    return {
        "description": {"text": f"{fix.message}{unsafe}"},
        "artifactChanges": [{"artifactLocation": place, "replacements": replacements}],
    }


def artifact(path: str) -> Json:
    shown = relative(path)
    if shown.startswith("../") or Path(shown).is_absolute():
        return {"uri": Path(os.path.abspath(path)).as_uri()}  # links stay as they are
    return {"uri": quote(os.fsencode(shown)), "uriBaseId": "%SRCROOT%"}


def _region(place: Range) -> Json:
    return {
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
    }
