"""TL090: a comment that silences a finding which is not there."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding, Fix
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.suppress import Suppression


@rule("TL090", since="0.1.0", severity="warning")
def unused_suppression(suppression: Suppression) -> Iterator[Finding]:
    """A suppression that silences nothing hides the next real bug on its line.

    The comment was written for a bug that has been repaired, or for another line. When the same bug comes
    back, nobody hears of it. Only rules that ran on the file count: a suppression of a rule that is not
    selected is left alone, and so are a bare ``# noqa`` and the codes of other tools.

    ```python bad
    import torch
    from torch import nn


    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(8, 8)])  # noqa: TL001
            # ^ TL090

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = layer(x)
            return x
    ```
    ```python fixed
    import torch
    from torch import nn


    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(8, 8)])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = layer(x)
            return x
    ```

    The fix takes out the unused code, and the whole comment where nothing else is in it; the codes of other
    tools and their order stay.

    References:
    - https://flake8.pycqa.org/en/latest/user/violations.html
    - https://docs.astral.sh/ruff/rules/unused-noqa/
    """
    if suppression.unused:
        listed = " and ".join(f"`{entry.text}`" for entry in suppression.unused)
        is_ = "is" if len(suppression.unused) == 1 else "are"
        where = "in this file" if suppression.kind == "ignore-file" else "here"
        yield Finding(
            range=suppression.range,
            message=f"{listed} {is_} not reported {where}, so the comment would hide the next one",
            fix=Fix(f"remove the suppression of {listed}", (suppression.removal(),)),
        )
