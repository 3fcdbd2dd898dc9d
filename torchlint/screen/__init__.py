"""Which classes and functions of a file can hold a finding, from ``ast`` alone: LibCST is given only those.

LibCST costs ten times ``ast.parse``, and what is asked of its tree as much again, while findings are rare. A screen
may only prove absence. Each thing that rules subscribe to (:attr:`torchlint.rule.Rule.subject`) has one, and a rule
on calls narrows its own down by what it declares in :attr:`torchlint.rule.Rule.calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial

from torchlint.project.index import Project
from torchlint.project.outline import Outline
from torchlint.rule import Rule
from torchlint.screen.callers import may_be_given_modules
from torchlint.screen.possibilities import Possibilities
from torchlint.screen.scopes import ClassSketch, FileSketch
from torchlint.subjects import SUBJECTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
    plan = _plan(tuple(rules))
    text = outline.text
    places = {
        name: frozenset(plan.screen(name)(file)) if plan.subjects[name].may_be_in(text) else frozenset()
        for name in plan.anywhere
    }
    # Most files have no Module class, and need none of the screens for what is in one.
    in_classes = (
        [name for name in plan.in_classes if plan.subjects[name].may_be_in(text)] if file.modules else []
    )
    classes, given = _classes(file, {name: plan.screen(name) for name in in_classes})
    for name in plan.in_classes:
        classes.setdefault(name, [])
    return Screened(classes, given, places, outline)


class _Plan:
    """What some rules look at, and what rules that out; this is imported when a file may have it."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self.subjects = {rule.subject: SUBJECTS[rule.subject] for rule in rules}
        self.anywhere = [name for name, subject in self.subjects.items() if subject.anywhere]
        self.in_classes = [name for name, subject in self.subjects.items() if not subject.anywhere]
        self._screens: dict[str, Callable[[Any], Any]] = {}

    def screen(self, name: str) -> Callable[[Any], Any]:
        if name not in self._screens:
            rule_out: Callable[..., Any] = self.subjects[name].rule_out()
            if self.subjects[name].told:
                sharing = tuple(rule for rule in self._rules if rule.subject == name)
                rule_out = partial(_told, rule_out, sharing)
            self._screens[name] = rule_out
        return self._screens[name]


def _told(rule_out: Callable[..., Any], rules: tuple[Rule, ...], sketch: object) -> Any:
    return rule_out(sketch, rules)


_plan = lru_cache(maxsize=8)(_Plan)


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
