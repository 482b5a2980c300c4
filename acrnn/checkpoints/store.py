"""The folders of checkpoints: listed, found, saved, published."""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from acrnn.checkpoints import hub
from acrnn.checkpoints.config import CheckpointConfig, read_config
from acrnn.checkpoints.open_set import OpenSet
from acrnn.checkpoints.weights import BANDS, STATISTICS, WEIGHTS, bands_of, read_statistics, read_weights
from acrnn.data import atomic_path, atomic_write_bytes, sha256_of
from acrnn.errors import CheckpointError
from acrnn.features import BandStatistics
from acrnn.model import Network, build
from acrnn.paths import glob, is_shipped, shipped_checkpoints, user_checkpoints
from acrnn.untrusted import read_bytes, require_regular

CONFIG, CARD = "config.json", "README.md"
FILES = (WEIGHTS, STATISTICS, CARD, CONFIG)
"""All that a checkpoint's folder may have, the config last: where that is, the others are."""
MAX_FILE_BYTES = 2**30


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's folder and what its config says; the weights are read by `load_model`."""

    path: Path
    config: CheckpointConfig

    @property
    def name(self) -> str:
        """Such as `esc10-l10-paper-fold1`."""
        return self.config.name

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with the project, and is not one of the user's."""
        return is_shipped(self.path)

    @cached_property
    def n_bytes(self) -> int:
        """Size of the weights on disk; raises CheckpointError if they are not there."""
        path = self.path / WEIGHTS
        try:
            return require_regular(path)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise CheckpointError(f"{path} holds no weights: {error}.") from error

    def load_model(self, device: torch.device | str = "cpu") -> Network:
        """Read the weights: float32, in evaluation mode, on `device`.

        Raises
        ------
        CheckpointError
            If the weights are missing, do not have the hash that config.json names, or do not fit the network.
        """
        tensors = {name: value.float() for name, value in self._tensors.items() if not name.startswith(BANDS)}
        model = build(self.config.network)
        model.load_state_dict(tensors)
        return model.to(device, memory_format=torch.channels_last).eval()

    def load_bands(self) -> BandStatistics | None:
        """Read the statistics by which missing bands are estimated; None if the checkpoint has none.

        Raises
        ------
        CheckpointError
            As `load_model`.
        """
        return bands_of(self._tensors)

    def load_statistics(self) -> dict[str, Tensor]:
        """Read what the score of strangeness needs of the training segments; empty if it needs nothing.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged or not the one that the config names.
        """
        open_set = self.config.open_set
        if open_set is None or not open_set.statistics_sha256:
            return {}
        return read_statistics(self.path / STATISTICS, open_set, self.config)

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        return read_weights(self.path / WEIGHTS, self.config)


def names(root: Path | None = None) -> list[str]:
    """Names of the checkpoints in `root`, sorted by dataset, placement and fold; empty if there are none.

    By default of all there are: the shipped ones, then the user's.
    """
    if root is not None:
        return [path.parent.name for path in glob(root, f"*/{CONFIG}") if not path.parent.name.startswith(".")]
    shipped = names(shipped_checkpoints())
    return shipped + [name for name in names(user_checkpoints()) if name not in shipped]


def hidden() -> list[Path]:
    """Folders of the user's checkpoints that are not listed, because a shipped one has their name."""
    shipped, mine = shipped_checkpoints(), user_checkpoints()
    if shipped.resolve() == mine.resolve():
        return []
    return [mine / name for name in names(mine) if name in names(shipped)]


def listed(root: Path | None = None) -> tuple[list[Checkpoint], list[CheckpointError]]:
    """Read the configs of all that `names` lists; those that cannot be used are told, not raised.

    Raises
    ------
    FolderError
        If the folder itself cannot be read.
    """
    found, damaged = [], []
    for name in names(root):
        try:
            checkpoint = find(name, root)
            _ = checkpoint.n_bytes  # raises where there are no weights
        except CheckpointError as error:
            damaged.append(error)
        else:
            found.append(checkpoint)
    return found, damaged


def find(name: str, root: Path | None = None) -> Checkpoint:
    """Read one checkpoint's config, strictly.

    Parameters
    ----------
    name : str
        A name that `names` lists, the path of a checkpoint's folder, or `hf://user/name[@revision]`.
    root : Path, optional
        The only folder to look for the name in.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint, or its config is of another schema or lacks, adds or garbles a field.
    OptionError
        If it is on the Hugging Face Hub, and the package for that is not installed.
    """
    if root is None and hub.is_address(name):
        path, known_as = hub.fetch(name, FILES, needed=(CONFIG, WEIGHTS))
        return Checkpoint(path, replace(read_config(path / CONFIG), name=known_as))
    roots = (shipped_checkpoints(), user_checkpoints()) if root is None else (root,)
    paths = [folder / name for folder in roots] if Path(name).name == name else [Path(name)]
    for path in paths:
        if (path / CONFIG).exists():
            return Checkpoint(path, replace(read_config(path / CONFIG), name=path.resolve().name))
    have = ", ".join(names(root)) or f"none in {' or '.join(map(str, roots))}"
    raise CheckpointError(f"There is no checkpoint {name!r}; there are: {have}.")


def save(
    model: Network,
    config: CheckpointConfig,
    card: str,
    root: Path,
    bands: BandStatistics | None = None,
) -> Checkpoint:
    """Write a checkpoint's folder; each file is replaced as a whole, the config last.

    Parameters
    ----------
    model : Network
        Saved as fp16: a model whose weights are not fp16 values is rounded.
    config : CheckpointConfig
        Its `weights_sha256` is filled in here.
    card : str
        Markdown for people.
    root : Path
        The checkpoint's folder is made in this one.
    bands : BandStatistics, optional
        Saved as float32; without them, what a low sampling rate leaves empty stays empty.
    """
    path = root / config.name
    with atomic_path(path / WEIGHTS) as part:
        statistics = {} if bands is None else {f"{BANDS}{name}": value for name, value in vars(bands).items()}
        save_file(_half_weights(model) | statistics, part)
    parts = {"network": config.network.as_dict(), "front_end": config.front_end.as_dict()}
    values = asdict(config) | parts | {"weights_sha256": sha256_of(path / WEIGHTS)}
    if config.open_set is None:
        del values["open_set"]
    atomic_write_bytes(path / CARD, card.encode())
    atomic_write_bytes(path / CONFIG, _as_json(values))
    return find(str(path.resolve()))


def keep_open_set(
    checkpoint: Checkpoint, open_set: OpenSet | None, statistics: dict[str, Tensor] | None = None
) -> Checkpoint:
    """Write what was fitted beside a checkpoint's weights, which stay as they are, or take it out.

    What was kept before goes first, so that a kill in between leaves a checkpoint without an open set.

    Parameters
    ----------
    statistics : dict of str to Tensor, optional
        What the score needs of the training segments; kept as fp16.
    """
    path = checkpoint.path / CONFIG
    values = json.loads(path.read_text(encoding="utf-8"))
    if values.pop("open_set", None) is not None:
        atomic_write_bytes(path, _as_json(values))
    if open_set is not None and statistics:
        halves = {name: value.half().contiguous() for name, value in statistics.items()}
        with atomic_path(checkpoint.path / STATISTICS) as part:
            save_file(halves, part)
        open_set = replace(open_set, statistics_sha256=sha256_of(checkpoint.path / STATISTICS))
    else:
        (checkpoint.path / STATISTICS).unlink(missing_ok=True)
    if open_set is not None:
        values["open_set"] = open_set.as_dict()
    atomic_write_bytes(path, _as_json(values))
    return find(str(checkpoint.path.resolve()))


def publish_copy(source: Checkpoint, name: str, card: str, root: Path) -> Checkpoint:
    """Copy a checkpoint into a folder of checkpoints under a name of its own, replacing one of that name.

    Nothing is replaced before the source was read in full, and by nothing but a whole copy.

    Raises
    ------
    CheckpointError
        If the source's weights are missing or damaged, or do not fit its config.
    OSError
        If the folder cannot be written; what was there is then there still.
    """
    source.load_model()
    source.load_bands()
    target, staged, before = (root / part for part in (name, f".{name}.new", f".{name}.old"))
    for left in (staged, before):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    staged.mkdir(parents=True)
    shutil.copyfile(source.path / WEIGHTS, staged / WEIGHTS)
    if source.load_statistics():
        shutil.copyfile(source.path / STATISTICS, staged / STATISTICS)
    values = json.loads((source.path / CONFIG).read_text(encoding="utf-8")) | {"name": name}
    atomic_write_bytes(staged / CARD, card.encode())
    atomic_write_bytes(staged / CONFIG, _as_json(values))
    if target.exists():
        target.rename(before)
    staged.rename(target)
    shutil.rmtree(before, ignore_errors=True)
    return find(str(target.resolve()))


def read_files(checkpoint: Checkpoint) -> dict[str, bytes]:
    """Read a whole checkpoint, name of file → bytes, to be sent elsewhere.

    Raises
    ------
    CheckpointError
        If its weights are missing or damaged, or do not fit its config, or a file cannot be read.
    """
    checkpoint.load_model()
    checkpoint.load_statistics()
    there = [name for name in FILES if (checkpoint.path / name).exists()]
    try:
        return {name: read_bytes(checkpoint.path / name, MAX_FILE_BYTES) for name in there}
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{checkpoint.path} cannot be read ({error}).") from error


def unpack(files: dict[str, bytes], folder: Path, name: str) -> Checkpoint:
    """Write what `read_files` gave into a folder as the checkpoint `name`, and read it; several processes may."""
    for file in FILES:
        if file in files:
            atomic_write_bytes(folder / name / file, files[file])
    return find(str((folder / name).resolve()))


def _as_json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def _half_weights(model: Network) -> dict[str, Tensor]:
    return {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
