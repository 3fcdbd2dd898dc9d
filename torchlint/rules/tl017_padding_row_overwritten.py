"""TL017: an embedding whose row for padding gets random values."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.padding import PaddingOverwrite


@rule("TL017", since="0.1.0")
def padding_row_overwritten(overwritten: PaddingOverwrite) -> Iterator[Finding]:
    """An embedding with a `padding_idx` gets new random weights, also in the row for padding, where they stay.

    `nn.Embedding(..., padding_idx=0)` sets that row to zero and never gives it a gradient. An `nn.init.normal_(emb.weight)`
    behind it overwrites all rows. The one for padding keeps its random values for ever, and every padded position adds
    them to sums, means and attention.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(10, 8, padding_idx=0)
            nn.init.normal_(self.emb.weight, std=0.02)  # TL017

        def forward(self, x):
            return self.emb(x).sum(1)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(10, 8, padding_idx=0)
            nn.init.normal_(self.emb.weight, std=0.02)
            self.emb.weight.data[self.emb.padding_idx].zero_()

        def forward(self, x):
            return self.emb(x).sum(1)
    ```

    ```python proof
    padding = Net()(torch.zeros(1, 3, dtype=torch.long))
    broken = bool(padding.any())
    ```

    Silent are a `padding_idx` that may be `None`, and weights of which a row is read or written anywhere in the class or
    function (`emb.weight.data[0]`), or that are copied from elsewhere. It does no harm where all padded positions are
    masked later on, which cannot be seen here.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
    - https://github.com/pytorch/pytorch/issues/6411
    """
    if not overwritten.may_be_without and not overwritten.is_mended:
        yield Finding(
            overwritten.range,
            f"`{overwritten.spelled}` also fills the padding row of `{overwritten.name}`, and it is never trained",
            caption="all rows, the one for padding too",
            fix=overwritten.fix,
            help=f"set `{overwritten.name}.weight[{overwritten.name}.padding_idx]` to zero behind it",
        )
