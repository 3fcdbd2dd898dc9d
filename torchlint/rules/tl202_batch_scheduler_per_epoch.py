"""TL202: a scheduler that counts batches, stepped for each epoch."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.schedules import Scheduler
    from torchlint.observed import SchedulerPace


@rule("TL202", since="0.1.0")
def batch_scheduler_per_epoch(scheduler: Scheduler) -> Iterator[Finding]:
    """A scheduler whose arguments are counted in batches is stepped once per epoch.

    `OneCycleLR(total_steps=epochs * len(loader))` and `CyclicLR` are made to be stepped behind every `optimizer.step()`.
    Stepped once per epoch, only a sliver of the schedule is run: the learning rate stays in its warm-up for the whole
    training, and the model is trained with a rate that nobody chose.

    ```python bad
    import torch
    from torch.optim.lr_scheduler import OneCycleLR

    def train(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = OneCycleLR(optimizer, 0.1, total_steps=epochs * len(loader))
        for epoch in range(epochs):
            for x in loader:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
            scheduler.step()  # TL202
        return optimizer.param_groups[0]["lr"]
    ```

    ```python good
    import torch
    from torch.optim.lr_scheduler import OneCycleLR

    def train(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = OneCycleLR(optimizer, 0.1, total_steps=epochs * len(loader))
        for epoch in range(epochs):
            for x in loader:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
                scheduler.step()
        return optimizer.param_groups[0]["lr"]
    ```

    ```python proof
    model, loader = torch.nn.Linear(2, 1), [torch.ones(4, 2)] * 3
    broken = train(model, loader, 4) > 0.01
    ```

    ```python verify
    from torchlint import runtime

    model, loader = torch.nn.Linear(2, 1), torch.utils.data.DataLoader(torch.ones(12, 2), batch_size=4)
    with runtime.watch(model) as report:
        train(model, loader, 4)
    ```

    The arguments must have the length of a loader in them, `steps_per_epoch=len(loader)`, which goes for
    `CosineAnnealingLR(optimizer, T_max=epochs * len(loader))` as well, and every step must stand behind a loop that trains on
    batches, in sight or in a function that is called there. Silent is a scheduler that is passed on, and a length that is
    not known.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
    - https://github.com/pytorch/pytorch/issues/65417
    """
    steps = scheduler.steps_behind_batches if scheduler.counts_batches else []
    for step in steps[:1]:
        yield Finding(
            scheduler.range_of(step),
            f"`{scheduler.name}` is stepped once per epoch, but `{scheduler.made_by}` is set up in batches: only the start of "
            "the schedule is run",
            caption="behind all batches of an epoch",
            labels=(scheduler.label(),),
            help="step it behind every `optimizer.step()`, or count its arguments in epochs",
        )


@batch_scheduler_per_epoch.runtime
def _(pace: SchedulerPace) -> Iterator[Verdict]:
    counts_batches = pace.scheduler in ("OneCycleLR", "CyclicLR")
    is_slow = pace.steps >= 2 and pace.optimizer_steps >= 2 * pace.steps
    if counts_batches and is_slow and (pace.horizon is None or pace.horizon >= pace.optimizer_steps):
        yield Verdict(
            f"`{pace.scheduler}` counts batches, but is stepped {pace.steps} times for {pace.optimizer_steps} steps of "
            "its optimizer: only the start of the schedule is run",
            "warning",
            "step it behind every `optimizer.step()`",
        )
