from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import Calls, rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.calls import MethodCall
    from torchlint.observed import RandomCall

_SDPA = {
    "torch.nn.functional.scaled_dot_product_attention": 4,
    "torch._C._nn.scaled_dot_product_attention": 4,
}


@rule("TL103", since="0.1.0", calls=(Calls(_SDPA, "dropout_p", mode=False),))
def sdpa_dropout_ignores_eval(call: MethodCall) -> Iterator[Finding]:
    """`scaled_dot_product_attention` applies `dropout_p` in evaluation, too.

    The function has no `training` argument: whatever is given as `dropout_p` is always applied, as its documentation
    warns. A rate that does not depend on `self.training` makes evaluation and generation random and worse.

    ```python bad
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Attention(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p
            self.qkv = nn.Linear(16, 48)

        def forward(self, x):
            q, k, v = self.qkv(x).chunk(3, dim=-1)
            return F.scaled_dot_product_attention(q, k, v, dropout_p=self.p)  # TL103
    ```

    ```python fixed
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Attention(nn.Module):
        def __init__(self, p=0.5):
            super().__init__()
            self.p = p
            self.qkv = nn.Linear(16, 48)

        def forward(self, x):
            q, k, v = self.qkv(x).chunk(3, dim=-1)
            return F.scaled_dot_product_attention(q, k, v, dropout_p=self.p if self.training else 0.0)
    ```

    ```python proof
    model = Attention().eval()
    x = torch.randn(2, 8, 16)
    broken = not torch.equal(model(x), model(x))
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Attention(), (torch.randn(2, 8, 16),))
    ```

    A rate that is a parameter of the method is the caller's business and is not reported.

    ```python good
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(16, 48)

        def forward(self, x):
            q, k, v = self.qkv(x).chunk(3, dim=-1)
            dropout_p = 0.1 if self.training else 0.0
            return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout_p)
    ```

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
    - https://github.com/pytorch/pytorch/issues/124464
    - https://github.com/huggingface/pytorch-image-models/pull/1978
    """
    rate = call.argument("dropout_p", 4) if call.callee in _SDPA else None
    if rate is None or call.is_zero(rate) or call.depends_on_mode(rate) or call.is_given(rate):
        return
    if call.guarded or call.deliberately_stochastic:
        return
    flag = call.training_flag
    yield call.finding(
        f"`dropout_p={call.code(rate)}` in `{call.where}` is still applied after `eval()`: nothing makes it 0 there",
        labels=[(rate, "always applied")],
        fix=call.append_to(rate, f" if {flag} else 0.0") if flag else None,
        help=f"pass `dropout_p=... if {flag} else 0.0`"
        if flag
        else "let the caller pass a rate that is 0.0 in evaluation",
    )


@sdpa_dropout_ignores_eval.runtime
def _(call: RandomCall) -> Iterator[Verdict]:
    if call.function == "scaled_dot_product_attention" and call.mode == "eval" and call.active:
        yield Verdict(
            f"`dropout_p={call.rate:g}` in `{call.owner.rpartition('.')[2]}` is applied after `eval()`, too",
            help="pass `dropout_p=self.dropout if self.training else 0.0`",
        )
