"""TL117: a bias that the next layer takes away again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from torchlint.diagnostic import Finding
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.layers import LayerCall

_BIASED = {f"torch.nn.Conv{n}d": 7 for n in (1, 2, 3)} | {f"torch.nn.ConvTranspose{n}d": 7 for n in (1, 2, 3)}
_BIASED["torch.nn.Linear"] = 2
_NORMS = tuple(f"torch.nn.{name}" for name in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"))
_FEATURES = ("out_features", "out_channels")


@rule(
    "TL117",
    since="0.1.0",
    severity="note",
    preview=True,
    calls=(Calls({"torch.nn.Sequential": 0}, "", hints=("BatchNorm",)),),
)
def bias_before_batchnorm(call: LayerCall) -> Iterator[Finding]:
    """`nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))` has a bias without effect.

    A batch normalisation subtracts the mean over the batch, and with it whatever the layer before has added to all of it.
    The bias gets no gradient but noise, it takes memory in the model, the optimizer and the checkpoint, and weight decay is
    all that moves it. The normalisation has a bias of its own.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.ReLU())  # TL117

        def forward(self, x):
            return self.body(x)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv1d(2, 4, 3, bias=False), nn.BatchNorm1d(4), nn.ReLU())

        def forward(self, x):
            return self.body(x)
    ```

    ```python proof
    net = Net()
    net(torch.randn(8, 2, 9)).square().sum().backward()
    bias = net.body[0].bias
    broken = bias is not None and bias.grad.abs().max().item() < 1e-3 * net.body[0].weight.grad.abs().max().item()
    ```

    Both layers must be written side by side in `nn.Sequential(...)`. The rule is in preview, since nothing computes wrong
    numbers, and the fix is unsafe: a checkpoint that was saved before has a bias which the model does not.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    """
    if call.callee != "torch.nn.Sequential" or call.argument("", 0) is None:  # what a star gives is not known
        return
    for layer, norm in pairwise(call.elements):
        if layer is not None and norm is not None and _has_bias(layer) and _centres(norm, layer):
            yield Finding(
                layer.range,
                f"`{norm.spelled}` behind `{layer.spelled}` takes its bias away",
                caption="has a bias",
                fix=layer.give("bias", "False"),
                help="pass `bias=False`",
            )


def _has_bias(layer: LayerCall) -> bool:
    if layer.callee not in _BIASED or layer.is_partial or layer.has_star():
        return False
    bias = layer.argument("bias", _BIASED[layer.callee])
    return bias is None or (bias is layer.argument("bias") and layer.code(bias) == "True")


def _centres(norm: LayerCall, layer: LayerCall) -> bool:
    """Whether a layer is a normalisation over the features of the one before, with a bias of its own.

    Behind `nn.Linear`, it may be over another dimension: unless it is of the same size.
    """
    if norm.callee not in _NORMS or norm.is_partial or norm.has_star():
        return False
    affine = norm.argument("affine", 3)
    made = next((found for name in _FEATURES if (found := layer.argument(name, 1)) is not None), None)
    return (affine is None or norm.code(affine) == "True") and norm.is_same(
        norm.argument("num_features", 0), made
    )
