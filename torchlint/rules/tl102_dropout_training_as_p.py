from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.calls import MethodCall

_DROPOUTS = {
    f"torch.nn.functional.{name}": 1
    for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
}


@rule("TL102", since="0.1.0", calls=(Calls(_DROPOUTS, "p", mode=True),))
def dropout_training_as_p(call: MethodCall) -> Iterator[Finding]:
    """`F.dropout(x, self.training)` passes the mode as the drop probability.

    The second parameter of `F.dropout` is `p`. `True` counts as 1.0, so in training everything is zeroed and the
    layers below get no gradient; `False` counts as 0.0, so evaluation looks normal. Nothing is raised.

    ```python bad
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            return F.dropout(self.fc(x), self.training)  # TL102
    ```

    ```python fixed
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            return F.dropout(self.fc(x), training=self.training)
    ```

    ```python proof
    broken = not Net()(torch.ones(4, 8)).any()
    ```

    ```python good
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):
            return F.dropout(self.fc(x), 0.1, self.training)
    ```

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html
    """
    if call.callee not in _DROPOUTS:
        return
    rate = call.argument("p", 1)
    if rate is not None and call.is_mode_flag(rate):
        told = call.argument("training", 2) is not None or call.has_star()
        effect = (
            "so it is never active"
            if "alpha" in call.callee and not told
            else "which zeroes everything in training"
        )
        yield call.finding(
            f"`{call.code(rate)}` is passed to `{call.spelled}` as the drop probability, {effect}",
            caption="the second argument is `p`",
            fix=None if told else call.name_argument(rate, "training"),
            help="pass the mode by name: `training=`",
        )
