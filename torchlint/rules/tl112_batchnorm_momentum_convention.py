"""TL112: a momentum of BatchNorm that is meant for TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.layers import LayerCall
    from torchlint.observed import RunningStatistics

_NORMS = {f"torch.nn.{name}": 2 for name in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")}
_NORMS |= {f"torch.nn.LazyBatchNorm{n}d": 1 for n in (1, 2, 3)}

_SPELLINGS = (".9", "9e-", "0e-", "9E-", "0E-")
"""How a number from 0.9 up to 1 is written: one of these is somewhere in it."""


@rule("TL112", since="0.1.0", calls=(Calls(_NORMS, "momentum", hints=_SPELLINGS, between=(0.9, 1)),))
def batchnorm_momentum_convention(call: LayerCall) -> Iterator[Finding]:
    """`nn.BatchNorm2d(c, momentum=0.99)` forgets its statistics at each batch: PyTorch counts the momentum the other way.

    In TensorFlow, momentum is how much of the running statistics is kept, in PyTorch how much comes from the new batch:
    `0.99` there is `0.01` here. With the number taken over as it is, the running statistics are those of the last batch.
    Training does not use them, so it looks normal; evaluation depends on which batch was last.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4, momentum=0.99)  # TL112

        def forward(self, x):
            return self.norm(x)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4, momentum=0.01)

        def forward(self, x):
            return self.norm(x)
    ```

    ```python proof
    net = Net()
    for _ in range(20):
        net(torch.randn(8, 4))
    net(torch.full((8, 4), 10.0))
    broken = net.norm.running_mean.mean().item() > 5
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net())
    ```

    Numbers from 0.9 up to 1 are findings, also where they come from a constant or the default of a parameter. Silent are
    `momentum=1`, which takes the statistics of the last batch on purpose, `None`, `track_running_stats=False`, and a
    value that is not known. The fix is unsafe: a trained model goes on with other statistics.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    - https://github.com/pytorch/vision/issues/8250
    """
    momentum = call.argument("momentum", _NORMS[call.callee]) if call.callee in _NORMS else None
    if momentum is None:
        return
    tracks = call.argument("track_running_stats", _NORMS[call.callee] + 2)
    if tracks is not None and call.code(tracks) != "True":
        return
    numbers = call.numbers(momentum)
    if numbers and all(0.9 <= number < 1 for number in numbers):
        yield call.finding(
            f"`{call.spelled}` takes {numbers[0]:g} of its running statistics from the last batch: "
            f"`{call.code(momentum)}` is counted as in TensorFlow",
            at=momentum,
            caption="the weight of the new batch",
            fix=call.replace(momentum, call.complement(momentum)),
            help="pass one minus this number",
        )


@batchnorm_momentum_convention.runtime
def _(norm: RunningStatistics) -> Iterator[Verdict]:
    if 0.9 <= norm.momentum < 1:
        yield Verdict(
            f"`{norm.named or norm.type}` takes {norm.momentum:g} of its running statistics from the last batch",
            "warning",
            "pass one minus this number",
        )
