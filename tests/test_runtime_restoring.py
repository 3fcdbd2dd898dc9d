"""A model is left exactly as it was found, whatever it does when it is called."""

from __future__ import annotations

import collections
import hashlib
import random
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from torchlint import runtime  # noqa: E402


class Restless(nn.Module):
    """Changes everything about itself in each forward pass."""

    shared: dict[str, int] = {}  # noqa: RUF012

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.body = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("not_a_number", torch.tensor(float("nan")))
        self.plain = torch.ones(4)
        self.history: list[Any] = []
        self.cache: dict[int, Any] = collections.OrderedDict(a=1, b=2)
        self.recent: collections.deque[Any] = collections.deque(maxlen=3)
        self.seen: set[int] = {1}
        self.steps = 0
        self.hidden = [nn.Linear(4, 4), nn.BatchNorm1d(4)]
        self.generator = torch.Generator().manual_seed(3)
        self.drop.eval()

    def forward(self, x):
        import numpy

        self.steps += 1
        self.count += 1
        self.plain.mul_(2)
        self.history.append(x)
        self.cache.pop("a", None)
        self.cache[self.steps] = x
        self.recent.append(x)
        self.seen.add(self.steps)
        self.new = nn.Linear(4, 4)
        self.register_buffer("late", torch.ones(4))
        self.register_forward_hook(lambda module, args, output: None)
        random.random(), torch.rand(1), torch.rand(1, generator=self.generator), numpy.random.rand()
        with torch.no_grad():
            self.body.weight.clamp_(-0.01, 0.01)
            self.frozen.weight.data = torch.zeros(4, 4)
        self.body.bias.requires_grad_(False)
        self.frozen.requires_grad_(True)
        self.norm.train(not self.norm.training)
        self.body.weight.grad = torch.ones(4, 4)
        x = F.dropout(self.hidden[1](self.hidden[0](self.norm(self.body(x)))))
        if self.fails:
            raise RuntimeError("in the middle of it")
        return x


def everything(model: nn.Module) -> dict[str, Any]:
    """All there is to know of a model, tensors by their bytes, version, place and flags."""
    found: dict[str, Any] = {}
    modules = [
        *model.named_modules(),
        *((f"hidden{n}", each) for n, each in enumerate(getattr(model, "hidden", ()))),
    ]
    for path, module in modules:
        found[f"{path} mode"] = module.training
        for key, value in vars(module).items():
            found[f"{path}.{key}"] = list(value.items()) if isinstance(value, dict) else _shown(value)
        for name in ("_parameters", "_buffers"):
            for key, tensor in getattr(module, name).items():
                found[f"{path}.{name}.{key}"] = tensor if tensor is None else facts(tensor)
    found["plain"] = facts(model.plain) if hasattr(model, "plain") else None
    found["random"] = (random.getstate(), torch.get_rng_state().numpy().tobytes())
    if hasattr(model, "generator"):
        found["generator"] = model.generator.get_state().numpy().tobytes()
    return {key: str(value) if isinstance(value, list) else value for key, value in found.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, (list, set, collections.deque)):
        return [id(each) for each in value]
    return id(value)


def facts(tensor: torch.Tensor) -> tuple[Any, ...]:
    data = hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()
    grad = None if tensor.grad is None else (id(tensor.grad), tensor.grad.tolist())
    return id(tensor), data, tensor.data_ptr(), tensor._version, tensor.requires_grad, tensor.is_leaf, grad


def with_gradients() -> Restless:
    model = Restless()
    model.frozen.weight.grad = torch.full((4, 4), 7.0)
    return model


@pytest.mark.parametrize(
    "make", [Restless, lambda: Restless(fails=True), with_gradients], ids=["runs", "raises", "has gradients"]
)
def test_nothing_is_changed(make: Callable[[], Restless]) -> None:
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = everything(model)
    x = torch.ones(3, 4)
    report = runtime.verify(model, (x,), optimizer=optimizer, factory=Restless, devices=("cpu", "cuda"))
    assert everything(model) == before
    assert x.tolist() == torch.ones(3, 4).tolist()
    assert report.findings
    assert list(model.cache) == ["a", "b"]


def test_a_backward_pass_that_has_begun_can_end() -> None:
    model = Restless()
    model.fails = False
    x = torch.ones(3, 4)
    loss = model.body(x).sum()
    runtime.verify(model, (x,))
    loss.backward()
    assert model.body.weight.grad is not None


def test_numpy_numbers_go_on_as_before() -> None:
    numpy = pytest.importorskip("numpy")
    numpy.random.seed(0)
    expected = numpy.random.rand()
    numpy.random.seed(0)
    runtime.verify(Restless(), (torch.ones(3, 4),))
    assert numpy.random.rand() == expected


def test_what_is_interrupted_is_restored() -> None:
    class Interrupts(Restless):
        def forward(self, x):
            super().forward(x)
            raise KeyboardInterrupt

    model = Interrupts()
    before = everything(model)
    with pytest.raises(KeyboardInterrupt):
        runtime.verify(model, (torch.ones(3, 4),))
    assert everything(model) == before


def test_hooks_of_the_process_are_taken_away() -> None:
    from torch.nn.modules import module

    before = [
        len(getattr(module, name))
        for name in vars(module)
        if name.startswith("_global_") and name.endswith("hooks")
    ]
    runtime.verify(Restless(fails=True), (torch.ones(3, 4),))
    after = [
        len(getattr(module, name))
        for name in vars(module)
        if name.startswith("_global_") and name.endswith("hooks")
    ]
    assert before == after


def test_an_apply_that_is_asked_changes_nothing() -> None:
    class Moves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, 4)
            self.table = torch.ones(4)

        def _apply(self, fn, recurse=True):
            super()._apply(fn, recurse)
            self.table = fn(self.table).clone()
            return self

    model = Moves()
    kept = [model.table, model.lstm._flat_weights, model.lstm.weight_ih_l0]
    assert not runtime.verify(model).findings
    now = [model.table, model.lstm._flat_weights, model.lstm.weight_ih_l0]
    assert all(old is new for old, new in zip(kept, now, strict=True))


def test_lazy_modules_stay_lazy() -> None:
    model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.LazyConv1d(2, 1))
    runtime.verify(model, (torch.ones(3, 4),))
    assert [type(each).__name__ for each in model] == ["LazyLinear", "LazyBatchNorm1d", "LazyConv1d"]
    assert isinstance(model[0].weight, nn.UninitializedParameter)


def test_trace_takes_its_patches_away() -> None:
    init, new = nn.Module.__init__, nn.Parameter.__new__
    with pytest.raises(RuntimeError), runtime.trace():
        raise RuntimeError
    assert nn.Module.__init__ is init
    assert nn.Parameter.__new__ is new


def test_watch_takes_its_patches_away() -> None:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    before = (torch.autograd.backward, torch.optim.Optimizer.zero_grad, nn.Module.zero_grad)
    attributes = set(vars(scheduler)), set(vars(optimizer))
    with pytest.raises(RuntimeError), runtime.watch(model, optimizer, scheduler):
        raise RuntimeError
    assert before == (torch.autograd.backward, torch.optim.Optimizer.zero_grad, nn.Module.zero_grad)
    assert attributes == (set(vars(scheduler)), set(vars(optimizer)))
