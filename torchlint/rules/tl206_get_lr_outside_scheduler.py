"""TL206: a scheduler that is asked for the learning rate by a method of its own."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.schedulers import SchedulerCall


@rule("TL206", since="0.1.0", severity="warning")
def get_lr_outside_scheduler(call: SchedulerCall) -> Iterator[Finding]:
    """`scheduler.get_lr()` gives another learning rate than the one in use.

    The method is what `step()` calls to compute the next rate from the present one. Called from outside, it applies the decay
    once more: where `StepLR` has just gone down to 0.01, it gives 0.001. The training is right, but the log, the plot and
    whatever else is computed from the number are not. `get_last_lr()` gives the rate in use.

    ```python bad
    import torch
    from torch.optim.lr_scheduler import StepLR

    def rates(model, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, step_size=2)
        for epoch in range(epochs):
            optimizer.step()
            yield scheduler.get_lr()[0], optimizer.param_groups[0]["lr"]  # TL206
            scheduler.step()
    ```

    ```python fixed
    import torch
    from torch.optim.lr_scheduler import StepLR

    def rates(model, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, step_size=2)
        for epoch in range(epochs):
            optimizer.step()
            yield scheduler.get_last_lr()[0], optimizer.param_groups[0]["lr"]
            scheduler.step()
    ```

    ```python proof
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        broken = any(logged != used for logged, used in rates(torch.nn.Linear(2, 1), 6))
    ```

    Silent are schedulers that compute the rate from the number of the step alone, `LambdaLR`, `OneCycleLR` and others, where
    the number is right; schedulers of one's own; calls in a class that has a `get_lr` itself; and code that asks for
    `get_last_lr` or for a version first.

    References:
    - https://github.com/pytorch/pytorch/issues/31871
    - https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html
    """
    if call.method != "get_lr" or not call.steps_ahead or call.is_in_scheduler or call.is_for_another_version:
        return
    yield Finding(
        call.range,
        f"`{call.name}.get_lr()` applies the schedule once more, and is not the learning rate in use",
        caption="for `step()` to call",
        fix=call.rename("get_last_lr"),
        help="call `get_last_lr()`",
    )
