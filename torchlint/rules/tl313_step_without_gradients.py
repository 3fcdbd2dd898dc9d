"""TL313: a step of an optimizer whose Parameters have no gradients."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import OptimizerSteps


@rule("TL313", since="0.1.0")
def step_without_gradients(seen: OptimizerSteps) -> Iterator[Verdict]:
    """`optimizer.step()` runs after a backward pass that gave none of its Parameters a gradient.

    The loss does not depend on what the optimizer updates: it was computed below `torch.no_grad()`, from detached values, or
    from another copy of the model. Optimizers pass over Parameters without a gradient in silence, so the model stays as it is,
    however long it is trained.

    ```python bad
    import torch

    def train(model, optimizer, head, batches):
        for x in batches:
            optimizer.zero_grad()
            features = model(x).detach()
            head(features).square().mean().backward()
            optimizer.step()  # TL313
    ```

    ```python good
    import torch

    def train(model, optimizer, head, batches):
        for x in batches:
            optimizer.zero_grad()
            features = model(x)
            head(features).square().mean().backward()
            optimizer.step()
    ```

    ```python proof
    model, head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    before = model.weight.clone()
    train(model, torch.optim.SGD(model.parameters(), lr=0.1), head, torch.ones(2, 3, 2))
    broken = torch.equal(before, model.weight)
    ```

    ```python verify
    from torchlint import runtime

    model, head = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with runtime.watch(model, optimizer) as report:
        train(model, optimizer, head, torch.ones(4, 3, 2))
    ```

    References:
    - https://docs.pytorch.org/docs/stable/notes/autograd.html
    """
    if seen.without_gradients and (seen.without_gradients >= 2 or seen.steps == 1):
        yield Verdict(
            f"in {seen.without_gradients} of {seen.steps} steps, no Parameter of `{seen.optimizer}` had a gradient: "
            "the loss does not depend on them",
            help="look for `detach()`, `torch.no_grad()` or a copy of the model between them and the loss",
        )
