"""Which classes and functions of a file can hold a finding, from ``ast`` alone: LibCST is given only those.

LibCST costs ten times ``ast.parse``, and what is asked of its tree as much again, while findings are rare. A screen
may only prove absence. Each thing that rules subscribe to (:attr:`torchlint.rule.Rule.subject`) has one, and a rule
on calls narrows its own down by what it declares in :attr:`torchlint.rule.Rule.calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from torchlint.project.index import Project
from torchlint.project.outline import Outline
from torchlint.rule import Rule
from torchlint.screen.callers import may_be_given_modules
from torchlint.screen.possibilities import Possibilities
from torchlint.screen.scopes import ClassSketch, FileSketch
from torchlint.subjects import SUBJECTS


class Screened:
    """What is left of one file: the candidates of each subject.

    ``classes`` maps a subject to the qualified names of the classes that may hold one, ``given`` are those whose
    callers may pass modules in a list. ``places`` maps a subject that may stand anywhere to the indices of the top-level
    statements that may hold one.
    """

    def __init__(
        self,
        classes: dict[str, list[str]],
        given: Iterable[str],
        places: dict[str, frozenset[int]],
        outline: Outline,
    ) -> None:
        self.classes = classes
        self.given = frozenset(given)
        self.places = places
        found = {name for names in classes.values() for name in names}
        self.statements = {outline.classes[name].statement for name in found}.union(*places.values())

    def __bool__(self) -> bool:
        return bool(self.statements)


def screen(outline: Outline, project: Project, rules: Sequence[Rule]) -> Screened:
    """The candidates of ``rules`` in a file."""
    file = _possibilities(project).begin(outline)
    rules = tuple(rules)
    names = dict.fromkeys(rule.subject for rule in rules)
    anywhere = {name for name in names if SUBJECTS[name].anywhere}
    screens = {name: _screen(name, rules) for name in names if SUBJECTS[name].may_be_in(outline.text)}
    places = {name: frozenset(screens[name](file)) if name in screens else frozenset() for name in anywhere}
    classes, given = _classes(file, {name: may for name, may in screens.items() if name not in anywhere})
    for name in names.keys() - anywhere:
        classes.setdefault(name, [])
    return Screened(classes, given, places, outline)


@lru_cache(maxsize=512)
def _screen(name: str, rules: tuple[Rule, ...]) -> Callable[[Any], Any]:
    """What rules a subject out."""
    subject = SUBJECTS[name]
    rule_out: Callable[..., Any] = subject.rule_out()
    if not subject.told:
        return rule_out
    sharing = tuple(rule for rule in rules if rule.subject == name)
    return lambda sketch: rule_out(sketch, sharing)


def _classes(
    file: FileSketch, screens: Mapping[str, Callable[[ClassSketch], bool]]
) -> tuple[dict[str, list[str]], list[str]]:
    """The classes that may hold one, for each subject, and those whose callers may pass modules in a list."""
    found: dict[str, dict[str, None]] = {}
    given: list[str] = []
    for cls in file.modules if screens else ():
        qualname = cls.outline.qualname
        if "PlainContainer" in screens and may_be_given_modules(cls):
            given.append(qualname)
            found.setdefault("PlainContainer", {})[qualname] = None
        for name, may_hold in screens.items():
            if may_hold(cls):
                found.setdefault(name, {})[qualname] = None
    return {name: list(names) for name, names in found.items()}, given


def everything(outline: Outline, project: Project, rules: Sequence[Rule]) -> Screened:
    """What there is without a screen: all Module classes and all statements."""
    modules = [
        name
        for name, definition in outline.classes.items()
        if project.is_module(project.class_symbol(outline, definition))
    ]
    every = frozenset(range(len(outline.statements)))
    subjects = {rule.subject for rule in rules}
    places = {name: every for name in subjects if SUBJECTS[name].anywhere}
    return Screened(dict.fromkeys(subjects - places.keys(), modules), modules, places, outline)


_POSSIBILITIES: dict[Project, Possibilities] = {}


def _possibilities(project: Project) -> Possibilities:
    """Those of the project that was asked about last."""
    if project not in _POSSIBILITIES:
        for left in _POSSIBILITIES.values():
            left.release()
        _POSSIBILITIES.clear()
        _POSSIBILITIES[project] = Possibilities(project)
    return _POSSIBILITIES[project]
