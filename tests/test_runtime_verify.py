"""What calling a model shows, what its optimizer and checkpoints say of it, and what the report is like."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from torchlint import runtime  # noqa: E402
from torchlint.settings import ConfigError  # noqa: E402

X = torch.ones(3, 4)


def codes(report: runtime.Report, least: str = "warning") -> list[str]:
    return [each.code for each in report.at_least(least)]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 4)

    def forward(self, x):
        return self.body(x)


# ----------------------------------------------------------------------------------------------------------- forward


class DropsByFunction(Net):
    def forward(self, x):
        return F.dropout(super().forward(x))


class DropsOnPurpose(Net):
    def forward(self, x):
        return F.dropout(super().forward(x), training=True)


class DropsByFlag(Net):
    active = True

    def forward(self, x):
        return F.dropout(super().forward(x), 0.5, self.active)


class DropsInAttention(Net):
    def forward(self, x):
        x = self.body(x)[None]
        return F.scaled_dot_product_attention(x, x, x, dropout_p=0.3)


class DropsNever(Net):
    def forward(self, x):
        return F.alpha_dropout(super().forward(x), 0.5)


class BuildsDropout(Net):
    def forward(self, x):
        return nn.Dropout(0.5)(super().forward(x))


class BuildsLayer(Net):
    def forward(self, x):
        return nn.Linear(4, 2)(super().forward(x))


class BuildsSequential(Net):
    def forward(self, x):
        return nn.Sequential(nn.Linear(4, 4), nn.ReLU())(super().forward(x))


class BuildsParameter(Net):
    def forward(self, x):
        return super().forward(x) * nn.Parameter(torch.rand(4))


class CopiesLayer(Net):
    def forward(self, x):
        return copy.deepcopy(self.body)(x) + super().forward(x)


class BuildsOnce(Net):
    head = None

    def forward(self, x):
        if self.head is None:
            self.head = nn.Linear(4, 2)
        return self.head(super().forward(x))


class Wraps(Net):
    """Containers of registered layers and layers without state may be built anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Dropout(0.1)])

    def forward(self, x):
        for each in self.layers[:1]:
            x = each(x)
        x = nn.Sequential(self.body, nn.ReLU(), *self.layers)(x)
        return nn.Flatten()(F.dropout(x, 0.1, self.training))


class Noisy(Net):
    def forward(self, x):
        return super().forward(x) + torch.randn(4)


class Remembers(Net):
    """A state that grows is left as it was found."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[Any] = []
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        self.history.append(x)
        return super().forward(x) + len(self.history)


class Detaches(Net):
    def forward(self, x):
        return super().forward(x).detach().requires_grad_()


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Net, []),
        (Wraps, []),
        (DropsByFunction, [("TL101", "error")]),
        (DropsByFlag, [("TL101", "warning")]),
        (DropsOnPurpose, []),
        (DropsInAttention, [("TL103", "error")]),
        (DropsNever, [("TL107", "error")]),
        (BuildsDropout, [("TL101", "error")]),
        (BuildsLayer, [("TL104", "error")]),
        (BuildsSequential, [("TL104", "error")]),
        (BuildsParameter, [("TL104", "error")]),
        (BuildsOnce, [("TL104", "warning")]),
        (Noisy, [("TL120", "warning")]),
        (Remembers, [("TL120", "warning")]),
    ],
)
def test_what_a_forward_pass_shows(cls: type[Net], expected: list[tuple[str, str]]) -> None:
    report = runtime.verify(cls(), (X,))
    assert [(each.code, each.severity) for each in report.at_least("warning")] == expected, str(report)


def test_the_line_of_a_call_is_given() -> None:
    finding = runtime.verify(DropsByFunction(), (X,)).findings[0]
    assert finding.created == f"{__file__}:{DropsByFunction.forward.__code__.co_firstlineno + 1}"
    assert finding.owner.endswith("DropsByFunction")


def test_a_layer_that_replaces_its_weights_is_not_born() -> None:
    class Borrows(Net):
        def forward(self, x):
            made = nn.Linear(4, 4)
            made.weight, made.bias = self.body.weight, self.body.bias
            return made(x)

    assert not codes(runtime.verify(Borrows(), (X,)))


def test_parameters_without_a_gradient_are_notes() -> None:
    class Skips(Net):
        def __init__(self) -> None:
            super().__init__()
            self.unused = nn.Linear(4, 4)

    report = runtime.verify(Skips(), (X,), select=["TL222"])
    assert {each.path for each in report.findings} == {"unused.weight", "unused.bias"}
    assert {each.severity for each in report.findings} == {"note"}
    assert not runtime.verify(Detaches(), (X,), select=["TL222"]).at_least("warning")


def test_checkpointing_hides_what_is_below() -> None:
    from torch.utils.checkpoint import checkpoint

    class Checkpointed(Net):
        def forward(self, x):
            return checkpoint(self.body, x.requires_grad_(), use_reentrant=True)

    assert not runtime.verify(Checkpointed(), (X.clone(),), select=["TL222"]).findings


def test_a_buffer_that_training_changes() -> None:
    class Counts(Net):
        def __init__(self, persistent: bool) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(4), persistent=persistent)

        def forward(self, x):
            if self.training:
                self.mean = self.mean * 0.9 + x.mean(0) * 0.1
            return super().forward(x) - self.mean

    (finding,) = runtime.verify(Counts(persistent=False), (X,)).at_least("warning")
    assert (finding.code, finding.path, finding.severity) == ("TL019", "mean", "warning")
    assert not codes(runtime.verify(Counts(persistent=True), (X,)))


def test_inputs_of_many_kinds() -> None:
    class Takes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(4, 4)

        def forward(self, batch, *, scale=1.0, pair=None):
            batch["x"].add_(0)  # what is written to is a copy
            return {"out": [self.body(batch["x"]) * scale * pair[0]]}

    x = torch.ones(2, 4)
    report = runtime.verify(Takes(), ({"x": x},), {"scale": 2.0, "pair": (torch.ones(4), None)})
    assert not report.findings
    assert x._version == 0
    assert not codes(runtime.verify(Net(), X))  # a tensor alone is one argument


def test_a_model_on_meta_is_not_called() -> None:
    with torch.device("meta"):
        model = Net()
    model.heads = [nn.Linear(4, 4)]
    report = runtime.verify(model, (X,))
    assert codes(report) == ["TL001"]
    assert "meta device" in str(report)


def test_without_inputs_a_model_is_not_called() -> None:
    class Raises(Net):
        def forward(self, x):
            raise AssertionError

    report = runtime.verify(Raises())
    assert not report.findings
    assert ("forward", "no inputs were given") in [(each.check, each.why) for each in report.not_run]


def test_what_a_model_raises_is_said() -> None:
    report = runtime.verify(Net(), (torch.ones(3, 5),))
    assert not report.findings
    whys = {each.check: each.why for each in report.not_run}
    assert "shapes cannot be multiplied" in whys["forward in evaluation"]
    assert "device (simulated)" in whys
    assert report.devices == {"cpu": "failed", "meta": "simulated, inconclusive"}


# ------------------------------------------------------------------------------------------------------------ device


def test_a_missing_gpu_is_skipped_and_never_passed() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    report = runtime.verify(Net(), (X,), devices=("cpu", "cuda"))
    assert report.devices == {"cpu": "run", "meta": "simulated", "cuda": "skipped: no CUDA"}
    assert ("cuda", "skipped: no CUDA") in [(each.check, each.why) for each in report.not_run]


def test_a_model_that_looks_at_values_is_inconclusive() -> None:
    class Looks(Net):
        def forward(self, x):
            return super().forward(x) if x.sum().item() > 0 else x

    report = runtime.verify(Looks(), (X,))
    assert not report.findings
    assert [each.check for each in report.not_run if each.check.startswith("device")] == [
        "device (simulated)"
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_real_gpu_counts_more_than_the_simulation() -> None:
    class Stays(Net):
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.ones(4)
            self.heads = [nn.Linear(4, 4)]

        def forward(self, x):
            return self.heads[0](super().forward(x)) + self.table

    report = runtime.verify(Stays(), (X,), devices=("cpu", "cuda"))
    assert report.devices == {"cpu": "run", "cuda": "run"}
    found = {each.path: each for each in report.at_least("error")}
    assert set(found) == {"table", "heads[0]"}
    assert found["table"].evidence["device"] == "cuda"
    assert found["heads[0]"].evidence["breaks_at"]
    assert not codes(runtime.verify(Net(), (X,), devices=("cuda",)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_on_a_gpu_is_left_there() -> None:
    model = Net().cuda()
    state = torch.cuda.get_rng_state()
    report = runtime.verify(model, (X.cuda(),))
    assert not codes(report)
    assert all(each.is_cuda for each in model.parameters())
    assert torch.equal(state, torch.cuda.get_rng_state())


# -------------------------------------------------------------------------------------------------------- optimizers


def two() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))


def test_a_parameter_that_no_optimizer_has() -> None:
    model = two()
    report = runtime.verify(model, optimizer=torch.optim.SGD(model[0].parameters(), lr=0.1))
    (finding,) = report.at_least("error")
    assert (finding.code, finding.paths, finding.numel) == ("TL220", ("1.weight", "1.bias"), 10)
    model[1].requires_grad_(False)
    assert not codes(runtime.verify(model, optimizer=torch.optim.SGD(model[0].parameters(), lr=0.1)))


def test_several_optimizers_add_up() -> None:
    model, other = two(), two()
    both = [torch.optim.SGD(model[0].parameters(), lr=0.1), torch.optim.Adam(model[1].parameters())]
    assert not codes(runtime.verify(model, optimizer=both))
    assert not codes(runtime.verify(model, optimizer={"a": both[0], "b": both[1]}))
    shared = torch.optim.SGD([*model.parameters(), *other.parameters()], lr=0.1)
    assert not codes(runtime.verify(model, optimizer=shared))


def test_an_optimizer_that_was_made_before_the_head() -> None:
    model = two()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model[1] = nn.Linear(4, 3)
    assert codes(runtime.verify(model, optimizer=optimizer)) == ["TL207", "TL220"]


def test_the_optimizer_of_another_copy() -> None:
    model = two()
    optimizer = torch.optim.SGD(copy.deepcopy(model).parameters(), lr=0.1)
    assert codes(runtime.verify(model, optimizer=optimizer)) == ["TL207"]


def test_what_is_no_optimizer() -> None:
    with pytest.raises(TypeError, match="not an optimizer"):
        runtime.verify(two(), optimizer="sgd")


# ------------------------------------------------------------------------------------------------- layers and modes


class MayHaveNoBuffer(Net):
    def __init__(self, scale=None) -> None:
        super().__init__()
        self.scale = self.register_buffer("scale", scale)
        self.register_buffer("shift", None)


class LosesBuffer(Net):
    def __init__(self) -> None:
        super().__init__()
        self.scale = self.register_buffer("scale", torch.ones(4))


class Repeats(Net):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[nn.Linear(4, 4)] * 3)


class Shares(Net):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[nn.Linear(4, 4)] * 3)  # shared weights
        self.heads = nn.ModuleList([self.blocks for _ in range(3)])


class RepeatsActivation(Net):
    def __init__(self) -> None:
        super().__init__()
        self.acts = nn.ModuleList([nn.ReLU()] * 3)


class OwnRecurrence(nn.LSTM):
    def forward(self, x):  # type: ignore[override]
        return F.dropout(x, self.dropout, self.training)


class KeptMomentum(nn.BatchNorm1d):
    def forward(self, x):
        return self.momentum * x


class ReadsSwitch(Net):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad = False

    def forward(self, x):
        return super().forward(x if self.requires_grad else x.detach())


class KeepsOption(Net):
    def __init__(self, requires_grad=False) -> None:
        super().__init__()
        self.requires_grad = requires_grad


def assigning(module: nn.Module, name: str, value: object, at: str = "") -> nn.Module:
    setattr(module.get_parameter(at) if at else module, name, value)
    return module


def frozen(module: nn.Module) -> nn.Module:
    return module.requires_grad_(False)


@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (LosesBuffer, ["TL006"]),
        (MayHaveNoBuffer, []),
        (Repeats, ["TL007"]),
        (Shares, []),
        (RepeatsActivation, []),
        (lambda: nn.GRU(4, 4, dropout=0.5), ["TL111"]),
        (lambda: nn.GRU(4, 4, 2, dropout=0.5), []),
        (lambda: OwnRecurrence(4, 4, dropout=0.5), []),
        (lambda: nn.BatchNorm1d(4, momentum=0.99), ["TL112"]),
        (lambda: nn.Sequential(nn.LazyBatchNorm1d(momentum=0.9)), ["TL112"]),
        (lambda: nn.BatchNorm1d(4, momentum=1.0), []),
        (lambda: nn.BatchNorm1d(4, momentum=None), []),
        (lambda: nn.BatchNorm1d(4, momentum=0.99, track_running_stats=False), []),
        (lambda: nn.InstanceNorm1d(4, momentum=0.99), []),
        (lambda: KeptMomentum(4, momentum=0.99), []),
        (lambda: assigning(Net(), "requires_grad", False), ["TL211"]),
        (lambda: assigning(Net(), "requires_grad_", False), ["TL211"]),
        (lambda: assigning(frozen(Net()), "requires_grad", True), ["TL211"]),
        (lambda: assigning(frozen(Net()), "requires_grad", False), []),
        (lambda: assigning(Net(), "requires_grad", True), []),
        (lambda: assigning(nn.ReLU(), "requires_grad", False), []),
        (lambda: assigning(Net(), "requires_grad", None), []),
        (ReadsSwitch, []),
        (KeepsOption, []),
        (lambda: assigning(Net(), "require_grad", False), ["TL212"]),
        (lambda: assigning(Net(), "require_grad", False, at="body.weight"), ["TL212"]),
        (lambda: assigning(Net(), "require_grad", True, at="body.weight"), []),
        (lambda: assigning(Net(), "requires_grad_", False, at="body.weight"), ["TL212"]),
    ],
)
def test_what_layers_say_of_themselves(make: Any, expected: list[str]) -> None:
    report = runtime.verify(make())
    assert codes(report) == expected, report
    assert "layers" not in {each.check for each in report.not_run}


def test_where_a_layer_is() -> None:
    class Outer(Net):
        def __init__(self) -> None:
            super().__init__()
            self.norms = nn.Sequential(*[nn.Sequential(nn.BatchNorm1d(4, momentum=0.9)) for _ in range(3)])

    (finding,) = runtime.verify(Outer()).at_least("warning")
    assert finding.paths == ("norms.0.0", "norms.1.0", "norms.2.0")
    assert finding.attribute == "norms" and finding.owner.endswith("Outer")
    assert finding.assigned is not None and finding.assigned.startswith(__file__)


class TrainsOnLoader(Net):
    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def train(self, loader):
        for _ in loader or ():
            pass


class TrainsOnLoaderForSure(TrainsOnLoader):
    def train(self, loader):
        for _ in loader:
            pass


class TrainsInEpochs(TrainsOnLoader):
    def train(self, loader, epochs):
        pass


class KeepsDropping(TrainsOnLoader):
    """As for Monte Carlo dropout."""

    def train(self, mode=True):
        super(TrainsOnLoader, self).train(mode)
        self.drop.training = True
        return self


class StaysInTraining(TrainsOnLoader):
    def train(self, mode=True):
        return super(TrainsOnLoader, self).train(True)


class EvaluatesItself(TrainsOnLoader):
    def eval(self):
        nn.Module.train(self, False)
        return self


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (TrainsOnLoader, ["TL012"]),
        (TrainsOnLoaderForSure, ["TL012"]),
        (TrainsInEpochs, ["TL012"]),
        (KeepsDropping, []),
        (StaysInTraining, []),
        (EvaluatesItself, []),
        (Net, []),
    ],
)
def test_what_eval_does(cls: type[nn.Module], expected: list[str]) -> None:
    alone, part = cls(), nn.Sequential(cls())
    for model in (
        [alone] if cls is EvaluatesItself else [alone, part]
    ):  # which a parent's `train(False)` passes by
        model.training = False
        before = [module.training for module in model.modules()]
        report = runtime.verify(model, (X,), select=["TL012"])
        assert codes(report) == expected, report
        assert [module.training for module in model.modules()] == before


# ------------------------------------------------------------------------------------------------------------ saving


class Scaled(Net):
    def __init__(self, *, saved: bool) -> None:
        super().__init__()
        scale = torch.rand(4)
        if saved:
            self.register_buffer("scale", scale)
        else:
            self.scale = [*scale.tolist()]

    def forward(self, x):
        return super().forward(x) * torch.as_tensor(self.scale)


def test_a_round_trip_that_differs() -> None:
    report = runtime.verify(Scaled(saved=False), (X,), factory=lambda: Scaled(saved=False))
    assert codes(report) == ["TL605"]
    assert not codes(runtime.verify(Scaled(saved=True), (X,), factory=lambda: Scaled(saved=True)))


def test_a_round_trip_that_does_not_load() -> None:
    (finding,) = runtime.verify(Scaled(saved=True), factory=Net).at_least("error")
    assert finding.code == "TL605"
    assert "scale" in finding.message


def test_a_round_trip_of_a_hidden_layer() -> None:
    class Hides(Net):
        def __init__(self) -> None:
            super().__init__()
            self.heads = [nn.Linear(4, 4)]

        def forward(self, x):
            return self.heads[0](super().forward(x))

    assert codes(runtime.verify(Hides(), (X,), factory=Hides)) == ["TL001", "TL605"]


@pytest.mark.parametrize("factory", [lambda: 1 / 0, lambda: "a model"])
def test_a_factory_that_makes_nothing(factory: Any) -> None:
    report = runtime.verify(Net(), (X,), factory=factory)
    assert not report.findings
    assert [each.check for each in report.not_run if "round trip" in each.check]


def test_a_tie_that_loading_breaks() -> None:
    def tied() -> nn.Sequential:
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        model[1].weight = model[0].weight
        return model

    (finding,) = runtime.verify(
        tied(), factory=lambda: nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    ).findings
    assert (finding.code, finding.severity) == ("TL604", "warning")
    assert not runtime.verify(tied(), factory=tied).findings


# ------------------------------------------------------------------------------------------------------------ report


class Hides(Net):
    def __init__(self) -> None:
        super().__init__()
        self.heads = [nn.Linear(4, 4)]
        self.teacher = [nn.Linear(4, 4)]
        self.norm = nn.BatchNorm1d(4)


def test_select_and_ignore() -> None:
    assert codes(runtime.verify(Hides(), select=["TL0"])) == ["TL001", "TL001"]
    assert codes(runtime.verify(Hides(), ignore=["module-in-plain-container"])) == []
    assert codes(runtime.verify(Hides(), select="TL605")) == []
    with pytest.raises(ConfigError, match="unknown rule"):
        runtime.verify(Hides(), select=["TL999"])


def test_raise_on() -> None:
    report = runtime.verify(Hides())
    with pytest.raises(runtime.VerificationError, match="will not train, move or save") as caught:
        report.raise_on("error")
    assert caught.value.report is report
    with pytest.raises(AssertionError):
        runtime.assert_registered(Hides())
    runtime.verify(Net()).raise_on("note")
    with pytest.raises(ValueError, match="unknown severity"):
        report.raise_on("fatal")


def test_allow() -> None:
    @runtime.allow("TL001", attr="teacher", reason="saved separately")
    class Allows(Hides):
        pass

    class Inherits(Allows):
        pass

    for cls in (Allows, Inherits):
        report = runtime.verify(cls())
        assert [each.attribute for each in report.findings] == ["heads"]
        assert [(each.finding.attribute, each.reason) for each in report.allowed] == [
            ("teacher", "saved separately")
        ]
        assert "saved separately" in str(report)
    with pytest.raises(ValueError, match="unknown rule"):
        runtime.allow("TL999")


def test_a_comment_in_the_source_is_respected() -> None:
    class Suppresses(Net):
        def __init__(self) -> None:
            super().__init__()
            self.heads = [nn.Linear(4, 4)]  # torchlint: ignore[TL001] trained elsewhere
            self.tails = [nn.Linear(4, 4)]  # noqa: TL002, TL090

        def forward(self, x):
            return F.dropout(super().forward(x))  # noqa: TL101

    report = runtime.verify(Suppresses(), (X,))
    assert [each.attribute for each in report.at_least("error")] == ["tails"]
    assert [each.finding.code for each in report.allowed] == ["TL001", "TL101"]
    assert "by a comment at" in report.allowed[0].reason


def test_json(tmp_path: Path) -> None:
    report = runtime.verify(Hides())
    written = report.to_json(tmp_path / "report.json")
    assert (tmp_path / "report.json").read_text(encoding="utf-8") == written
    content = json.loads(written)
    assert content["schema_version"] == 1
    assert content["torch"] == torch.__version__
    first = content["findings"][0]
    assert first["path"] == "heads[0]"
    assert first["paths"] == ["heads[0]"]
    assert first["evidence"]["in_parameters"] is False
    assert first["evidence"]["called"] is None
    assert {"check", "why"} == set(content["not_run"][0])


def test_sarif(tmp_path: Path) -> None:
    report = runtime.verify(Hides(), (X,))
    content = json.loads(report.to_sarif(tmp_path / "report.sarif"))
    (run,) = content["runs"]
    result = run["results"][0]
    assert result["ruleId"] == "TL001"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "TL001"
    location = result["locations"][0]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "heads[0]"
    assert location["physicalLocation"]["region"]["startLine"] > 0
    if schema := os.environ.get("TORCHLINT_SARIF_SCHEMA"):
        import jsonschema

        jsonschema.validate(content, json.loads(Path(schema).read_text(encoding="utf-8")))


def test_text_names_the_consequence() -> None:
    text = str(runtime.verify(Hides()))
    assert "20 parameters of `heads`, kept in a plain list, will not train, move or save" in text
    assert "at: heads[0] (Linear)" in text
    assert "test_runtime_verify.py:" in text
    assert text.splitlines()[-1].endswith("Hides: 2 errors")


def test_tree() -> None:
    model = Hides()
    groups = [{"params": model.body.parameters(), "lr": 0.5}, {"params": model.norm.parameters()}]
    model.register_forward_hook(lambda module, args, output: None)
    model.register_buffer("mask", torch.ones(4), persistent=False)
    report = runtime.verify(model, optimizer=torch.optim.SGD(groups, lr=0.1, momentum=0.9))
    picture = report.tree()
    for line in (
        "!! heads[0]: Linear  not registered, in a plain list (TL001)",
        "(body) Linear  [train]",
        "weight: 4x4 float32 cpu  _parameters, trained by group 0, lr 0.5",
        "running_mean: 4 float32 cpu  _buffers, saved",
        "mask: 4 float32 cpu  _buffers, not saved",
        "_forward_hooks: test_tree.<locals>.<lambda>",
        "children(): 2, modules(): 3",
        "SGD group 0: 2 tensors, 20 elements, lr 0.5, momentum 0.9",
        "SGD group 1: 2 tensors, 8 elements, lr 0.1, momentum 0.9",
        "state_dict(): 7 entries",
        "!! reached by none of these: heads[0], teacher[0]",
    ):
        assert line in picture, picture


def test_tree_names_lazy_modules() -> None:
    model = nn.Sequential(nn.LazyLinear(4))
    assert (
        "LazyLinear  [train, lazy: shapes are not known before the first call]"
        in runtime.verify(model).tree()
    )
    report = runtime.verify(model, (X,))
    assert "lazy" in report.tree()
    assert not report.at_least("warning")
    assert isinstance(model[0], nn.LazyLinear)
    model(X)
    assert "lazy" not in runtime.verify(model).tree()


def test_what_is_no_module() -> None:
    with pytest.raises(TypeError, match=r"needs an nn\.Module, not type"):
        runtime.verify(Net)
    with pytest.raises(RuntimeError, match="nowhere"):
        runtime.verify(Net(), devices=("nowhere",))
    with pytest.raises(TypeError, match=r"needs an nn\.Module"):
        runtime.assert_registered("model")


def test_the_documentation_prints_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "runtime.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    printed = re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert program is not None
    assert printed is not None
    (tmp_path / "net.py").write_text(program[1], encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "net.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == printed[1], done.stderr


def test_the_package_does_not_import_torch() -> None:
    program = (
        "import sys\n"
        "from torchlint import runtime\n"
        "import torchlint.observed\n"
        "runtime.allow('TL001')\n"
        "assert 'torch' not in sys.modules\n"
        "assert 'verify' in dir(runtime)\n"
        "runtime.verify\n"
        "assert 'torch' in sys.modules\n"
        "assert callable(runtime.allow) and callable(runtime.verify) and callable(runtime.trace)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class _Uninitialised(nn.Module):
    def __init__(self) -> None:
        self.size = 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[: self.size]


@pytest.mark.parametrize("place", ["", "1"])
def test_a_module_that_was_never_initialised(place: str) -> None:
    made = _Uninitialised()
    report = runtime.verify(
        nn.Sequential(nn.ReLU(), made) if place else made, (torch.ones(4),), factory=_Uninitialised
    )
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.path) == ("TL003", "error", place)
    assert [each.check for each in report.not_run] == ["all other checks"]
