"""The declaration of a rule: a pure function, from which everything a user sees about the rule is derived.

The first parameter's annotation is the subscription (which thing of the PyTorch model the rule looks at),
``yield`` is the report, the function's name is the rule's name, the docstring is its page, the fenced ``bad``,
``good``, ``fixed`` and ``proof`` blocks are its tests, and a ``fixed`` block makes it fixable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from torchlint.diagnostic import DOCS_URL
from torchlint.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from torchlint.diagnostic import Finding, Severity, Verdict

    Witness = Literal["source", "model"]
    """What a rule looks at: source code, which is never run, or a live model."""

    Check = Callable[[Any], Iterator[Finding]]
    Trial = Callable[[Any], Iterator[Verdict]]


_FENCE = r"(?ms)^```python (?P<role>bad|good|fixed|proof|verify)\n(?P<code>.*?)^```$"


class Example(Record):
    """A fenced block of a rule's page.

    ``bad`` must be found at the lines marked ``# TLnnn``; ``good`` and ``fixed`` must be silent for every rule;
    ``fixed`` is what ``--fix --unsafe-fixes`` makes of the ``bad`` block before it; ``proof`` runs on real torch
    behind each of them and sets ``broken``: true behind ``bad``, false behind ``good`` and ``fixed``. ``verify`` runs
    behind each of them as well and sets ``report``, in which the runtime witness finds ``bad`` alone.
    """

    role: str
    code: str


class Calls:
    """The calls that a rule looks at: of these functions, by their dotted names, and with this in their arguments.

    ``functions`` maps each to the position of the argument ``argument``, which must be written out (or, unless it is
    ``given``, must not be). It must speak of training or evaluation, or must not, as ``mode`` tells, and may be a
    ``tensor`` that is no Parameter. Calls that may stand anywhere are only looked for in a file whose text names such a
    function, and has one of the ``hints`` where there are any; a name in their argument must have the ``word`` in it, and
    a number must be ``between`` two others, the second left out. The screen reads this from the source; the rule itself
    still has to look.
    """

    def __init__(
        self,
        functions: Mapping[str, int],
        argument: str,
        given: bool = True,
        mode: bool | None = None,
        tensor: bool = False,
        hints: tuple[str, ...] = (),
        word: str = "",
        between: tuple[float, float] | None = None,
    ) -> None:
        self.functions = functions
        self.argument = argument
        self.given = given
        self.mode = mode
        self.tensor = tensor
        self.hints = hints
        self.word = word
        self.between = between


class Rule:
    """One rule of the catalogue.

    ``subject`` names the class of :mod:`torchlint.model` that ``check`` is called with, and ``trials`` maps the names of
    classes of :mod:`torchlint.observed` to the functions that judge what was seen of a live model. A rule that has a
    runtime witness alone declares it as any other: ``check`` yields verdicts then, and is one of the ``trials``.
    ``preview`` rules run only when they are named in full or when preview is switched on. A rule on calls says in
    ``calls`` which ones it looks at, and in ``constructions`` whether it looks for modules and Parameters that are made
    in ``forward``. Unless it runs ``in_tests``, it is silent in test files: a rule on statements without effect, which
    is what tests are written about.
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
        in_tests: bool,
    ) -> None:
        self.check = check
        self.code = code
        self.name = check.__name__.replace("_", "-")
        self.subject = _subject(check)
        self.since = since
        self.severity = severity
        self.preview = preview
        self.calls = calls
        self.constructions = constructions
        self.in_tests = in_tests
        self.trials: dict[str, Trial] = {}

    def runtime(self, trial: Trial) -> Trial:
        """Make the decorated function a runtime witness of this rule, for what its parameter's annotation names."""
        self.trials[_subject(trial)] = trial
        return trial

    @property
    def witnesses(self) -> tuple[Witness, ...]:
        model: tuple[Witness, ...] = ("model",) if self.trials else ()
        return model if self.subject in self.trials else ("source", *model)

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
        return tuple(Example(block["role"], block["code"]) for block in re.finditer(_FENCE, self.page))

    @property
    def fixable(self) -> bool:
        return any(example.role == "fixed" for example in self.examples)


def _subject(check: Check | Trial) -> str:
    """The annotation of the only parameter."""
    return str(next(iter(check.__annotations__.values())))


def rule(
    code: str,
    *,
    since: str,
    severity: Severity = "error",
    preview: bool = False,
    calls: tuple[Calls, ...] = (),
    constructions: bool = False,
    in_tests: bool = True,
) -> Callable[[Check | Trial], Rule]:
    """Declare the decorated generator function as the rule ``code``.

    What it yields says which witness it is: a :class:`Finding` is a place in the source, a :class:`Verdict` is about a
    live model.
    """

    def declare(check: Any) -> Rule:
        declared = Rule(check, code, since, severity, preview, calls, constructions, in_tests)
        if "Verdict" in str(check.__annotations__.get("return")):
            declared.runtime(check)
        return declared

    return declare
