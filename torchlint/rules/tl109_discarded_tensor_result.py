"""TL109: a tensor that is computed and dropped."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.discarding import DroppedResult


@rule("TL109", since="0.1.0", in_tests=False)
def discarded_tensor_result(dropped: DroppedResult) -> Iterator[Finding]:
    """`x.unsqueeze(0)` on a line of its own does nothing: it returns another tensor, which is dropped.

    The tensor stays as it is: not clamped, not masked, on the device that it was on. Where shapes still fit, nothing is
    raised, and the model trains without the step that was meant to be there. Methods that work in place end in an
    underscore.

    ```python bad
    import torch
    from torch import nn

    class Attention(nn.Module):
        def forward(self, scores, padding):
            scores.masked_fill(padding, float("-inf"))  # TL109
            return scores.softmax(-1)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Attention(nn.Module):
        def forward(self, scores, padding):
            scores = scores.masked_fill(padding, float("-inf"))
            return scores.softmax(-1)
    ```

    ```python good
    import torch
    from torch import nn

    class Attention(nn.Module):
        def forward(self, scores, padding):
            scores.masked_fill_(padding, float("-inf"))
            return scores.softmax(-1)
    ```

    ```python proof
    weights = Attention()(torch.zeros(1, 2), torch.tensor([[False, True]]))
    broken = bool(weights[0, 1] > 0)
    ```

    Reported are functions of `torch` and `torch.nn.functional`, methods that only tensors have, and any method of what can
    only be a tensor. `.to(device)` and the like change a module in place, and some batch objects: for them it must be a
    tensor, or one of several variables of a loop over a DataLoader. Silent are `out=` and `inplace=`, tests, code that is
    timed or tried, the module level (where notebooks and tutorials show values), and contexts other than `torch.no_grad`.

    The fix assigns the result to the variable. It is unsafe: the model changes.

    References:
    - https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd
    - https://github.com/coqui-ai/TTS/blob/dev/TTS/encoder/losses.py
    """
    if not dropped.is_of_tensor or dropped.writes or dropped.is_tried:
        return
    what = f"`{dropped.name}` stays as it is" if dropped.name else "nothing is changed"
    yield Finding(
        dropped.range,
        f"what `{dropped.spelled}` returns is dropped: {what}",
        caption="returns another tensor",
        fix=dropped.fix,
        help="assign it, or use the method that works in place",
    )
