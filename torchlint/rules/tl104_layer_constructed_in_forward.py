from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.calls import MethodCall
    from torchlint.observed import BornInForward


@rule("TL104", since="0.1.0", constructions=True)
def layer_constructed_in_forward(call: MethodCall) -> Iterator[Finding]:
    """A layer or Parameter that is created in `forward` is never trained.

    A layer built in `forward` has new random weights at every call. The optimizer was given the model's parameters
    before, so it never sees them, and a checkpoint does not hold them. A BatchNorm built there never has running
    statistics. Assigned to `self` at the first call, the layer is kept, but the optimizer was built without it.

    ```python bad
    import torch
    from torch import nn

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(8)

        def forward(self, x):
            return nn.Linear(8, 2)(self.norm(x))  # TL104
    ```

    ```python good
    import torch
    from torch import nn

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(8)
            self.out = nn.Linear(8, 2)
            self.act = nn.ReLU()

        def forward(self, x):
            x = nn.Flatten(start_dim=1)(x)
            return self.act(self.out(self.norm(x)))
    ```

    ```python proof
    model = Head().eval()
    x = torch.randn(4, 8)
    broken = not torch.equal(model(x), model(x))
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Head(), (torch.ones(4, 8),))
    ```

    Modules without parameters (activations, pooling, losses) may be built anywhere. So may containers of layers that
    are registered elsewhere, and layers whose weights are replaced at once.

    References:
    - https://github.com/graykode/nlp-tutorial/issues/29
    - https://github.com/Project-MONAI/MONAI/pull/8578
    """
    if (
        call.is_behind_forward
        and call.makes_layer
        and call.in_forward_only
        and not call.weights_are_replaced
        and not call.cls.has_optimizer
    ):
        yield call.finding(
            f"`{call.spelled}` is created in `{call.where}`, so its weights are {_fate(call)}",
            caption="created during the forward pass",
            help="create it in `__init__` and call it here",
        )
    elif call.makes_trained_parameter:
        yield call.finding(
            f"`{call.spelled}` is created in `{call.where}`, so the optimizer never updates it",
            caption="created during the forward pass",
            help="create it in `__init__`; use the tensor itself where it is not to be trained",
        )


def _fate(call: MethodCall) -> str:
    if call.is_lazily_kept:
        return "unknown to an optimizer that was built before the first call"
    return "random at every call and never trained"


@layer_constructed_in_forward.runtime
def _(born: BornInForward) -> Iterator[Verdict]:
    if born.dropout:
        return
    where = born.owner.rpartition(".")[2]
    held = f"{born.numel:,} values of a `{born.type}`" if born.numel else f"a `{born.type}`"
    if born.again:
        message = f"{held} are created anew in each call of `{where}`: random every time and never trained"
        yield Verdict(message, help="create it in `__init__` and call it in `forward`")
    elif born.kept:
        message = (
            f"{held} are created in the first call of `{where}`, unknown to an optimizer that was made before"
        )
        yield Verdict(message, "warning", "create it in `__init__` and call it in `forward`")
