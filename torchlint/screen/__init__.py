"""Which classes and functions of a file can hold a finding, from ``ast`` alone: LibCST is given only those.

LibCST costs ten times ``ast.parse``, and what is asked of its tree as much again, while findings are rare. A screen
may only prove absence. Each thing that rules subscribe to (:attr:`torchlint.rule.Rule.subject`) has one, and a rule
on calls narrows its own down by what it declares in :attr:`torchlint.rule.Rule.calls`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from torchlint.project.index import Project
from torchlint.project.outline import Outline
from torchlint.rule import Rule
from torchlint.screen import (
    attributes,
    calls,
    child_loops,
    class_level,
    construction,
    empty,
    freezing,
    layers,
    misspelling,
    overriding,
    padding,
    rebinding,
    repeating,
    replacing,
    schedulers,
    type_tests,
)
from torchlint.screen.callers import may_be_given_modules
from torchlint.screen.possibilities import Possibilities
from torchlint.screen.scopes import ClassSketch, FileSketch

_CLASS_SCREENS: dict[str, Callable[[ClassSketch], bool]] = {
    "PlainTensor": attributes.may_keep_plain_tensor,
    "LostParameter": attributes.may_lose_parameter,
    "PlainContainer": attributes.may_hide_modules,
    "Construction": construction.may_not_initialise,
    "Reinitialization": construction.may_initialise_twice,
    "ReboundName": rebinding.may_rebind,
    "EmptyParameter": empty.may_leave_empty,
    "SuperCall": construction.may_name_another_class,
    "AssignedRegistration": attributes.may_keep_registration,
    "Override": overriding.may_override,
    "MisspelledMethod": misspelling.may_misspell,
    "ClassLevelModule": class_level.may_share_modules,
}
_STATEMENT_SCREENS: dict[str, Callable[[FileSketch], Iterable[int]]] = {
    "SchedulerStep": schedulers.stepping,
    "PaddingOverwrite": padding.randomising,
    "ChildLoop": child_loops.looping,
    "GradientSwitch": freezing.switching,
    "TypeTest": type_tests.testing,
    "RepeatedModule": repeating.repeating,
    "ReplacedRegistration": replacing.replacing,
}
"""Those of what may stand anywhere; a screen for ``LayerCall`` is told which layers the rules look at."""

ANYWHERE = frozenset({*_STATEMENT_SCREENS, "LayerCall"})
"""The subjects that are not only in Module classes."""


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
    subjects = {rule.subject for rule in rules}
    of_classes = subjects - ANYWHERE
    on_calls = tuple(rule for rule in rules if rule.subject == "MethodCall")
    classes: dict[str, list[str]] = {subject: [] for subject in of_classes}
    given: list[str] = []
    for cls in _modules(file) if of_classes else ():
        for subject in of_classes & _CLASS_SCREENS.keys():
            if _CLASS_SCREENS[subject](cls):
                classes[subject].append(cls.outline.qualname)
        if "PlainContainer" in subjects and may_be_given_modules(cls):
            given.append(cls.outline.qualname)
        if on_calls and calls.may_hold_calls(cls, on_calls):
            classes["MethodCall"].append(cls.outline.qualname)
    classes.setdefault("PlainContainer", []).extend(given)
    classes = {subject: list(dict.fromkeys(names)) for subject, names in classes.items()}
    return Screened(classes, given, _places(file, subjects & ANYWHERE, rules), outline)


def _places(file: FileSketch, subjects: set[str], rules: Sequence[Rule]) -> dict[str, frozenset[int]]:
    places = {
        subject: frozenset(_STATEMENT_SCREENS[subject](file))
        for subject in subjects & _STATEMENT_SCREENS.keys()
    }
    if "LayerCall" in subjects:
        watched = tuple(rule for rule in rules if rule.subject == "LayerCall")
        places["LayerCall"] = frozenset(layers.calling(file, watched))
    return places


def everything(outline: Outline, project: Project, rules: Sequence[Rule]) -> Screened:
    """What there is without a screen: all Module classes and all statements."""
    modules = [
        name
        for name, definition in outline.classes.items()
        if project.is_module(project.class_symbol(outline, definition))
    ]
    subjects = {rule.subject for rule in rules}
    places = dict.fromkeys(subjects & ANYWHERE, frozenset(range(len(outline.statements))))
    return Screened(dict.fromkeys(subjects - ANYWHERE, modules), modules, places, outline)


def _modules(file: FileSketch) -> Iterable[ClassSketch]:
    project, outline = file.project, file.outline
    for definition in outline.definitions:
        meant = outline.classes[
            definition.qualname
        ]  # of several with one name, which the model may take for another
        if meant.bases and project.is_module(project.class_symbol(outline, meant)):
            sketch = file.class_sketch(definition)
            if sketch is not None:
                yield sketch


_POSSIBILITIES: dict[Project, Possibilities] = {}


def _possibilities(project: Project) -> Possibilities:
    """Those of the project that was asked about last."""
    if project not in _POSSIBILITIES:
        for left in _POSSIBILITIES.values():
            left.release()
        _POSSIBILITIES.clear()
        _POSSIBILITIES[project] = Possibilities(project)
    return _POSSIBILITIES[project]
