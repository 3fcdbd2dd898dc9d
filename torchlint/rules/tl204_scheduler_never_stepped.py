"""TL204: a scheduler that nobody steps."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.schedules import Scheduler


@rule("TL204", since="0.1.0")
def scheduler_never_stepped(scheduler: Scheduler) -> Iterator[Finding]:
    """A learning rate scheduler is made, and nothing ever steps it: the learning rate stays what it is.

    A scheduler does nothing by itself. Without a call of `step()` the decay or the warm-up that it stands for never
    happens, and the whole training runs at the rate it began with. It trains and converges, only worse than it should,
    and the schedule stands in the source, and perhaps in the paper.

    ```python bad
    import torch
    from torch.optim.lr_scheduler import StepLR

    def train(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, step_size=2)  # TL204
        for epoch in range(epochs):
            for x, y in loader:
                optimizer.zero_grad()
                (model(x) - y).square().mean().backward()
                optimizer.step()
        return optimizer.param_groups[0]["lr"]
    ```

    ```python good
    import torch
    from torch.optim.lr_scheduler import StepLR

    def train(model, loader, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = StepLR(optimizer, step_size=2)
        for epoch in range(epochs):
            for x, y in loader:
                optimizer.zero_grad()
                (model(x) - y).square().mean().backward()
                optimizer.step()
            scheduler.step()
        return optimizer.param_groups[0]["lr"]
    ```

    ```python proof
    batches = [(torch.zeros(1, 2), torch.zeros(1, 1))] * 3
    broken = train(torch.nn.Linear(2, 1), batches, epochs=10) == 0.1
    ```

    A local variable must be nowhere in its function, a variable of a script nowhere in the file, and an attribute nowhere
    in the files that know the class, other than where it is made and where its state is asked for; the class must step
    the optimizer itself. Silent is whatever is passed on, returned or kept elsewhere, what is made in `try`, in a test or
    in `with raises(...)`, a name that begins with an underscore, a scheduler whose `step()` stands in a comment, and a file
    that sets learning rates by hand.

    References:
    - https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
    """
    if scheduler.is_first and scheduler.is_idle:
        yield Finding(
            scheduler.range,
            f"`{scheduler.name}` is never stepped: the learning rate stays as it is, and no `{scheduler.made_by}` is applied",
            caption="made here, and not used",
            help="call its `step()`, behind the steps of the optimizer",
        )
