"""TL091: a comment that looks like a suppression and does something else."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.suppress import Suppression


@rule("TL091", since="0.1.0", severity="warning")
def malformed_suppression(suppression: Suppression) -> Iterator[Finding]:
    """A mistyped suppression silences nothing, or silences every tool on its line.

    flake8 reads only codes in a ``# noqa``. ``# noqa: tl001`` and ``#noqa: TL001`` do nothing. Worse,
    ``# noqa: module-in-plain-container`` and ``# noqa TL001`` are bare ``# noqa`` comments to it, which hide
    every finding of every plugin. ``# torchlint: ignore`` takes codes and names, in brackets, at the end of
    the line; ``# torchlint: ignore-file[...]`` stands on a line of its own above the first statement.

    ```python bad
    import torch

    weight = torch.zeros(3)  # torchlint: ignore[modul-in-plain-container] kept for old checkpoints
    # ^ TL091
    bias = torch.zeros(3)  # torchlint: ignore kept for old checkpoints
    # ^ TL091
    scale = torch.ones(3)  # noqa: tl001
    # ^ TL091
    ```
    ```python good
    import torch

    weight = torch.zeros(3)
    ```

    There is no automatic fix: a suppression that starts to work may hide a bug that is reported today.

    References:
    - https://flake8.pycqa.org/en/latest/user/violations.html
    """
    for problem in suppression.problems:
        yield Finding(range=problem.range, message=problem.message)
