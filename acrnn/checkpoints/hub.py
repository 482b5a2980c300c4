"""Checkpoints on the Hugging Face Hub, named `hf://user/name` or `hf://user/name@revision`; its package is optional.

Exactly the files that a checkpoint has are downloaded, into the Hub's own cache, and are read as strictly as others.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from acrnn.errors import CheckpointError, OptionError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SCHEME = "hf://"
MAX_BYTES = 2**30
"""Of the files of a checkpoint together; the largest network here has 63 MB."""
_NAME = r"[A-Za-z0-9_.-]{1,96}"
_ADDRESS = re.compile(rf"hf://({_NAME}/{_NAME})(?:@([A-Za-z0-9_./-]{{1,200}}))?")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")


def is_address(name: str) -> bool:
    """Whether this names a checkpoint on the Hub."""
    return name.startswith(SCHEME)


def fetch(address: str, files: Sequence[str], needed: Sequence[str]) -> tuple[Path, str]:
    """Download a checkpoint, or find it in the cache; gives its folder, and the name that it has on the Hub.

    Parameters
    ----------
    address : str
        A branch, tag or commit may stand after `@`.
    files : sequence of str
        The files to download, as far as they are there.
    needed : sequence of str
        Those that must be.

    Raises
    ------
    OptionError
        If the package huggingface_hub is not installed.
    CheckpointError
        If it is no address, there is no such model, it may not be read, the Hub is out of reach, or the model is no
        checkpoint of this package.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise CheckpointError(f"{address} is no address; hf://user/name and hf://user/name@revision are accepted.")
    if find_spec("huggingface_hub") is None:
        told = "pip install huggingface_hub, or the extra acrnn[hub], brings it"
        raise OptionError(f"{address} needs the package huggingface_hub; {told}.")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    repository, revision = match.groups()
    api = HfApi(library_name="acrnn")
    with _in_sentences(address, repository, revision):
        commit = api.resolve_revision(repository, revision=revision)
        wanted = {"repo_id": repository, "revision": commit, "allow_patterns": list(files)}
        try:
            folder = Path(snapshot_download(**wanted, local_files_only=True))
        except LocalEntryNotFoundError:  # not in the cache, or not as a whole
            folder = None
        if folder is None or not all((folder / name).exists() for name in needed):
            _require_checkpoint(address, _sizes_of(api, repository, commit.resolved), files, needed)
            folder = Path(snapshot_download(**wanted))
    return folder, repository.partition("/")[2]


def _sizes_of(api: "HfApi", repository: str, commit: str) -> dict[str, int]:
    """Give the files at the top of a model, name → bytes."""
    every = api.list_repo_tree(repository, revision=commit)
    return {entry.path: entry.size for entry in every if hasattr(entry, "size")}


def _require_checkpoint(address: str, there: Mapping[str, int], files: Sequence[str], needed: Sequence[str]) -> None:
    """Raise CheckpointError, before anything is downloaded, if a model has not the files of a checkpoint."""
    if lacking := [name for name in needed if name not in there]:
        pickles = sorted(name for name in there if name.endswith(_PICKLES))
        unread = f"; {pickles[0][:80]} is a pickle, and those are never read" if pickles else ""
        raise CheckpointError(
            f"{address} is no checkpoint of this package: it has no {' and no '.join(lacking)}{unread}."
        )
    n_bytes = sum(there.get(name, 0) for name in files)
    if n_bytes > MAX_BYTES:
        raise CheckpointError(f"{address} has {n_bytes / 2**20:.0f} MB; up to {MAX_BYTES / 2**20:.0f} are accepted.")


@contextmanager
def _in_sentences(address: str, repository: str, revision: str | None) -> Iterator[None]:
    """Turn what the Hub's package raises into a CheckpointError of one sentence."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        told = f"asks for its terms to be accepted on huggingface.co/{repository}, and for `hf auth login` after that"
        raise CheckpointError(f"{address} {told}.") from error
    except errors.RepositoryNotFoundError as error:
        raise CheckpointError(
            f"There is no model {repository} on the Hugging Face Hub, or it is private and needs `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise CheckpointError(f"{repository} has no revision {revision} on the Hugging Face Hub.") from error
    except errors.HFValidationError as error:
        raise CheckpointError(f"{address} is no address ({' '.join(str(error).split())[:200]}).") from error
    except (errors.RevisionResolutionError, errors.HTTPError, OSError) as error:  # offline is a ConnectionError
        raise CheckpointError(
            f"{address} is not in the cache, and the Hugging Face Hub cannot be reached ({type(error).__name__})."
        ) from error
