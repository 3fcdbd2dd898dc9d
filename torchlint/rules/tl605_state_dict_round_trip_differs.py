"""TL605: a checkpoint that does not restore the model."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import RoundTrip


@rule("TL605", since="0.1.0")
def state_dict_round_trip_differs(trip: RoundTrip) -> Iterator[Verdict]:
    """A fresh model that loads the `state_dict()` of a trained one does not compute the same.

    A checkpoint should hold all that a model has learned. What is not in it, such as a random projection in a plain
    attribute, a counter or a list of layers, is made anew in the loaded model: `load_state_dict` succeeds, and the scores are
    worse than in training.

    ```python bad
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.scale = torch.rand(1).item()  # TL605

        def forward(self, x):
            return self.fc(x) * self.scale
    ```

    ```python good
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.register_buffer("scale", torch.rand(1))

        def forward(self, x):
            return self.fc(x) * self.scale
    ```

    ```python proof
    one, other = Net(), Net()
    other.load_state_dict(one.state_dict())
    broken = not torch.equal(one(torch.ones(2, 4)), other(torch.ones(2, 4)))
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net(), (torch.ones(2, 4),), factory=Net)
    ```

    References:
    - https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html
    """
    if trip.strict:
        yield Verdict(
            f"the `state_dict()` of `{trip.type}` cannot be loaded into a fresh one: {trip.strict[:90]}",
            help="build both from the same arguments",
        )
    else:
        yield Verdict(
            f"a fresh `{trip.type}` that loads the state of this one gives other outputs, {trip.difference}",
            help="register what it needs as a Parameter or buffer, so that it is saved",
        )
