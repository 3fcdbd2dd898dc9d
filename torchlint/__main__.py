"""The process ``torchlint``, which is also ``python -m torchlint``."""

from __future__ import annotations

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def run() -> NoReturn:
    gc.disable()  # nothing that is imported is garbage
    from torchlint.cli import main
    from torchlint.process import leave

    gc.enable()
    leave(main(alone=True))


# Worker processes import this module again where they are not forked.
if __name__ == "__main__":
    run()
