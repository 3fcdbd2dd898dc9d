"""TL208: an iterator over Parameters that is gone through twice."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.iterating import ParameterIterator


@rule("TL208", since="0.1.0")
def exhausted_parameter_iterator(iterator: ParameterIterator) -> Iterator[Finding]:
    """`params = model.parameters()` can be gone through once: for the second use, there are no Parameters left.

    The optimizer goes through it first and gets all of them. What is clipped, counted, frozen or put into a group
    afterwards is nothing at all: `clip_grad_norm_` returns 0 and clips nothing, a loop does not run. For `filter`, `map` and
    `itertools.chain`, PyTorch does not even warn.

    ```python bad
    import torch
    from torch import nn

    model = nn.Linear(8, 8)
    params = filter(lambda p: p.requires_grad, model.parameters())
    optimizer = torch.optim.SGD(params, lr=0.1)

    def train_on(x):
        optimizer.zero_grad()
        model(x).sum().backward()
        torch.nn.utils.clip_grad_norm_(params, 1e-3)  # TL208
        optimizer.step()
    ```

    ```python fixed
    import torch
    from torch import nn

    model = nn.Linear(8, 8)
    params = list(filter(lambda p: p.requires_grad, model.parameters()))
    optimizer = torch.optim.SGD(params, lr=0.1)

    def train_on(x):
        optimizer.zero_grad()
        model(x).sum().backward()
        torch.nn.utils.clip_grad_norm_(params, 1e-3)
        optimizer.step()
    ```

    ```python good
    import torch
    from torch import nn

    model = nn.Linear(8, 8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train_on(x):
        optimizer.zero_grad()
        model(x).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        optimizer.step()
    ```

    ```python proof
    train_on(torch.ones(4, 8))
    broken = bool(model.weight.grad.norm() > 1e-3)
    ```

    Also reported is what stands in a loop that does not make the iterator anew. Silent is what complains itself, such as an
    optimizer without Parameters, and what runs in another branch. The fix makes a list, which can be gone through as often
    as one likes.

    References:
    - https://github.com/pytorch/pytorch/issues/148259
    - https://github.com/PixArt-alpha/PixArt-alpha/pull/160
    """
    if not iterator.is_generator or iterator.spent is None:
        return
    early, late = iterator.spent
    if early is late:
        message = f"`{iterator.name}` is used up after the first turn: {late.spelled} then gets no Parameters"
        labels = [iterator.label_at_origin]
    else:
        message = f"`{iterator.name}` is used up by {early.spelled}: {late.spelled} gets no Parameters"
        labels = [iterator.label_at_origin, iterator.label(early, "used up here")]
    yield Finding(
        iterator.at(late),
        message,
        caption="nothing is left",
        labels=tuple(labels),
        fix=iterator.fix,
        help="make a list of it",
    )
