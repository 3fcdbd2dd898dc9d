"""TL606: a model that cannot be copied or pickled."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Verdict
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.observed import FailedCopy


@rule("TL606", since="0.1.0", severity="note")
def module_not_copyable(failed: FailedCopy) -> Iterator[Verdict]:
    """A model that cannot be copied or pickled cannot be averaged, sent to a process or saved whole.

    `copy.deepcopy` is behind averaged models, quantization and many training frameworks; `pickle` is behind
    `torch.save(model)` and processes that are spawned. A lambda, an open file or a generator in an attribute makes one or the
    other fail, often only hours into a training.

    ```python bad
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.act = lambda x: x.relu()  # TL606

        def forward(self, x):
            return self.act(self.fc(x))
    ```

    ```python good
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(self.fc(x))
    ```

    ```python proof
    import io, pickle

    try:
        pickle.Pickler(io.BytesIO()).dump(vars(Net())["act"] if "act" in vars(Net()) else None)
        broken = False
    except Exception:
        broken = True
    ```

    ```python verify
    from torchlint import runtime

    report = runtime.verify(Net())
    ```

    References:
    - https://docs.python.org/3/library/pickle.html#what-can-be-pickled-and-unpickled
    """
    yield Verdict(
        f"`{failed.operation}` of `{failed.type}` fails: {failed.reason[:100]}",
        "note",
        "use a function of the module level, or a module, in its place",
    )
