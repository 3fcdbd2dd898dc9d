"""TL120: two forward passes in evaluation that differ."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import UnequalOutputs


@rule("TL120", since="0.1.0", severity="warning")
def nondeterministic_eval(outputs: UnequalOutputs) -> Iterator[Verdict]:
    """After `eval()`, the same input gives different outputs.

    Evaluation should be repeatable: a validation score that changes from run to run hides regressions, and early stopping
    picks the luckiest epoch. The reason is noise that no flag switches off, a module that `eval()` does not reach, or state
    that a forward pass leaves behind.

    ```python bad
    import torch
    from torch import nn

    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            return self.fc(x + torch.randn_like(x))  # TL120
    ```

    ```python good
    import torch
    from torch import nn

    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            if self.training:
                x = x + torch.randn_like(x)
            return self.fc(x)
    ```

    ```python proof
    model = Noisy().eval()
    x = torch.ones(2, 4)
    broken = not torch.equal(model(x), model(x))
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Noisy(), (torch.ones(2, 4),))
    ```

    Nothing is said where another finding explains it, and for dropout that is written with `training=True`.

    References:
    - https://docs.pytorch.org/docs/stable/notes/randomness.html
    """
    if not outputs.explained:
        yield Verdict(
            f"`{outputs.type}` gives different outputs for the same input after `eval()`: {outputs.difference}",
            "warning",
            "make what is random depend on `self.training`, or allow it with `@runtime.allow`",
        )
