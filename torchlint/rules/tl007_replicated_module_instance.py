"""TL007: one module that stands several times in a container."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.repeating import RepeatedModule
    from torchlint.observed import RepeatedEntry


@rule("TL007", since="0.1.0")
def replicated_module_instance(repeated: RepeatedModule) -> Iterator[Finding]:
    """`nn.Sequential(*[nn.Linear(8, 8)] * 3)` is one layer three times, not three layers.

    `[layer] * n` repeats the reference, as it does for all Python objects. All places share one set of weights, so the
    model has a fraction of the Parameters that it seems to have. The shapes fit, it trains, and `state_dict()` even lists
    every copy.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, n=3):
            super().__init__()
            self.body = nn.Sequential(*[nn.Linear(8, 8)] * n)  # TL007

        def forward(self, x):
            return self.body(x)
    ```

    ```python fixed
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, n=3):
            super().__init__()
            self.body = nn.Sequential(*[nn.Linear(8, 8) for _ in range(n)])

        def forward(self, x):
            return self.body(x)
    ```

    ```python proof
    broken = len(list(Net().parameters())) < 6
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net())
    ```

    Silent are modules without Parameters, modules that are given by the caller, and where a name or a comment says that
    weights are shared or tied; also `[layer for _ in range(n)]`, which is how heads of detectors share a layer. A
    repeated list that nothing registers is TL001. In a live model, the statement that makes the
    container must say `[layer] * n`, too. The fix is unsafe: the model gets more Parameters, and other ones.

    References:
    - https://docs.python.org/3/faq/programming.html#how-do-i-create-a-multidimensional-list
    - https://github.com/zalandoresearch/pytorch-vq-vae/issues/2
    """
    if repeated.has_parameters and not repeated.is_meant:
        yield Finding(
            repeated.range,
            f"`{repeated.container}` holds `{repeated.spelled}` several times: it is one module with one set of weights",
            caption="repeats the reference",
            fix=repeated.fix,
            help="make a module for each place",
        )


@replicated_module_instance.runtime
def _(entry: RepeatedEntry) -> Iterator[Verdict]:
    if entry.by_reference:
        yield Verdict(
            f"`{entry.named}` holds one `{entry.type}` at {entry.places} places, with one set of weights",
            "warning",
            "make a module for each place",
        )
