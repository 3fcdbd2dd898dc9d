"""TL220: a trainable Parameter that no optimizer updates."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import UncoveredParameter


@rule("TL220", since="0.1.0")
def parameter_missing_from_optimizer(missing: UncoveredParameter) -> Iterator[Verdict]:
    """A trainable Parameter of the model is in no parameter group of its optimizer.

    Parameter groups are often put together by hand, from the parts of a model and their learning rates. A part that is
    forgotten has gradients, but is never updated: it keeps its initial weights, and the other parts learn around it. The
    optimizer cannot know that there is more.

    ```python bad
    import torch
    from torch import nn

    def build():
        model = nn.ModuleDict({"encoder": nn.Linear(4, 4), "norm": nn.LayerNorm(4), "head": nn.Linear(4, 2)})
        groups = [
            {"params": model["encoder"].parameters(), "lr": 1e-4},
            {"params": model["head"].parameters()},
        ]  # TL220
        return model, torch.optim.SGD(groups, lr=0.1)
    ```

    ```python good
    import torch
    from torch import nn

    def build():
        model = nn.ModuleDict({"encoder": nn.Linear(4, 4), "norm": nn.LayerNorm(4), "head": nn.Linear(4, 2)})
        model["norm"].requires_grad_(False)
        groups = [
            {"params": model["encoder"].parameters(), "lr": 1e-4},
            {"params": model["head"].parameters()},
        ]
        return model, torch.optim.SGD(groups, lr=0.1)
    ```

    ```python proof
    model, optimizer = build()
    known = {id(p) for group in optimizer.param_groups for p in group["params"]}
    broken = any(p.requires_grad and id(p) not in known for p in model.parameters())
    ```

    ```python verify
    from torchlint import runtime

    model, optimizer = build()
    report = runtime.verify(model, optimizer=optimizer)
    ```

    References:
    - https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
    """
    most = ", ".join(f"`{path}`" for path in missing.paths[:2])
    more = f" and {missing.count - 2} more" if missing.count > 2 else ""
    yield Verdict(
        f"{most}{more} ask for gradients but are in no parameter group of `{missing.optimizer}`, so they keep their values",
        help="add a parameter group, or freeze them with `requires_grad_(False)`",
    )
