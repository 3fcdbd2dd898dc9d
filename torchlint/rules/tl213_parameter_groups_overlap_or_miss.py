"""TL213: an optimizer that is given some Parameters twice, or some not at all."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.optimizers import ParameterGroups


@rule("TL213", since="0.1.0", preview=True)
def parameter_groups_overlap_or_miss(groups: ParameterGroups) -> Iterator[Finding]:
    """Parameters that are written twice in one group are updated twice, and a layer that no group names never is.

    PyTorch raises where two groups have a Parameter in common, and only warns where it is twice in one: each step then
    updates it twice. A submodule that is missing from groups written by hand keeps its initial weights. It is the copied
    line in which the name was not changed that does both at once.

    ```python bad
    import itertools

    import torch
    from torch import nn

    encoder, decoder = nn.Linear(4, 4), nn.Linear(4, 4)
    params = itertools.chain(encoder.parameters(), encoder.parameters())
    optimizer = torch.optim.SGD(params, lr=0.1)  # TL213
    ```

    ```python good
    import itertools

    import torch
    from torch import nn

    encoder, decoder = nn.Linear(4, 4), nn.Linear(4, 4)
    params = itertools.chain(encoder.parameters(), decoder.parameters())
    optimizer = torch.optim.SGD(params, lr=0.1)
    ```

    ```python proof
    given = [id(p) for group in optimizer.param_groups for p in group["params"]]
    broken = len(given) != len(set(given))
    ```

    A submodule is missing only if the class of the model is in the project, `forward` uses the submodule, and nothing in
    the file explains it: a comment beside the optimizer, another optimizer, anything that freezes. Groups that are made
    by a comprehension or a function are not looked at.

    The rule is in preview: why a layer is left out need not stand in the file.

    References:
    - https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
    - https://github.com/pytorch/pytorch/issues/40967
    """
    if groups.twice is not None:
        yield Finding(
            groups.range,
            f"`{groups.optimizer}` is given the Parameters of `{groups.code(groups.twice)}` twice, and updates them twice",
            labels=(groups.label(groups.twice, "one of the two"),),
            help="name each module once",
        )
    elif groups.missing and not groups.is_meant:
        named = "`, `".join(groups.missing)
        yield Finding(
            groups.range,
            f"`{groups.optimizer}` never updates `{named}`: no group names it",
            help="add a group, or freeze what is not to be trained",
        )
