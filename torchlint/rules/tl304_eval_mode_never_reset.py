"""TL304: a model that goes on training in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import BackwardModes


@rule("TL304", since="0.1.0", severity="warning")
def eval_mode_never_reset(seen: BackwardModes) -> Iterator[Verdict]:
    """After the first validation the model is trained in evaluation mode.

    `model.eval()` holds until `model.train()` is called. Where the validation behind an epoch calls the one and nobody the
    other, all further epochs train without dropout and with the running statistics of BatchNorm frozen. The loss looks better
    for it, and the model overfits.

    ```python bad
    import torch

    def train(model, optimizer, batches, epochs):
        for epoch in range(epochs):
            for x in batches:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
            model.eval()  # TL304
            with torch.no_grad():
                model(batches[0])
    ```

    ```python good
    import torch

    def train(model, optimizer, batches, epochs):
        for epoch in range(epochs):
            model.train()
            for x in batches:
                optimizer.zero_grad()
                model(x).square().mean().backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                model(batches[0])
    ```

    ```python proof
    modes = []
    model = torch.nn.Linear(2, 1)
    model.register_forward_hook(lambda module, args, output: modes.append(module.training and torch.is_grad_enabled()))
    train(model, torch.optim.SGD(model.parameters(), lr=0.1), torch.ones(1, 3, 2), epochs=2)
    broken = modes != [True, False, True, False]
    ```

    ```python verify
    from torchlint import runtime

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with runtime.watch(model, optimizer) as report:
        train(model, optimizer, torch.ones(4, 3, 2), epochs=2)
    ```

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval
    - https://github.com/ermongroup/ncsn/issues/2
    """
    if seen.in_eval and seen.never_reset:
        yield Verdict(
            f"`{seen.type}` was in evaluation mode in {seen.in_eval} of {seen.backwards} backward passes, after it had been in "
            "training",
            "warning",
            "call `model.train()` at the start of each epoch",
        )
