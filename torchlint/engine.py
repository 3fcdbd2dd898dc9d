"""From the bytes of one file to its sorted diagnostics: the one path that every door takes.

decode -> outline (``ast``: syntax, names) -> screen (``ast``) -> tree (LibCST) -> PyTorch model -> rules -> suppress
-> sort
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache

from torchlint import process
from torchlint.config import Config
from torchlint.diagnostic import Diagnostic, Finding, Position
from torchlint.model.source import Source, SourceError, decode
from torchlint.project.index import Project
from torchlint.project.outline import Outline, OutlineError
from torchlint.project.testing import is_test
from torchlint.rule import Rule
from torchlint.rules import all_rules
from torchlint.rules.tl000_file_not_checked import Failure, file_not_checked
from torchlint.screen import Screened, everything, screen
from torchlint.stopwatch import COUNTING, IMPORTS, MODEL, READING, SCREEN, SUPPRESSION, clock, stage
from torchlint.subjects import SUBJECTS, Rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.model.file import File, Program

_RECURSION_LIMIT = 8_000
"""Walking an expression takes a few Python frames for each level, and the levels are bounded. Much more is not safe:
``ast.parse`` then goes down into C as deep as the stack does not reach."""


def check_source(
    source: bytes | str,
    path: str,
    config: Config | None = None,
    project: Project | None = None,
    *,
    screened: bool = True,
) -> list[Diagnostic]:
    """Check one file.

    ``path`` is shown in the diagnostics and is where imports of other files start from; the file itself is never
    read. Without being ``screened``, LibCST gets all of the file: the findings are the same. A file that cannot be
    checked gives one TL000; nothing raises.
    """
    config = (config or Config()).enabled_for(path)
    try:
        with stage(READING):
            decoded = decode(source, path)
        project = project or Project.for_path(path)
        outline = project.parse(decoded.text, path)
    except SourceError as error:
        return [_not_checked(path, Failure(error.reason))]
    except OutlineError as error:
        return [_refused(path, error)]
    rules = _rules(config, is_test(outline, project.root))
    found = _check(decoded, outline, project, rules, screened=screened)
    with stage(SUPPRESSION):
        kept = found if _says_nothing(source) else _not_silenced(found, decoded.text, rules, path)
    return sorted(kept, key=lambda diagnostic: diagnostic.sort_key)


def _says_nothing(source: bytes | str) -> bool:
    """Whether no comment can silence anything, as for most files."""
    content = source if isinstance(source, bytes) else source.encode("utf-8", "replace")
    lower = content.lower()  # of text that is no ASCII, it takes many times as long
    return b"noqa" not in lower and b"torchlint" not in lower


def _not_silenced(found: list[Diagnostic], text: str, rules: Rules, path: str) -> list[Diagnostic]:
    from torchlint.suppress import apply as suppress  # here, because most files have no such comment

    enabled = {rule.code for rule in all_rules() if rules.wanted(rule)}
    return suppress(text, found, enabled.__contains__, path)


@lru_cache(maxsize=64)
def _rules(config: Config, tested: bool) -> Rules:
    """The rules that run: in a test, those for tests."""

    def is_wanted(rule: Rule) -> bool:
        return "source" in rule.witnesses and config.enabled(rule) and (rule.in_tests or not tested)

    return Rules(is_wanted)


def _check(
    source: Source, outline: Outline, project: Project, rules: Rules, *, screened: bool
) -> list[Diagnostic]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        with stage(SCREEN):
            wanted = screen(outline, project, rules) if screened else everything(outline, project, rules)
        _count_candidates(source, outline, project, rules, wanted)
        with stage(MODEL):
            return _run_rules(source, outline, project, rules, wanted) if wanted.statements else []
    except Exception as error:  # LibCST refuses some files that Python accepts
        return [_not_checked(source.path, Failure(f"cannot be analysed: {_describe(error)}"))]
    finally:
        sys.setrecursionlimit(limit)


def _count_candidates(
    source: Source, outline: Outline, project: Project, rules: Rules, wanted: Screened
) -> None:
    running = clock()
    if running is not None:
        from torchlint.census import Census

        running.checked = outline.path
        with running.stage(COUNTING, closed=True):
            Census(running, source, outline).take(project, rules, wanted)


# ------------------------------------------------------------------------------------------------------------- rules


def _run_rules(
    source: Source, outline: Outline, project: Project, rules: Rules, wanted: Screened
) -> list[Diagnostic]:
    file = _program(project).add(source, outline)
    file.load(wanted.statements)
    file.given = wanted.given
    found: dict[tuple[object, ...], Diagnostic] = {}
    for error in file.refused:
        found[error.line, error.column] = _refused(source.path, error)
    for subject in wanted.subjects:
        try:
            with stage(subject):
                things = list(_things(subject, file, wanted))
        except Exception as error:  # what this subject's rules would say is lost, the others go on
            failure = Failure(f"looking for a {subject} failed: {_describe(error)}; please report this")
            found.setdefault((subject,), _not_checked(source.path, failure))
            continue
        _count("things", subject, len(things))
        for rule in rules.about(subject):
            before = len(found)
            with stage(rule.code):
                for diagnostic in _run_rule(rule, things, file):
                    found.setdefault((diagnostic.code, diagnostic.range), diagnostic)
            _count("findings", rule.code, len(found) - before)
    return list(found.values())


def _count(what: str, of: str, number: int) -> None:
    running = clock()
    if running is not None:
        running.count(what, of, number)


_PROGRAM: dict[Project, Program] = {}


def _program(project: Project) -> Program:
    """The program of a project: what one file has asked about another is not worked out again.

    Only the last one is kept: files come project by project, and syntax trees are large.
    """
    if project not in _PROGRAM:
        for left in _PROGRAM.values():
            left.release()
        _PROGRAM.clear()
        _PROGRAM[project] = _new_program(project)
    return _PROGRAM[project]


def _new_program(project: Project) -> Program:
    with stage(IMPORTS):
        if process.ours:
            from torchlint.model.nodes import import_light

            import_light()
        from torchlint.model.file import Program

        if clock() is not None:
            from torchlint.census import import_model

            import_model()

    return Program(project)


def _run_rule(rule: Rule, things: Iterable[Any], file: File) -> Iterator[Diagnostic]:
    """A rule that raises costs its own findings on this file, with one TL000, and nothing else."""
    thing: Any = None
    try:
        for thing in things:
            for finding in rule.check(thing):
                yield _diagnostic(rule, file.source.path, finding)
    except Exception as error:
        reason = f"rule {rule.code} ({rule.name}) failed: {_describe(error)}; please report this"
        yield _not_checked(file.source.path, Failure(reason, _position(thing)))


def _things(name: str, file: File, wanted: Screened) -> Iterator[Any]:
    """What rules look at in a file: the candidates of a subject."""
    subject = SUBJECTS[name]
    find = subject.find()
    if subject.anywhere:
        yield from find(file, wanted.places[name])
        return
    for qualname in wanted.classes[name]:
        model = file.class_model(qualname)
        if model is not None:
            yield from find(model)


# ------------------------------------------------------------------------------------------------------- diagnostics


def _diagnostic(rule: Rule, path: str, finding: Finding) -> Diagnostic:
    return Diagnostic(rule.code, rule.name, rule.severity, path, finding)


def _not_checked(path: str, failure: Failure) -> Diagnostic:
    return _diagnostic(file_not_checked, path, next(file_not_checked.check(failure)))


def _refused(path: str, error: OutlineError) -> Diagnostic:
    return _not_checked(path, Failure(error.reason, Position(error.line, error.column)))


def _describe(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _position(thing: Any) -> Position:
    try:
        start: Position = thing.range.start
        return start
    except Exception:
        return Position(1, 1)
