"""What an expression may be at most: sets of kinds, as bits of one number, so that joining two is one ``|``."""

from __future__ import annotations

Kinds = int
"""A set of the kinds below as bits. Those of the elements that a container may hold are ``HELD`` bits higher, and above
these stand the things that may be meant: a bit for each Module class of the project, and for each function."""

(
    CLASS,
    MODULE,
    PARAMETER,
    LOST,
    CONTAINER,
    TENSOR,
    ARGUMENT,
    COPY,
    SCHEDULER,
    CALLABLE,
    FOREIGN,
    NAMESPACE,
    OWNER,
) = (1 << bit for bit in range(13))
"""CLASS is a Module class (or ``nn.Parameter``) itself, COPY a container of the elements of an argument, CALLABLE any
other function, FOREIGN a module of a class of the project, NAMESPACE a Python module or another class, OWNER what
``self`` stands for."""
HELD = 13
SELF = (1 << HELD) - 1
ANY_THING = 1 << 2 * HELD
FIRST_THING = 2 * HELD + 1
ANYTHING: Kinds = (1 << FIRST_THING) - 1
MAX_DEPTH = 200
"""How many questions may wait for each other, before the answer is :data:`ANYTHING`."""


def held(kinds: Kinds) -> Kinds:
    """What the containers among ``kinds`` may hold."""
    return kinds >> HELD & SELF


def holding(kinds: Kinds) -> Kinds:
    """What a container that is given ``kinds`` holds, those in nested containers too."""
    return ((kinds & SELF) << HELD) | (kinds & ~SELF)


def items(kinds: Kinds) -> Kinds:
    """What an element of ``kinds`` may be."""
    return (kinds >> HELD & SELF) | (kinds & ~SELF)
