"""The command ``torchlint check``: from options to findings, fixes and the exit status."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

from torchlint import stopwatch
from torchlint.config import ALWAYS_ON, Selection
from torchlint.process import CLEAN, FOUND, UNUSABLE, silence, take_over
from torchlint.project.discover import Discovery, Exclusion, discover, display, excluded
from torchlint.project.shard import Shard
from torchlint.report import render
from torchlint.report.style import Style, wants_colour
from torchlint.report.summary import count
from torchlint.run import Job, Outcome, Result, check_content, check_files, not_checked
from torchlint.settings import (
    ConfigError,
    Overrides,
    Settings,
    check_ignorable,
    check_patterns,
    check_selectors,
    is_live_only,
)
from torchlint.stopwatch import CACHE, DISCOVERY, FIXES, READING, REPORT, stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from types import SimpleNamespace
    from typing import NoReturn, TextIO

    from torchlint.cache.results import ResultCache
    from torchlint.stopwatch import Clock

    Options = Namespace | SimpleNamespace


def check(options: Options, usage_error: Callable[[str], NoReturn]) -> int:
    if problem := _contradiction(options):
        usage_error(problem)
    try:
        return _Check(options).run()
    except ConfigError as error:
        _complain(str(error))
        return UNUSABLE
    finally:
        stopwatch.stop()


def _contradiction(options: Options) -> str | None:
    """What the options say that cannot be done."""
    if options.isolated and options.config is not None:
        return "--isolated and --config exclude each other"
    if "-" in options.paths and len(options.paths) > 1:
        return "standard input (-) cannot be checked together with other paths"
    if options.stdin_filename is not None and options.paths != ["-"]:
        return "--stdin-filename is for standard input: give - as the path"
    if options.shard is not None and options.paths == ["-"]:
        return "--shard divides files and folders: it cannot be used with standard input (-)"
    if options.statistics and options.output_format in ("github", "sarif"):
        return f"--statistics has no {options.output_format} format"
    return None


class _Check:
    """One run of the command."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._settings = Settings(_overrides(options), config_file=options.config, isolated=options.isolated)
        self._exclusion = Exclusion(_patterns(options), options.force_exclude)
        self._fixing = options.fix or options.diff
        self._from_stdin = options.paths == ["-"]

    def run(self) -> int:
        started = time.perf_counter()
        clock = stopwatch.start() if self._options.stats else None
        take_over()
        # Asked first, so that broken settings stop the run before it has done anything.
        usual_format = self._settings.of_folder(os.curdir).output_format
        result = self._check_stdin() if self._from_stdin else self._check_paths()
        if self._options.diff:
            with stage(REPORT):
                self._print_diff(result)
        else:
            if self._options.fix:
                with stage(FIXES):
                    result = self._keep_fixes(result)
            with stage(REPORT):
                self._report(result, self._options.output_format or usual_format or "full")
        self._say(f"checked {result.files} in {time.perf_counter() - started:.2f} s")
        if clock is not None:
            self._print_stats(clock, result)
        return self._status(result)

    def _check_paths(self) -> Result:
        cache = self._cache()
        try:
            return self._check_found(cache)
        finally:
            if cache is not None:
                cache.close()

    def _check_found(self, cache: ResultCache | None) -> Result:
        with stage(DISCOVERY):
            listing_of = cache.listings.of if cache else None
            paths = self._options.paths or [os.curdir]
            found = discover(paths, self._settings.of_folder, self._exclusion, listing_of)
        for path in found.missing:
            _complain(f"{path} does not exist")
        if not (found.files or found.unreadable or found.missing):
            _complain("no Python files found", kind="warning")
        if self._options.shard is not None:
            found = self._part(found, self._options.shard)
        if self._options.verbose:
            for origin in sorted({config.origin for config in found.files.values()}):
                self._say(f"settings: {origin or 'none found, so the default rules'}")
        failed = [not_checked(path, reason) for path, reason in found.unreadable]
        if not found.files:
            cache = None
        outcomes = check_files(found.files, self._fixing, self._options.jobs, cache)
        if cache is not None:
            self._say(f"cache: {cache}")
        files = len(failed) + len(found.files)
        return Result((*failed, *outcomes), tuple(found.missing), cache.counts if cache else None, files)

    def _cache(self) -> ResultCache | None:
        if self._options.no_cache:
            return None
        from torchlint.cache.folder import cache_folder
        from torchlint.cache.results import ResultCache

        config = self._settings.of_folder(os.curdir)
        folder = cache_folder(self._options.cache_dir, config.cache_dir, config.origin)
        with stage(CACHE):
            cache = ResultCache(folder, self._say)
            cache.load()
            paths = self._options.paths or [os.curdir]
            if self._options.jobs != 1 and any(map(os.path.isdir, paths)):
                cache.look_ahead()
        return cache

    def _part(self, found: Discovery, shard: Shard) -> Discovery:
        """The files of one shard. A missing path is wrong usage, which every shard reports."""
        files = {path: config for path, config in found.files.items() if shard.holds(path)}
        self._say(f"shard {shard}: {len(files)} of {count(len(found.files), 'file')}")
        unreadable = [each for each in found.unreadable if shard.holds(each.path)]
        return found._replace(files=files, unreadable=unreadable)

    def _check_stdin(self) -> Result:
        name = self._options.stdin_filename or "-"
        with stage(READING):
            content = sys.stdin.buffer.read() if sys.stdin else b""
        if self._options.force_exclude and excluded(name, self._settings.of_folder, self._exclusion):
            return Result((Outcome(name, before=content),))
        path = display(name)
        return Result((check_content(content, Job(path, self._settings.of_file(path), self._fixing)),))

    def _keep_fixes(self, result: Result) -> Result:
        """Write what the fixes made. Standard input goes on to standard output, changed or not."""
        if not self._from_stdin:
            written = tuple(_written(outcome) for outcome in result.outcomes)
            return Result(written, result.missing, result.cached, result.files)
        (outcome,) = result.outcomes
        _emit_bytes(outcome.before if outcome.after is None else outcome.after)
        return result

    def _print_diff(self, result: Result) -> None:
        from torchlint.fix.diff import unified

        changed = [each for each in result.outcomes if each.after is not None]
        patch = "".join(unified(each.path, each.before, each.after or b"") for each in changed)
        _emit_bytes(patch.encode("utf-8", "surrogateescape"))
        for diagnostic in result.diagnostics:
            if diagnostic.code == ALWAYS_ON:
                _complain(f"{diagnostic.path}: {diagnostic.message}")
        if changed and not self._options.quiet:
            would = f"{count(len(result.fixed), 'finding')} in {count(len(changed), 'file')}"
            print(f"Would fix {would}.", file=sys.stderr)

    def _report(self, result: Result, output_format: str) -> None:
        options = self._options
        stream = sys.stderr if self._from_stdin and options.fix else sys.stdout
        into_file = options.output_file is not None
        colour = options.color == "always" if into_file else wants_colour(options.color, stream)
        style = Style(colour, options.quiet)
        if options.statistics:
            from torchlint.report import statistics

            text = statistics.render(output_format, result, style)
        else:
            text = render(output_format, result, style)
        if into_file:
            _write_report(options.output_file, text)
        else:
            _emit(text, stream)

    def _print_stats(self, clock: Clock, result: Result) -> None:
        """On standard error, so that a report is what it is without."""
        from torchlint.report import costs

        wall = clock.elapsed()
        _emit(costs.render(clock.costs, wall, result), sys.stderr)

    def _status(self, result: Result) -> int:
        if result.missing:
            return UNUSABLE
        options = self._options
        if options.diff:
            not_clean = any(each.after is not None for each in result.outcomes) or any(
                diagnostic.code == ALWAYS_ON for diagnostic in result.diagnostics
            )
        else:
            not_clean = bool(result.diagnostics or (options.exit_non_zero_on_fix and result.fixed))
        return FOUND if not_clean and not options.exit_zero else CLEAN

    def _say(self, text: str) -> None:
        if self._options.verbose:
            print(f"torchlint: {text}", file=sys.stderr)


def _overrides(options: Options) -> Overrides:
    select, ignore, extend = (
        _selectors(given, option)
        for given, option in (
            (options.select, "--select"),
            (options.ignore, "--ignore"),
            (options.extend_select, "--extend-select"),
        )
    )
    check_ignorable(ignore or (), "--ignore")
    for selector in (*(select or ()), *(extend or ())):
        if is_live_only(selector):
            print(
                f"torchlint: warning: `{selector}` is only seen in a live model: see `torchlint verify`",
                file=sys.stderr,
            )
    selection = Selection(select, ignore or (), extend or ())
    return Overrides(selection, options.preview, options.unsafe_fixes)


def _selectors(given: Sequence[str] | None, option: str) -> tuple[str, ...] | None:
    selectors = _listed(given)
    check_selectors(selectors or (), option)
    return selectors


def _patterns(options: Options) -> tuple[str, ...]:
    patterns = _listed(options.exclude) or ()
    check_patterns(patterns, "--exclude")
    return patterns


def _listed(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The parts of an option that may be repeated and hold several values between commas."""
    if given is None:
        return None
    return tuple(part.strip() for text in given for part in text.split(",") if part.strip())


def _written(outcome: Outcome) -> Outcome:
    """The outcome once its fixes are in the file; where that fails, the findings are as they were."""
    if outcome.after is None:
        return outcome
    from pathlib import Path

    from torchlint.fix.apply import write_atomically

    try:
        write_atomically(Path(outcome.path), outcome.after)
    except OSError as error:
        failed = not_checked(outcome.path, f"its fixes cannot be written: {error.strerror or error}")
        return failed._replace(before=outcome.before, costs=outcome.costs)
    return outcome


def _write_report(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"--output-file: {path} cannot be written: {error.strerror or error}") from None


def _emit(text: str, stream: TextIO) -> None:
    """Print a whole report. A reader that has seen enough (``| head``) does not change the exit status."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        silence(stream)


def _emit_bytes(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        silence(sys.stdout)


def _complain(text: str, kind: str = "error") -> None:
    print(f"torchlint: {kind}: {text}", file=sys.stderr)
