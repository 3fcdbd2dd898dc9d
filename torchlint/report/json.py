"""The stable interface for programs; see ``schema_version``.

Lines and columns count from 1, columns in code points, and the end of a range is exclusive. A file that could
not be checked is in ``diagnostics`` as a TL000, like any finding, and in ``errors`` as well, which also holds
paths that do not exist.
"""

from __future__ import annotations

import json

from torchlint import __version__
from torchlint.diagnostic import DOCS_URL
from torchlint.report.fingerprint import fingerprints
from torchlint.report.place import as_json, relative
from torchlint.report.style import Style
from torchlint.report.summary import Totals, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.diagnostic import Diagnostic, Fix
    from torchlint.run import Result

SCHEMA_VERSION = 1


def render(result: Result, style: Style) -> str:
    del style  # colours and brevity are for people
    found = zip(result.diagnostics, fingerprints(result), strict=True)
    return document({"diagnostics": [_diagnostic(each, name) for each, name in found]}, result)


def document(body: dict[str, Any], result: Result) -> str:
    """``body`` between the parts that every JSON report has. All ASCII, so that it survives any encoding."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "version": __version__,
        **body,
        "errors": [{"path": relative(path), "message": message} for path, message in errors(result)],
        "summary": Totals.of(result)._asdict(),
    }
    return json.dumps(content, indent=2) + "\n"


def _diagnostic(diagnostic: Diagnostic, fingerprint: str) -> dict[str, Any]:
    finding = diagnostic.finding
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "path": relative(diagnostic.path),
        "range": as_json(diagnostic.range),
        "labels": [{"range": as_json(label.range), "message": label.message} for label in finding.labels],
        "help": finding.help or None,
        "fix": _fix(finding.fix) if finding.fix else None,
        "url": f"{DOCS_URL}/{diagnostic.code}",
        "fingerprint": fingerprint,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "message": fix.message,
        "safety": fix.safety,
        "edits": [{"range": as_json(edit.range), "content": edit.content} for edit in fix.edits],
    }
