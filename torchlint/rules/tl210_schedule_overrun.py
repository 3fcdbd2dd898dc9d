"""TL210: a schedule that is stepped beyond its end."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import SchedulerPace


@rule("TL210", since="0.1.0", severity="warning")
def schedule_overrun(pace: SchedulerPace) -> Iterator[Verdict]:
    """A cosine schedule is stepped beyond its end, so that the learning rate rises again.

    `CosineAnnealingLR` goes down for `T_max` steps and then up again. Stepped more often than that, for each batch where
    `T_max` counts epochs or in a training that was made longer, the learning rate swings back to where it began, and the
    model unlearns what it had settled on. Nothing is raised.

    ```python bad
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR

    def train(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = CosineAnnealingLR(optimizer, T_max=2)
        yield optimizer, scheduler
        for epoch in range(epochs):
            for x in loader:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
            scheduler.step()  # TL210
    ```

    ```python good
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR

    def train(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
        yield optimizer, scheduler
        for epoch in range(epochs):
            for x in loader:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
            scheduler.step()
    ```

    ```python verify
    from torchlint import runtime

    model, loader = torch.nn.Linear(2, 1), torch.utils.data.DataLoader(torch.ones(8, 2), batch_size=4)
    epochs = train(model, loader, 4)
    optimizer, scheduler = next(epochs)
    with runtime.watch(model, optimizer, scheduler) as report:
        list(epochs)
    ```

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.CosineAnnealingLR.html
    """
    if pace.scheduler == "CosineAnnealingLR" and pace.horizon is not None and pace.last_epoch > pace.horizon:
        yield Verdict(
            f"`{pace.scheduler}` is stepped {pace.last_epoch} times, but `T_max` is {pace.horizon}: "
            "the learning rate rises again",
            "warning",
            "count `T_max` in the steps of the scheduler",
        )
