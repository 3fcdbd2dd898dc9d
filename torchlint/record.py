"""Named tuples that cost little to define.

``typing.NamedTuple`` compiles a constructor for every class as it is defined. torchlint has dozens of them, of which a
check of one file makes a few: compiling them all was a seventh of the time it took. A :class:`Record` is the same to who
uses it and to the type checker, and compiles its constructor when the first one is made.
"""

from __future__ import annotations

__all__ = ["Record"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from collections import _tuplegetter

    class _RecordType(type):
        def __new__(cls, name, bases, namespace):
            if any(hasattr(base, "_fields") for base in bases):  # as any class that inherits
                return super().__new__(cls, name, bases, namespace)
            fields = tuple(namespace.get("__annotations__", ())) if bases else ()
            defaults = {field: namespace[field] for field in fields if field in namespace}
            getters = {field: _tuplegetter(at, None) for at, field in enumerate(fields)}
            facts = {"__match_args__": fields, "__slots__": ()}
            if bases:
                facts |= {"_fields": fields, "_field_defaults": defaults}
            return super().__new__(cls, name, bases or (tuple,), {**namespace, **getters, **facts})

    class Record(metaclass=_RecordType):
        """The base class of named tuples: fields are annotated, and may have defaults."""

        def __new__(cls, *args, **kwargs):
            cls.__new__ = _constructor(cls)
            return cls(*args, **kwargs)

        @classmethod
        def _make(cls, values):
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(made)}")
            return made

        def _replace(self, **changes):
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"{type(self).__name__} has no field {', '.join(changes)}")
            return made

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            shown = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
            return f"{type(self).__name__}({shown})"

        def __getnewargs__(self):
            return tuple(self)

    def _constructor(cls):
        """What ``typing.NamedTuple`` makes: nothing calls faster than a function of just these parameters."""
        names = ", ".join(cls._fields)
        scope = {"_new": tuple.__new__}
        constructor = eval(f"lambda _cls, {names}: _new(_cls, ({names},))", scope)
        constructor.__defaults__ = tuple(cls._field_defaults.values())
        constructor.__name__ = "__new__"
        return constructor
