"""Which classes and functions of a file can hold a finding, from ``ast`` alone: LibCST is given only those.

LibCST costs ten times ``ast.parse``, and what is asked of its tree as much again, while findings are rare. A screen
may only prove absence. Each thing that rules subscribe to (:attr:`torchlint.rule.Rule.subject`) has one, and a rule
on calls narrows its own down by what it declares in :attr:`torchlint.rule.Rule.calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from torchlint.project.index import Project
from torchlint.project.outline import Outline
from torchlint.screen.possibilities import Possibilities
from torchlint.screen.scopes import ClassSketch, FileSketch
from torchlint.subjects import SUBJECTS, Rules, subjects_in


class Screened:
    """What is left of one file: the candidates of each subject.

    ``classes`` maps a subject to the qualified names of the classes that may hold one, ``given`` are those whose
    callers may pass modules in a list. ``places`` maps a subject that may stand anywhere to the indices of the top-level
    statements that may hold one. A subject that is in neither is not in the file.
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

    @property
    def subjects(self) -> list[str]:
        """Those that have candidates."""
        return [*self.classes, *(name for name, indices in self.places.items() if indices)]


def screen(outline: Outline, project: Project, rules: Rules) -> Screened:
    """The candidates of ``rules`` in a file."""
    file = _possibilities(project).begin(outline)
    # Most files have no Module class, and need none of the screens for what is in one.
    names = [
        name
        for name in subjects_in(outline.text)
        if (SUBJECTS[name].anywhere or file.modules) and rules.about(name)
    ]
    places = {name: frozenset(rules.screen(name)(file)) for name in names if SUBJECTS[name].anywhere}
    classes, given = _classes(file, {name: rules.screen(name) for name in names if name not in places})
    return Screened(classes, given, places, outline)


def _classes(
    file: FileSketch, screens: Mapping[str, Callable[[ClassSketch], bool]]
) -> tuple[dict[str, list[str]], list[str]]:
    """The classes that may hold one, for each subject, and those whose callers may pass modules in a list."""
    if not screens:
        return {}, []
    from torchlint.screen.callers import may_be_given_modules  # here, because most files have no Module class

    found: dict[str, dict[str, None]] = {}
    given: list[str] = []
    for cls in file.modules:
        qualname = cls.outline.qualname
        if "PlainContainer" in screens and may_be_given_modules(cls):
            given.append(qualname)
            found.setdefault("PlainContainer", {})[qualname] = None
        for name, may_hold in screens.items():
            if may_hold(cls):
                found.setdefault(name, {})[qualname] = None
    return {name: list(names) for name, names in found.items()}, given


def everything(outline: Outline, project: Project, rules: Rules) -> Screened:
    """What there is without a screen: all Module classes and all statements."""
    modules = [
        name
        for name, definition in outline.classes.items()
        if project.is_module(project.class_symbol(outline, definition))
    ]
    every = frozenset(range(len(outline.statements)))
    names = [name for name in SUBJECTS if rules.about(name)]
    places = {name: every for name in names if SUBJECTS[name].anywhere}
    classes = {name: modules for name in names if name not in places} if modules else {}
    return Screened(classes, modules, places, outline)


_POSSIBILITIES: dict[Project, Possibilities] = {}


def _possibilities(project: Project) -> Possibilities:
    """Those of the project that was asked about last."""
    if project not in _POSSIBILITIES:
        for left in _POSSIBILITIES.values():
            left.release()
        _POSSIBILITIES.clear()
        _POSSIBILITIES[project] = Possibilities(project)
    return _POSSIBILITIES[project]
