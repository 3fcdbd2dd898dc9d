"""The things that rules look at, one line for each: who finds them in the model, and who rules them out before.

``source`` names a function of :mod:`torchlint.model`: it is given a class, or, for what may stand ``anywhere``, a file
and the indices of the top-level statements to look into, and gives the things in it. ``screen`` names a function of
:mod:`torchlint.screen`: it is given the sketch of a class and says whether it may hold such a thing, or the sketch of a
file and gives the indices of the statements that may. Screens that depend on what the rules declare are ``told`` the
rules. In a file whose text has none of the ``words``, there is none. ``rules`` are the codes of those that look at it.

The functions and rules are named and not imported, as most files need few of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

from torchlint.record import Record
from torchlint.stopwatch import IMPORTS, stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchlint.rule import Rule


class Subject(Record):
    source: str
    screen: str
    rules: str
    words: tuple[str, ...] = ()
    anywhere: bool = False
    told: bool = False

    def find(self) -> Any:
        """The function that finds it in the model."""
        return _function("torchlint.model", self.source)

    def rule_out(self) -> Any:
        """The function that rules it out."""
        return _function("torchlint.screen", self.screen)


_SCHEDULERS = ("LR", "ChainedScheduler", "WarmRestarts")
"""What the names of all schedulers of PyTorch have in them."""

SUBJECTS = {
    "PlainContainer": Subject("containers.plain_containers", "attributes.may_hide_modules", "TL001"),
    "PlainTensor": Subject("tensors.plain_tensors", "attributes.may_keep_plain_tensor", "TL002"),
    "LostParameter": Subject("tensors.lost_parameters", "attributes.may_lose_parameter", "TL005"),
    "Construction": Subject("construction.constructions", "construction.may_not_initialise", "TL003"),
    "SuperCall": Subject("construction.super_calls", "construction.may_name_another_class", "TL011"),
    "MethodCall": Subject(
        "calls.calls_of", "calls.may_hold_calls", "TL101 TL102 TL103 TL104 TL105 TL107 TL115", told=True
    ),
    "AssignedRegistration": Subject(
        "registering.assigned_registrations",
        "attributes.may_keep_registration",
        "TL006",
        ("register_", "add_module"),
    ),
    "Override": Subject("overriding.overrides", "overriding.may_override", "TL012"),
    "Reinitialization": Subject(
        "reinitialising.reinitializations", "construction.may_initialise_twice", "TL009"
    ),
    "ReboundName": Subject("rebinding.rebound_names", "rebinding.may_rebind", "TL016"),
    "EmptyParameter": Subject("empty.empty_parameters", "empty.may_leave_empty", "TL014"),
    "ClassLevelModule": Subject("class_level.class_level_modules", "class_level.may_share_modules", "TL010"),
    "MisspelledMethod": Subject("misspelling.misspelled_methods", "misspelling.may_misspell", "TL013"),
    "InplaceCall": Subject("inplace.inplace_calls", "attributes.may_overwrite_input", "TL116"),
    "SchedulerStep": Subject(
        "schedulers.scheduler_steps", "schedulers.stepping", "TL201 TL203", ("step",), anywhere=True
    ),
    "SchedulerCall": Subject(
        "schedulers.scheduler_calls",
        "schedulers.asking",
        "TL205 TL206",
        ("sched", "Plateau", *_SCHEDULERS),
        anywhere=True,
    ),
    "Scheduler": Subject(
        "schedules.schedulers_made", "schedulers.making", "TL202 TL204", _SCHEDULERS, anywhere=True
    ),
    "OptimizerAttribute": Subject(
        "hyperparameters.optimizer_attributes",
        "hyperparameters.assigning",
        "TL209",
        ("optim",),
        anywhere=True,
    ),
    "ParameterIterator": Subject(
        "iterating.parameter_iterators", "iterating.keeping", "TL208", ("parameters",), anywhere=True
    ),
    "LateLayer": Subject(
        "optimizers.late_layers", "optimizers.changing", "TL207", ("parameters(",), anywhere=True
    ),
    "ParameterGroups": Subject(
        "optimizers.parameter_groups", "optimizers.grouping", "TL213", ("parameters(",), anywhere=True
    ),
    "DroppedResult": Subject(
        "discarding.dropped_results", "discarding.dropping", "TL109", ("torch",), anywhere=True
    ),
    "LastOfSecond": Subject("recurrent.last_of_second", "recurrent.taking", "TL110", ("-1",), anywhere=True),
    "OwnShape": Subject(
        "reshaping.own_shapes", "reshaping.viewing", "TL108", (".view(", ".reshape("), anywhere=True
    ),
    "ReplacedRegistration": Subject(
        "replacing.replaced_registrations", "replacing.replacing", "TL008", anywhere=True
    ),
    "PaddingOverwrite": Subject(
        "padding.padding_overwrites", "padding.randomising", "TL017", ("Embedding",), anywhere=True
    ),
    "ChildLoop": Subject(
        "child_loops.child_loops", "child_loops.looping", "TL015", ("children",), anywhere=True
    ),
    "GradientSwitch": Subject(
        "freezing.gradient_switches", "freezing.switching", "TL211 TL212", ("_grad", "_gard"), anywhere=True
    ),
    "TypeTest": Subject("type_tests.type_tests", "type_tests.testing", "TL018", anywhere=True),
    "RepeatedModule": Subject(
        "repeating.repeated_modules",
        "repeating.repeating",
        "TL007",
        ("Sequential", "ModuleList"),
        anywhere=True,
    ),
    "ForwardCall": Subject("forwarding.forward_calls", "forwarding.forwarding", "TL114", anywhere=True),
    "LayerCall": Subject(
        "layers.layer_calls", "layers.calling", "TL111 TL112 TL113 TL117", anywhere=True, told=True
    ),
}


def subjects_in(text: str) -> list[str]:
    """Those that a file may have, by the words in its text."""
    known: dict[str, bool] = {}

    def is_there(word: str) -> bool:
        if word not in known:
            known[word] = word in text
        return known[word]

    return [
        name for name, subject in SUBJECTS.items() if not subject.words or any(map(is_there, subject.words))
    ]


class Rules:
    """The rules that are ``wanted`` of each subject, and what rules the subject out; both are imported when asked for."""

    def __init__(self, wanted: Callable[[Rule], bool]) -> None:
        self.wanted = wanted
        self._about: dict[str, tuple[Rule, ...]] = {}
        self._screens: dict[str, Callable[[Any], Any]] = {}

    def about(self, name: str) -> tuple[Rule, ...]:
        """The rules that look at a subject."""
        if name not in self._about:
            with stage(IMPORTS):
                rules = [*map(_the_rule, SUBJECTS[name].rules.split())]
            self._about[name] = tuple(filter(self.wanted, rules))
        return self._about[name]

    def screen(self, name: str) -> Callable[[Any], Any]:
        if name not in self._screens:
            rule_out: Callable[..., Any] = SUBJECTS[name].rule_out()
            self._screens[name] = (
                partial(_told, rule_out, self.about(name)) if SUBJECTS[name].told else rule_out
            )
        return self._screens[name]


def _told(rule_out: Callable[..., Any], rules: tuple[Rule, ...], sketch: object) -> Any:
    return rule_out(sketch, rules)


def _the_rule(code: str) -> Rule:
    rule: Rule = importlib.import_module("torchlint.rules").the_rule(code)
    return rule


def _function(package: str, path: str) -> Any:
    module, _, name = path.partition(".")
    return getattr(importlib.import_module(f"{package}.{module}"), name)
