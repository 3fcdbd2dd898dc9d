"""``torchlint verify`` as a user starts it: live models, whatever their code does, and static findings confirmed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema
import pytest

pytest.importorskip("torch")

MODELS = """\
import os, signal, sys, threading, time
import torch
from torch import nn


class Hidden(nn.Module):
    def __init__(self, dim=8, heads=2):
        super().__init__()
        self.body = nn.Linear(dim, dim)
        self.heads = [nn.Linear(dim, dim) for _ in range(heads)]

    def forward(self, x):
        for head in self.heads:
            x = head(self.body(x))
        return x


class Needs(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.fc = nn.Linear(dim, heads)


class Hostile(nn.Module):
    def __getattr__(self, name):
        raise RuntimeError("hostile")


class Cyclic(nn.Module):
    def __init__(self):
        super().__init__()
        self.me = {"me": [self]}


model = nn.Linear(2, 2)
number = 3


def clean():
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU())


def inputs():
    return torch.ones(2, 8)


def keywords():
    return (), {"x": torch.ones(2, 8)}


def optimizer(model):
    return torch.optim.SGD([model.body.weight], lr=0.5)


def raises():
    raise ValueError("bad size")


def gives_dict():
    return {}


def hangs():
    time.sleep(1000)


def leaves_a_thread():
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return clean()


def forks():
    os.fork()
    return clean()


def leaves_a_child():
    if os.fork() == 0:
        time.sleep(1000)
    return clean()


def dies():
    os.kill(os.getpid(), signal.SIGSEGV)


def aborts():
    os.abort()


def exits():
    sys.exit(0)


def ends():
    os._exit(0)


def eats():
    kept = []
    while True:
        kept.append(torch.ones(1 << 26))


def prints():
    print("noise")
    os.write(1, b"raw noise")
    return clean()


def many():
    return nn.ModuleList(nn.ReLU() for _ in range(10_000))


def lazy():
    return nn.Sequential(nn.LazyLinear(3), nn.ReLU())


def scripted():
    return torch.jit.script(clean())


def parallel():
    return nn.DataParallel(clean())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verify")
    (path / "models.py").write_text(MODELS, encoding="utf-8")
    (path / "missing.py").write_text("import nothing_of_the_kind\n", encoding="utf-8")
    (path / "wrong.py").write_text("def f(:\n", encoding="utf-8")
    return path


def run(folder: Path, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torchlint", "verify", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def report(folder: Path, *arguments: str) -> dict[str, Any]:
    done = run(folder, *arguments, "--output-format", "json")
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# ----------------------------------------------------------------------------------------------------- what it finds


def test_a_hidden_layer_is_found_and_shown(folder: Path) -> None:
    done = run(folder, "models:Hidden", "--inputs", "models:inputs", "--optimizer", "AdamW")
    assert done.returncode == 1
    assert "error[TL001]" in done.stdout
    assert "!! heads[0]: Linear" in done.stdout
    assert "trained by group 0, lr 0.001" in done.stdout
    assert "assigned: models.py:10" in done.stdout
    assert done.stderr == ""


def test_a_clean_model_is_clean(folder: Path) -> None:
    done = run(folder, "models:clean", "--inputs", "models:inputs", "--no-tree")
    assert done.returncode == 0, done.stdout
    assert "nothing found" in done.stdout
    assert "(0) Linear" not in done.stdout


def test_a_file_stands_for_its_module(folder: Path) -> None:
    assert [each["path"] for each in report(folder, "models.py:Hidden")["findings"]] == ["heads[0]"]


def test_a_file_in_a_package_keeps_its_relative_imports(tmp_path: Path) -> None:
    package = tmp_path / "package" / "inner"
    package.mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "../__init__.py": "",
        "../base.py": MODELS,
        "net.py": "from ..base import Hidden\n",
    }.items():
        (package / name).write_text(text, encoding="utf-8")
    assert report(tmp_path, "package/inner/net.py:Hidden")["target"] == "package.base.Hidden"


@pytest.mark.parametrize(("given", "count"), [("[8, 3]", 3), ('{"heads": 4}', 4)])
def test_arguments(folder: Path, given: str, count: int) -> None:
    (finding,) = report(folder, "models:Hidden", "--arguments", given)["findings"]
    assert finding["count"] == count


def test_inputs_by_keyword_and_an_optimizer_of_the_user(folder: Path) -> None:
    found = report(folder, "models:Hidden", "--inputs", "models:keywords", "--optimizer", "models:optimizer")
    assert {"TL001", "TL220"} <= {each["code"] for each in found["findings"]}
    assert "forward" not in {each["check"] for each in found["not_run"]}


def test_a_missing_gpu_is_skipped_and_not_passed(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    found = report(folder, "models:clean", "--inputs", "models:inputs", "--device", "cpu", "--device", "cuda")
    assert found["devices"]["cuda"].startswith("skipped")
    assert any(each["check"] == "cuda" for each in found["not_run"])


def test_selected_rules(folder: Path) -> None:
    assert report(folder, "models:Hidden", "--select", "TL002")["findings"] == []
    assert report(folder, "models:Hidden", "--ignore", "TL0")["findings"] == []


def test_sarif(folder: Path) -> None:
    done = run(folder, "models:Hidden", "--output-format", "sarif")
    results = json.loads(done.stdout)["runs"][0]["results"]
    assert [each["ruleId"] for each in results] == ["TL001"]
    if schema := os.environ.get("TORCHLINT_SARIF_SCHEMA"):
        jsonschema.validate(json.loads(done.stdout), json.loads(Path(schema).read_text(encoding="utf-8")))


def test_output_file_and_exit_zero(folder: Path) -> None:
    done = run(folder, "models:Hidden", "--output-format", "json", "-o", "report.json", "--exit-zero")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["findings"]


@pytest.mark.parametrize(
    "target", ["Cyclic", "Hostile", "many", "lazy", "scripted", "parallel", "prints", "forks"]
)
def test_strange_models_are_looked_at(folder: Path, target: str) -> None:
    done = run(folder, f"models:{target}", "--output-format", "json")
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads(done.stdout)["tool"] == "torchlint.runtime"


@pytest.mark.parametrize("target", ["leaves_a_thread", "leaves_a_child"])
def test_nothing_that_is_left_running_is_waited_for(folder: Path, target: str) -> None:
    assert run(folder, f"models:{target}", timeout=40).returncode == 0


# ------------------------------------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("models:raises",), "`raises` raised ValueError: bad size"),
        (("models:gives_dict",), "`gives_dict` returned a dict, not an nn.Module"),
        (("models:number",), "is an int, not a model"),
        (("models:Needs",), "`Needs` needs arguments (`dim`, `heads`)"),
        (("models:Needs", "--arguments", "[1, 2, 3]"), "does not take these arguments"),
        (("models:Hiden",), "did you mean `Hidden`?"),
        (("models:dies",), "the process died of SIGSEGV while calling `models:dies`"),
        (("models:aborts",), "the process died of SIGABRT"),
        (("models:exits",), "it called sys.exit(0)"),
        (("models:ends",), "the process ended with status 0 while calling"),
        (("models:hangs", "--timeout", "4"), "it took longer than 4 s while calling `models:hangs`"),
        (("models:eats", "--memory", "500"), "allocate"),
        (("models:model", "--inputs", "models:raises"), "`raises` raised ValueError"),
        (("models:model", "--optimizer", "Nope"), "`Nope` is neither"),
        (("models:model", "--select", "TL998"), "unknown rule `TL998`"),
        (("missing:net",), "`nothing_of_the_kind` is not installed"),
        (("wrong:net",), "SyntaxError"),
        (("nowhere:net",), "there is no module `nowhere`"),
        (("nowhere.py:net",), "there is no file"),
        (("models",), "is not of the form"),
    ],
)  # fmt: skip
def test_one_error_says_what_went_wrong(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(folder, *arguments)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("torchlint: ")]
    assert line.startswith("torchlint: error: ")
    assert said in line
    assert "Traceback" not in done.stderr


def test_a_failure_is_json_as_well(folder: Path) -> None:
    done = run(folder, "models:raises", "--output-format", "json")
    assert done.returncode == 2
    assert "bad size" in json.loads(done.stdout)["failed"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("models:model", "--arguments", "{"),
        ("models:model", "--arguments", "3"),
        ("models:model", "--timeout", "0"),
    ],
)
def test_wrong_usage(folder: Path, arguments: tuple[str, ...]) -> None:
    done = run(folder, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("torchlint: error: ")


def test_the_parent_imports_neither_torch_nor_user_code(folder: Path) -> None:
    program = dedent("""
        import sys
        from torchlint.cli import main
        status = main(["verify", "models:clean", "--no-tree"])
        assert status == 0
        assert not {"torch", "models", "libcst"} & set(sys.modules), "imported"
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------------------------------------------- --from-static

NETS = """\
import os
import signal

import torch.nn.functional as F
from torch import nn


class Listed(nn.Module):
    def __init__(self, dim, heads=2):
        super().__init__()
        self.heads = [nn.Linear(dim, dim) for _ in range(heads)]

    def forward(self, x):
        for head in self.heads:
            x = head(x)
        return x


class Sub(Listed):
    pass


class Configured(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.heads = [nn.Linear(cfg["dim"], 8) for _ in range(2)]

    def forward(self, x):
        return self.heads[0](x)


class Dropping(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return F.dropout(self.fc(x))


class Branch(nn.Module):
    def __init__(self, deep=False):
        super().__init__()
        self.fc = nn.Linear(8, 8)
        if deep:
            self.more = [nn.Linear(8, 8)]

    def forward(self, x):
        return self.more[0](self.fc(x))


class Dies(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = [nn.Linear(8, 8)]
        os.kill(os.getpid(), signal.SIGSEGV)

    def forward(self, x):
        return self.heads[0](x)


class Bare(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return self.fc(x)


class Empty(nn.Module):
    def __init__(self, size):
        self.size = size

    def forward(self, x):
        return x[: self.size]


class Unruly(nn.Module):
    def __init__(self):
        super().__init__()
        self.__dict__["secret"] = nn.Linear(4, 4)
        self.heads = [nn.Linear(8, 8)]

    def forward(self, x):
        return self.heads[0](x)


def make():
    class Local(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = [nn.Linear(8, 8)]

        def forward(self, x):
            return self.heads[0](x)

    return Local()
"""
FACTORIES = """\
import torch
from nets import Configured

FACTORIES = {"Configured": lambda: (Configured({"dim": 4}), torch.ones(2, 4))}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "nets.py").write_text(NETS, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torchlint",
            "check",
            "--no-cache",
            "--isolated",
            "--output-format",
            "json",
            "src",
        ],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    (tmp_path / "findings.json").write_text(done.stdout, encoding="utf-8")
    return tmp_path


def labels(found: dict[str, Any]) -> dict[tuple[str, str | None, str | None], str]:
    return {(each["code"], each["class"], each["attribute"]): each["status"] for each in found["findings"]}


def test_static_findings_are_judged_on_live_models(project: Path) -> None:
    done = run(project, "--from-static", "findings.json", "--output-format", "json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert labels(found) == {
        ("TL001", "Listed", "heads"): "confirmed",
        ("TL001", "Configured", "heads"): "not constructible",
        ("TL101", "Dropping", None): "confirmed",
        ("TL001", "Branch", "more"): "unconfirmed",
        ("TL001", "Dies", "heads"): "not constructible",
        ("TL003", "Bare", None): "confirmed",
        ("TL003", "Empty", None): "confirmed",
        ("TL001", "Unruly", "heads"): "confirmed",
        ("TL001", "make.<locals>.Local", "heads"): "not constructible",
    }
    reasons = {each["class"]: each["reason"] for each in found["findings"]}
    assert "`cfg`" in reasons["Configured"]
    assert "SIGSEGV" in reasons["Dies"]
    assert [each["attribute"] for each in found["runtime_only"]] == ["secret"]
    assert found["summary"] == {"confirmed": 5, "unconfirmed": 1, "not_constructible": 3, "inconclusive": 0}


def test_lines_do_not_join_them(project: Path) -> None:
    nets = project / "src" / "nets.py"
    text = nets.read_text(encoding="utf-8")
    split = "self.heads = [\n            nn.Linear(dim, dim)\n            for _ in range(heads)\n        ]"
    nets.write_text(
        text.replace("self.heads = [nn.Linear(dim, dim) for _ in range(heads)]", split), encoding="utf-8"
    )
    report = project / "findings.json"
    body = json.loads(report.read_text(encoding="utf-8"))
    body["diagnostics"] = body["diagnostics"][:1]
    body["diagnostics"][0]["range"]["end"]["line"] += 3
    report.write_text(json.dumps(body), encoding="utf-8")
    found = json.loads(run(project, "--from-static", "findings.json", "--output-format", "json").stdout)
    assert labels(found) == {("TL001", "Listed", "heads"): "confirmed"}


def test_factories_of_the_user(project: Path) -> None:
    (project / "torchlint_factories.py").write_text(
        f"import sys\nsys.path.insert(0, 'src')\n{FACTORIES}", encoding="utf-8"
    )
    found = json.loads(run(project, "--from-static", "findings.json", "--output-format", "json").stdout)
    assert labels(found)["TL001", "Configured", "heads"] == "confirmed"


def test_given_arguments_and_text(project: Path) -> None:
    done = run(
        project, "--from-static", "findings.json", "--arguments", '{"Configured": {"cfg": {"dim": 8}}}'
    )
    assert done.returncode == 1
    assert "confirmed: src/nets.py:26: TL001 module-in-plain-container (Configured.heads)" in done.stdout
    assert done.stdout.endswith("6 confirmed, 1 unconfirmed, 2 not constructible, 1 only seen at run time\n")


def test_static_findings_as_sarif(project: Path) -> None:
    done = run(project, "--from-static", "findings.json", "--output-format", "sarif")
    results = json.loads(done.stdout)["runs"][0]["results"]
    assert {each["properties"]["status"] for each in results} == {
        "confirmed",
        "unconfirmed",
        "not constructible",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not what"),
        ("[]", "is not what"),
        ('{"diagnostics": [{}]}', "is not what"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_report(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "findings.json").write_text(text, encoding="utf-8")
    done = run(tmp_path, "--from-static", "findings.json")
    assert done.returncode == 2
    assert done.stderr.startswith("torchlint: error: ")
    assert said in done.stderr


def test_a_report_without_findings(tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text('{"diagnostics": []}', encoding="utf-8")
    done = run(tmp_path, "--from-static", "findings.json")
    assert (done.returncode, done.stdout) == (0, "no findings to verify\n")
