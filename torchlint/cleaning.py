"""The command ``torchlint clean``."""

from __future__ import annotations

import os
import sys

from torchlint.cache.folder import cache_folder
from torchlint.cache.folder import clean as clean_folder
from torchlint.process import CLEAN, UNUSABLE
from torchlint.settings import ConfigError, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def clean(options: Namespace) -> int:
    """Remove the cache that a check in the working directory would use."""
    try:
        settings = Settings(config_file=options.config, isolated=options.isolated)
        config = settings.of_folder(os.curdir)
        folder = cache_folder(options.cache_dir, config.cache_dir, config.origin)
        removed = clean_folder(folder)
    except ConfigError as error:
        print(f"torchlint: error: {error}", file=sys.stderr)
        return UNUSABLE
    print(f"Removed the cache in {folder}." if removed else f"There is no cache in {folder}.")
    return CLEAN
