"""TL205: ReduceLROnPlateau that takes better for worse."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.schedulers import SchedulerCall

_RIGHT_MODE = {"higher": "max", "lower": "min"}


@rule("TL205", since="0.1.0")
def plateau_mode_mismatch(call: SchedulerCall) -> Iterator[Finding]:
    """`ReduceLROnPlateau` waits for its metric to go down, and is given an accuracy, which goes up.

    The default is `mode="min"`. As long as the model gets better, an accuracy "does not improve": after `patience` epochs the
    learning rate is divided by ten, and again and again, until training stands still. An accuracy that goes down, on the
    other hand, counts as progress. Nothing is raised, and the model is merely worse than it could be.

    ```python bad
    import torch
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    def train(model, epochs, evaluate):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = ReduceLROnPlateau(optimizer, patience=2)
        for epoch in range(epochs):
            val_acc = evaluate(model, epoch)
            scheduler.step(val_acc)  # TL205
        return optimizer.param_groups[0]["lr"]
    ```

    ```python fixed
    import torch
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    def train(model, epochs, evaluate):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = ReduceLROnPlateau(optimizer, mode="max", patience=2)
        for epoch in range(epochs):
            val_acc = evaluate(model, epoch)
            scheduler.step(val_acc)
        return optimizer.param_groups[0]["lr"]
    ```

    ```python good
    import torch
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    def train(model, epochs, evaluate):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler = ReduceLROnPlateau(optimizer, patience=2)
        for epoch in range(epochs):
            val_acc = evaluate(model, epoch)
            scheduler.step(1 - val_acc)
        return optimizer.param_groups[0]["lr"]
    ```

    ```python proof
    broken = train(torch.nn.Linear(2, 1), 20, lambda model, epoch: epoch / 20) < 0.1
    ```

    A loss that is given to a scheduler with `mode="max"` is a finding as well. What a metric is goes by its name, and by
    what it is computed from where the name says nothing: `val_acc`, `metrics["f1"]`, `accuracy_score(...)`. Silent are names
    that say neither or both, a metric that is negated or subtracted from something, and a mode that is not known. The fix is
    unsafe, since it goes by names.

    References:
    - https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html
    - https://github.com/md-mohaiminul/ViS4mer/issues/4
    """
    if call.method != "step" or call.better is None or not call.plateaus:
        return
    right = _RIGHT_MODE[call.better]
    wrong = "max" if right == "min" else "min"
    if call.modes != {wrong}:
        return
    label = call.mode_label(wrong)
    worse = "rises" if right == "max" else "falls"
    yield Finding(
        call.range,
        f'`{call.name}` has `mode="{wrong}"`, but `{call.spelled_metric}` {worse} as the model gets better: the learning rate '
        "decays all the same",
        caption=f"{call.better} is better",
        labels=(label,) if label is not None else (),
        fix=call.set_mode(right),
        help=f'make it with `mode="{right}"`',
    )
