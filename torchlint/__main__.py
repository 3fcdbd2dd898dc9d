"""``python -m torchlint`` is ``torchlint``."""

from __future__ import annotations

import sys

from torchlint.cli import main

# Worker processes import this module again where they are not forked.
if __name__ == "__main__":
    sys.exit(main())
