"""ESC-50 and ESC-10: their metadata and official folds, their download; one's own classes; the cache of derived files.

`acrnn.data.download` is not imported here: it alone needs requests and filelock, and training runs
without them.
"""

from acrnn.data.cache import atomic_path, atomic_write_bytes, sha256_of
from acrnn.data.dataset import Clip, Dataset
from acrnn.data.esc50 import CSV, discover
from acrnn.data.names import NAME_PATTERN, OWN, TITLES, dataset_title, is_own, share_folds
from acrnn.data.reading import load
from acrnn.data.release import Leak, Report, WrongCount, check
from acrnn.paths import cache_dir, data_root

__all__ = [
    "CSV",
    "NAME_PATTERN",
    "OWN",
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
    "dataset_title",
    "discover",
    "is_own",
    "load",
    "sha256_of",
    "share_folds",
]
