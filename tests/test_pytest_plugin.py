"""The pytest plugin, in pytest sessions of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

NETS = """\
import torch
import torch.nn.functional as F
from torch import nn


class Good(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.fc = nn.Linear(dim, dim)

    def forward(self, x):
        return self.fc(x)


class Bad(Good):
    def __init__(self, dim=4):
        super().__init__(dim)
        self.more = [nn.Linear(dim, dim)]


class Dropping(Good):
    def forward(self, x):
        return F.dropout(self.fc(x))


class Configured(nn.Module):
    def __init__(self, cfg):
        super().__init__()
"""


def session(folder: Path, *arguments: str, tests: str = "", files: dict[str, str] | None = None) -> str:
    """What pytest prints for these files."""
    written = {
        "nets.py": NETS,
        "test_nets.py": f"import pytest, torch\nfrom nets import *\n{tests}",
        **(files or {}),
    }
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", "-rs", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
    )
    return done.stdout + done.stderr


def outcomes(printed: str) -> dict[str, str]:
    found = re.findall(r"^[^:\s]+::(\S+) (PASSED|FAILED|SKIPPED|ERROR)\b", printed, re.MULTILINE)
    return dict(found)


def test_the_fixture(tmp_path: Path) -> None:
    printed = session(
        tmp_path,
        tests="""
def test_good(torchlint_verify):
    report = torchlint_verify(Good(), torch.ones(2, 4), factory=Good, optimizer=torch.optim.SGD(Good().parameters(), 1))
    assert report.devices["cpu"] == "run"
def test_bad(torchlint_verify):
    torchlint_verify(Bad())
def test_dropping(torchlint_verify):
    torchlint_verify(Dropping(), x=torch.ones(2, 4))
def test_only_looked_at(torchlint_verify):
    assert torchlint_verify(Dropping()).findings == []
""",
    )
    assert outcomes(printed) == {
        "test_good": "FAILED",  # the optimizer has Parameters of another model
        "test_bad": "FAILED",
        "test_dropping": "FAILED",
        "test_only_looked_at": "PASSED",
    }
    assert "error[TL001]" in printed
    assert "error[TL101]" in printed
    assert "error[TL207]" in printed or "error[TL220]" in printed
    assert "pytest_plugin.py" not in printed


def test_the_marker(tmp_path: Path) -> None:
    printed = session(
        tmp_path,
        tests="""
@pytest.mark.torchlint(ignore=["TL001"])
def test_ignored(torchlint_verify):
    torchlint_verify(Bad())
@pytest.mark.torchlint(select=["TL001"])
class TestSelected:
    def test_inherited(self, torchlint_verify):
        torchlint_verify(Dropping(), torch.ones(2, 4))
    @pytest.mark.torchlint(select=["TL1"])
    def test_own(self, torchlint_verify):
        torchlint_verify(Dropping(), torch.ones(2, 4))
@pytest.mark.torchlint(devices=["cpu", "nosuch"])
def test_devices(torchlint_verify):
    torchlint_verify(Good(), torch.ones(2, 4))
@pytest.mark.torchlint(severity="note")
def test_notes(torchlint_verify):
    model = Good()
    model.table = torch.ones(3)
    torchlint_verify(model)
""",
    )
    found = outcomes(printed)
    assert found["test_ignored"] == "PASSED"
    assert found["TestSelected::test_inherited"] == "PASSED"
    assert found["TestSelected::test_own"] == "FAILED"
    assert found["test_devices[cpu]"] == "PASSED"
    assert found["test_devices[nosuch]"] == "ERROR"
    assert found["test_notes"] == "FAILED"


def test_a_missing_gpu_skips_its_test(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    printed = session(
        tmp_path,
        tests="""
@pytest.mark.torchlint(devices=["cpu", "cuda"])
def test_devices(torchlint_verify):
    torchlint_verify(Good(), torch.ones(2, 4))
""",
    )
    assert outcomes(printed) == {
        "test_devices[cpu]": "PASSED",
        "test_devices[cuda]": "PASSED" if torch.cuda.is_available() else "SKIPPED",
    }


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        (
            "torchlint(device='cpu')",
            "the marker torchlint takes devices, ignore, select, severity, not `device`",
        ),
        ("torchlint(['cpu'])", "not an argument without a name"),
        ("torchlint(devices='cuda')", "devices must be a list"),
    ],
)
def test_a_wrong_marker(tmp_path: Path, marker: str, said: str) -> None:
    printed = session(
        tmp_path,
        tests=f"@pytest.mark.{marker}\ndef test_it(torchlint_verify):\n    torchlint_verify(Good())\n",
    )
    assert said in printed
    assert "PASSED" not in printed


@pytest.mark.parametrize("base", ["", "src/"])
def test_all_models_of_a_package(tmp_path: Path, base: str) -> None:
    printed = session(
        tmp_path,
        "--torchlint-models",
        tests="def test_nothing():\n    pass\n",
        files={
            f"{base}mypackage/__init__.py": "",
            f"{base}mypackage/nets.py": NETS,
            f"{base}mypackage/deep/__init__.py": "",
            f"{base}mypackage/deep/more.py": "from ..nets import Good\nclass Deep(Good):\n    pass\n",
            f"{base}mypackage/broken.py": "import nothing_of_the_kind\n",
            "tests/__init__.py": "",
        },
    )
    assert outcomes(printed) == {
        "test_nothing": "PASSED",
        "mypackage.nets.Good": "PASSED",
        "mypackage.nets.Bad": "FAILED",
        "mypackage.nets.Dropping": "FAILED",
        "mypackage.nets.Configured": "SKIPPED",
        "mypackage.deep.more.Deep": "PASSED",
        "mypackage.broken": "SKIPPED",
    }
    assert "not constructible: nothing is known about its argument `cfg`" in printed
    assert "not importable: mypackage.broken: ModuleNotFoundError" in printed


def test_a_package_by_name(tmp_path: Path) -> None:
    files = {"one/__init__.py": NETS, "two/__init__.py": NETS}
    printed = session(tmp_path, "--torchlint-package=two", files=files)
    assert outcomes(printed)["two.Bad"] == "FAILED"
    assert "one." not in printed
    assert outcomes(session(tmp_path, "--torchlint-package=two", "-k", "Good", files=files)) == {
        "two.Good": "PASSED"
    }
    printed = session(tmp_path, "--torchlint-package=nosuch", files=files)
    assert outcomes(printed) == {"nosuch": "FAILED"}


def test_no_package_to_verify(tmp_path: Path) -> None:
    assert "there is no package in" in session(tmp_path, "--torchlint-models")


def test_loading_the_plugin_imports_little() -> None:
    program = (
        "import sys, torchlint.pytest_plugin; "
        "loaded = {'torch', 'libcst', 'torchlint.rules', 'torchlint.engine'} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
