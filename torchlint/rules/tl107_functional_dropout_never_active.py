from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.calls import MethodCall
    from torchlint.observed import RandomCall

_NEVER_ACTIVE = {
    "torch.nn.functional.alpha_dropout": 2,
    "torch.nn.functional.feature_alpha_dropout": 2,
    "torch.nn.functional.rrelu": 3,
}
"""The functions whose ``training`` is False by default, and its position."""


@rule("TL107", since="0.1.0", calls=(Calls(_NEVER_ACTIVE, "training", given=False),))
def functional_dropout_never_active(call: MethodCall) -> Iterator[Finding]:
    """`F.alpha_dropout`, `F.feature_alpha_dropout` and `F.rrelu` do nothing random unless `training=` is given.

    Other than `F.dropout`, these functions have `training=False` by default: without the argument the model trains
    without the regularisation that the code shows.

    ```python bad
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 64)

        def forward(self, x):
            return F.alpha_dropout(self.fc(x), 0.5)  # TL107
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
            return F.alpha_dropout(self.fc(x), 0.5, training=self.training)
    ```

    ```python proof
    model = Net().train()
    x = torch.ones(4, 64)
    broken = torch.equal(model(x), model(x))
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net(), (torch.ones(4, 64),))
    ```

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.alpha_dropout.html
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.rrelu.html
    """
    position = _NEVER_ACTIVE.get(call.callee)
    if position is None or call.has_star() or call.argument("training", position) is not None:
        return
    rate = call.argument("p", 1) if "dropout" in call.callee else None
    if rate is not None and (call.is_zero(rate) or call.is_mode_flag(rate)):  # off; the business of TL102
        return
    yield call.finding(
        f"`{call.spelled}` in `{call.where}` is never active: its `training` argument is False by default",
        caption="`training` is not given",
        fix=call.add_argument("training", call.training_flag),
        help=call.mode_advice,
    )


@functional_dropout_never_active.runtime
def _(call: RandomCall) -> Iterator[Verdict]:
    if call.mode == "train" and not call.active and not call.given and call.rate > 0:
        where = call.owner.rpartition(".")[2]
        yield Verdict(
            f"`{call.function}` in `{where}` does nothing random in training: `{call.argument}` is False by default",
            help="pass `training=self.training`",
        )
