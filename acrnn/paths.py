"""Where things are: what the project ships, what is the user's, and which code this is.

What is shipped is read and never written: `checkpoints/` and `results/` at the top of a checkout, or in an installed
package its own copies (all results, but the `DEFAULT_CHECKPOINTS` alone). What a user makes goes to folders of the
user's. An environment variable names another folder:

=================  ======================================  ==================================================
variable           what is there                           default
=================  ======================================  ==================================================
ACRNN_CHECKPOINTS  published checkpoints, the user's       `checkpoints` in the platform's user data folder
ACRNN_RESULTS      results, the user's                     `results` in the platform's user data folder
ACRNN_LABELS       what a listener says recordings are     `labels` in the platform's user data folder
ACRNN_RUNS         training runs                           `runs` in the working directory
ACRNN_DATA         datasets                                `data` in the working directory
ACRNN_DATASETS     folds of one's own datasets             `datasets` in the platform's user data folder
ACRNN_CACHE        features and parts of measurements      the platform's user cache folder
ACRNN_SHIPPED      `checkpoints/` and `results/` as        the checkout, or what is in the installed package
                   shipped, for example a clone's
=================  ======================================  ==================================================

A function that gives a folder does not make it; `make_writable` does.
"""

import logging
import os
import stat
import subprocess
import tempfile
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs

from acrnn.errors import FolderError

DEFAULT_CHECKPOINTS = ("esc50-l10-mixed-fold1", "esc10-l10-best-fold1")
"""The checkpoints that an installed package brings (setup.py reads this line); the first is the usual one."""

APP = "acrnn"
PACKAGE = Path(__file__).resolve().parent
_PACKAGED = PACKAGE / "shipped"  # made by setup.py; a checkout has none
_log = logging.getLogger(__name__)


def is_installed() -> bool:
    """Whether this is a package that was built and installed, not a checkout."""
    return _PACKAGED.is_dir()


def shipped_checkpoints() -> Path:
    """Folder of the checkpoints that come with the project, to be read only."""
    return _shipped() / "checkpoints"


def shipped_results() -> Path:
    """Folder of the results that come with the project, to be read only."""
    return _shipped() / "results"


def is_shipped(path: Path) -> bool:
    """Whether a path is in one of the shipped folders."""
    folders = shipped_checkpoints().resolve(), shipped_results().resolve()
    return any(path.resolve().is_relative_to(folder) for folder in folders)


def user_checkpoints() -> Path:
    """Folder that `publish` writes to: `$ACRNN_CHECKPOINTS`, else in the user's data folder."""
    return _named("ACRNN_CHECKPOINTS") or _user_data() / "checkpoints"


def user_results() -> Path:
    """Folder that results are written to: `$ACRNN_RESULTS`, else in the user's data folder."""
    return _named("ACRNN_RESULTS") or _user_data() / "results"


def user_labels() -> Path:
    """Folder that a listener's labels are kept in: `$ACRNN_LABELS`, else in the user's data folder."""
    return _named("ACRNN_LABELS") or _user_data() / "labels"


def runs_root() -> Path:
    """Where runs live: `$ACRNN_RUNS`, else `runs/` in the working directory."""
    return _named("ACRNN_RUNS") or Path("runs")


def data_root() -> Path:
    """Folder where datasets are looked for and downloaded to: `$ACRNN_DATA`, else `data/` in the working directory."""
    return _named("ACRNN_DATA") or Path("data")


def user_datasets() -> Path:
    """Folder of the folds of the user's own datasets: `$ACRNN_DATASETS`, else in the user's data folder."""
    return _named("ACRNN_DATASETS") or _user_data() / "datasets"


def cache_dir() -> Path:
    """Folder for derived files: `$ACRNN_CACHE`, else the platform's user cache folder.

    If that folder cannot be written, or there is no home to have one in, it is a temporary folder, and the log says
    so once. A folder that ACRNN_CACHE names is taken at its word.

    Raises
    ------
    FolderError
        If there is no temporary folder either.
    """
    return _named("ACRNN_CACHE") or _usable_cache(_of_platform("cache"))


def result_files(kind: str = "", folder: Path | None = None) -> list[Path]:
    """List the JSON files of a kind of results, sorted by name.

    Parameters
    ----------
    kind : str
        A folder within the results, such as `robustness`; by default the results themselves.
    folder : Path, optional
        Results to list alone. By default the shipped ones come first, then the user's; one of the user's that has the
        name of a shipped one is left out.

    Raises
    ------
    FolderError
        If a folder may not be read.
    """
    folders = (shipped_results(), user_results()) if folder is None else (folder,)
    found: dict[str, Path] = {}
    for root in folders:
        for path in glob(root / kind, "*.json"):
            found.setdefault(path.stem, path)
    return list(found.values())


def glob(folder: Path, pattern: str) -> list[Path]:
    """List the paths in a folder that fit a pattern, sorted; none if it is absent, FolderError if it is barred."""
    try:
        return sorted(folder.glob(pattern), key=lambda path: (path.parent, path.stem))
    except OSError as error:
        raise FolderError(f"{folder} cannot be read ({error.strerror or error}).") from error


def make_writable(folder: Path, other: str) -> Path:
    """Make a folder to write into, if need be, and make sure that it can be written.

    Parameters
    ----------
    other : str
        What names another folder, for the message: a variable, an option, or both.

    Raises
    ------
    FolderError
        If it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FolderError(
            f"{folder} cannot be written ({error.strerror or error}); name another folder with {other}."
        ) from error
    if _of_platform("data") is None and folder.is_relative_to(_user_data()):
        _log.warning(
            "No home folder can be used, so this goes to %s, which may be emptied; %s names another.", folder, other
        )
    return folder


def code_revision() -> str:
    """Commit of the checkout that this package runs from, with `+changes` if it was edited, else its version."""
    top = PACKAGE.parent
    if (top / ".git").exists():  # or git would tell the commit of whatever repository the package is installed in
        try:
            commit = _git(top, "rev-parse", "HEAD")
            return commit + (
                "+changes" if _git(top, "status", "--porcelain", "--untracked-files=no", "--", APP) else ""
            )
        except (OSError, subprocess.CalledProcessError):
            pass  # no git here, or it does not trust this folder
    try:
        return version(APP)
    except PackageNotFoundError:
        return "unknown"


def _git(top: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(top), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _named(variable: str) -> Path | None:
    chosen = os.environ.get(variable)
    if not chosen:
        return None
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise FolderError(
            f"{variable} is {chosen!r}, but there is no such home folder; an absolute path is."
        ) from error


def _shipped() -> Path:
    return _named("ACRNN_SHIPPED") or (_PACKAGED if is_installed() else PACKAGE.parent)


def _of_platform(kind: str) -> Path | None:
    """Give the platform's user data or user cache folder; None for a user without a home, or with somebody else's."""
    folder_of = {"data": platformdirs.user_data_path, "cache": platformdirs.user_cache_path}[kind]
    try:
        folder = folder_of(APP, appauthor=False)
        folder.exists()
    except (RuntimeError, PermissionError):
        return None
    return folder


def has_home() -> bool:
    """Whether the user has a home folder to keep things in."""
    return _of_platform("cache") is not None


def _user_data() -> Path:
    try:
        return _of_platform("data") or _temporary()
    except FolderError:
        return Path(os.devnull) / APP  # holds nothing, and whoever writes there is told


@cache
def _usable_cache(folder: Path | None) -> Path:
    reason = "there is no home folder that can be used"
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            reason = f"{folder} cannot be written ({error.strerror or error})"
    other = _temporary() / "cache"
    _log.warning("Features are kept in %s, as %s; ACRNN_CACHE names another folder.", other, reason)
    return other


@cache
def _temporary() -> Path:
    """Make a folder of this user's alone among the temporary ones, the same for each of the user's processes."""
    try:
        folder = Path(tempfile.gettempdir()) / (f"{APP}-{os.getuid()}" if hasattr(os, "getuid") else APP)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid == os.getuid()):
            return folder
        return Path(tempfile.mkdtemp(prefix=f"{APP}-"))  # another user has taken the name
    except OSError as error:
        raise FolderError(
            f"No folder can be written, not even a temporary one ({error.strerror or error}); name folders with "
            "ACRNN_CACHE, ACRNN_CHECKPOINTS and ACRNN_RESULTS."
        ) from error
