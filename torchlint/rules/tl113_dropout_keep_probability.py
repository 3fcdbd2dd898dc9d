"""TL113: the probability to keep, given as the probability to drop."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.layers import LayerCall

_KINDS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")
_DROPOUTS = {f"torch.nn.{name}": 0 for name in _KINDS}
_FUNCTIONS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
_DROPOUTS |= {f"torch.nn.functional.{name}": 1 for name in _FUNCTIONS}
_KEEP = re.compile(r"(?i)(?:^|_)keep(?:_|$|p$|prob|rate)")
_MOST_DROPPED = 0.5
"""A known number up to this is a rate of dropping, whatever it is called."""


@rule(
    "TL113",
    since="0.1.0",
    preview=True,
    calls=(Calls(_DROPOUTS, "p", hints=("keep", "Keep", "KEEP"), word="keep"),),
)
def dropout_keep_probability(call: LayerCall) -> Iterator[Finding]:
    """`nn.Dropout(keep_prob)` drops what should be kept: `p` is the probability to drop.

    TensorFlow 1 asked for the probability to keep. With `keep_prob=0.9`, a ported model loses 90 % of its activations at
    each such layer. It still trains, slowly and to a worse result, and evaluation drops nothing, so nobody sees why.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, keep_prob=0.9):
            super().__init__()
            self.drop = nn.Dropout(keep_prob)  # TL113

        def forward(self, x):
            return self.drop(x)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, keep_prob=0.9):
            super().__init__()
            self.drop = nn.Dropout(1 - keep_prob)

        def forward(self, x):
            return self.drop(x)
    ```

    ```python proof
    broken = (Net()(torch.ones(1000)) == 0).sum().item() > 500
    ```

    What is given must be called after keeping (`keep_prob`, `self.keep`, `config["keep_rate"]`). Silent are `1 - keep_prob`,
    and a value that is known to be 0.5 or less: then the name is wrong, not the number. The fix is unsafe: what is trained
    already expects the other rate.

    The rule is in preview: it goes by the word "keep" in a name, and has not been seen on enough real code.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
    - https://github.com/hassony2/kinetics_i3d_pytorch/issues/6
    """
    rate = call.argument("p", _DROPOUTS[call.callee]) if call.callee in _DROPOUTS else None
    name = call.name_of(rate) if rate is not None else None
    if rate is None or name is None or not _KEEP.search(name):
        return
    numbers = call.numbers(rate)
    if numbers is not None and min(numbers) <= _MOST_DROPPED:
        return
    yield call.finding(
        f"`{call.code(rate)}` is a probability to keep, and `{call.spelled}` drops with it",
        at=rate,
        caption="the probability to drop",
        fix=call.replace(rate, call.complement(rate)),
        help="pass one minus this number",
    )
