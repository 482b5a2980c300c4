"""Trained networks on disk: save, list, verify, load. Weights are safetensors; no pickle is ever read.

A checkpoint is a folder `<dataset>-<placement>-<recipe>-fold<k>` with `model.safetensors` (fp16), `config.json`
(what it is, how it came about, what it scored) and `README.md`, its card.

Those that come with the project are read and never written; a user's are in a folder of the user's (`acrnn.paths` has
both). They are listed together, and their names differ: one that a user publishes is called like its run, with the
seed at the end (`esc10-l10-paper-fold1-seed0`), which no shipped one is. Should a folder of the user's have a shipped
one's name after all, the name means the shipped one; `hidden` tells of it, and its path still finds it.
"""

import json
import shutil
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from acrnn.data import atomic_path, atomic_write_bytes, sha256_of
from acrnn.errors import AcrnnError, CheckpointError
from acrnn.features import BandStatistics, FrontEnd
from acrnn.model import Network, NetworkConfig, PiczakConfig, build, network_from_dict
from acrnn.paths import glob, is_shipped, shipped_checkpoints, user_checkpoints

SCHEMA = 1
BANDS = "bands."  # what the band statistics' tensors are called, beside the network's
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"


@dataclass(frozen=True)
class CheckpointConfig:
    """Everything about a checkpoint but its weights: the content of `config.json`.

    Attributes
    ----------
    name : str
        Also the folder's name.
    network : NetworkConfig or PiczakConfig
    front_end : FrontEnd
        Audio is resampled and analysed to these settings, whatever it came as.
    labels : tuple of str
        Class names by index.
    normalisation : dict
        `mean` and `std`, one a channel, of the training folds (§4.1). They are in the weights too.
    dataset, data_title, data_fingerprint : str
        What it was trained on; the fingerprint is `Dataset.fingerprint()`.
    fold : int
        Held out of training and statistics, scored once.
    recipe : dict
        The recipe's numbers, epochs among them.
    seed : int
    protocol : str
        One sentence: how it was trained and scored.
    scores : dict
        `n_clips`, `n_correct`, `accuracy` and `interval` (95 %, Wilson) on the held-out fold; empty if not scored.
    provenance : dict
        `code` (revision), `device`, `precision`, `torch` and the like.
    weights_sha256 : str
    schema : int
    """

    name: str
    network: NetworkConfig | PiczakConfig
    front_end: FrontEnd
    labels: tuple[str, ...]
    normalisation: dict[str, list[float]]
    dataset: str
    data_title: str
    data_fingerprint: str
    fold: int
    recipe: dict[str, Any]
    seed: int
    protocol: str
    scores: dict[str, Any]
    provenance: dict[str, Any]
    weights_sha256: str = ""
    schema: int = SCHEMA

    @property
    def placement(self) -> str:
        """Where the attention sits; `piczakcnn` for the network that has none to place."""
        return self.network.placement

    @property
    def has_attention(self) -> bool:
        """Whether the network attends to any layer."""
        return self.network.has_attention

    @cached_property
    def key(self) -> str:
        """Hash of all that the config says, weights included: what caches keep answers by."""
        return sha256_of(json.dumps(asdict(self), sort_keys=True, default=str).encode())

    @property
    def vote(self) -> str:
        """How segments make a clip's probabilities: `Recipe.vote`."""
        return self.recipe.get("vote", "mean")


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
        """Size of the weights on disk."""
        return (self.path / WEIGHTS).stat().st_size

    def load_model(self, device: torch.device | str = "cpu") -> Network:
        """Read the weights: float32, in evaluation mode, on `device`.

        Raises
        ------
        CheckpointError
            If the weights are missing, do not have the hash that config.json names, or do not fit the network.
        """
        tensors = {name: value for name, value in self._tensors.items() if not name.startswith(BANDS)}
        model = build(self.config.network)
        _require_fit(self.path / WEIGHTS, tensors, model.state_dict())
        model.load_state_dict({name: value.float() for name, value in tensors.items()})
        return model.to(device, memory_format=torch.channels_last).eval()

    def load_bands(self) -> BandStatistics | None:
        """Read the statistics by which missing bands are estimated; None if the checkpoint has none.

        Raises
        ------
        CheckpointError
            As `load_model`.
        """
        tensors = {name.removeprefix(BANDS): t for name, t in self._tensors.items() if name.startswith(BANDS)}
        if not tensors:
            return None
        n_bands = self.config.front_end.n_bands
        n = len(tensors.get("shares", ()))
        shapes = {"shares": (n,), "means": (n, n_bands), "covariances": (n, n_bands, n_bands)}
        _require_fit(self.path / WEIGHTS, tensors, {k: torch.empty(v) for k, v in shapes.items()}, prefix=BANDS)
        return BandStatistics(**tensors)

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        path = self.path / WEIGHTS
        try:
            found = sha256_of(path)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from error
        if found != self.config.weights_sha256:
            raise CheckpointError(
                f"{path} has the SHA-256 {found[:12]}…, but weights_sha256 in {CONFIG} is "
                f"{self.config.weights_sha256[:12]}…: the file is damaged or not the one that was published."
            )
        try:
            return load_file(path)
        except SafetensorError as error:
            raise CheckpointError(f"{path} is no safetensors file ({error}).") from error


def _require_fit(path: Path, tensors: dict[str, Tensor], expected: dict[str, Tensor], prefix: str = "") -> None:
    for name in sorted(expected.keys() ^ tensors.keys()):
        what = "is missing" if name in expected else "is not a tensor of this network"
        raise CheckpointError(f"{path}: {prefix}{name} {what}.")
    for name, value in tensors.items():
        if value.shape != expected[name].shape:
            shape, wanted = tuple(value.shape), tuple(expected[name].shape)
            raise CheckpointError(f"{path}: {prefix}{name} is {shape}, the network of {CONFIG} has {wanted}.")
        if not torch.isfinite(value).all():
            raise CheckpointError(f"{path}: {prefix}{name} holds values that are not finite.")


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


def find(name: str, root: Path | None = None) -> Checkpoint:
    """Read one checkpoint's config, strictly.

    Parameters
    ----------
    name : str
        A name that `names` lists, or the path of a checkpoint's folder.
    root : Path, optional
        The only folder to look for the name in.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint, or its config is of another schema or lacks, adds or garbles a field.
    """
    roots = (shipped_checkpoints(), user_checkpoints()) if root is None else (root,)
    paths = [folder / name for folder in roots] if Path(name).name == name else [Path(name)]
    for path in paths:
        if (path / CONFIG).is_file():
            return Checkpoint(path, _read_config(path / CONFIG))
    have = ", ".join(names(root)) or f"none in {' or '.join(map(str, roots))}"
    raise CheckpointError(f"There is no checkpoint {name!r}; there are: {have}.")


def _read_config(path: Path) -> CheckpointConfig:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is no readable JSON ({error}).") from error
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        found = values.get("schema") if isinstance(values, dict) else None
        raise CheckpointError(f"{path}: schema is {found}, this version reads {SCHEMA}.")
    expected = {field.name for field in fields(CheckpointConfig)}
    for name in sorted(expected ^ values.keys()):
        raise CheckpointError(f"{path}: field {name} is {'missing' if name in expected else 'unknown'}.")
    try:
        values["network"] = network_from_dict(values["network"])
        values["front_end"] = FrontEnd(**values["front_end"])
        values["labels"] = tuple(values["labels"])
    except (TypeError, ValueError, AcrnnError) as error:
        raise CheckpointError(f"{path}: network, front_end or labels is not as expected ({error}).") from error
    config = CheckpointConfig(**values)
    if config.scores and not {"n_clips", "n_correct", "accuracy", "interval"} <= config.scores.keys():
        raise CheckpointError(
            f"{path}: scores has {', '.join(config.scores)}; n_clips, n_correct, accuracy and "
            "interval are expected, or none of them."
        )
    if len(config.labels) != config.network.n_classes:
        raise CheckpointError(f"{path}: labels has {len(config.labels)}, n_classes is {config.network.n_classes}.")
    front_end, network = config.front_end, config.network
    if front_end.n_bands != network.n_bands:
        raise CheckpointError(f"{path}: front_end has {front_end.n_bands} bands, network {network.n_bands}.")
    if front_end.segment_frames != network.n_frames:
        raise CheckpointError(
            f"{path}: front_end has segments of {front_end.segment_frames} frames, network {network.n_frames}."
        )
    return config


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
    values = asdict(config) | {"front_end": config.front_end.as_dict(), "weights_sha256": sha256_of(path / WEIGHTS)}
    atomic_write_bytes(path / CARD, card.encode())
    atomic_write_bytes(path / CONFIG, _as_json(values))
    return find(str(path.resolve()))


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
    values = json.loads((source.path / CONFIG).read_text(encoding="utf-8")) | {"name": name}
    atomic_write_bytes(staged / CARD, card.encode())
    atomic_write_bytes(staged / CONFIG, _as_json(values))
    if target.exists():
        target.rename(before)
    staged.rename(target)
    shutil.rmtree(before, ignore_errors=True)
    return find(str(target.resolve()))


def _as_json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def _half_weights(model: Network) -> dict[str, Tensor]:
    return {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in model.state_dict().items()
    }
