"""TL018: ``or`` between the types of ``isinstance``."""

from __future__ import annotations

from collections.abc import Iterator

from torchlint.diagnostic import Finding
from torchlint.rule import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchlint.model.type_tests import TypeTest


@rule("TL018", since="0.1.0")
def isinstance_boolean_or(test: TypeTest) -> Iterator[Finding]:
    """`isinstance(m, nn.Conv2d or nn.Linear)` tests for `nn.Conv2d` alone.

    A class counts as true, so `A or B` is `A` before `isinstance` sees it. Most such tests choose how the weights of a
    layer are initialised: layers of the other types keep their default weights, and the model trains, only worse.
    `type(m) == A or B` is the other way round: it is true for every layer.

    ```python bad
    import torch
    from torch import nn

    def init_weights(m):
        if isinstance(m, nn.Conv2d or nn.Linear):  # TL018
            nn.init.zeros_(m.weight)
    ```

    ```python fixed
    import torch
    from torch import nn

    def init_weights(m):
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.zeros_(m.weight)
    ```

    ```python proof
    layer = nn.Linear(2, 2)
    layer.apply(init_weights)
    broken = bool(layer.weight.any())
    ```

    At least one of the types must be a Module class, and all must be known as classes. Silent are two tests that are
    joined, `isinstance(m, A) or isinstance(m, B)`, and defaults such as `norm or nn.BatchNorm2d`. A test of more than 300
    characters is not looked at.

    References:
    - https://docs.python.org/3/library/functions.html#isinstance
    - https://docs.pytorch.org/docs/stable/nn.init.html
    """
    if not test.is_of_modules:
        return
    if test.is_always_true:
        message = f"`{test.spelled}` is always true, because a class counts as true"
    else:
        message = f"`{test.subject}` is tested for `{test.names[0]}` alone: `or` gives the first of the types"
    yield Finding(
        test.range,
        message,
        caption="`or` between classes",
        fix=test.fix,
        help="give the types in a tuple",
    )
