"""``torchlint.check_source``: one text in, diagnostics out, and nothing else in the world matters."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import pickle
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import torchlint
from torchlint import Config, check_source

ROOT = Path(__file__).parents[1]

LIST = """\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(8, 8) for _ in range(3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""

DROPOUT = """\
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)
"""

BASE = "from torch import nn\n\n\nclass Base(nn.Module):\n    pass\n"

DERIVED = LIST.replace("class Net(nn.Module)", "from base import Base\n\n\nclass Net(Base)")

DEEP = "x = 1" + " + 1" * 900 + "\n" + LIST

ROWS = [
    (source, f"owner/repository_{number}/{name}.py")
    for number in range(8)
    for name, source in {
        "layers": LIST,
        "dropout": DROPOUT,
        "derived": DERIVED,
        "base": BASE,
        "deep": DEEP,
        "broken": "def f(:\n",
        "empty": "",
    }.items()
]


def codes(source: str | bytes, path: str = "net.py", config: Config | None = None) -> list[str]:
    return [diagnostic.code for diagnostic in check_source(source, path, config)]


def check_row(row: tuple[str, str]) -> list[torchlint.Diagnostic]:
    return check_source(*row)


# ------------------------------------------------------------------------------------------------------- the door


def test_what_is_exported() -> None:
    assert list(inspect.signature(check_source).parameters) == ["source", "path", "config"]
    assert {"Config", "Diagnostic", "check_source", "__version__"} <= set(dir(torchlint))
    assert all(getattr(torchlint, name) for name in torchlint.__all__)
    (diagnostic,) = check_source(LIST, "net.py")
    assert isinstance(diagnostic, torchlint.Diagnostic)
    with pytest.raises(AttributeError, match="no attribute 'check_sauce'"):
        torchlint.check_sauce  # noqa: B018


def test_importing_torchlint_imports_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import torchlint; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert done.stdout.split() == ["torchlint"]


def test_what_a_diagnostic_says() -> None:
    (diagnostic,) = check_source(LIST, "owner/repository/net.py")
    assert (diagnostic.code, diagnostic.name) == ("TL001", "module-in-plain-container")
    assert diagnostic.path == "owner/repository/net.py"
    assert diagnostic.range.start == (7, 9)


def test_config() -> None:
    assert codes(LIST, config=Config(select=("TL1",))) == []
    assert codes(LIST, config=Config(select=["TL1"])) == []  # type: ignore[arg-type]
    config = Config(per_file_ignores=(("tests/**", ("TL001",)),))
    assert codes(LIST, "tests/net.py", config) == []
    assert codes(LIST, "src/net.py", config) == ["TL001"]


@pytest.mark.parametrize(
    "source", ["def f(:\n", b"x = '\xff'\n", "x = 1\0\n", "x = '\ud800'\n", "x = 1" + " + 1" * 20_000]
)
def test_what_cannot_be_checked_is_a_diagnostic(source: str | bytes) -> None:
    assert codes(source) == ["TL000"]


def test_bytes_are_decoded_as_python_does() -> None:
    assert check_source(LIST.encode(), "a.py") == check_source(LIST, "a.py")
    source = "# coding: latin-1\n" + LIST.replace("layers", "schläger")
    assert codes(source.encode("latin-1")) == ["TL001"]


# ------------------------------------------------------------------------------------------------- no disk behind it


def test_nothing_is_read_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of a data set is called like files that happen to lie here."""
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, tmp_path / "repository"):
        folder.mkdir(exist_ok=True)
        (folder / "base.py").write_text(BASE)
        (folder / "__init__.py").write_text("from .base import Base\n")
        (folder / "torchlint.toml").write_text('ignore = ["TL001"]\n')
    expected = [codes(source, "repository/net.py") for source in (LIST, DERIVED)]
    assert expected == [["TL001"], []]
    (tmp_path / "repository" / "net.py").write_text("not python")
    assert [codes(source, "repository/net.py") for source in (LIST, DERIVED)] == expected


@pytest.mark.parametrize(
    "path",
    ["repository/net.py", "base.py", "repository/__init__.py", "torch/nn/net.py", "/etc/passwd", "", "."],
)
def test_no_file_is_opened(path: str, tmp_path: Path) -> None:
    """Asked of Python itself, by its audit hooks, once all modules and tables are loaded."""
    program = f"""
import sys
from torchlint import check_source
rows = {[LIST, DROPOUT, DERIVED, BASE + DERIVED.replace("base", "..base")]!r}
path = {path!r}
for row in rows:
    check_source(row, "warm/up.py")
def hook(event, arguments):
    if event in ("open", "os.listdir", "os.scandir"):
        print(event, arguments)
sys.addaudithook(hook)
for row in rows:
    check_source(row, path)
"""
    (tmp_path / "base.py").write_text(BASE)
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("", "")


# ------------------------------------------------------------------------------------------------- pure and picklable


def test_everything_can_be_pickled() -> None:
    function, arguments = pickle.loads(pickle.dumps((check_source, (DROPOUT, "net.py", Config()))))
    found = function(*arguments)
    assert found == check_source(DROPOUT, "net.py")
    assert pickle.loads(pickle.dumps(found)) == found
    assert found[0].fix is not None


def test_the_order_does_not_matter() -> None:
    expected = {row: check_row(row) for row in ROWS}
    assert sum(len(found) for found in expected.values()) == 8 * 4
    for seed in range(3):
        shuffled = random.Random(seed).sample(ROWS, len(ROWS))
        assert {row: check_row(row) for row in shuffled} == expected


def test_the_same_path_with_another_text() -> None:
    """Nothing of an earlier call is remembered, even where both are about the same file."""
    assert codes(BASE, "base.py") == []
    assert codes(DERIVED) == []
    assert [codes(source) for source in (LIST, DROPOUT, BASE, LIST)] == [["TL001"], ["TL101"], [], ["TL001"]]


def test_spawned_processes_agree() -> None:
    expected = [check_row(row) for row in ROWS]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(check_row, ROWS, chunksize=5) == expected


def test_threads_agree() -> None:
    expected = [check_row(row) for row in ROWS]
    limit = sys.getrecursionlimit()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(check_row, ROWS * 3)) == expected * 3
    assert sys.getrecursionlimit() == limit


def test_nothing_of_the_process_is_changed() -> None:
    program = f"""
import gc, sys, signal, warnings
import torchlint.api
state = lambda: (sys.getrecursionlimit(), gc.get_threshold(), gc.isenabled(), list(warnings.filters), list(sys.path))
before = state()
torchlint.check_source({LIST!r}, "net.py")
torchlint.check_source({DEEP!r}, "net.py")
assert state() == before
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_has_its_turn() -> None:
    from torchlint import api

    with api._turn:
        child = os.fork()
        if not child:
            os._exit(0 if codes(LIST) == ["TL001"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
