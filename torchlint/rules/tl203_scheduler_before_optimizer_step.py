"""TL203: a scheduler that is stepped before its optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.schedulers import SchedulerStep


@rule("TL203", since="0.1.0", severity="warning")
def scheduler_before_optimizer_step(step: SchedulerStep) -> Iterator[Finding]:
    """`scheduler.step()` comes before `optimizer.step()`, so that the schedule begins with its second rate.

    Making the scheduler sets the first learning rate, and each `step()` goes on to the next. Until PyTorch 1.1 it was the first
    `step()` that set the first rate, and it stood at the top of the loop; code from then trains its first epoch at the rate of
    the second, and every decay comes one epoch early. PyTorch warns once, in a log that nobody reads.

    ```python bad
    import torch
    from torch.optim.lr_scheduler import ExponentialLR

    def train(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = ExponentialLR(optimizer, 0.5)
        rates = []
        for epoch in range(epochs):
            scheduler.step()  # TL203
            for x in loader:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
            rates.append(optimizer.param_groups[0]["lr"])
        return rates
    ```

    ```python good
    import torch
    from torch.optim.lr_scheduler import ExponentialLR

    def train(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = ExponentialLR(optimizer, 0.5)
        rates = []
        for epoch in range(epochs):
            for x in loader:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
        return rates
    ```

    ```python proof
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        broken = 0.1 not in train(torch.nn.Linear(2, 1), [torch.ones(4, 2)], 3)
    ```

    The scheduler must be made in the same function, or in `__init__` of the same class, for an optimizer that is known by one
    name, and nothing that is called before may train. Silent are schedulers for warm-up, whose first rate may be zero, a step
    with an argument or under a condition that changes, and a scheduler that resumes a training.

    References:
    - https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
    - https://discuss.pytorch.org/t/optimizer-step-before-lr-scheduler-step-error-using-gradscaler/92930
    """
    if step.has_argument or not step.schedulers:
        return
    later = step.optimizer_step
    if later is not None:
        yield Finding(
            step.range,
            f"`{step.name}` is stepped before its optimizer: the first learning rate of the schedule is never used",
            caption="at the top of the loop",
            labels=(step.order_label(later),),
            help="step it behind the optimizer, at the end of the loop",
        )
