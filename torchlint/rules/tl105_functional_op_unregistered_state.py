from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.calls import MethodCall

_NORMS = ("torch.nn.functional.batch_norm", "torch.nn.functional.instance_norm")
_STATISTICS = (
    Calls(dict.fromkeys(_NORMS, 1), "running_mean", tensor=True),
    Calls(dict.fromkeys(_NORMS, 2), "running_var", tensor=True),
)
_WEIGHTS = {
    f"torch.nn.functional.{name}": 1
    for name in (
        "linear", "bilinear", "embedding", "embedding_bag", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
        "conv_transpose2d", "conv_transpose3d",
    )
}  # fmt: skip


@rule("TL105", since="0.1.0", calls=(*_STATISTICS, Calls(_WEIGHTS, "weight", tensor=True)))
def functional_op_unregistered_state(call: MethodCall) -> Iterator[Finding]:
    """A stateful operation written with `torch.nn.functional` keeps its state in a plain tensor.

    `F.batch_norm` updates the running statistics that it is given in place. Where these are plain tensor attributes
    they are not in `state_dict()`, so a loaded model normalises with the initial values, and `.to()` does not move
    them. A random weight that is made in `forward`, or kept in a plain attribute, is never trained.

    ```python bad
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Norm(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.mean = torch.zeros(n)
            self.var = torch.ones(n)

        def forward(self, x):
            return F.batch_norm(x, self.mean, self.var, training=self.training)  # TL105
    ```

    ```python good
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Norm(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.register_buffer("mean", torch.zeros(n))
            self.register_buffer("var", torch.ones(n))

        def forward(self, x):
            return F.batch_norm(x, self.mean, self.var, training=self.training)
    ```

    ```python proof
    model = Norm(4)
    model(torch.randn(16, 4) + 5)
    fresh = Norm(4)
    fresh.load_state_dict(model.state_dict())
    x = torch.randn(16, 4)
    broken = not torch.equal(model.eval()(x), fresh.eval()(x))
    ```

    Nothing is reported for weights that are computed from Parameters (weight standardisation, LoRA), that are
    arguments of the method, or that are constants (blur and Sobel kernels).

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html
    """
    for watched in _STATISTICS:
        position = watched.functions.get(call.callee)
        given = call.argument(watched.argument, position) if position is not None else None
        if given is not None and call.is_plain_tensor_attribute(given):
            yield call.finding(
                f"`{call.code(given)}` is a plain tensor: what `{call.spelled}` learns in it is neither saved nor moved",
                labels=[(given, "not a buffer")],
                help="register it in `__init__` with `self.register_buffer(...)`",
            )
            return
    if call.callee in _WEIGHTS and call.in_forward_only:
        given = call.argument("weight", _WEIGHTS[call.callee])
        if given is not None and call.is_random_tensor(given):
            yield call.finding(
                f"`{call.code(given)}` is a random tensor: the weights that `{call.spelled}` computes with are never trained",
                labels=[(given, "not a Parameter")],
                help="make it an `nn.Parameter` in `__init__`, or use the layer class",
            )
