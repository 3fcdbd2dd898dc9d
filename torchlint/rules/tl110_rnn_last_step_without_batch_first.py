"""TL110: the last sample of a batch, taken for the last step of a sequence."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.recurrent import LastOfSecond


@rule("TL110", since="0.1.0")
def rnn_last_step_without_batch_first(last: LastOfSecond) -> Iterator[Finding]:
    """`out[:, -1]` of an `nn.LSTM` without `batch_first=True` is the last sample of the batch, not the last step.

    The output of a recurrent layer has the shape (time, batch, features), unless the layer is made with
    `batch_first=True`. Where the input is (batch, time, features), the layer runs over the samples of the batch as if
    they were one sequence, and every prediction depends on the other samples. All shapes fit, and the loss may fall.

    ```python bad
    import torch
    from torch import nn

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(4, 8)
            self.fc = nn.Linear(8, 2)

        def forward(self, x):
            out, _ = self.rnn(x)
            return self.fc(out[:, -1, :])  # TL110
    ```

    ```python good
    import torch
    from torch import nn

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(4, 8, batch_first=True)
            self.fc = nn.Linear(8, 2)

        def forward(self, x):
            out, _ = self.rnn(x)
            return self.fc(out[:, -1, :])
    ```

    ```python proof
    net = Classifier()
    batch = torch.zeros(2, 3, 4)
    alone = net(batch[1:])
    batch[0] = 1.0
    broken = not torch.allclose(alone, net(batch)[1:])
    ```

    Silent are functions that speak of the order of the dimensions, with `transpose`, `permute`, `unsqueeze` or
    `batch_first` for example, and layers that may be another.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html
    - https://github.com/HHTseng/video-classification/issues/3
    """
    if not last.is_of_sequence or last.is_reordered:
        return
    yield Finding(
        last.range,
        f"`{last.spelled}` is the last sample of the batch, not the last step: `{last.layer}` has no `batch_first=True`",
        caption="the second dimension is the batch",
        labels=last.labels,
        help="pass `batch_first=True` where the layer is made, or take `[-1]`",
    )
