"""The process ``torchlint``, which is also ``python -m torchlint``."""

from __future__ import annotations

from torchlint.cli import main
from torchlint.process import leave

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def run() -> NoReturn:
    leave(main())


# Worker processes import this module again where they are not forked.
if __name__ == "__main__":
    run()
