"""What datasets are called: `esc10`, `esc50`, and `own-birds` for a folder `birds` of somebody's own classes."""

import re
import unicodedata
from pathlib import Path

from acrnn.labels import CLASSES

TITLES = {"esc10": "ESC-10", "esc50": "ESC-50"}
OWN = "own"
"""On the command line: a dataset of one's own classes, called after its folder."""
NAME_PATTERN = rf"^(?:esc10|esc50|{OWN}(?:-[a-z0-9]+)*)$"
"""Regular expression of every name that a dataset can have."""
MAX_SLUG = 40


def is_own(name: str | None) -> bool:
    """Whether a name is that of a dataset of one's own classes."""
    return name is not None and name not in CLASSES and re.fullmatch(NAME_PATTERN, name) is not None


def share_folds(name: str, other: str) -> bool:
    """Whether two datasets have the same clips in the same folds: ESC-10 is cut from ESC-50; others are by name."""
    return name == other or {name, other} <= set(TITLES)


def own_name(root: Path) -> str:
    """Name the dataset in a folder, `Night birds` → `own-night-birds`, or in a table, with its folder's name first."""
    path = root.resolve()
    is_table = path.suffix.lower() == ".csv" and not path.is_dir()
    text = unicodedata.normalize("NFKD", f"{path.parent.name} {path.stem}" if is_table else path.name)
    slug = "-".join(re.findall("[a-z0-9]+", text.encode("ascii", "ignore").decode().lower()))[:MAX_SLUG].strip("-")
    return f"{OWN}-{slug}" if slug else OWN


def dataset_title(name: str) -> str:
    """Name a dataset for people: `ESC-10`, or `night-birds (own classes)`."""
    return TITLES.get(name) or f"{name.removeprefix(OWN).removeprefix('-') or 'sounds'} (own classes)"
