"""Outlines in the cache: what is read is what was written, and what need not be parsed is not parsed."""

from __future__ import annotations

import ast
import json
import sqlite3
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from pages import ROOT
from test_cache import Project

from torchlint.cache import outlines
from torchlint.cache.outlines import Malformed, read, write
from torchlint.project.outline import Binding, Outline

NASTY = {
    "nested": """
        class Outer(Base[T], metaclass=abc.ABCMeta):
            x = 1
            class Inner(x.y): y: int = 2
            def make(self, a, *b, c=1, **d):
                global made, other
                made = 1
                class Local(a, call()): pass
                return Local
        class Outer: pass
    """,
    "decorators": """
        @dataclass(frozen=True)
        @a.b.c
        @(lambda cls: cls)
        class A: pass
        @one
        async def f(): pass
        def f(): pass
    """,
    "stars": """
        from a import *
        from ..b.c import *
        from . import d as e, f
        import g.h, i.j as k
        __all__ = ["a", "b"] + ["ü", "\\x1b"[0:0]]
    """,
    "exports": '__all__ = ["a"]\n__all__ += ["b"]\n__all__.append("c")\n',
    "no exports": "__all__ = []\n",
    "bindings": """
        x, (y, *z) = 1, f()
        x = None
        if (w := 1): v = w.a.b
        for i, j in k: pass
        with a as b, c as (d, e): pass
        try: pass
        except E as error: pass
        match m:
            case {"k": n, **rest}: pass
            case [o, *p] | C(q=r): pass
        del x
        à = ß
        class Ünï(à.ç): 蛇 = 1
    """,
    "global": "def f():\n    global a, b; a = 1\n",
    "empty": "",
    "one line": "class A: pass; x = 1\n",
}


def plain(outline: Outline) -> dict[str, Any]:
    """All that is in an outline, to be compared."""
    assert list(outline.classes) == list(dict.fromkeys(found.qualname for found in outline.definitions))
    assert all(found in outline.definitions for found in outline.classes.values())
    assert set(map(id, outline.classes.values())) <= set(map(id, outline.definitions))
    orders = [list(outline.bindings), list(outline.functions)]
    return {**fields(outline), "orders": orders}


def fields(record: Any) -> Any:
    """Named tuples as dictionaries, all the way down: definitions are compared by what they are, not by being the same."""
    if hasattr(record, "_asdict"):
        return {name: fields(value) for name, value in record._asdict().items()}
    if isinstance(record, tuple):
        return [fields(value) for value in record]
    if isinstance(record, dict):
        return {name: fields(value) for name, value in record.items()}
    return record


def goes_round(text: str, path: Path, module: str | None) -> None:
    outline = Outline.from_text(text, path, module)
    body = write(outline)
    assert body is not None
    again = read(body, path, text)
    assert plain(again) == plain(outline)
    assert repr(again.bindings) == repr(
        outline.bindings
    )  # which tells 1 from True, and a tuple from a Binding
    assert repr(again.statements) == repr(outline.statements)


@pytest.mark.parametrize("module", ["pkg.mod", "mod", None])
@pytest.mark.parametrize("name", NASTY)
def test_nasty_files(name: str, module: str | None) -> None:
    goes_round(dedent(NASTY[name]), "/r/pkg/mod.py", module)


def test_the_files_of_this_repository() -> None:
    for path in sorted((ROOT / "torchlint").rglob("*.py")):
        goes_round(path.read_text(encoding="utf-8"), path, f"a.{path.stem}")


def written(text: str = "class A(B): pass\nimport c.d as e\nx = None\ndef f(): pass\n") -> list[Any]:
    body = write(Outline.from_text(text, "/r/m.py", "m"))
    assert body is not None
    row: list[Any] = json.loads(body)
    return row


def damaged(value: Any) -> list[Any]:
    """The value, with each of its parts in turn something else."""
    found: list[Any] = [7, -1.5, "x", None, True, [], {}, [[]], {"x": 1}, [7], ["x", "x", "x"]]
    if isinstance(value, list):
        found += [value[:-1], [*value, 1]]
        for place, part in enumerate(value):
            found += [[*value[:place], each, *value[place + 1 :]] for each in damaged(part)]
    elif isinstance(value, dict):
        for name, part in value.items():
            found += [{**value, name: each} for each in damaged(part)]
    return found


def types_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {type(name) for name in value} | {types_of(part) for part in value.values()}
    return type(value)


def test_anything_else_is_refused_or_well_formed() -> None:
    bodies = [json.dumps(row) for row in damaged(written())]
    assert len(bodies) > 500
    refused = 0
    for body in bodies:
        try:
            found = read(body, "/r/m.py", "")
        except Malformed:
            refused += 1
            continue
        for binding in (each for bindings in found.bindings.values() for each in bindings):
            assert type(binding) is Binding
            assert type(binding.line) is int
            assert type(binding.alias) in (str, type(None))
        assert all(0 <= each.statement < len(found.statements) for each in found.definitions)
        # What can be read is written as it was read.
        assert write(found) is not None
    assert refused > len(bodies) * 0.7


@pytest.mark.parametrize("body", ["", "[", "null", "7", "[[[[" * 9999, "\udc80", '["\\u001b[2J"]'])
def test_garbage_is_refused(body: str) -> None:
    with pytest.raises(Malformed):
        read(body, "/r/m.py", "")


def test_names_that_control_the_terminal_are_not_kept() -> None:
    assert write(Outline.from_text('__all__ = ["\\x1b[2J"]\n', "/r/m.py", "m")) is None
    body = json.dumps(written()).replace('"e"', '"\\u001b"')
    with pytest.raises(Malformed):
        read(body, "/r/m.py", "")


def test_large_outlines_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "_LARGEST", 10)
    assert write(Outline.from_text("x = 1\n", "/r/m.py", "m")) is None


def test_the_schema_is_that_of_all_records() -> None:
    """A record that is not in the schema could change without the rows being another's."""
    named = sorted(kind.__name__ for kind in outlines._RECORDS)
    assert named == ["Binding", "ClassOutline", "FunctionOutline", "Import", "Star", "Statement"]


# ------------------------------------------------------------------------------------------------ in a run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """``net.py`` gets its base from ``base.py`` by way of ``__init__.py``."""
    monkeypatch.delenv("TORCHLINT_CACHE_DIR", raising=False)
    found = Project(tmp_path / "project")
    found.write("pyproject.toml", "")
    found.write("pkg/__init__.py", "from pkg.base import Base\nfrom pkg.other import f\n")
    found.write("pkg/other.py", "def f(): pass\n")
    found.write("pkg/base.py", "class Base:\n    pass\n")
    found.write("net.py", "from pkg import Base\n\n\nclass Net(Base):\n    layers = [1]\n")
    return found


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were parsed for their outlines."""
    names: list[str] = []
    from_tree = Outline.from_tree

    def spy(tree: ast.Module, text: str, path: str, module: str | None = None) -> Outline:
        names.append(Path(path).name)
        return from_tree(tree, text, path, module)

    monkeypatch.setattr(Outline, "from_tree", spy)
    return names


def test_what_is_asked_again_is_not_parsed_again(project: Project, parsed: list[str]) -> None:
    project.quickly("-j", "1")
    assert sorted(parsed) == ["__init__.py", "base.py", "net.py", "other.py"]
    parsed.clear()
    project.write("pkg/base.py", "# moved\nclass Base:\n    pass\n")
    changed = project.quickly("-j", "1")
    assert (changed.unchanged, changed.asked_again, changed.checked) == (2, 1, 1)
    assert parsed == ["base.py"]
    assert project.agrees().unchanged == 4


def test_rows_of_others_are_made_anew(project: Project, parsed: list[str]) -> None:
    for statement in (
        "UPDATE outlines SET body = '[]'",
        "UPDATE outlines SET key = 'x'",
        "UPDATE outlines SET body = 7, key = 7",
        "DELETE FROM outlines",
        "UPDATE outlines SET body = replace(body, 'Base', '\x1b')",
    ):
        project.quickly("-j", "1")
        connection = sqlite3.connect(project.database)
        connection.execute(statement)
        connection.commit()
        connection.close()
        parsed.clear()
        project.write("pkg/base.py", f"# {statement}\nclass Base:\n    pass\n")
        run = project.quickly("-j", "1")
        assert (run.asked_again, run.checked) == (1, 1)
        assert sorted(parsed) == ["__init__.py", "base.py", "net.py"], statement
        assert project.agrees().unchanged == 4


def test_outlines_of_what_is_gone_go_too(project: Project) -> None:
    for number in range(20):  # of few files, only those that are asked for are looked at
        project.write(f"clean{number}.py", "x = 1\n")
    project.quickly("-j", "1")
    (project.folder / "net.py").unlink()
    project.quickly("-j", "1")
    connection = sqlite3.connect(project.database)
    rows = connection.execute("SELECT path FROM outlines ORDER BY path").fetchall()
    connection.close()
    paths = [path for (path,) in rows if not path.startswith("clean")]
    assert len(rows) == 23
    assert paths == ["pkg/__init__.py", "pkg/base.py", "pkg/other.py"]
    assert project.agrees().unchanged == 23


def test_fields_that_are_others_are_not_read(
    project: Project, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.quickly("-j", "1")
    parsed.clear()
    monkeypatch.setattr(outlines, "SCHEMA", "another")
    project.write("pkg/base.py", "# moved\nclass Base:\n    pass\n")
    project.quickly("-j", "1")
    assert sorted(parsed) == ["__init__.py", "base.py", "net.py"]


def test_workers_read_them_too(project: Project) -> None:
    for number in range(6):
        project.write(f"net{number}.py", "from pkg import Base\n\n\nclass Net(Base):\n    layers = [1]\n")
    project.quickly("-j", "2")
    project.write("pkg/base.py", "from torch import nn\n\n\nclass Base(nn.Module):\n    pass\n")
    changed = project.agrees("-j", "2")
    assert project.agrees("-j", "2").output == changed.output
