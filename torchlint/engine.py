"""From the bytes of one file to its sorted diagnostics: the one path that every door takes.

decode -> outline (``ast``: syntax, names) -> screen (``ast``) -> tree (LibCST) -> PyTorch model -> rules -> suppress
-> sort
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchlint.config import Config
from torchlint.diagnostic import Diagnostic, Finding, Position
from torchlint.model.source import Source, SourceError, decode
from torchlint.project.index import Project
from torchlint.project.outline import Outline, OutlineError
from torchlint.rule import Rule
from torchlint.rules import all_rules
from torchlint.rules.tl000_file_not_checked import Failure, file_not_checked
from torchlint.screen import Screened, everything, screen
from torchlint.stopwatch import COUNTING, IMPORTS, MODEL, READING, SCREEN, SUPPRESSION, clock, stage
from torchlint.suppress import apply as suppress

if TYPE_CHECKING:
    from torchlint.model.file import File, Program
    from torchlint.model.module_class import ClassModel

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
    location = Path(path)
    try:
        with stage(READING):
            decoded = decode(source, path)
        project = project or Project.for_path(location)
        outline = project.parse(decoded.text, location)
    except SourceError as error:
        return [_not_checked(path, Failure(error.reason))]
    except OutlineError as error:
        return [_refused(path, error)]
    found = _check(decoded, outline, project, config, screened=screened)
    with stage(SUPPRESSION):
        enabled = {rule.code for rule in _enabled(config, all_rules())}
        kept = suppress(decoded.text, found, enabled.__contains__, path)
    return sorted(kept, key=lambda diagnostic: diagnostic.sort_key)


@lru_cache(maxsize=64)
def _enabled(config: Config, catalogue: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(rule for rule in catalogue if "source" in rule.witnesses and config.enabled(rule))


def _check(
    source: Source, outline: Outline, project: Project, config: Config, *, screened: bool
) -> list[Diagnostic]:
    with stage(IMPORTS):
        rules = [rule for rule in _enabled(config, all_rules()) if rule.subject in _SUBJECTS]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        with stage(SCREEN):
            wanted = screen(outline, project, rules) if screened else everything(outline, project, rules)
        _count_candidates(source, outline, project, rules, wanted)
        with stage(MODEL):
            return _run_rules(source, outline, project, rules, wanted) if wanted else []
    except Exception as error:  # LibCST refuses some files that Python accepts
        return [_not_checked(source.path, Failure(f"cannot be analysed: {_describe(error)}"))]
    finally:
        sys.setrecursionlimit(limit)


def _count_candidates(
    source: Source, outline: Outline, project: Project, rules: list[Rule], wanted: Screened
) -> None:
    running = clock()
    if running is not None:
        from torchlint.census import Census

        running.checked = outline.path
        with running.stage(COUNTING, closed=True):
            Census(running, source, outline).take(project, rules, wanted)


# ------------------------------------------------------------------------------------------------------------- rules


def _run_rules(
    source: Source, outline: Outline, project: Project, rules: list[Rule], wanted: Screened
) -> list[Diagnostic]:
    file = _program(project).add(source, outline)
    file.load(wanted.statements)
    found: dict[tuple[object, ...], Diagnostic] = {}
    for error in file.refused:
        found[error.line, error.column] = _refused(source.path, error)
    for subject in dict.fromkeys(rule.subject for rule in rules):
        try:
            with stage(subject):
                things = list(_SUBJECTS[subject](file, wanted))
        except Exception as error:  # what this subject's rules would say is lost, the others go on
            failure = Failure(f"looking for a {subject} failed: {_describe(error)}; please report this")
            found.setdefault((subject,), _not_checked(source.path, failure))
            continue
        _count("things", subject, len(things))
        for rule in rules:
            if rule.subject == subject:
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


def _models(file: File, wanted: Screened, subject: str) -> Iterator[ClassModel]:
    """The candidate classes of a subject."""
    models = (file.class_model(name) for name in wanted.classes.get(subject, ()))
    return (model for model in models if model is not None)


def _plain_containers(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.containers import plain_containers

    for model in _models(file, wanted, "PlainContainer"):
        yield from plain_containers(model, from_callers=model.qualname in wanted.given)


def _plain_tensors(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.tensors import plain_tensors

    for model in _models(file, wanted, "PlainTensor"):
        yield from plain_tensors(model)


def _lost_parameters(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.tensors import lost_parameters

    for model in _models(file, wanted, "LostParameter"):
        yield from lost_parameters(model)


def _constructions(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.construction import Construction

    return (
        Construction(model)
        for model in _models(file, wanted, "Construction")
        if model.methods or model.node.decorators
    )


def _super_calls(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.construction import super_calls

    for model in _models(file, wanted, "SuperCall"):
        yield from super_calls(model)


def _reinitializations(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.reinitialising import reinitializations

    for model in _models(file, wanted, "Reinitialization"):
        yield from reinitializations(model)


def _rebound_names(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.rebinding import rebound_names

    for model in _models(file, wanted, "ReboundName"):
        yield from rebound_names(model)


def _empty_parameters(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.empty import empty_parameters

    for model in _models(file, wanted, "EmptyParameter"):
        yield from empty_parameters(model)


def _method_calls(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.calls import calls_of

    for model in _models(file, wanted, "MethodCall"):
        yield from calls_of(model)


def _scheduler_steps(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.schedulers import scheduler_steps

    return scheduler_steps(file, wanted.places["SchedulerStep"])


def _assigned_registrations(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.registering import assigned_registrations

    for model in _models(file, wanted, "AssignedRegistration"):
        yield from assigned_registrations(model)


def _overrides(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.overriding import overrides

    for model in _models(file, wanted, "Override"):
        yield from overrides(model)


def _class_level_modules(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.class_level import class_level_modules

    for model in _models(file, wanted, "ClassLevelModule"):
        yield from class_level_modules(model)


def _misspelled_methods(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.misspelling import misspelled_methods

    for model in _models(file, wanted, "MisspelledMethod"):
        yield from misspelled_methods(model)


def _gradient_switches(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.freezing import gradient_switches

    return gradient_switches(file, wanted.places["GradientSwitch"])


def _type_tests(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.type_tests import type_tests

    return type_tests(file, wanted.places["TypeTest"])


def _repeated_modules(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.repeating import repeated_modules

    return repeated_modules(file, wanted.places["RepeatedModule"])


def _replaced_registrations(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.replacing import replaced_registrations

    return replaced_registrations(file, wanted.places["ReplacedRegistration"])


def _padding_overwrites(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.padding import padding_overwrites

    return padding_overwrites(file, wanted.places["PaddingOverwrite"])


def _child_loops(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.child_loops import child_loops

    return child_loops(file, wanted.places["ChildLoop"])


def _layer_calls(file: File, wanted: Screened) -> Iterator[Any]:
    from torchlint.model.layers import layer_calls

    return layer_calls(file, wanted.places["LayerCall"])


_SUBJECTS: dict[str, Callable[[File, Screened], Iterator[Any]]] = {
    "PlainTensor": _plain_tensors,
    "LostParameter": _lost_parameters,
    "Construction": _constructions,
    "Reinitialization": _reinitializations,
    "ReboundName": _rebound_names,
    "EmptyParameter": _empty_parameters,
    "SuperCall": _super_calls,
    "MethodCall": _method_calls,
    "PlainContainer": _plain_containers,
    "SchedulerStep": _scheduler_steps,
    "AssignedRegistration": _assigned_registrations,
    "Override": _overrides,
    "ClassLevelModule": _class_level_modules,
    "MisspelledMethod": _misspelled_methods,
    "GradientSwitch": _gradient_switches,
    "TypeTest": _type_tests,
    "PaddingOverwrite": _padding_overwrites,
    "ChildLoop": _child_loops,
    "RepeatedModule": _repeated_modules,
    "ReplacedRegistration": _replaced_registrations,
    "LayerCall": _layer_calls,
}


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
