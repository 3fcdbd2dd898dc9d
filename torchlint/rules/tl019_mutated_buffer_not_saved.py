"""TL019: a buffer with persistent=False that training changes."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import MutatedBuffer


@rule("TL019", since="0.1.0", severity="warning")
def mutated_buffer_not_saved(buffer: MutatedBuffer) -> Iterator[Verdict]:
    """A buffer that training changes is lost on saving if it is registered with `persistent=False`.

    `persistent=False` is for what can be computed again: masks, position tables. A running mean or a counter that is
    registered so is missing from `state_dict()`. The model that was trained works; the one that is loaded from its
    checkpoint starts from the initial values again, and nothing is raised.

    ```python bad
    import torch
    from torch import nn

    class Whiten(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(4), persistent=False)  # TL019

        def forward(self, x):
            if self.training:
                self.mean.lerp_(x.mean(0), 0.1)
            return x - self.mean
    ```

    ```python good
    import torch
    from torch import nn

    class Whiten(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(4))
            self.register_buffer("table", torch.arange(4.0), persistent=False)

        def forward(self, x):
            if self.training:
                self.mean.lerp_(x.mean(0), 0.1)
            return x - self.mean + self.table
    ```

    ```python proof
    model = Whiten().train()
    model(torch.randn(8, 4))
    broken = "mean" not in model.state_dict()
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Whiten(), (torch.randn(8, 4),))
    ```

    A buffer that evaluation changes as well is taken for a cache, which may be lost.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_buffer
    """
    yield Verdict(
        f"`{buffer.named}` is changed by training but not saved, so a loaded model starts from its initial values",
        "warning",
        "register it without `persistent=False`",
    )
