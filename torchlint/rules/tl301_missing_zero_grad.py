"""TL301: gradients that are never zeroed."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import OptimizerSteps


@rule("TL301", since="0.1.0")
def missing_zero_grad(seen: OptimizerSteps) -> Iterator[Verdict]:
    """Gradients are never zeroed, so every step follows the sum of all gradients so far.

    `backward()` adds to the gradients that are there. Without `zero_grad()` between one step and the next backward pass, an
    update is made of the gradients of all batches before: the steps grow and point the wrong way. The loss still falls at
    first.

    ```python bad
    import torch

    def train(model, optimizer, batches):
        for x in batches:
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()  # TL301
    ```

    ```python good
    import torch

    def train(model, optimizer, batches):
        for x in batches:
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
    ```

    ```python proof
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    train(model, optimizer, torch.ones(1, 3, 2))
    once = model.weight.grad.clone()
    train(model, optimizer, torch.ones(1, 3, 2))
    broken = not torch.allclose(model.weight.grad, once)
    ```

    ```python verify
    from torchlint import runtime

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with runtime.watch(model, optimizer) as report:
        train(model, optimizer, torch.ones(4, 3, 2))
    ```

    Several backward passes for one step, as in gradient accumulation, are right: what counts is what a step leaves.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
    - https://github.com/pytorch/pytorch/issues/47175
    """
    if seen.accumulated >= 2 or (seen.accumulated and seen.steps == 2):
        yield Verdict(
            f"the gradients of `{seen.optimizer}` are not zeroed between its steps: {seen.accumulated} of {seen.steps} steps "
            "went on from the gradients of the step before",
            help="call `optimizer.zero_grad()` before `backward()`",
        )
