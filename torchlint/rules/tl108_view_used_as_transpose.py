"""TL108: a view in a permutation of the tensor's own shape, which scrambles the data."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.reshaping import OwnShape


@rule("TL108", since="0.1.0")
def view_used_as_transpose(view: OwnShape) -> Iterator[Finding]:
    """`x.view(b, w, h, c)` of a tensor with the shape (b, c, h, w) does not swap dimensions: it scrambles the data.

    `view` and `reshape` read the same numbers in the same order and only cut them into other rows. The result has the
    shape that was wanted, and in each row numbers of several: pixels of other channels, steps of other samples. Nothing
    is raised, and a model learns something from that, too.

    ```python bad
    import torch
    from torch import nn

    class Tokens(nn.Module):
        def forward(self, x):
            b, c, h, w = x.shape
            return x.view(b, h * w, c)  # TL108
    ```

    ```python good
    import torch
    from torch import nn

    class Tokens(nn.Module):
        def forward(self, x):
            b, c, h, w = x.shape
            return x.permute(0, 2, 3, 1).reshape(b, h * w, c)
    ```

    ```python proof
    image = torch.zeros(1, 2, 3, 3)
    image[:, 1] = 1.0
    tokens = Tokens()(image)
    broken = not torch.equal(tokens[0, 0], torch.tensor([0.0, 1.0]))
    ```

    All arguments must be dimensions of the very tensor, `x.size(1)` or what `x.shape` was unpacked to, or products of
    them, and each must be there once. Silent is a tensor that was assigned again in between, by `transpose` for example,
    and whatever else is among the arguments; `-1` may be the last.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html
    - https://docs.pytorch.org/docs/stable/generated/torch.permute.html
    """
    if not view.permutes:
        return
    order = ", ".join(map(str, view.order or ()))
    yield Finding(
        view.range,
        f"`{view.spelled}` scrambles `{view.name}`: it asks for the dimensions {order} in this order, and swaps nothing",
        caption="only cuts the same numbers into other rows",
        help="use `permute` or `transpose` to swap dimensions",
    )
