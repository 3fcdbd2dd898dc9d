"""The process ``torchlint``, which is also ``python -m torchlint``."""

from __future__ import annotations

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def run() -> NoReturn:
    gc.disable()  # nothing that is imported is garbage
    import argparse

    from torchlint.cli import main
    from torchlint.process import leave

    gc.enable()
    # What argparse says itself is in English as all that we say: to look for translations takes longer than to parse.
    argparse._ = str  # type: ignore[attr-defined]
    leave(main())


# Worker processes import this module again where they are not forked.
if __name__ == "__main__":
    run()
