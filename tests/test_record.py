"""A record is what ``typing.NamedTuple`` makes of the same class."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import NamedTuple

import pytest

from torchlint.record import Record


class Place(Record):
    """Somewhere."""

    line: int
    column: int = 1

    @property
    def shown(self) -> str:
        return f"{self.line}:{self.column}"


class Usual(NamedTuple):
    line: int
    column: int = 1


def test_it_is_made_and_read_by_position_and_by_name():
    assert Place(3, 4) == Place(line=3, column=4) == Place(3, column=4) == (3, 4)
    assert (Place(3).line, Place(3).column, Place(3).shown) == (3, 1, "3:1")
    line, column = Place(5, 6)
    assert (line, column) == (5, 6)
    match Place(7, 8):
        case Place(line, column):
            assert (line, column) == (7, 8)


@pytest.mark.parametrize("arguments", [(), (1, 2, 3)])
def test_wrong_arguments_raise_as_those_of_any_function(arguments):
    for cls in (Place, Usual):
        with pytest.raises(TypeError, match="argument"):
            cls(*arguments)
    with pytest.raises(TypeError, match="colour"):
        Place(1, colour=2)


def test_it_has_what_a_named_tuple_has():
    ours, usual = Place(3), Usual(3)
    assert ours == usual and hash(ours) == hash(usual) and ours < Place(3, 2)
    assert repr(ours) == repr(usual).replace("Usual", "Place")
    assert ours._replace(line=9) == usual._replace(line=9) == (9, 1)
    assert ours._asdict() == usual._asdict()
    assert Place._fields == Usual._fields and Place._field_defaults == Usual._field_defaults
    assert Place._make([1, 2]) == Usual._make([1, 2])
    for cls in (Place, Usual):
        with pytest.raises(TypeError, match="1"):
            cls._make([1])
        with pytest.raises((ValueError, TypeError), match="colour"):
            cls(1)._replace(colour=2)


def test_it_cannot_be_changed():
    with pytest.raises(AttributeError):
        Place(1).line = 2
    with pytest.raises(AttributeError):
        Place(1).other = 2


def test_copies_and_pickles_are_of_its_class():
    for again in (copy.copy(Place(3)), copy.deepcopy(Place(3)), pickle.loads(pickle.dumps(Place(3)))):
        assert type(again) is Place and again == (3, 1)


def test_a_class_that_inherits_has_its_fields():
    class Wider(Place):
        def shown_twice(self):
            return self.shown * 2

    assert Wider(1, 2).shown_twice() == "1:21:2"
    assert type(Wider(1)._replace(column=5)) is Wider and type(Place(1)) is Place
    made = Wider(1)
    made.note = "as in any class that inherits from a named tuple"
    assert made.note


def test_no_constructor_is_compiled_before_the_first_record():
    program = """
import builtins
compiled = []
evaluate = builtins.eval
builtins.eval = lambda *given: compiled.append(given[0]) or evaluate(*given)
from torchlint.record import Record
class Place(Record):
    line: int
assert not any("line" in code for code in compiled)
Place(1), Place(2)
assert sum("line" in code for code in compiled) == 1, compiled
"""
    program = "from __future__ import annotations\n" + program
    subprocess.run([sys.executable, "-c", program], check=True)
