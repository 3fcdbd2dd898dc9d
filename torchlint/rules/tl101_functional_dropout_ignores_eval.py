from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.calls import MethodCall
    from torchlint.observed import BornInForward, RandomCall

_FUNCTIONAL = {
    **dict.fromkeys((f"torch.nn.functional.dropout{kind}" for kind in ("", "1d", "2d", "3d")), 2),
    "torch.nn.functional.multi_head_attention_forward": 13,
}
"""The functions whose ``training`` is True by default, and its position."""


@rule("TL101", since="0.1.0", calls=(Calls(_FUNCTIONAL, "training", given=False),), constructions=True)
def functional_dropout_ignores_eval(call: MethodCall) -> Iterator[Finding]:
    """`F.dropout` without `training=` goes on dropping after `model.eval()`.

    `F.dropout` does not know the module that it is called in: its `training` argument is `True` unless it is given.
    After `model.eval()` half of the activations are still zeroed, so validation scores are noisy and too low, and
    two predictions for one input differ. The same holds for `F.dropout1d`, `F.dropout2d`, `F.dropout3d`,
    `F.multi_head_attention_forward`, and for an `nn.Dropout` that is built where it is used: a new module is always
    in training mode.

    ```python bad
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 64)

        def forward(self, x):
            return F.dropout(self.fc(x), p=0.5)  # TL101
    ```

    ```python fixed
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 64)

        def forward(self, x):
            return F.dropout(self.fc(x), p=0.5, training=self.training)
    ```

    ```python proof
    model = Net().eval()
    x = torch.ones(4, 64)
    broken = not torch.equal(model(x), model(x))
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net(), (torch.ones(4, 64),))
    ```

    Dropout that is wanted in evaluation (Monte Carlo dropout, the prenet of Tacotron 2) says so with
    `training=True`, which is never reported. Nothing is reported, either, where the call is guarded by
    `if self.training:`, where `p` is `0` or is computed from the mode, and in functions outside of a Module, unless
    `forward` calls them and they have no way to know the mode.

    ```python good
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 64)
            self.dropout = nn.Dropout(0.5)

        def forward(self, x):
            x = self.dropout(self.fc(x))
            if self.training:
                x = F.dropout(x, 0.1)
            return x
    ```

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
    - https://github.com/pytorch/pytorch/issues/26338
    """
    position = _FUNCTIONAL.get(call.callee)
    if position is not None:
        if call.argument("training", position) is None and _may_drop(call):
            yield call.finding(
                f"`{call.spelled}` in `{call.where}` goes on dropping after `eval()`, since `training` is True by default",
                caption="`training` is not given",
                fix=call.add_argument("training", call.training_flag),
                help=f"{call.mode_advice}, or `training=True` where dropout in evaluation is wanted",
            )
    elif call.makes_mode_module_in_forward and not call.guarded:
        yield call.finding(
            f"`{call.spelled}` is built anew in `{call.where}` and so stays in training mode after `eval()`",
            caption="a new module is in training mode",
            help="build it in `__init__` and call it here, or use the function with `training=self.training`",
        )


def _may_drop(call: MethodCall) -> bool:
    """Whether something can be dropped in evaluation, as far as the code shows."""
    if call.has_star() or call.guarded:
        return False
    rate = call.argument("p", 1) if "dropout" in call.callee else call.argument("dropout_p", 10)
    if rate is not None and call.is_mode_flag(rate):  # the business of TL102
        return False
    if rate is not None and (call.is_zero(rate) or call.depends_on_mode(rate) or call.is_given(rate)):
        return False
    return not call.deliberately_stochastic


@functional_dropout_ignores_eval.runtime
def _(call: RandomCall) -> Iterator[Verdict]:
    if (
        call.mode != "eval"
        or not call.active
        or call.deliberate
        or call.function == "scaled_dot_product_attention"
    ):
        return
    where = call.owner.rpartition(".")[2]
    if call.given:
        message = (
            f"`{call.function}` in `{where}` drops at random after `eval()`: `{call.argument}` is true there"
        )
        yield Verdict(message, "warning", "pass `training=self.training`")
    else:
        message = f"`{call.function}` in `{where}` goes on dropping after `eval()`, since `training` is True by default"
        yield Verdict(message, help="pass `training=self.training`, or `training=True` where that is wanted")


@functional_dropout_ignores_eval.runtime
def _(born: BornInForward) -> Iterator[Verdict]:
    if born.dropout:
        where = born.owner.rpartition(".")[2]
        yield Verdict(
            f"`{born.type}` is built anew in `{where}` and so stays in training mode after `eval()`",
            help="build it in `__init__` and call it in `forward`",
        )
