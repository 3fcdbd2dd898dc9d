"""TL111: a dropout between the layers of a recurrent network that has one layer."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.layers import LayerCall
    from torchlint.observed import RecurrentDropout

_NETWORKS = {"torch.nn.LSTM": 5, "torch.nn.GRU": 5, "torch.nn.RNN": 6}


@rule("TL111", since="0.1.0", severity="warning", calls=(Calls(_NETWORKS, "dropout"),))
def rnn_dropout_single_layer(call: LayerCall) -> Iterator[Finding]:
    """`nn.LSTM(..., dropout=0.5)` with one layer never drops anything.

    The `dropout` of `nn.LSTM`, `nn.GRU` and `nn.RNN` stands between the layers: behind each but the last. With
    `num_layers=1`, which is the default, there is no such place, and the model is trained without the regularisation
    that its author tuned. PyTorch warns once, when the layer is made.

    ```python bad
    import torch
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(8, 8, batch_first=True, dropout=0.5)  # TL111

        def forward(self, x):
            return self.rnn(x)[0]
    ```

    ```python fixed
    import torch
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(8, 8, batch_first=True)

        def forward(self, x):
            return self.rnn(x)[0]
    ```

    ```python good
    import torch
    from torch import nn

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(8, 8, num_layers=2, batch_first=True, dropout=0.5)

        def forward(self, x):
            return self.rnn(x)[0]
    ```

    ```python proof
    tagger, x = Tagger(), torch.ones(1, 3, 8)
    broken = tagger.rnn.dropout > 0 and torch.equal(tagger(x), tagger(x))
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Tagger())
    ```

    Silent are a dropout that is 0, one that is computed from the number of layers, a number of layers that is not
    written out, and arguments that are passed on with a star. The fix removes the dropout, which changes no number;
    it is unsafe because a layer of `nn.Dropout`, or one more layer, is what was meant.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
    """
    dropout = call.argument("dropout", _NETWORKS[call.callee]) if call.callee in _NETWORKS else None
    if dropout is None or call.has_star() or call.speaks_of(dropout, "layer"):
        return
    layers = call.argument("num_layers", 2)
    if layers is not None and not call.is_written_as(layers, 1):
        return
    if layers is None and call.is_partial:  # they may be given later
        return
    numbers = call.numbers(dropout)
    if numbers is None or any(numbers):
        yield call.finding(
            f"`dropout={call.code(dropout)}` of `{call.spelled}` is never applied, because it has one layer",
            at=dropout,
            caption="works between layers",
            fix=call.without(dropout),
            help="give it more layers, or put `nn.Dropout` behind it",
        )


@rnn_dropout_single_layer.runtime
def _(network: RecurrentDropout) -> Iterator[Verdict]:
    if network.layers == 1:
        yield Verdict(
            f"the dropout of {network.rate:g} of `{network.named or network.type}` is never applied, because it has one layer",
            "warning",
            "give it more layers, or put `nn.Dropout` behind it",
        )
