"""TL209: a learning rate that is set where no optimizer reads it."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.hyperparameters import OptimizerAttribute


@rule("TL209", since="0.1.0")
def optimizer_attribute_lr(attribute: OptimizerAttribute) -> Iterator[Finding]:
    """`optimizer.lr = 0.01` sets an attribute that the optimizer never reads.

    The learning rate of an optimizer is in its parameter groups, as are weight decay and momentum. Python adds a plain attribute
    instead, as Keras has it, and the training goes on at the old rate: the decay or warm-up that was written by hand never
    happens, without a word.

    ```python bad
    import torch

    def train(model, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for epoch in range(epochs):
            optimizer.lr = 0.1 * 0.5**epoch  # TL209
            optimizer.step()
        return optimizer
    ```

    ```python fixed
    import torch

    def train(model, epochs):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for epoch in range(epochs):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * 0.5**epoch
            optimizer.step()
        return optimizer
    ```

    ```python proof
    broken = train(torch.nn.Linear(2, 1), 3).param_groups[0]["lr"] == 0.1
    ```

    What is set must be an optimizer of PyTorch: by what made it, by what the callers give, or by an annotation. Silent is an
    attribute that is read somewhere in the file, and a function that sets the parameter groups as well.

    References:
    - https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
    - https://discuss.pytorch.org/t/adaptive-learning-rate/320
    """
    if not attribute.is_on_optimizer or attribute.is_kept_for_itself:
        return
    yield Finding(
        attribute.range,
        f"`{attribute.holder}` never reads its attribute `{attribute.name}`: what counts is in its `param_groups`",
        caption="without effect",
        fix=attribute.fix,
        help=f'set `group["{attribute.option}"]` for each `group` in `{attribute.holder}.param_groups`',
    )
