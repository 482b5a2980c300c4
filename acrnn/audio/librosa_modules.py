"""The way to librosa, which loads slowly and asks for a home folder: imported when first needed, and anywhere."""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from acrnn.paths import cache_dir, has_home


@cache
def librosa_module(name: str) -> ModuleType:
    """Import a module of librosa, such as `librosa.effects`, for a user without a home or with read-only packages too.

    What numba compiles of it goes to our cache where it can't be kept beside the packages.
    """
    folder = Path(find_spec("librosa").origin).parent
    if not os.access(folder, os.W_OK):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_dir() / "numba"))
    if has_home():
        return import_module(name)
    os.environ["XDG_CACHE_HOME"] = str(cache_dir())  # where librosa would keep its examples; without, it fails
    try:
        return import_module(name)
    finally:
        del os.environ["XDG_CACHE_HOME"]
