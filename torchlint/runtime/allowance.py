"""What a class says is meant: ``@runtime.allow("TL001", attr="teacher", reason="frozen, saved separately")``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

Class = TypeVar("Class", bound=type)

_NAME = "__torchlint_allowed__"


class Allowance(NamedTuple):
    """A rule, by its code or name, that is not to report an attribute of a class; ``None`` is any attribute."""

    rule: str
    attribute: str | None
    reason: str


def allow(code: str, *, attr: str | None = None, reason: str = "") -> Callable[[Class], Class]:
    """Say on a class that a finding is meant, and why.

    ``code`` is the code or the name of the rule, ``attr`` the attribute that it is about (any, if not given), and
    ``reason`` is for the readers of the report, which lists what was allowed. It holds for subclasses, too. Raises
    ``ValueError`` for a rule that does not exist.
    """
    from torchlint.rules import all_rules

    if not any(code in (rule.code, rule.name) for rule in all_rules()):
        raise ValueError(f"runtime.allow: unknown rule `{code}`")

    def note(cls: Class) -> Class:
        setattr(cls, _NAME, (*vars(cls).get(_NAME, ()), Allowance(code, attr, reason)))
        return cls

    return note


def allowed(cls: type, code: str, name: str, attribute: str) -> Allowance | None:
    """The allowance of a class, or of one of its bases, for a finding of this rule on this attribute."""
    for base in cls.__mro__:
        for each in vars(base).get(_NAME, ()):
            if each.rule in (code, name) and each.attribute in (None, attribute):
                return Allowance(*each)
    return None
