"""What a rule reports and what a user reads: plain, picklable data without any syntax tree.

Positions are 1-based lines and 1-based columns counted in code points; the end of a range is exclusive. Text
formats print them as they are, flake8 gets ``column - 1``.
"""

from __future__ import annotations

from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Severity = Literal["error", "warning", "note"]
    Safety = Literal["safe", "unsafe"]


DOCS_URL = "https://torchlint.readthedocs.io/rules"


class Position(Record):
    line: int
    column: int


class Range(Record):
    start: Position
    end: Position


class Edit(Record):
    """Replace the text of ``range`` by ``content``; an empty range inserts, an empty content deletes."""

    range: Range
    content: str


class Fix(Record):
    """Edits that belong together: all of them are applied, or none."""

    message: str
    edits: tuple[Edit, ...]
    safety: Safety = "safe"


class Label(Record):
    """A second place that explains the finding, with a few words about it."""

    range: Range
    message: str


class Finding(Record):
    """One defect as a rule sees it: where, what goes wrong for the user's model, and how to mend it.

    ``caption`` is the short text printed beside the caret; ``help`` says what to do where no fix is offered.
    """

    range: Range
    message: str
    caption: str = ""
    labels: tuple[Label, ...] = ()
    fix: Fix | None = None
    help: str = ""


class Verdict(Record):
    """One defect of a live model as a rule sees it; the things it is about are the observation's.

    ``note`` is for a fact that a reader may want to know and that is no defect by itself.
    """

    message: str
    severity: Severity = "error"
    help: str = ""


class Diagnostic(Record):
    """A finding with the rule that made it and the file it is in, as every report shows it."""

    code: str
    name: str
    severity: Severity
    path: str
    finding: Finding

    @property
    def range(self) -> Range:
        return self.finding.range

    @property
    def message(self) -> str:
        return self.finding.message

    @property
    def fix(self) -> Fix | None:
        return self.finding.fix

    @property
    def sort_key(self) -> tuple[str, Range, str, str]:
        return (self.path, self.range, self.code, self.message)
