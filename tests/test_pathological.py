"""Files that no person writes: each costs bounded time and memory, and nothing of the file beside it.

LibCST's parser needs time that grows with the cube of a chain's length, and ends the process where an expression
is too deep for its stack. So everything here goes through the command line, in a process with limits.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from pages import ROOT

resource = pytest.importorskip("resource", reason="limits need POSIX")

CPU_SECONDS = 100
MEMORY = 3 << 30

LIMITED = f"""\
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
sys.path.insert(0, {str(ROOT)!r})
runpy.run_module("torchlint", run_name="__main__", alter_sys=True)
"""

NET = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, a=1):
        super().__init__()
        self.layers = [nn.Linear(8, 8) for _ in range(3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""

METHOD = """
    def odd(self, a, x):
{body}
        return x
"""


def chained(link: str, count: int, start: str = "a") -> str:
    return f"x = {start}{link * count}\n"


def nested(opening: str, closing: str, depth: int, core: str = "1") -> str:
    return f"x = {opening * depth}{core}{closing * depth}\n"


def indented(header: str, depth: int) -> str:
    lines = [f"{' ' * level}{header}" for level in range(depth)]
    return "\n".join([*lines, f"{' ' * depth}x = 1"]) + "\n"


def steps(template: str, count: int) -> str:
    return "".join(template.format(before=number, now=number + 1) for number in range(count))


def tangled(count: int) -> str:
    """A loop whose variables are bound by each other, so that the ways from one to another grow with the factorial."""
    pairs = [(one, other) for one in range(count) for other in range(count) if one != other]
    branches = "".join(
        f"    if a == {number}:\n        v{one} = v{other} + a\n" for number, (one, other) in enumerate(pairs)
    )
    return (
        f"{' = '.join(f'v{number}' for number in range(count))} = x = a\nfor a in x:\n{branches}v0.view(1)\n"
    )


REFUSED = {
    "calls in a chain": chained(".b()", 3_000),
    "attributes in a chain": chained(".b", 10_000),
    "subscripts in a chain": chained("[0]", 3_000),
    "calls of calls": chained("()", 3_000),
    "sum": chained(" + 1", 10_000),
    "sum of calls": chained(" + a(1)", 10_000),
    "powers": chained(" ** 2", 5_000),
    "conditional expressions": chained(" if a else 1", 3_000),
    "not": f"x = {'not ' * 3_000}a\n",
    "minus": f"x = {'-' * 3_000}1\n",
    "lambdas": f"x = {'lambda: ' * 3_000}1\n",
    "elif": "if a == 0:\n    x = 1\n" + steps("elif a == {now}:\n    x = 1\n", 30_000),
    "parentheses": nested("(", ")", 3_000),
    "unclosed parentheses": "x = " + "(" * 3_000 + "\n",
    "lists": nested("[", "]", 3_000),
    "dicts": nested("{1: ", "}", 3_000),
    "calls": nested("a(", ")", 3_000),
    "calls of dicts": nested('a({"k": ', "})", 3_000),
    "blocks": indented("if a:", 150),
    "large": "x = [\n" + "1,\n" * 1_500_000 + "]\n",
}
"""What is too much for Python's parser, or would be for LibCST's."""

CHECKED = {
    "lines": "x = 1\n" * 50_000,
    "long lines": ("x = (" + "a, " * 5_000 + ")\n") * 5,
    "string": f"x = '{'a' * (1 << 20)}'\n",
    "many lines of string": "x = '''\n" + "a = 1\n" * 100_000 + "'''\n",
    "integers": f"x = [{'123456, ' * 130_000}]\n",
    "comment": f"x = 1  # {'a' * (1 << 20)}\n",
    "comments": "# torch\n" * 5_000 + "x = 1\n",
    "name": f"{'a' * (1 << 20)} = 1\n",
    "statements on a line": "x = 1; " * 5_000 + "\n",
    "empty lines": "\n" * 20_000 + "x = 1\n",
    "continued lines": "x = 1 + \\\n" + "\\\n" * 5_000 + "1\n",
    "arguments": f"x = a({'1, ' * 10_000})\n",
    "keywords": "x = dict(" + steps("k{now}=1, ", 3_000) + ")\n",
    "parameters": "def f(" + steps("p{now}, ", 10_000) + "):\n    return 1\n",
    "targets": f"{'x = ' * 2_000}1\n",
    "names deleted": f"x = 1\ndel {'x, ' * 10_000}\n",
    "decorators": "@a\n" * 2_000 + "def f():\n    return 1\n",
    "functions": steps("def f{now}():\n    return {before}\n", 1_000),
    "handlers": "try:\n    x = 1\n" + steps("except E{now}:\n    pass\n", 3_000),
    "context managers": f"with {', '.join(['a'] * 3_000)}:\n    x = 1\n",
    "cases": "match a:\n" + steps("    case {now}:\n        x = 1\n", 3_000),
    "comprehension clauses": f"x = [1 {'for x in a ' * 100}]\n",
    "comparisons": chained(" < 1", 3_000),
    "nested functions": indented("def f():", 20),
    "blocks that Python takes": indented("if a:", 60),
    "lists that Python takes": nested("[", "]", 60),
    "doubled at each step": "x0 = a\n" + steps("x{now} = x{before} + x{before}\n", 200),
    "doubled in tuples": "x0 = a\n" + steps("x{now} = (x{before}, x{before})\n", 200),
    "doubled in calls": "x0 = a\n" + steps("x{now} = max(x{before}, x{before})\n", 200),
    "doubled by branches": "x = a\n" + "x = [x] if a else (x, x)\n" * 200,
    "tensors doubled": "x0 = torch.ones(1)\n" + steps("x{now} = torch.add(x{before}, x{before})\n", 200),
    "branches": "x = torch.ones(1)\n" + "if a:\n    x = x.cuda()\nelse:\n    x = x.cpu()\n" * 300,
    "a name for a name": "x0 = nn.Linear\n" + steps("x{now} = x{before}\n", 3_000),
    "bases of bases": "class C0(nn.Module):\n    pass\n" + steps("class C{now}(C{before}):\n    pass\n", 200),
    "bases in a circle": "class C0(C20):\n    pass\n" + steps("class C{now}(C{before}):\n    pass\n", 20),
    "two bases": "class C0(nn.Module):\n    pass\n" + steps("class C{now}(C{before}, C0):\n    pass\n", 100),
    "functions that call": "def f0(x):\n    return x\n"
    + steps("def f{now}(x):\n    return f{before}(f{before}(x))\n", 300),
    "variables bound by each other": tangled(9),
    "functions that call each other": steps("def f{now}(x):\n    return f{now}(f{before}(x))\n", 300),
}
"""What is only long or wide is checked like any other file."""

EITHER = {
    "and": chained(" and a", 10_000),
    "or of calls": chained(" or a()", 3_000),
    "strings side by side": chained(" 'a'", 10_000, "'a'"),
    "f-string": f"x = f'{'{a} ' * 10_000}'\n",
    "some calls in a chain": chained(".b()", 190),
    "some terms": chained(" + 1", 190),
    "some elif": "if a == 0:\n    x = 1\n" + steps("elif a == {now}:\n    x = 1\n", 190),
    "some calls": nested("a(", ")", 90),
    "some calls of dicts": nested('a({"k": ', "})", 45),
    "some lists": nested("[", "]", 95),
    "some dicts": nested("{1: ", "}", 95),
    "some parentheses": nested("(", ")", 95),
    "some blocks": indented("for x in a:", 95),
    "some functions": indented("def f():", 95),
    "some classes": indented("class C(nn.Module):", 95),
    "some lambdas": f"x = {'lambda: ' * 90}1\n",
    "many lists of lists": nested("[", "]", 80) * 30,
    "many sums": chained(" + 1", 150) * 50,
    "many chains": chained(".b()", 150) * 30,
}
"""Where the limits lie is the engine's business, as long as it says which it was."""


def inside(odd: str) -> str:
    """A Module with the code in one of its methods, and with a bug in another."""
    return NET + METHOD.format(body=textwrap.indent(odd, " " * 8))


def outside(odd: str) -> str:
    return f"{odd}\n{NET}"


def check(folder: Path, *options: str) -> dict[str, list[str]]:
    """The codes that are found in each file, and TL000 with its reason."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "check", "--isolated", "--output-format", "json", *options],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=CPU_SECONDS * 6,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    found: dict[str, list[str]] = {path.name: [] for path in folder.iterdir()}
    for each in json.loads(done.stdout)["diagnostics"]:
        found[each["path"]].append(each["message"] if each["code"] == "TL000" else each["code"])
    return found


@pytest.mark.parametrize("place", [inside, outside])
@pytest.mark.parametrize("name", [*REFUSED, *CHECKED, *EITHER])
def test_odd_file(name: str, place, tmp_path: Path) -> None:
    odd = {**REFUSED, **CHECKED, **EITHER}[name]
    (tmp_path / "odd.py").write_text(place(odd), encoding="utf-8")
    (tmp_path / "neighbour.py").write_text(NET, encoding="utf-8")
    found = check(tmp_path, "-j1")
    assert found["neighbour.py"] == ["TL001"]
    (verdict,) = found["odd.py"]
    if name in REFUSED:
        assert any(word in verdict for word in ("deep", "large", "syntax")), verdict
    elif name in CHECKED:
        assert verdict == "TL001"
    else:
        assert verdict == "TL001" or any(
            word in verdict for word in ("deep", "large", "cannot be analysed")
        ), verdict


def test_many_odd_files_and_two_processes(tmp_path: Path) -> None:
    names = [name for name in REFUSED if name != "large"]
    for number, name in enumerate(names):
        (tmp_path / f"odd{number}.py").write_text(inside(REFUSED[name]), encoding="utf-8")
        (tmp_path / f"odd{number}_neighbour.py").write_text(NET, encoding="utf-8")
    found = check(tmp_path, "-j2")
    for number in range(len(names)):
        assert found[f"odd{number}_neighbour.py"] == ["TL001"]
        (verdict,) = found[f"odd{number}.py"]
        assert "died" not in verdict
