"""TL201: a scheduler that counts epochs, stepped for each batch."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.schedulers import SchedulerStep
    from torchlint.observed import SchedulerPace


@rule("TL201", since="0.1.0")
def epoch_scheduler_in_batch_loop(step: SchedulerStep) -> Iterator[Finding]:
    """A scheduler whose arguments are counted in epochs is stepped once per batch.

    `StepLR(optimizer, 30)` divides the learning rate by ten every 30 calls of `step()`. Called for each batch, that
    is every 30 batches: the learning rate is zero before the first epoch ends, and the model stops learning without
    a word. `ExponentialLR`, `MultiStepLR` and `CosineAnnealingLR(T_max=epochs)` fail the same way.

    ```python bad
    import torch
    from torch.optim.lr_scheduler import StepLR

    def train(model, loader, num_epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, step_size=2)
        for epoch in range(num_epochs):
            for x, y in loader:
                optimizer.zero_grad()
                (model(x) - y).square().mean().backward()
                optimizer.step()
                scheduler.step()  # TL201
        return optimizer.param_groups[0]["lr"]
    ```

    ```python good
    import torch
    from torch.optim.lr_scheduler import StepLR

    def train(model, loader, num_epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, step_size=2)
        for epoch in range(num_epochs):
            for x, y in loader:
                optimizer.zero_grad()
                (model(x) - y).square().mean().backward()
                optimizer.step()
            scheduler.step()
        return optimizer.param_groups[0]["lr"]
    ```

    ```python proof
    batches = [(torch.zeros(1, 2), torch.zeros(1, 1))] * 20
    broken = train(torch.nn.Linear(2, 1), batches, num_epochs=2) < 0.001
    ```

    ```python verify
    from torchlint import runtime

    model = torch.nn.Linear(2, 1)
    loader = torch.utils.data.DataLoader(torch.zeros(8, 2, 2), batch_size=None)
    with runtime.watch(model) as report:
        train(model, loader, num_epochs=2)
    ```

    Silent are schedulers that are made for batches (`OneCycleLR`, `CyclicLR`, warm-up), arguments that speak of
    iterations (`T_max=epochs * len(loader)`), steps under a condition (`if i % 1500 == 0`), steps with an explicit
    argument, and a scheduler that is made anew in each epoch.

    References:
    - https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
    - https://github.com/ivadomed/ivadomed/pull/55
    """
    if step.batch_loop is None or step.is_conditional:
        return
    if step.has_argument and not step.steps_on_batch_loss:
        return
    if not step.schedulers or not all(step.counts_epochs(scheduler) for scheduler in step.schedulers):
        return
    if not step.is_within_epochs and not all(step.names_epochs(scheduler) for scheduler in step.schedulers):
        return
    scheduler = step.schedulers[0]
    labels = [step.label(scheduler), step.loop_label]
    yield Finding(
        step.range,
        f"`{step.name}` is stepped for every batch, but `{scheduler.dotted.rpartition('.')[2]}` is set up in epochs: "
        "the learning rate decays too early",
        caption="once per batch",
        labels=tuple(label for label in labels if label is not None),
        help="step it once per epoch, behind the batch loop, or count its arguments in batches",
    )


@epoch_scheduler_in_batch_loop.runtime
def _(pace: SchedulerPace) -> Iterator[Verdict]:
    counts_epochs = pace.scheduler in ("StepLR", "MultiStepLR", "ExponentialLR", "ReduceLROnPlateau")
    if counts_epochs and pace.within_epochs >= 2 and 2 * pace.within_epochs >= pace.steps:
        yield Verdict(
            f"`{pace.scheduler}` is stepped for every batch, {pace.steps} times, and counts epochs: "
            f"the learning rate went from {pace.first_rate:.3g} to {pace.last_rate:.3g}",
            "warning",
            "step it once per epoch, behind the batch loop, or count its arguments in batches",
        )
