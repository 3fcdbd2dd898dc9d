"""TL000: what is said about a file that no rule, or not every rule, could look at."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Position, Range
from torchlint.record import Record
from torchlint.rule import rule

START = Position(1, 1)


class Failure(Record):
    """Why a file could not be checked to the end; ``position`` is where, as far as that is known."""

    reason: str
    position: Position = START


@rule("TL000", since="0.1.0")
def file_not_checked(failure: Failure) -> Iterator[Finding]:
    """A file that could not be checked is reported, never skipped in silence.

    A linter that stays silent about a file it could not read looks exactly like a linter that found nothing.
    So a file with a syntax error, with bytes that are not text in its declared encoding, or with an
    expression nested too deeply to analyse gives one TL000 with the reason, and the exit status is 1.

    A rule that fails on a file gives a TL000 as well: it names the rule and the line, the other rules still
    report what they find, and the other files are still checked. Please report such a failure as a bug of
    torchlint, with the file if you can share it.

    TL000 cannot be suppressed by a comment. Take a file that is not meant to be Python out of the run with
    ``exclude`` in ``[tool.torchlint]``.

    References:
    - https://docs.python.org/3/library/exceptions.html#SyntaxError
    - https://peps.python.org/pep-0263/
    """
    yield Finding(range=Range(failure.position, failure.position), message=failure.reason)
