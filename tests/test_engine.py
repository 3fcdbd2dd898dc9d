"""The one path from bytes to diagnostics: what it parses, what it survives, and that it always gives one answer."""

from __future__ import annotations

import pickle
from pathlib import Path
from textwrap import dedent

import libcst
import pytest

import torchlint.engine
import torchlint.rules
from torchlint.engine import check_source
from torchlint.project.index import Project
from torchlint.rule import rule
from torchlint.rules import the_rule

BUG = dedent(
    """\
    import torch
    from torch import nn

    def helper(x):
        return x + 1

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(8, 8) for _ in range(3)]

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    class Plain:
        def __init__(self):
            self.layers = [nn.Linear(8, 8)]
    """
)


@pytest.fixture
def parsed(monkeypatch):
    """The texts that LibCST is given."""
    texts: list[str] = []
    parse = libcst.parse_module

    def spy(source, *arguments, **options):
        texts.append(source)
        return parse(source, *arguments, **options)

    monkeypatch.setattr(libcst, "parse_module", spy)
    return texts


def codes(source: bytes | str, path: str = "net.py", **options) -> list[str]:
    return [diagnostic.code for diagnostic in check_source(source, path, **options)]


class TestWhatIsParsed:
    @pytest.mark.parametrize(
        "source",
        [
            "",
            "import os\n\nclass Net(object):\n    pass\n",
            "import torch\n\ndef f(x):\n    return torch.nn.functional.relu(x)\n",
            "from flax import linen as nn\n\nclass Net(nn.Module):\n    layers = [nn.Dense(1)]\n",
            "import torch\nfor i in range(3):\n    print(torch.zeros(i))\n",
        ],
        ids=["empty", "no torch", "functions only", "another framework", "a script without steps"],
    )
    def test_a_file_that_cannot_hold_a_finding_is_never_parsed_with_libcst(self, parsed, source):
        assert codes(source) == []
        assert parsed == []

    def test_only_the_statements_that_can_hold_a_finding_are_parsed(self, parsed):
        assert codes(BUG) == ["TL001"]
        text = "".join(parsed)
        assert "class Net" in text
        assert "def helper" not in text
        assert "class Plain" not in text

    def test_no_statement_is_parsed_twice(self, parsed):
        source = (
            BUG
            + "\n\ndef make():\n    return nn.Linear(2, 2)\n\nclass Other(Net):\n    def __init__(self):\n"
        )
        source += "        super().__init__()\n        self.more = [make() for _ in range(2)]\n"
        assert codes(source) == ["TL001", "TL001"]
        definitions = [
            line for text in parsed for line in text.splitlines() if line.startswith(("class ", "def "))
        ]
        assert sorted(definitions) == sorted(set(definitions))

    def test_the_tree_is_walked_without_rebuilding_it(self, monkeypatch):
        def refuse(self, visitor):
            raise AssertionError("CSTNode.visit rebuilds every node")

        monkeypatch.setattr(libcst.CSTNode, "visit", refuse)
        assert codes(BUG) == ["TL001"]


NET_WITH_CHAIN = BUG + "        y = a" + ".b()" * 3_000 + "\n"
"""The class has a candidate, so LibCST would have to parse the chain, which takes it minutes."""


class TestWhatIsSurvived:
    @pytest.mark.parametrize(
        "source, reason",
        [
            (b"def f(:\n", "invalid syntax"),
            (b"x = '\xff\xfe'\n", "decoded"),
            (b"# coding: no-such-codec\n", "no-such-codec"),
            ("x = " + "1 + " * 20_000 + "1\n", "deep"),
            ("x = " + "(" * 300 + ")" * 300 + "\n", ""),
            (NET_WITH_CHAIN, "deep"),
            (b"x = 1\0\n", ""),
            ("x = [\n" + "1,\n" * 1_500_000 + "]\n", "large"),
        ],
        ids=["syntax", "bytes", "codec", "sum", "parentheses", "chain", "NUL", "large"],
    )
    def test_a_file_that_cannot_be_checked_is_one_tl000(self, source, reason):
        (diagnostic,) = check_source(source, "net.py")
        assert diagnostic.code == "TL000"
        assert reason in diagnostic.message
        assert "\n" not in diagnostic.message

    def test_a_rule_that_raises_costs_only_its_own_findings(self, monkeypatch):
        @rule("TL998", since="0.1.0")
        def broken_rule(call: MethodCall):  # noqa: F821
            raise ValueError("oops")
            yield

        monkeypatch.setattr(
            torchlint.rules, "the_rule", lambda code: broken_rule if code == "TL101" else the_rule(code)
        )
        monkeypatch.setattr(torchlint.engine, "_rules", torchlint.engine._rules.__wrapped__)
        found = check_source(BUG, "net.py")
        assert sorted(item.code for item in found) == ["TL000", "TL001"]
        assert "TL998" in found[0].message
        assert "oops" in found[0].message

    def test_a_subject_that_cannot_be_found_costs_only_the_rules_on_it(self, monkeypatch):
        def fail(_cls):
            raise ValueError("oops")

        both = BUG.replace("for layer", "x = nn.functional.dropout(x, 0.5)\n        for layer")
        monkeypatch.setattr("torchlint.model.calls.calls_of", fail)
        found = check_source(both, "net.py")
        assert sorted(item.code for item in found) == ["TL000", "TL001"]
        assert "MethodCall" in found[0].message

    def test_projects_of_single_calls_are_not_kept(self):
        for _ in range(20):
            check_source(BUG, "net.py")
        assert len(torchlint.engine._PROGRAM) == 1

    def test_a_file_that_libcst_refuses_is_one_tl000(self, monkeypatch):
        def refuse(*_arguments, **_options):
            raise TypeError("LibCST does not know this")

        monkeypatch.setattr(libcst, "parse_module", refuse)
        (diagnostic,) = check_source(BUG, "net.py")
        assert diagnostic.code == "TL000"
        assert "LibCST does not know this" in diagnostic.message


class TestOneAnswer:
    def test_results_can_be_sent_to_another_process(self):
        found = check_source(BUG, "net.py")
        assert pickle.loads(pickle.dumps(found)) == found

    def test_text_and_bytes_agree(self):
        assert check_source(BUG, "net.py") == check_source(BUG.encode(), "net.py")

    def test_the_file_itself_is_never_read(self, tmp_path: Path):
        path = tmp_path / "net.py"
        path.write_text("class Net:\n    pass\n")
        assert codes(BUG, str(path)) == ["TL001"]

    def test_an_edit_is_seen_when_the_project_is_kept(self, tmp_path: Path):
        project = Project(tmp_path, environment=())
        path = str(tmp_path / "net.py")
        assert codes(BUG, path, project=project) == ["TL001"]
        mended = BUG.replace("[nn.Linear(8, 8) for _ in range(3)]", "nn.ModuleList([nn.Linear(8, 8)])")
        assert codes(mended, path, project=project) == []
        assert codes(BUG, path, project=project) == ["TL001"]

    def test_an_edit_of_a_base_class_is_seen_when_the_project_is_kept(self, tmp_path: Path):
        project = Project(tmp_path, environment=())
        base, net = tmp_path / "base.py", tmp_path / "net.py"
        source = BUG.replace("class Net(nn.Module)", "from base import Base\nclass Net(Base)")
        for bases, expected in (("nn.Module", ["TL001"]), ("object", []), ("nn.Module", ["TL001"])):
            text = f"from torch import nn\n\nclass Base({bases}):\n    pass\n"
            base.write_text(text)
            check_source(text, str(base), project=project)
            assert codes(source, str(net), project=project) == expected


DECORATED = """\
from torch import nn
%s
def initialising(init):
    def initialised(self):
        super(Net, self).__init__()
        init(self)

    return initialised


class Net(nn.Module):
    @initialising
    def __init__(self):
        self.layer = nn.Linear(8, 8)
"""


@pytest.mark.parametrize(
    "above", ["", "\f" * 12 + "\n", "# \u2028" * 12 + "\n"], ids=["", "form feeds", "U+2028"]
)
def test_lines_are_those_of_python(above):
    assert codes(DECORATED % above) == []
    assert codes(DECORATED.replace("super(Net, self).__init__()", "pass") % above) == ["TL003"]
