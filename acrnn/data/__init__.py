"""ESC-50 and ESC-10: their metadata and official folds, their download, and the cache of derived files.

`acrnn.data.download` is not imported here: it alone needs requests and filelock, and training runs
without them.
"""

from acrnn.data.cache import atomic_path, atomic_write_bytes, sha256_of
from acrnn.data.esc50 import CSV, TITLES, Clip, Dataset, Leak, Report, WrongCount, check, discover, load
from acrnn.paths import cache_dir, data_root

__all__ = [
    "CSV",
    "TITLES",
    "Clip",
    "Dataset",
    "Leak",
    "Report",
    "WrongCount",
    "atomic_path",
    "atomic_write_bytes",
    "cache_dir",
    "check",
    "data_root",
    "discover",
    "load",
    "sha256_of",
]
