"""The one reader of datasets, by name: ESC-50, ESC-10, or sounds of one's own classes."""

from pathlib import Path

from acrnn.data import esc50
from acrnn.data.dataset import Dataset
from acrnn.data.names import is_own
from acrnn.data.own import inspect
from acrnn.errors import OptionError


def load(root: Path | str, name: str | None = None, *, group_pattern: str | None = None) -> Dataset:
    """Read the dataset in `root`.

    Parameters
    ----------
    root : Path or str
        A folder, or a table of one's own clips.
    name : str, optional
        `esc10`, which selects that subset of an ESC-50 folder, `esc50`, or `own`, alone or with the name that a
        dataset of one's own has, such as `own-birds`. By default ESC-50 if all its classes are there, else ESC-10.
    group_pattern : str, optional
        Of one's own clips: see `acrnn.data.own.inspect`.

    Raises
    ------
    DatasetError
        If it is not as expected: see `acrnn.data.esc50.load` and `acrnn.data.own.inspect`. A single file that cannot
        be used is for `check` to find; of one's own clips it is left out.
    OptionError
        If `name` is no dataset's, or a pattern is given for ESC-50.
    """
    if is_own(name):
        return inspect(root, name, group_pattern=group_pattern).dataset()
    if group_pattern is not None:
        raise OptionError("--group-pattern is for your own classes, as ESC-50 has its folds; dataset own is accepted.")
    return esc50.load(root, name)
