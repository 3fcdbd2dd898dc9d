"""TL302: a step without the gradients of its own backward pass."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import OptimizerSteps


@rule("TL302", since="0.1.0")
def optimizer_call_order(seen: OptimizerSteps) -> Iterator[Verdict]:
    """`optimizer.step()` runs without a backward pass before it, or after its gradients were zeroed.

    The order is `zero_grad()`, `backward()`, `step()`. A step before the backward pass follows the gradients of the batch
    before, or none; with `zero_grad()` between the backward pass and the step, there is nothing to follow and the weights stay
    as they are. No call raises.

    ```python bad
    import torch

    def train(model, optimizer, batches):
        for x in batches:
            loss = model(x).square().mean()
            loss.backward()
            optimizer.zero_grad()
            optimizer.step()  # TL302
    ```

    ```python good
    import torch

    def train(model, optimizer, batches):
        for x in batches:
            loss = model(x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    ```

    ```python proof
    model = torch.nn.Linear(2, 1)
    before = model.weight.clone()
    train(model, torch.optim.SGD(model.parameters(), lr=0.1), torch.ones(1, 3, 2))
    broken = torch.equal(before, model.weight)
    ```

    ```python verify
    from torchlint import runtime

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with runtime.watch(model, optimizer) as report:
        train(model, optimizer, torch.ones(4, 3, 2))
    ```

    References:
    - https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step
    """
    wrong = seen.without_backward + seen.zeroed
    if wrong < 2 and wrong < seen.steps:
        return
    if seen.zeroed:
        message = (
            f"the gradients of `{seen.optimizer}` were zeroed before {seen.zeroed} of its {seen.steps} steps"
        )
        yield Verdict(f"{message}, which change nothing", help="call `zero_grad()` before `backward()`")
    if seen.without_backward:
        message = f"{seen.without_backward} of the {seen.steps} steps of `{seen.optimizer}` had no backward pass before them"
        yield Verdict(message, help="call `loss.backward()` before `optimizer.step()`")
