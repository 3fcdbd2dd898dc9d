"""TL014: a Parameter that holds whatever was in memory."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.empty import EmptyParameter


@rule("TL014", since="0.1.0", preview=True)
def uninitialized_parameter(parameter: EmptyParameter) -> Iterator[Finding]:
    """`nn.Parameter(torch.empty(8))` that nothing initialises starts with whatever was in memory.

    `torch.empty` and `torch.Tensor(2, 3)` take memory as it is. That is often zero, or small numbers of a tensor that was
    there before, so the model trains; on another machine, or later in the same process, the numbers are huge or not
    numbers at all.

    ```python bad
    import torch
    from torch import nn

    class Scale(nn.Module):
        def __init__(self, dim=8):
            super().__init__()
            self.scale = nn.Parameter(torch.empty(dim))  # TL014

        def forward(self, x):
            return x * self.scale
    ```

    ```python good
    import torch
    from torch import nn

    class Scale(nn.Module):
        def __init__(self, dim=8):
            super().__init__()
            self.scale = nn.Parameter(torch.empty(dim))
            nn.init.ones_(self.scale)

        def forward(self, x):
            return x * self.scale
    ```

    ```python proof
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.use_deterministic_algorithms(True)  # fills what nothing initialises with nan
    broken = bool(Scale().scale.isnan().any())
    torch.use_deterministic_algorithms(False)
    ```

    The rule is in preview: whoever makes the module may initialise it, or load a checkpoint, in another file. Silent are
    classes in which, or in whose base classes, anything speaks of initialising, resetting or loading, Parameters that are
    mentioned anywhere in the file but in the forward pass, and files that load weights, or go through `parameters()`.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.empty.html
    - https://docs.pytorch.org/docs/stable/nn.init.html
    """
    if not parameter.is_given_values:
        yield Finding(
            parameter.range,
            f"`{parameter.name}` starts with whatever is in memory: `{parameter.spelled}` sets no values, and nothing else does",
            caption="not initialised",
            help="initialise it, for example with `torch.zeros` or `nn.init`",
        )
