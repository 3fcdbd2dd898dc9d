"""Where things were made: lines of the user's source.

Without any preparation, the class that assigns ``self.attr`` is looked for in the source of the owner's classes: this
is the line that the static rule speaks of. Under :class:`trace`, modules and Parameters are given the line that
created them as well.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import FrameType, FunctionType, TracebackType
from typing import Any, Literal, NamedTuple

import torch
from torch import nn
from torch.utils.weak import WeakIdKeyDictionary

_TORCH = str(Path(torch.__file__).parent) + os.sep
_HERE = str(Path(__file__).parent) + os.sep


class Assignment(NamedTuple):
    """``file:line`` of an assignment, and the class whose code it is in."""

    place: str
    cls: type


def name_of(cls: type) -> str:
    return (
        cls.__qualname__
        if cls.__module__ in ("builtins", "__main__")
        else f"{cls.__module__}.{cls.__qualname__}"
    )


def call_site(frame: FrameType | None = None) -> str | None:
    """``file:line`` of the innermost frame outside of torch and of this package."""
    found = user_frame(frame)
    return None if found is None else f"{found.f_code.co_filename}:{found.f_lineno}"


def user_frame(frame: FrameType | None = None) -> FrameType | None:
    frame = frame or sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((_TORCH, _HERE, "<frozen")):
        frame = frame.f_back
    return frame


def called_from(frame: FrameType | None) -> FrameType | None:
    """The innermost frame outside of this package."""
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return frame


def is_torch_frame(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_TORCH)


# ----------------------------------------------------------------------------------------------------- assignments


@lru_cache(maxsize=256)
def assignment(owner: type, attribute: str) -> Assignment | None:
    """The first assignment to ``self.attribute`` in the owner's classes, or to ``attribute`` in their bodies."""
    for cls in _classes_of_users(owner):
        found = _definition(cls)
        if found is None:
            continue
        file, node = found
        lines = sorted(_assigning_lines(node, attribute))
        if lines:
            return Assignment(f"{file}:{lines[0]}", cls)
    return None


def _classes_of_users(owner: type) -> Iterator[type]:
    for cls in owner.__mro__:
        if cls.__module__.partition(".")[0] not in ("torch", "builtins", "abc", "typing"):
            yield cls


class Source(NamedTuple):
    """The source of one class: its file, its syntax, and the assignments to one attribute of ``self``."""

    file: str
    node: ast.ClassDef
    assignments: list[ast.Assign]

    def text(self, statement: ast.stmt) -> str:
        """The lines of a statement and the one above, where a comment may stand."""
        lines = linecache.getlines(self.file)
        return "".join(lines[max(statement.lineno - 2, 0) : statement.end_lineno])


@lru_cache(maxsize=256)
def source_of(owner: type, attribute: str) -> tuple[Source, ...] | None:
    """The sources of the owner's classes, but for those of torch; ``None`` where there is one without source."""
    found: list[Source] = []
    for cls in _classes_of_users(owner):
        definition = _definition(cls)
        if definition is None:
            return None
        file, node = definition
        found.append(Source(file, node, list(_assignments(node, attribute))))
    return tuple(found)


def _assignments(cls: ast.ClassDef, attribute: str) -> Iterator[ast.Assign]:
    for method, receiver in _methods(cls):
        for node in ast.walk(method):
            if isinstance(node, ast.Assign) and any(
                _is_own(each, receiver, attribute) for each in _targets(node)
            ):
                yield node


def _methods(cls: ast.ClassDef) -> Iterator[tuple[ast.AST, str]]:
    """The methods of a class, each with the name of its ``self``."""
    for statement in cls.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = [*statement.args.posonlyargs, *statement.args.args]
            if arguments:
                yield statement, arguments[0].arg


def keeps(owner: type, attribute: str) -> bool:
    """Whether an attribute means something to the owner's classes, as far as anyone can tell.

    It does if one of them defines, declares or reads it, or assigns to it what is not written out; and where there is
    no source to look at.
    """
    if hasattr(owner, attribute) or any(
        attribute in vars(cls).get("__annotations__", ()) for cls in owner.__mro__
    ):
        return True
    sources = source_of(owner, attribute)
    if sources is None:
        return True
    return any(
        _is_read(source.node, attribute)
        or any(not isinstance(each.value, ast.Constant) for each in source.assignments)
        for source in sources
    )


def _is_read(cls: ast.ClassDef, attribute: str) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == attribute
        and isinstance(node.ctx, ast.Load)
        and _is_name(node.value, receiver)
        for method, receiver in _methods(cls)
        for node in ast.walk(method)
    ) or any(isinstance(node, ast.Constant) and node.value == attribute for node in ast.walk(cls))


def _definition(cls: type) -> tuple[str, ast.ClassDef] | None:
    methods = [inspect.unwrap(each) for each in vars(cls).values() if type(each) is FunctionType]
    codes = [each.__code__ for each in methods if type(each) is FunctionType]
    files = [code.co_filename for code in codes]
    file = files[0] if files else getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file is None or (tree := tree_of(file)) is None:
        return None
    named = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls.__name__]
    lines = [code.co_firstlineno for code in codes if code.co_filename == file]
    around = [node for node in named if any(node.lineno <= line <= (node.end_lineno or 0) for line in lines)]
    # The innermost one, where a class of the same name is defined in another.
    return next(((file, node) for node in [*sorted(around, key=lambda node: -node.lineno), *named]), None)


def tree_of(file: str) -> ast.Module | None:
    """The syntax of a source file, or of a text that ``linecache`` knows; ``None`` where there is none."""
    return _parsed("".join(linecache.getlines(file)))


@lru_cache(maxsize=64)
def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source) if source else None
    except (SyntaxError, ValueError, RecursionError):
        return None


def _assigning_lines(cls: ast.ClassDef, attribute: str) -> Iterator[int]:
    for statement in cls.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if statement.name == attribute:
                yield statement.lineno
        else:
            yield from (target.lineno for target in _targets(statement) if _is_name(target, attribute))
    for method, receiver in _methods(cls):
        yield from _lines_in_method(method, receiver, attribute)


def _lines_in_method(method: ast.AST, receiver: str, attribute: str) -> Iterator[int]:
    for node in ast.walk(method):
        yield from (each.lineno for each in _targets(node) if _is_own(each, receiver, attribute))
        if isinstance(node, ast.Call) and _sets(node, attribute):
            yield node.lineno


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from target.elts if isinstance(target, (ast.Tuple, ast.List)) else (target,)
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        yield node.target


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_own(target: ast.expr, receiver: str, attribute: str) -> bool:
    """``self.attribute``, or ``self.__dict__["attribute"]``."""
    if isinstance(target, ast.Attribute):
        return target.attr == attribute and _is_name(target.value, receiver)
    if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Constant):
        return False
    return target.slice.value == attribute and _is_own(target.value, receiver, "__dict__")


def _sets(call: ast.Call, attribute: str) -> bool:
    """``setattr(self, "attribute", …)``, ``object.__setattr__(self, …)`` and ``super().__setattr__("attribute", …)``."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    named = any(isinstance(each, ast.Constant) and each.value == attribute for each in call.args[:2])
    return name in ("setattr", "__setattr__") and named


Written = Literal["left out", "true", "given"]


def argument_as_written(site: str | None, function: str, name: str, position: int) -> Written | None:
    """How the calls of ``function`` on a line pass an argument: not at all, as a literal True, or in another way.

    ``None`` where the call is not found: without source, or under another name.
    """
    file, _, line = (site or "").rpartition(":")
    tree = tree_of(file) if file else None
    for call in ast.walk(tree) if tree else ():
        if not isinstance(call, ast.Call) or function != getattr(
            call.func, "attr", getattr(call.func, "id", "")
        ):
            continue
        if call.lineno <= int(line) <= (call.end_lineno or call.lineno):
            return _as_written(call, name, position)
    return None


def _as_written(call: ast.Call, name: str, position: int) -> Written:
    starred = any(isinstance(each, ast.Starred) for each in call.args)
    if starred or any(keyword.arg is None for keyword in call.keywords):
        return "given"
    given = [keyword.value for keyword in call.keywords if keyword.arg == name] + call.args[
        position : position + 1
    ]
    if not given:
        return "left out"
    return "true" if isinstance(given[0], ast.Constant) and given[0].value is True else "given"


# ------------------------------------------------------------------------------------------------------------ trace

_created: WeakIdKeyDictionary = WeakIdKeyDictionary()


def created(thing: object) -> str | None:
    """``file:line`` of what was created under :class:`trace`; ``None`` for what was not."""
    found: str | None = _created.get(thing)  # type: ignore[no-untyped-call]
    return found


class trace:
    """Note the line that creates each module and each Parameter, for later reports.

    >>> with runtime.trace():
    ...     model = Net()
    >>> runtime.verify(model).findings[0].created

    While it is active, ``nn.Module.__init__`` and ``nn.Parameter.__new__`` are replaced, in all threads.
    """

    def __enter__(self) -> trace:
        self._init: Callable[..., None] = nn.Module.__init__
        self._new: Callable[..., Any] = nn.Parameter.__new__
        init, new = self._init, self._new

        def initialise(module: nn.Module, *args: Any, **kwargs: Any) -> None:
            _created[module] = _creation_site(module)
            init(module, *args, **kwargs)

        def make(cls: type, *args: Any, **kwargs: Any) -> Any:
            parameter: Any = new(cls, *args, **kwargs)
            _created[parameter] = call_site()
            return parameter

        nn.Module.__init__ = initialise  # type: ignore[method-assign, assignment]
        nn.Parameter.__new__ = staticmethod(make)  # type: ignore[method-assign]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        nn.Module.__init__ = self._init  # type: ignore[method-assign]
        nn.Parameter.__new__ = staticmethod(self._new)  # type: ignore[method-assign]


def _creation_site(module: nn.Module) -> str | None:
    """The line that calls the class, from inside of its ``__init__``: the frames of that have the module as ``self``."""
    frame = user_frame(sys._getframe(2))
    while frame is not None:
        code = frame.f_code
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        if first is not module:
            return call_site(frame)
        frame = user_frame(frame.f_back) if frame.f_back else None
    return None
