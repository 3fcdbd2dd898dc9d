"""Training steps under watch: what is wrong is found, what only looks unusual is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.optim import lr_scheduler  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from torchlint import runtime  # noqa: E402


def model_and_optimizer(**options: Any) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Linear(2, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1, **options)


def loader() -> DataLoader[Any]:
    return DataLoader(torch.ones(8, 2), batch_size=2)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> None:
    optimizer.zero_grad()
    model(x).square().mean().backward()
    optimizer.step()


def codes(report: runtime.Report) -> list[str]:
    return [each.code for each in report.at_least("warning")]


# -------------------------------------------------------------------------------------------------------- schedulers

PER_EPOCH: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, 3),
    "MultiStepLR": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [2, 4]),
    "ExponentialLR": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.5),
}
PER_BATCH: dict[str, Callable[[Any], Any]] = {
    "OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=12),
    "CyclicLR": lambda optimizer: lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, cycle_momentum=False),
}
EITHER: dict[str, Callable[[Any], Any]] = {
    "LambdaLR": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda step: 0.9**step),
    "LinearLR": lambda optimizer: lr_scheduler.LinearLR(optimizer),
    "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 12),
}


def train(make: Callable[[Any], Any], *, for_each_batch: bool, batches: Any = None) -> runtime.Report:
    model, optimizer = model_and_optimizer(momentum=0.9)
    scheduler = make(optimizer)
    with runtime.watch(model, optimizer, scheduler) as report:
        for _ in range(3):
            for x in loader() if batches is None else batches:
                step(model, optimizer, x)
                if for_each_batch:
                    scheduler.step()
            if not for_each_batch:
                scheduler.step()
    return report


@pytest.mark.parametrize("name", PER_EPOCH)
def test_a_scheduler_of_epochs(name: str) -> None:
    assert codes(train(PER_EPOCH[name], for_each_batch=True)) == ["TL201"]
    assert codes(train(PER_EPOCH[name], for_each_batch=False)) == []


@pytest.mark.parametrize("name", PER_BATCH)
def test_a_scheduler_of_batches(name: str) -> None:
    assert codes(train(PER_BATCH[name], for_each_batch=False)) == ["TL202"]
    assert codes(train(PER_BATCH[name], for_each_batch=True)) == []


@pytest.mark.parametrize("name", EITHER)
def test_a_scheduler_of_either(name: str) -> None:
    assert codes(train(EITHER[name], for_each_batch=True)) == []
    assert codes(train(EITHER[name], for_each_batch=False)) == []


def test_a_cosine_beyond_its_end() -> None:
    report = train(lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 4), for_each_batch=True)
    assert codes(report) == ["TL210"]


def test_batches_in_a_list_are_judged_by_the_loops() -> None:
    batches = list(torch.ones(4, 2, 2))
    assert codes(train_by_hand(batches, for_each_batch=True)) == ["TL201"]
    assert codes(train_by_hand(batches, for_each_batch=False)) == []


def train_by_hand(batches: Any, *, for_each_batch: bool) -> runtime.Report:
    model, optimizer = model_and_optimizer()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    with runtime.watch(model) as report:
        for _ in range(3):
            if for_each_batch:
                for x in batches:
                    step_here(model, optimizer, x)
                    optimizer.step()
                    scheduler.step()
            else:
                for x in batches:
                    step_here(model, optimizer, x)
                    optimizer.step()
                scheduler.step()
    return report


def step_here(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor) -> None:
    optimizer.zero_grad()
    model(x).square().mean().backward()


def test_full_batches_are_epochs() -> None:
    model, optimizer = model_and_optimizer()
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    with runtime.watch(model, optimizer, scheduler) as report:
        for _ in range(6):
            step(model, optimizer, torch.ones(8, 2))
            scheduler.step()
    assert codes(report) == []
    with runtime.watch(model, optimizer, scheduler) as report:
        for _ in range(6):
            for x in DataLoader(torch.ones(8, 2), batch_size=8):
                step(model, optimizer, x)
                scheduler.step()
    assert codes(report) == []


def test_a_chain_of_schedulers() -> None:
    def make(optimizer: Any) -> Any:
        warm = lr_scheduler.LinearLR(optimizer, total_iters=2)
        return lr_scheduler.SequentialLR(optimizer, [warm, lr_scheduler.StepLR(optimizer, 3)], [2])

    assert codes(train(make, for_each_batch=True)) == []


def test_a_plateau_on_batches() -> None:
    model, optimizer = model_and_optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer)
    with runtime.watch(model, optimizer, scheduler) as report:
        for _ in range(2):
            for x in loader():
                step(model, optimizer, x)
                scheduler.step(1.0)
    assert codes(report) == ["TL201"]


def test_workers_and_one_epoch() -> None:
    model, optimizer = model_and_optimizer()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9)
    with runtime.watch(model, optimizer, scheduler) as report:
        for x in DataLoader(torch.ones(8, 2), batch_size=1):
            step(model, optimizer, x)
            scheduler.step()
    assert codes(report) == ["TL201"]


# --------------------------------------------------------------------------------------------------------- gradients


def run(body: Callable[[nn.Module, torch.optim.Optimizer, torch.Tensor], Any], times: int = 4) -> list[str]:
    model, optimizer = model_and_optimizer()
    with runtime.watch(model, optimizer) as report:
        for _ in range(times):
            body(model, optimizer, torch.ones(3, 2))
    return codes(report)


def loss_of(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model(x).square().mean()


def never_zeroed(model: Any, optimizer: Any, x: Any) -> None:
    loss_of(model, x).backward()
    optimizer.step()


def zeroed_late(model: Any, optimizer: Any, x: Any) -> None:
    loss_of(model, x).backward()
    optimizer.zero_grad()
    optimizer.step()


def zeroed_late_to_zero(model: Any, optimizer: Any, x: Any) -> None:
    loss_of(model, x).backward()
    optimizer.zero_grad(set_to_none=False)
    optimizer.step()


def never_backward(model: Any, optimizer: Any, x: Any) -> None:
    optimizer.zero_grad()
    loss_of(model, x)
    optimizer.step()


def detached(model: Any, optimizer: Any, x: Any) -> None:
    optimizer.zero_grad()
    other = nn.Linear(1, 1)
    other(model(x).detach()).sum().backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (never_zeroed, "TL301"),
        (zeroed_late, "TL302"),
        (zeroed_late_to_zero, "TL302"),
        (never_backward, "TL302"),
        (detached, "TL313"),
    ],
)
def test_what_goes_wrong_with_gradients(body: Any, code: str) -> None:
    assert run(body) == [code]


def zeroed_behind(model: Any, optimizer: Any, x: Any) -> None:
    loss_of(model, x).backward()
    optimizer.step()
    optimizer.zero_grad()


def zeroed_on_the_model(model: Any, optimizer: Any, x: Any) -> None:
    model.zero_grad()
    loss_of(model, x).backward()
    optimizer.step()


def zeroed_by_hand(model: Any, optimizer: Any, x: Any) -> None:
    for each in model.parameters():
        each.grad = None
    loss_of(model, x).backward()
    optimizer.step()


def accumulated(model: Any, optimizer: Any, x: Any) -> None:
    for _ in range(3):
        (loss_of(model, x) / 3).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def by_autograd_grad(model: Any, optimizer: Any, x: Any) -> None:
    for each, grad in zip(
        model.parameters(), torch.autograd.grad(loss_of(model, x), model.parameters()), strict=True
    ):
        each.grad = grad
    optimizer.step()


def two_losses(model: Any, optimizer: Any, x: Any) -> None:
    optimizer.zero_grad()
    loss_of(model, x).backward(retain_graph=True)
    torch.autograd.backward([loss_of(model, x)])
    optimizer.step()


@pytest.mark.parametrize(
    "body",
    [step, zeroed_behind, zeroed_on_the_model, zeroed_by_hand, accumulated, by_autograd_grad, two_losses],
)
def test_what_is_right_with_gradients(body: Any) -> None:
    assert run(body) == []


def test_a_closure() -> None:
    model = nn.Linear(2, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model, torch.ones(3, 2))
        loss.backward()
        return loss

    with runtime.watch(model, optimizer) as report:
        for _ in range(3):
            optimizer.step(closure)
    assert codes(report) == []


def test_a_gan() -> None:
    maker, critic = nn.Linear(2, 2), nn.Linear(2, 1)
    of_maker = torch.optim.Adam(maker.parameters())
    of_critic = torch.optim.Adam(critic.parameters())
    model = nn.ModuleList([maker, critic])
    with runtime.watch(model, [of_maker, of_critic]) as report:
        for _ in range(4):
            x = torch.ones(3, 2)
            of_critic.zero_grad()
            (critic(x).mean() - critic(maker(x).detach()).mean()).backward()
            of_critic.step()
            of_maker.zero_grad()
            critic(maker(x)).mean().backward()
            of_maker.step()
    assert codes(report) == []


def test_a_grad_scaler() -> None:
    model, optimizer = model_and_optimizer()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    with runtime.watch(model, optimizer) as report:
        for _ in range(4):
            optimizer.zero_grad()
            scaler.scale(loss_of(model, torch.ones(3, 2))).backward()
            scaler.step(optimizer)
            scaler.update()
    assert codes(report) == []


def test_a_step_that_initialises_is_forgiven() -> None:
    model, optimizer = model_and_optimizer()
    with runtime.watch(model, optimizer) as report:
        optimizer.step()
        for _ in range(4):
            step(model, optimizer, torch.ones(3, 2))
    assert codes(report) == []


# ----------------------------------------------------------------------------------------------- modes, layers, groups


def epochs(model: nn.Module, reset: bool) -> list[str]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with runtime.watch(model, optimizer) as report:
        for _ in range(3):
            if reset:
                model.train()
            for x in torch.ones(2, 3, 2):
                step(model, optimizer, x)
            model.eval()
            with torch.no_grad():
                model(torch.ones(3, 2))
    return codes(report)


def test_a_mode_that_is_never_reset() -> None:
    assert epochs(nn.Linear(2, 1), reset=False) == ["TL304"]
    assert epochs(nn.Linear(2, 1), reset=True) == []


def test_a_model_that_is_tuned_in_evaluation() -> None:
    assert epochs(nn.Linear(2, 1).eval(), reset=False) == []


def test_a_layer_that_is_built_in_every_step() -> None:
    class Builds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(2, 2)

        def forward(self, x):
            return nn.Linear(2, 1)(self.body(x))

    model = Builds()
    assert run_with(model) == ["TL104"]
    assert run_with(nn.Sequential(nn.Linear(2, 2), nn.Dropout())) == []


def run_with(model: nn.Module) -> list[str]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with runtime.watch(model, optimizer) as report:
        for _ in range(3):
            step(model, optimizer, torch.ones(3, 2))
    return codes(report)


def test_an_optimizer_without_the_head() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.01)
    with runtime.watch(model, optimizer) as report:
        for _ in range(3):
            step(model, optimizer, torch.ones(3, 2))
    (finding,) = report.at_least("error")
    assert (finding.code, finding.paths) == ("TL220", ("1.weight", "1.bias"))
    assert finding.evidence["in_graph"] is True


def test_a_layer_that_the_first_step_adds() -> None:
    class Adds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(2, 2)

        def forward(self, x):
            if not hasattr(self, "head"):
                self.head = nn.Linear(2, 1)
            return self.head(self.body(x))

    model = Adds()
    assert run_with(model) == ["TL220"]
    assert run_with(model) == []


def test_a_parameter_that_no_step_reaches() -> None:
    model = nn.ModuleDict({"used": nn.Linear(2, 1), "unused": nn.Linear(2, 1)})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with runtime.watch(model, optimizer) as report:
        for _ in range(3):
            step(model["used"], optimizer, torch.ones(3, 2))
    assert [(each.code, each.path) for each in report.findings] == [
        ("TL222", "unused.bias"),
        ("TL222", "unused.weight"),
    ]


def test_a_report_of_a_block_that_raises() -> None:
    model, optimizer = model_and_optimizer()
    with pytest.raises(ZeroDivisionError), runtime.watch(model, optimizer) as report:
        for _ in range(3):
            never_zeroed(model, optimizer, torch.ones(3, 2))
        raise ZeroDivisionError
    assert codes(report) == ["TL301"]


def test_nothing_happens_in_the_block() -> None:
    with runtime.watch(nn.Linear(2, 1)) as report:
        pass
    assert not report.findings
    with pytest.raises(TypeError, match="needs an"), runtime.watch("model"):
        pass
