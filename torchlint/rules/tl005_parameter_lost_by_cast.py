"""TL005: ``self.w = nn.Parameter(x).to(device)``."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.tensors import LostParameter
    from torchlint.observed import DerivedTensor


@rule("TL005", since="0.1.0")
def parameter_lost_by_cast(lost: LostParameter) -> Iterator[Finding]:
    """`nn.Parameter(x).to(device)` is no Parameter, so it is never trained.

    `.to()`, `.cuda()`, `.half()` and arithmetic return a new tensor, which is computed from the Parameter. Assigned
    to an attribute, it is a plain tensor: missing from `parameters()` and `state_dict()`. On the CPU `.to(device)`
    changes nothing and returns the Parameter itself, so the same code trains on a laptop and silently does not train
    on a GPU.

    ```python bad
    import torch
    from torch import nn

    class Scale(nn.Module):
        def __init__(self, dtype=torch.float64):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3)).to(dtype)  # TL005

        def forward(self, x):
            return x * self.weight
    ```

    ```python fixed
    import torch
    from torch import nn

    class Scale(nn.Module):
        def __init__(self, dtype=torch.float64):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3).to(dtype))

        def forward(self, x):
            return x * self.weight
    ```

    ```python proof
    broken = not list(Scale().parameters())
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Scale())
    ```

    A cast that changes nothing, because the inner tensor is made for the same device, is not reported.

    ```python good
    import torch
    from torch import nn

    class Scale(nn.Module):
        def __init__(self, device="cpu"):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, device=device)).to(device)

        def forward(self, x):
            return x * self.weight
    ```

    References:
    - https://github.com/pytorch/pytorch/issues/9303
    - https://github.com/pytorch/pytorch/issues/17484
    """
    by = f"`{lost.operations}`" if lost.operations else "the operation"
    when = "wherever it changes something, " if lost.is_move else ""
    yield Finding(
        lost.range,
        f"`{lost.name}` is never trained or saved: {when}{by} makes a plain tensor of the Parameter",
        caption="a tensor computed from the Parameter",
        fix=lost.fix(),
        help="do it to the tensor, inside of `nn.Parameter(...)`",
    )


@parameter_lost_by_cast.runtime
def _(lost: DerivedTensor) -> Iterator[Verdict]:
    yield Verdict(
        f"`{lost.named}` is never trained, moved or saved: `{lost.operation}` made a plain tensor of its Parameter",
        help="do it to the tensor, inside of `nn.Parameter(...)`",
    )
