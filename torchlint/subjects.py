"""The things that rules look at, one line for each: who finds them in the model, and who rules them out before.

``source`` names a function of :mod:`torchlint.model`: it is given a class, or, for what may stand ``anywhere``, a file
and the indices of the top-level statements to look into, and gives the things in it. ``screen`` names a function of
:mod:`torchlint.screen`: it is given the sketch of a class and says whether it may hold such a thing, or the sketch of a
file and gives the indices of the statements that may. Screens that depend on what the rules declare are ``told`` the
rules. In a file whose text has none of the ``words``, there is none.

The functions are named and not imported, as most files need few of them.
"""

from __future__ import annotations

import importlib

from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Subject(Record):
    source: str
    screen: str
    words: tuple[str, ...] = ()
    anywhere: bool = False
    told: bool = False

    def find(self) -> Any:
        """The function that finds it in the model."""
        return _function("torchlint.model", self.source)

    def rule_out(self) -> Any:
        """The function that rules it out."""
        return _function("torchlint.screen", self.screen)

    def may_be_in(self, text: str) -> bool:
        return not self.words or any(word in text for word in self.words)


_SCHEDULERS = ("LR", "ChainedScheduler", "WarmRestarts")
"""What the names of all schedulers of PyTorch have in them."""

SUBJECTS = {
    "PlainContainer": Subject("containers.plain_containers", "attributes.may_hide_modules"),
    "PlainTensor": Subject("tensors.plain_tensors", "attributes.may_keep_plain_tensor"),
    "LostParameter": Subject("tensors.lost_parameters", "attributes.may_lose_parameter"),
    "Construction": Subject("construction.constructions", "construction.may_not_initialise"),
    "SuperCall": Subject("construction.super_calls", "construction.may_name_another_class"),
    "MethodCall": Subject("calls.calls_of", "calls.may_hold_calls", told=True),
    "AssignedRegistration": Subject(
        "registering.assigned_registrations", "attributes.may_keep_registration", ("register_", "add_module")
    ),
    "Override": Subject("overriding.overrides", "overriding.may_override"),
    "Reinitialization": Subject("reinitialising.reinitializations", "construction.may_initialise_twice"),
    "ReboundName": Subject("rebinding.rebound_names", "rebinding.may_rebind"),
    "EmptyParameter": Subject("empty.empty_parameters", "empty.may_leave_empty"),
    "ClassLevelModule": Subject("class_level.class_level_modules", "class_level.may_share_modules"),
    "MisspelledMethod": Subject("misspelling.misspelled_methods", "misspelling.may_misspell"),
    "InplaceCall": Subject("inplace.inplace_calls", "attributes.may_overwrite_input"),
    "SchedulerStep": Subject("schedulers.scheduler_steps", "schedulers.stepping", ("step",), anywhere=True),
    "SchedulerCall": Subject(
        "schedulers.scheduler_calls", "schedulers.asking", ("sched", "Plateau", *_SCHEDULERS), anywhere=True
    ),
    "Scheduler": Subject("schedules.schedulers_made", "schedulers.making", _SCHEDULERS, anywhere=True),
    "OptimizerAttribute": Subject(
        "hyperparameters.optimizer_attributes", "hyperparameters.assigning", ("optim",), anywhere=True
    ),
    "ParameterIterator": Subject(
        "iterating.parameter_iterators", "iterating.keeping", ("parameters",), anywhere=True
    ),
    "LateLayer": Subject("optimizers.late_layers", "optimizers.changing", ("parameters(",), anywhere=True),
    "ParameterGroups": Subject(
        "optimizers.parameter_groups", "optimizers.grouping", ("parameters(",), anywhere=True
    ),
    "DroppedResult": Subject("discarding.dropped_results", "discarding.dropping", ("torch",), anywhere=True),
    "LastOfSecond": Subject("recurrent.last_of_second", "recurrent.taking", ("-1",), anywhere=True),
    "OwnShape": Subject("reshaping.own_shapes", "reshaping.viewing", (".view(", ".reshape("), anywhere=True),
    "ReplacedRegistration": Subject("replacing.replaced_registrations", "replacing.replacing", anywhere=True),
    "PaddingOverwrite": Subject(
        "padding.padding_overwrites", "padding.randomising", ("Embedding",), anywhere=True
    ),
    "ChildLoop": Subject("child_loops.child_loops", "child_loops.looping", ("children",), anywhere=True),
    "GradientSwitch": Subject(
        "freezing.gradient_switches", "freezing.switching", ("_grad", "_gard"), anywhere=True
    ),
    "TypeTest": Subject("type_tests.type_tests", "type_tests.testing", anywhere=True),
    "RepeatedModule": Subject(
        "repeating.repeated_modules", "repeating.repeating", ("Sequential", "ModuleList"), anywhere=True
    ),
    "ForwardCall": Subject("forwarding.forward_calls", "forwarding.forwarding", anywhere=True),
    "LayerCall": Subject("layers.layer_calls", "layers.calling", anywhere=True, told=True),
}


def _function(package: str, path: str) -> Any:
    module, _, name = path.partition(".")
    return getattr(importlib.import_module(f"{package}.{module}"), name)
