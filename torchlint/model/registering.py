"""What a class makes of the result of ``self.register_buffer(...)`` and the like, which is nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Range
from torchlint.model.flow import CallSite, Store
from torchlint.model.module_class import ClassModel, name_given
from torchlint.model.vocabulary import REGISTERING_METHODS


@dataclass(frozen=True, eq=False)
class AssignedRegistration:
    """``self.x = self.register_buffer("x", tensor)``."""

    cls: ClassModel
    store: Store
    call: cst.Call
    method: str

    @property
    def range(self) -> Range:
        return self.cls.file.range(self.store.statement)

    @property
    def name(self) -> str:
        """As the user wrote it: ``self.mean``."""
        return f"{self.store.place.function.self_name}.{self.store.name}"

    @property
    def spelled(self) -> str:
        return self.cls.file.code(self.call.func)

    @cached_property
    def registered(self) -> str | None:
        """The name that something is registered under, where it is written out."""
        given = name_given(CallSite(self.call, self.store.place), self.method)
        return str(given.evaluated_value) if isinstance(given, cst.SimpleString) else None

    @property
    def is_overwritten(self) -> bool:
        """Whether the assignment takes away what was just registered."""
        return self.registered == self.store.name

    @property
    def registers_nothing(self) -> bool:
        """``self.register_parameter("bias", None)``: there is nothing to be lost."""
        position = REGISTERING_METHODS[self.method]
        given = [item.value for item in self.call.args[position : position + 1] if not item.star]
        return bool(given) and isinstance(given[0], cst.Name) and given[0].value == "None"

    @property
    def fix(self) -> Fix | None:
        """Only call; not where another name would then be missing, or several are assigned."""
        statement = self.store.statement
        if not self.is_overwritten or not isinstance(statement, (cst.Assign, cst.AnnAssign)):
            return None
        if isinstance(statement, cst.Assign) and (
            len(statement.targets) > 1 or statement.value is not self.call
        ):
            return None
        before = Range(self.range.start, self.cls.file.outer_range(self.call).start)
        return Fix(f"do not assign the result of `{self.spelled}`", (Edit(before, ""),))


def assigned_registrations(cls: ClassModel) -> Iterator[AssignedRegistration]:
    for function in cls.functions():
        for store in function.stores:
            call = store.value
            if store.kind != "assign" or not isinstance(call, cst.Call):
                continue
            callee = call.func
            if (
                isinstance(callee, cst.Attribute)
                and isinstance(callee.value, cst.Name)
                and callee.value.value == function.self_name
                and callee.attr.value in REGISTERING_METHODS
                and cls.method(callee.attr.value) is None
            ):
                yield AssignedRegistration(cls, store, call, callee.attr.value)
