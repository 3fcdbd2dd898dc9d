"""Skeletons: what is left of a file for an outline is outlined as the whole file is."""

from __future__ import annotations

import asyncio
import email
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import torchlint
from torchlint.project.outline import MAX_CHARACTERS, Outline, OutlineError, parse
from torchlint.project.skeleton import parse_outside, skeleton


def plain(value: object) -> object:
    """Records as tuples, which are equal where all their fields are."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(each) for each in value)
    return value


def fields(outline: Outline) -> dict[str, object]:
    return {name: plain(getattr(outline, name)) for name in Outline._fields}


def outlined(text: str, tree) -> dict[str, object]:
    return fields(Outline.from_tree(tree, text, "/r/pkg/net.py", "pkg.net"))


def assert_same_outline(text: str) -> None:
    assert outlined(text, parse_outside(text)) == outlined(text, parse(text))


SHORTENED = {
    "function": "def f(x):\n    hidden = x\n    return hidden\ny = 1\n",
    "on one line": "def f(): hidden = 1; return 2\ny = 1\n",
    "async": "async  def f(x):\n    await hidden\n",
    "at the end": "class A:\n    def f(self):\n        hidden",
    "comment behind": "def f():\n    hidden()\n    # still\n  # there\n# and there\n\ny = 1\n",
    "methods": """
        import torch
        from . import layers as l

        class Net(torch.nn.Module, metaclass=Meta):
            depth = 1

            @property
            def first(self) -> int:
                return hidden

            if depth:
                @staticmethod
                def second(
                    a=(1, 2),
                    b="):",
                ) -> tuple[int,
                    str]:
                    hidden
                other: int = 2

            def third(self): return hidden

        net = Net()
        """,
    "strings": '''
        def f():
            """
        def g():
            hidden = 1
            """
            hidden = """x""" + \'\'\'
        class A: # """
            \'\'\'
            return "\\"\\"\\"", '"""', "#", hidden  # """ '
        class B:
            """A class.

        def h(): none
            """
            text = """
        def i(): none
        """ + "\\
        def j(): none"
        ''',
    "backslash": "def f():\n    assert hidden, \\\n  2\n    x = 1 \\\n\ny = \\\n    2\n",
    "bracket in a bracket": "def f():\n    hidden(\n        [\n    ],\n)\ny = 1\n",
    "one string behind another": 'def f():\n    hidden(\'\'"""\ny = 1\n""" \'\' )\ny = 1\n',
    "tabs in strings and comments": "def f():\n    hidden('\t')\t#\t\n",
}


@pytest.mark.parametrize("text", SHORTENED.values(), ids=SHORTENED)
def test_what_functions_do_is_left_out_of_the_same_outline(text):
    text = dedent(text)
    short = skeleton(text)
    assert short is not None
    assert "hidden" not in short
    assert short.count("\n") == text.count("\n")
    assert outlined(text, parse(short)) == outlined(text, parse(text))


HARD = {
    "class in a function": "def f(a):\n    class B(a.C):\n        pass\n    return B\n",
    "class in a nested function": "def f(a):\n    def g():\n        class B:\n            x = a\n",
    "global": "def f():\n    global x\n    x = 1\n",
    "global on the line": "def f(): global x; x = 1\n",
    "tabs": "class A:\n\tdef f(self):\n\t\treturn 1\n\tx = 1\n",
    "form feed": "def f():\n    return 1\n\f\nclass A:\n  \f  x = 1\n",
    "carriage returns": "def f():\r\n    return 1\r\nx = 1\r\n",
    "comment with a backslash": "def f():\n    return 1  # \\\nx = 1\n",
    "comment behind a backslash": "def f():\n    return 1 \\\n    # one\n\nx = 1\n",
    "bracket at the margin": "def f():\n    x = g(\na, b\n)\n    return x\ny = 1\n",
    "string at the margin": 'def f():\n    x = (\n"""\na\n""")\n    return x\ny = 1\n',
    "parameters at the margin": "def f(\na=1,\n):\n    return a\ny = 1\n",
    "walrus": "if x:\n    def f():\n        if (y := 1): pass\n    z = (w := 2)\n",
    "mark": "def f():\n    return '\x01'\nx = 1\n",
    "empty": "",
    "no function": "x = 1\n",
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_what_is_hard_to_shorten_has_the_same_outline(text):
    assert_same_outline(text)


@pytest.mark.parametrize(
    "text", ["x = (\n", "def f():\n    return 1\nx = = 2\n", "'''\ndef f(): pass\n", "x = '''"]
)
def test_text_that_is_no_python_outside_of_functions_is_refused(text):
    with pytest.raises(OutlineError):
        parse_outside(text)


def test_a_file_that_is_too_large_is_refused_although_little_is_left_of_it():
    with pytest.raises(OutlineError, match="too large"):
        parse_outside("def f():\n" + "    x = 1\n" * (MAX_CHARACTERS // 10 + 1))


@pytest.mark.parametrize("package", [torchlint, asyncio, email], ids=lambda package: package.__name__)
def test_real_files_have_the_same_outline(package):
    files = sorted(Path(package.__file__).parent.rglob("*.py"))
    assert len(files) > 10
    for file in files:
        assert_same_outline(file.read_text("utf-8"))


# ------------------------------------------------------------------------------------------ files that are broken


BROKEN = """
import torch.nn as nn

class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

def broken():
    return = 1
"""

NET = """
from base import Whole

class Net(Whole):
    def __init__(self):
        super().__init__()
        self.layers = [Whole() for _ in range(3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""


def check(folder: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "torchlint", "check", "--isolated", "--output-format", "concise"]
    run = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True)
    assert "internal error" not in run.stdout + run.stderr
    return [line for line in run.stdout.splitlines() if ": TL" in line]


@pytest.mark.parametrize("order", [("base.py", "net.py"), ("net.py", "base.py")])
@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
@pytest.mark.parametrize("cache", [["--no-cache"], []], ids=["fresh", "cached"])
def test_what_is_broken_inside_of_a_function_of_another_file_hides_none_of_its_classes(
    tmp_path, order, jobs, cache
):
    (tmp_path / "base.py").write_text(BROKEN)
    (tmp_path / "net.py").write_text(NET)
    for _ in range(2):
        base, net = check(tmp_path, jobs, *cache, *order)
        assert base.startswith("base.py:10:12: TL000")
        assert net.startswith("net.py:7:9: TL001")
    assert check(tmp_path, jobs, *cache, "net.py") == [net]


def test_a_class_that_is_broken_inside_is_known_by_its_bases(tmp_path):
    (tmp_path / "base.py").write_text(BROKEN.replace("super().__init__()", "super().__init__() = 1"))
    (tmp_path / "net.py").write_text(NET)
    (found,) = check(tmp_path, "--no-cache", "net.py")
    assert found.startswith("net.py:7:9: TL001")
