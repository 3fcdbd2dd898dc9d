"""Many files: each is checked by the engine, here or in worker processes, and the results are put in order.

Nothing depends on the number of workers: files are checked independently, fixes are worked out for all files
before the first one is written, and results are sorted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property

from torchlint.config import Config
from torchlint.diagnostic import Diagnostic
from torchlint.record import Record
from torchlint.stopwatch import CACHE, CREW, FIXES, IMPORTS, Costs, apart, clock, stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.cache.results import Counts, Held, ResultCache
    from torchlint.project.index import Project
    from torchlint.project.trace import Notes
    from torchlint.projects import Projects

# Below this, starting worker processes costs more than it saves.
WORTH_WORKERS = 50


class Job(Record):
    """A file to check: ``path`` is as reports show it and can be opened from the working directory."""

    path: str
    config: Config
    fix: bool = False


class Outcome(Record):
    """What came of one file. ``text`` is what the diagnostics point into.

    ``fix_tried``: the fixes were applied, as far as they could be; ``fixed`` are the diagnostics this mended.
    ``lasting``: as long as nothing changes, the same would come of the file again.
    ``notes`` is what the cache wants to know about how it was found, ``costs`` what it took, where that is measured.
    """

    path: str
    diagnostics: tuple[Diagnostic, ...] = ()
    text: str = ""
    unsafe_fixes: bool = False
    fix_tried: bool = False
    before: bytes = b""
    after: bytes | None = None
    fixed: tuple[Diagnostic, ...] = ()
    lasting: bool = False
    notes: Notes | None = None
    costs: Costs | None = None


class Result:
    """The outcome of a run, as reports are made from it. ``missing`` are paths that do not exist.

    ``files`` says how many there were, by default one for each outcome; ``cached`` how many of them were answered for
    by the cache, where there is one.
    """

    def __init__(
        self,
        outcomes: tuple[Outcome, ...] = (),
        missing: tuple[str, ...] = (),
        cached: Counts | None = None,
        files: int | None = None,
    ) -> None:
        self.outcomes = outcomes
        self.files = len(outcomes) if files is None else files
        self.missing = missing
        self.cached = cached

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


def check_files(
    files: Mapping[str, Config],
    fix: bool = False,
    workers: int | None = None,
    cache: ResultCache | None = None,
) -> tuple[Outcome, ...]:
    """Check the files, each under its settings; what comes of them is sorted.

    Without ``workers``, as many processes are at work as there are processors. ``cache`` answers for files that nothing
    changed for; where it has nothing to say about one, nothing comes of it.
    """
    if cache is None:
        return _check_afresh(files, fix, workers)
    with stage(CACHE):
        held = cache.look_up(files)
    if len(held) == len(files) and not fix:
        with stage(CACHE):
            cache.keep({})
        fresh: dict[str, Outcome] = {}
    else:
        held, fresh = _check_changed(files, fix, workers, cache, held)
    told = {path: each for path, each in held.items() if each.diagnostics and path not in fresh}
    outcomes = {path: _held(path, each, files[path]) for path, each in told.items()} | fresh
    return tuple(outcome for _, outcome in sorted(outcomes.items()))


def _check_changed(
    files: Mapping[str, Config],
    fix: bool,
    workers: int | None,
    cache: ResultCache,
    held: Mapping[str, Held],
) -> tuple[dict[str, Held], dict[str, Outcome]]:
    """Check what the cache does not answer for, and let it learn."""
    record_for(cache.folder)
    try:
        with stage(CACHE):
            held = {**held, **cache.ask_again(_projects().of_file)}
            cache.learn(_projects().trace.news())
        changed = {path: config for path, config in files.items() if not _is_enough(held.get(path), fix)}
        outcomes = _check_afresh(changed, fix, workers)
    finally:
        record_for(None)
    with stage(CACHE):
        for outcome in outcomes:
            cache.learn(outcome.notes)
        cache.keep({each.path: each.diagnostics for each in outcomes if each.lasting})
    return held, {outcome.path: outcome._replace(notes=None) for outcome in outcomes}


def _is_enough(held: Held | None, fix: bool) -> bool:
    """Whether a held result is all that is wanted: a fix must be worked out."""
    return held is not None and not (fix and held.diagnostics)


def _held(path: str, held: Held, config: Config) -> Outcome:
    return Outcome(path, held.diagnostics, _text(held.content, path), config.unsafe_fixes)


def _check_afresh(files: Mapping[str, Config], fix: bool, workers: int | None) -> tuple[Outcome, ...]:
    jobs = [Job(path, files[path], fix) for path in sorted(files)]
    wanted = _processors() if workers is None else workers
    if wanted > 1 and jobs and (workers is not None or len(jobs) >= WORTH_WORKERS):
        with stage(CREW):
            from torchlint.pool import check_in_processes

            workers = min(wanted, len(jobs))
            running = clock()
            if running is not None:
                running.count("number", "workers", workers)
            return check_in_processes(jobs, workers)
    outcomes = {number: check_file(jobs[number]) for number in in_order_of_need(dict(enumerate(jobs)))}
    return tuple(outcomes[number] for number in range(len(jobs)))


def in_order_of_need(jobs: Mapping[int, Job]) -> Iterator[int]:
    """The numbers of the jobs; each is to be done before the next is asked for.

    Files that others asked about come first, as long as their syntax trees are kept: they are not parsed again.
    """
    paths = {number: os.path.abspath(job.path) for number, job in jobs.items()}
    numbers = {path: number for number, path in paths.items()}
    _projects().expect_files(numbers)
    waiting = dict.fromkeys(jobs)  # every job, also where two are of one file
    parsed: list[str] = []
    while waiting:
        parsed += _projects().parsed()
        while parsed and not (numbers.get(parsed[-1]) in waiting and _projects().keeps_tree_of(parsed[-1])):
            parsed.pop()
        number = numbers[parsed.pop()] if parsed else next(iter(waiting))
        del waiting[number]
        yield number
        _projects().let_go(paths[number])


def _processors() -> int:
    """Those that this process may use, which in a container are fewer than the machine has."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_file(job: Job) -> Outcome:
    with apart() as costs:
        outcome = _check_file(job)
    return outcome if costs is None else outcome._replace(costs=costs)


def _check_file(job: Job) -> Outcome:
    trace = _projects().trace
    try:
        content = trace.read(os.path.abspath(job.path))
    except OSError as error:
        return not_checked(job.path, f"cannot be read: {error.strerror or error}")
    outcome = _check_safely(content, job)
    return outcome._replace(notes=trace.news()) if trace.recording else outcome


def check_content(content: bytes, job: Job) -> Outcome:
    """Check ``content`` as if it were in the file."""
    with apart() as costs:
        outcome = _check_safely(content, job)
    return outcome if costs is None else outcome._replace(costs=costs)


def _check_safely(content: bytes, job: Job) -> Outcome:
    """Nothing raises: one bad file must not cost the others."""
    running = clock()
    if running is not None:
        running.count("number", "checked", 1)
        running.count("bytes", "checked", len(content))
    try:
        return _check_content(content, job)
    except Exception as error:
        return not_checked(job.path, f"internal error: {type(error).__name__}: {error}")


def _check_content(content: bytes, job: Job) -> Outcome:
    with stage(IMPORTS):
        from torchlint.engine import check_source

    config = job.config.enabled_for(job.path)
    project = _projects().of_file(job.path)
    found = tuple(check_source(content, job.path, config, project))
    if not job.fix or not any(_may_apply(diagnostic, config) for diagnostic in found):
        text = _text(content, job.path) if found else ""
        before = content if job.fix else b""
        return Outcome(job.path, found, text, config.unsafe_fixes, job.fix, before, lasting=True)
    with stage(FIXES, closed=True):
        return _fixed(content, job, config, project)


def _fixed(content: bytes, job: Job, config: Config, project: Project) -> Outcome:
    from torchlint.engine import check_source
    from torchlint.fix.apply import fix_source

    fixed = fix_source(
        content,
        job.path,
        lambda source: check_source(source, job.path, config, project),
        unsafe=config.unsafe_fixes,
    )
    # Files that import this one must see the same of it in whatever order, and process, they are checked.
    project.parse(_text(content, job.path), job.path)
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


_MINE: list[Projects] = []
"""The projects that this process knows; forked workers inherit them."""


def _projects() -> Projects:
    if not _MINE:
        from torchlint.projects import Projects

        _MINE.append(Projects())
    return _MINE[0]


def record_for(folder: str | None) -> None:
    """Write down what answers are drawn from, for the cache in ``folder``; ``None``: do not."""
    if recorded_for() != folder:
        from torchlint.projects import Projects

        for projects in _MINE:
            projects.close()
        _MINE[:] = [Projects(folder)]


def recorded_for() -> str | None:
    """What :func:`record_for` was told."""
    return _MINE[0].folder if _MINE else None


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
