"""Assignments to what looks like a hyper-parameter of an optimizer: ``optimizer.lr = 0.01``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from torchlint.diagnostic import Edit, Fix, Range
from torchlint.model.callers import function_of, given_values
from torchlint.model.file import File
from torchlint.model.flow import AttributeStore, Function
from torchlint.model.kinds import Kind
from torchlint.model.values import Value
from torchlint.model.vocabulary import HYPERPARAMETERS


@dataclass(frozen=True, eq=False)
class OptimizerAttribute:
    """An assignment to an attribute of that name, of whatever it is."""

    file: File
    store: AttributeStore

    @property
    def function(self) -> Function:
        return self.store.place.function

    @property
    def range(self) -> Range:
        return self.file.range(self.store.statement)

    @property
    def name(self) -> str:
        """What is assigned to: ``lr``."""
        return self.store.target.attr.value

    @property
    def option(self) -> str:
        """What the parameter groups call it: ``lr`` of ``learning_rate``."""
        return HYPERPARAMETERS[self.name]

    @property
    def holder(self) -> str:
        """As the user wrote it: ``self.optimizer``."""
        return self.file.code(self.store.target.value)

    # -- what it is on ---------------------------------------------------------------------------------------------

    @cached_property
    def is_on_optimizer(self) -> bool:
        """Whether it can only be on an optimizer of PyTorch: by what made it, or by the annotation of a parameter."""
        values = self.file.evaluator.values(self.store.target.value, self.function)
        found = [self._is_optimizer(value) for value in values if value.kind is not Kind.NONE]
        return bool(found) and all(found)

    def _is_optimizer(self, value: Value) -> bool:
        if value.kind is not Kind.ARGUMENT:
            return value.kind is Kind.OPTIMIZER
        if self._is_annotated(value):
            return True
        given = [each for _, values in given_values(value, self.function) for each in values]
        return bool(given) and all(each.kind is Kind.OPTIMIZER for each in given)

    def _is_annotated(self, value: Value) -> bool:
        function = function_of(value, self.function)
        node = function.node if function is not None else None
        if function is None or not isinstance(node, cst.FunctionDef):
            return False
        named = (*node.params.posonly_params, *node.params.params, *node.params.kwonly_params)
        for parameter in named:
            if parameter.name.value == value.name and parameter.annotation is not None:
                return _names_optimizer(parameter.annotation.annotation, function.file)
        return False

    @cached_property
    def is_kept_for_itself(self) -> bool:
        """Whether the attribute is read somewhere in the file, or the function sets the parameter groups as well."""
        read = re.compile(rf"\.\s*{self.name}\b(?!\s*(?::[^=\n]+)?=[^=])")
        if read.search(self.file.source.text) or re.search(
            rf"""["']{self.name}["']\s*[,)]""", self.file.source.text
        ):
            return True
        return any(
            attribute.attr.value == "param_groups"
            for function in self.function.and_outer()
            for attribute in function.attributes
        )

    # -- repairs ---------------------------------------------------------------------------------------------------

    @property
    def fix(self) -> Fix | None:
        """A loop over the parameter groups; not where the statement shares its line, or assigns to several things."""
        statement, line = self.store.statement, self.function.parent(self.store.statement)
        if not isinstance(statement, cst.Assign) or len(statement.targets) != 1:
            return None
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            return None
        where = self.range
        value = self.file.text(self.file.outer_range(self.store.value))
        if "\n" in value:
            return None
        name = "group" if not re.search(r"\bgroup\b", self.file.source.text) else "param_group"
        indent = self.file.indentation(where.start.line)
        step = "\t" if indent.startswith("\t") else "    "
        text = f'for {name} in {self.holder}.param_groups:\n{indent}{step}{name}["{self.option}"] = {value}'
        return Fix(f'set "{self.option}" of each parameter group', (Edit(where, text),))


def _names_optimizer(annotation: cst.BaseExpression, file: File) -> bool:
    """Whether an annotation names a class of ``torch.optim``, at the module level."""
    text = file.code(annotation)
    symbol = file.project.resolve(file.outline, text) if text.replace(".", "").isidentifier() else None
    dotted = symbol.dotted if symbol is not None and symbol.kind == "external" else ""
    return dotted.startswith("torch.optim.") and dotted.count(".") == 2


def optimizer_attributes(file: File, wanted: Collection[int]) -> Iterator[OptimizerAttribute]:
    """Those in the top-level statements with these indices, of a file that speaks of optimizers."""
    if "optim" not in file.source.text:
        return
    for function in file.all_functions(wanted):
        for store in function.attribute_stores:
            if store.target.attr.value in HYPERPARAMETERS:
                yield OptimizerAttribute(file, store)
