"""Many files: each is checked by the engine, here or in worker processes, and the results are put in order.

Nothing depends on the number of workers: files are checked independently, fixes are worked out for all files
before the first one is written, and results are sorted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from torchlint.config import Config
from torchlint.diagnostic import Diagnostic

if TYPE_CHECKING:
    from torchlint.project.index import Project

# Below this, starting worker processes costs more than it saves.
WORTH_WORKERS = 50

_PROJECTS: dict[Path, Project] = {}


@dataclass(frozen=True)
class Job:
    """A file to check: ``path`` is as reports show it and can be opened from the working directory."""

    path: str
    config: Config
    fix: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of one file. ``text`` is what the diagnostics point into.

    ``fix_tried``: the fixes were applied, as far as they could be; ``fixed`` are the diagnostics this mended.
    """

    path: str
    diagnostics: tuple[Diagnostic, ...] = ()
    text: str = ""
    unsafe_fixes: bool = False
    fix_tried: bool = False
    before: bytes = b""
    after: bytes | None = None
    fixed: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Result:
    """The outcome of a run, as reports are made from it. ``missing`` are paths that do not exist."""

    outcomes: tuple[Outcome, ...] = ()
    missing: tuple[str, ...] = ()

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        found = (diagnostic for outcome in self.outcomes for diagnostic in outcome.diagnostics)
        return tuple(sorted(found, key=lambda diagnostic: diagnostic.sort_key))

    @cached_property
    def fixed(self) -> tuple[Diagnostic, ...]:
        return tuple(diagnostic for outcome in self.outcomes for diagnostic in outcome.fixed)

    @cached_property
    def _by_path(self) -> dict[str, Outcome]:
        return {outcome.path: outcome for outcome in self.outcomes}

    def text_of(self, path: str) -> str:
        outcome = self._by_path.get(path)
        return outcome.text if outcome else ""

    def applicable(self, diagnostic: Diagnostic) -> bool:
        """Whether ``--fix`` would mend it, under the settings of its file."""
        fix, outcome = diagnostic.fix, self._by_path.get(diagnostic.path)
        if fix is None or (outcome and outcome.fix_tried):
            return False
        return fix.safety == "safe" or bool(outcome and outcome.unsafe_fixes)

    def needs_unsafe(self, diagnostic: Diagnostic) -> bool:
        """Whether only ``--unsafe-fixes`` would mend it, as a safe fix that would take a comment with it."""
        outcome = self._by_path.get(diagnostic.path)
        unsafe = bool(outcome and outcome.unsafe_fixes)
        return diagnostic.fix is not None and not unsafe and not self.applicable(diagnostic)


def check_files(jobs: Sequence[Job], workers: int | None = None) -> tuple[Outcome, ...]:
    """Check the files, in the order given. Without ``workers``, as many processes as there are processors."""
    collect_less_often()
    wanted = _processors() if workers is None else workers
    if wanted > 1 and (workers is not None or len(jobs) >= WORTH_WORKERS):
        from torchlint.pool import check_in_processes

        return check_in_processes(jobs, min(wanted, len(jobs)))
    return tuple(check_file(job) for job in jobs)


def collect_less_often() -> None:
    """Let garbage wait: by default Python walks all the outlines and trees that are kept each time a few are added."""
    gc.set_threshold(200_000, 50, 50)


def _processors() -> int:
    """Those that this process may use, which in a container are fewer than the machine has."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_file(job: Job) -> Outcome:
    try:
        content = Path(job.path).read_bytes()
    except OSError as error:
        return not_checked(job.path, f"cannot be read: {error.strerror or error}")
    return check_content(content, job)


def check_content(content: bytes, job: Job) -> Outcome:
    """Check ``content`` as if it were in the file. Nothing raises: one bad file must not cost the others."""
    try:
        return _check_content(content, job)
    except Exception as error:
        return not_checked(job.path, f"internal error: {type(error).__name__}: {error}")


def _check_content(content: bytes, job: Job) -> Outcome:
    from torchlint.engine import check_source

    config = job.config.enabled_for(job.path)
    project = _project_of(job.path)
    found = check_source(content, job.path, config, project)
    if not job.fix or not any(_may_apply(diagnostic, config) for diagnostic in found):
        text = _text(content, job.path) if found else ""
        before = content if job.fix else b""
        return Outcome(job.path, tuple(found), text, config.unsafe_fixes, job.fix, before)
    from torchlint.fix.apply import fix_source

    fixed = fix_source(
        content,
        job.path,
        lambda source: check_source(source, job.path, config, project),
        unsafe=config.unsafe_fixes,
    )
    # Files that import this one must see the same of it in whatever order, and process, they are checked.
    project.parse(_text(content, job.path), Path(job.path))
    return Outcome(
        job.path,
        fixed.remaining,
        _text(fixed.source, job.path),
        config.unsafe_fixes,
        fix_tried=True,
        before=content,
        after=fixed.source if fixed.source != content else None,
        fixed=fixed.applied,
    )


def _project_of(path: str) -> Project:
    """The project of a file. One for each root, so that files of a project share what is known about it."""
    from torchlint.project.index import Project
    from torchlint.project.installed import find_root

    root = find_root(Path(path))
    if root not in _PROJECTS:
        _PROJECTS[root] = Project(root)
    return _PROJECTS[root]


def not_checked(path: str, reason: str) -> Outcome:
    """The outcome for a file that no rule could look at."""
    from torchlint.rules.tl000_file_not_checked import Failure, file_not_checked

    rule = file_not_checked
    (finding,) = rule.check(Failure(reason))
    return Outcome(path, (Diagnostic(rule.code, rule.name, rule.severity, path, finding),))


def _may_apply(diagnostic: Diagnostic, config: Config) -> bool:
    fix = diagnostic.fix
    return fix is not None and (fix.safety == "safe" or config.unsafe_fixes)


def _text(content: bytes, path: str) -> str:
    """The text that positions count in, or nothing where the file is not text: reports do without."""
    from torchlint.model.source import SourceError, decode

    try:
        return decode(content, path).text
    except SourceError:
        return ""
