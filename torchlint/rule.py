"""The declaration of a rule: a pure function, from which everything a user sees about the rule is derived.

The first parameter's annotation is the subscription (which thing of the PyTorch model the rule looks at),
``yield`` is the report, the function's name is the rule's name, the docstring is its page, the fenced ``bad``,
``good``, ``fixed`` and ``proof`` blocks are its tests, and a ``fixed`` block makes it fixable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from torchlint.diagnostic import DOCS_URL, Finding, Severity

Check = Callable[[Any], Iterator[Finding]]

_FENCE = re.compile(
    r"^```python (?P<role>bad|good|fixed|proof)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Example(NamedTuple):
    """A fenced block of a rule's page.

    ``bad`` must be found at the lines marked ``# TLnnn``; ``good`` and ``fixed`` must be silent for every rule;
    ``fixed`` is what ``--fix --unsafe-fixes`` makes of the ``bad`` block before it; ``proof`` runs on real torch
    behind each of them and sets ``broken``: true behind ``bad``, false behind ``good`` and ``fixed``.
    """

    role: str
    code: str


class Calls:
    """The calls that a rule looks at: of these functions, by their dotted names, and with this in their arguments.

    ``functions`` maps each to the position of the argument ``argument``, which must be written out (or, unless it is
    ``given``, must not be). It must speak of training or evaluation, or must not, as ``mode`` tells, and may be a
    ``tensor`` that is no Parameter. The screen reads this from the source; the rule itself still has to look.
    """

    def __init__(
        self,
        functions: Mapping[str, int],
        argument: str,
        given: bool = True,
        mode: bool | None = None,
        tensor: bool = False,
    ) -> None:
        self.functions = functions
        self.argument = argument
        self.given = given
        self.mode = mode
        self.tensor = tensor


class Rule:
    """One rule of the catalogue.

    ``subject`` names the class of :mod:`torchlint.model` that ``check`` is called with. ``preview`` rules run
    only when they are named in full or when preview is switched on. A rule on calls says in ``calls`` which ones it
    looks at, and in ``constructions`` whether it looks for modules and Parameters that are made in ``forward``.
    """

    def __init__(
        self,
        check: Check,
        code: str,
        since: str,
        severity: Severity,
        preview: bool,
        calls: tuple[Calls, ...],
        constructions: bool,
    ) -> None:
        self.check = check
        self.code = code
        self.name = check.__name__.replace("_", "-")
        self.subject = str(next(iter(check.__annotations__.values())))
        self.since = since
        self.severity = severity
        self.preview = preview
        self.calls = calls
        self.constructions = constructions

    @cached_property
    def page(self) -> str:
        import inspect  # costs more than all rules, and only who reads the page needs it

        return inspect.getdoc(self.check) or ""

    @property
    def summary(self) -> str:
        return self.page.partition("\n\n")[0].replace("\n", " ")

    @property
    def url(self) -> str:
        return f"{DOCS_URL}/{self.code}"

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        return tuple(Example(block["role"], block["code"]) for block in _FENCE.finditer(self.page))

    @property
    def fixable(self) -> bool:
        return any(example.role == "fixed" for example in self.examples)


def rule(
    code: str,
    *,
    since: str,
    severity: Severity = "error",
    preview: bool = False,
    calls: tuple[Calls, ...] = (),
    constructions: bool = False,
) -> Callable[[Check], Rule]:
    """Declare the decorated generator function as the rule ``code``."""

    def declare(check: Check) -> Rule:
        return Rule(check, code, since, severity, preview, calls, constructions)

    return declare
