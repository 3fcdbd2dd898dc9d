"""TL115: a tensor that the forward pass makes on the CPU, wherever the model is."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.calls import MethodCall

_ELSEWHERE = 99  # `device` is given by name only
_FACTORIES = {f"torch.{name}": _ELSEWHERE for name in ("zeros", "ones", "full", "rand", "randn", "eye")}


@rule(
    "TL115",
    since="0.1.0",
    severity="warning",
    preview=True,
    calls=(Calls(_FACTORIES, "device", given=False),),
)
def default_device_tensor_in_forward(call: MethodCall) -> Iterator[Finding]:
    """`torch.zeros(n, 8)` in `forward` makes a tensor on the CPU, also where the model and its input are on a GPU.

    On the CPU all tests pass. On a GPU, the first operation with an activation raises "Expected all tensors to be on the
    same device", or, in a branch that is seldom taken, a later one does. Where the tensor is only written to and read, each
    call waits for a copy.

    ```python bad
    import torch
    from torch import nn

    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            state = torch.zeros(x.shape[0], 8)  # TL115
            return self.fc(x) + state
    ```

    ```python fixed
    import torch
    from torch import nn

    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            state = torch.zeros(x.shape[0], 8, device=x.device)
            return self.fc(x) + state
    ```

    ```python proof
    try:
        Cell().to("meta")(torch.ones(2, 8, device="meta"))
        broken = False
    except RuntimeError:
        broken = True
    ```

    Silent are tensors that are moved afterwards or asked for something at once, sizes that are 0, numbers without
    dimensions, `arange` and the like, which often are an index and may stay on the CPU, and files that set a default device.
    The rule is in preview, since many models never leave the CPU, and the fix is unsafe: the first argument of `forward` is
    taken for a tensor.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.zeros.html
    - https://github.com/dreamquark-ai/tabnet/pull/578
    """
    if call.callee not in _FACTORIES or call.has_star("**") or call.argument("device") is not None:
        return
    if call.in_forward_only and call.has_elements and not call.is_moved:
        fix = call.add_argument("device", call.device_of_input)
        yield call.finding(
            f"`{call.spelled}` in `{call.where}` makes a tensor on the CPU, wherever `{call.cls.name}` and its input are",
            caption="`device` is not given",
            fix=fix._replace(safety="unsafe") if fix is not None else None,
            help="pass `device=`, that of an input for example",
        )
