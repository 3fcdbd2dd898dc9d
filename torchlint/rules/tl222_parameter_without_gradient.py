"""TL222: a Parameter that no output depends on."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import UnreachedParameter


@rule("TL222", since="0.1.0", severity="note")
def parameter_without_gradient(parameter: UnreachedParameter) -> Iterator[Verdict]:
    """No output depends on a trainable Parameter, so it never receives a gradient.

    A layer that `forward` does not use, uses below `torch.no_grad()` or detaches, stays as it was initialised. Optimizers
    pass over Parameters without a gradient in silence. It may be meant: some Parameters are used for some inputs only, such as
    a mask embedding or the experts of a mixture.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(4, 4)  # TL222
            self.second = nn.Linear(4, 4)

        def forward(self, x):
            x = self.first(x).detach()
            return self.second(x)
    ```

    ```python good
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(4, 4)
            self.second = nn.Linear(4, 4)

        def forward(self, x):
            return self.second(self.first(x))
    ```

    ```python proof
    model = Net()
    model(torch.ones(2, 4)).sum().backward()
    broken = any(p.grad is None for p in model.parameters())
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net(), (torch.ones(2, 4),))
    ```

    References:
    - https://docs.pytorch.org/docs/stable/notes/autograd.html
    """
    more = f" (with {parameter.count - 1} more)" if parameter.count > 1 else ""
    yield Verdict(
        f"`{parameter.path}`{more} receives no gradient: no output of {parameter.passes} passes depends on it",
        "note",
        "freeze it with `requires_grad_(False)` if that is meant",
    )
