"""TL604: a shared Parameter that is two after loading or copying."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import BrokenTie


@rule("TL604", since="0.1.0", severity="warning")
def tied_weights_broken(tie: BrokenTie) -> Iterator[Verdict]:
    """A Parameter that two layers share becomes two when the model is loaded or copied.

    Tied weights are one Parameter under two names. If they are tied outside of the class, a fresh model that loads the
    checkpoint has two: both start with the same values, and drift apart as soon as the model is trained further. Nothing is
    raised, and the number of Parameters grows.

    ```python bad
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(8, 4)
            self.out = nn.Linear(4, 8, bias=False)

    def build():
        model = Net()
        model.out.weight = model.embed.weight  # TL604
        return model
    ```

    ```python good
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(8, 4)
            self.out = nn.Linear(4, 8, bias=False)
            self.out.weight = self.embed.weight

    def build():
        return Net()
    ```

    ```python proof
    fresh = Net()
    fresh.load_state_dict(build().state_dict())
    broken = fresh.out.weight is not fresh.embed.weight
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(build(), factory=Net)
    ```

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
    """
    listed = " and ".join(f"`{name}`" for name in tie.names)
    yield Verdict(
        f"{listed} are one Parameter, but several after `{tie.operation}`: they drift apart in training",
        "warning",
        "tie them in `__init__` of the class",
    )
