"""TL116: an activation in place, on a tensor that is needed once more."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Label
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.inplace import InplaceCall


@rule("TL116", since="0.1.0", preview=True)
def inplace_activation_on_residual(call: InplaceCall) -> Iterator[Finding]:
    """`out = self.relu(x)` with `inplace=True` overwrites `x`, which the skip connection adds afterwards.

    The block then computes `f(relu(x)) + relu(x)` instead of `f(relu(x)) + x`: negative values never pass the skip
    connection. The shapes fit and the gradient is that of what was computed, so nothing is raised.

    ```python bad
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU(inplace=True)
            self.conv = nn.Conv1d(4, 4, 1)

        def forward(self, x):
            out = self.conv(self.relu(x))  # TL116
            return out + x
    ```

    ```python good
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()
            self.conv = nn.Conv1d(4, 4, 1)

        def forward(self, x):
            out = self.conv(self.relu(x))
            return out + x
    ```

    ```python proof
    block, x = Block(), -torch.ones(1, 4, 3)
    torch.nn.init.zeros_(block.conv.weight)
    torch.nn.init.zeros_(block.conv.bias)
    broken = not torch.equal(block(x), -torch.ones(1, 4, 3))
    ```

    Silent are activations on what another activation has made, other activations as the only use afterwards, branches
    that do not run together, `x.shape`, and where a comment speaks of working in place.

    The rule is in preview: some published networks were trained like this, and their weights need it.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
    - https://github.com/rosinality/vq-vae-2-pytorch/issues/60
    """
    if call.later_use is not None and not call.is_harmless:
        yield Finding(
            call.range,
            f"`{call.spelled}` in `{call.where}` overwrites `{call.name}`, which is used once more",
            caption="works in place",
            labels=(Label(call.later_use, "is not what it was"),),
            help="pass `inplace=False` where the activation is made",
        )
