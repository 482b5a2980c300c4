"""What a checkpoint is but for its weights, and the strict reader of the file that says so."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from acrnn.checkpoints.open_set import STORED_SCORES, OpenSet
from acrnn.data import sha256_of
from acrnn.errors import AcrnnError, CheckpointError
from acrnn.features import FrontEnd
from acrnn.labels import MAX_CLASSES
from acrnn.model import PICZAK, NetworkConfig, PiczakConfig, network_from_dict
from acrnn.untrusted import read_json, require_model

SCHEMA = 1
MAX_CONFIG_BYTES = 2**20
MAX_SIZE, MAX_TEXT = 8192, 10_000
"""Of any dimension of a network but its classes, and of the characters of a text."""


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
        `n_clips`, `n_correct`, `accuracy` and `interval` (95%, Wilson) on the held-out fold; empty if not scored.
    provenance : dict
        `code` (revision), `device`, `precision`, `torch` and the like.
    weights_sha256 : str
    schema : int
    open_set : OpenSet or None
        Calibration and the score of strangeness; None where they were not fitted.
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
    open_set: OpenSet | None = None

    @property
    def trained_frames(self) -> int:
        """Frames of the segments that it was trained on: those of the front end, unless its recipe cut them shorter."""
        whole, said = self.front_end.segment_frames, self.recipe.get("training_frames")
        return said if isinstance(said, int) and 2 <= said < whole else whole

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


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _FrontEnd(_Part):
    rate_hz: int = Field(ge=4000, le=384_000)
    n_bands: int = Field(ge=1, le=MAX_SIZE)
    min_hz: float
    floor_db: float = Field(ge=-400)
    filters: str = FrontEnd.filters
    segment_frames: int = Field(FrontEnd.segment_frames, le=MAX_SIZE)
    segment_hop: int = FrontEnd.segment_hop


class _Acrnn(_Part):
    n_classes: int = Field(le=MAX_CLASSES)
    placement: str
    n_bands: int = Field(le=MAX_SIZE)
    n_frames: int = Field(le=MAX_SIZE)
    n_hidden: int = Field(le=MAX_SIZE)
    dropout: float
    mean_one: bool = False


class _Piczak(_Part):
    n_classes: int = Field(le=MAX_CLASSES)
    n_bands: int = Field(le=MAX_SIZE)
    n_frames: int = Field(le=MAX_SIZE)
    n_filters: int = Field(le=MAX_SIZE)
    n_hidden: int = Field(le=MAX_SIZE)
    dropout: float
    kind: str


class _Normalisation(_Part):
    mean: list[float] = Field(min_length=2, max_length=2)
    std: list[float] = Field(min_length=2, max_length=2)

    @field_validator("std")
    @classmethod
    def _is_positive(cls, std: list[float]) -> list[float]:
        if min(std) <= 0:
            raise ValueError("a standard deviation is above 0")
        return std


class _Scores(_Part):
    model_config = ConfigDict(extra="allow")

    n_clips: int = Field(ge=1)
    n_correct: int = Field(ge=0)
    accuracy: float = Field(ge=0, le=1)
    interval: list[float] = Field(min_length=2, max_length=2)

    @model_validator(mode="after")
    def _agrees(self) -> "_Scores":
        low, high = self.interval
        if not 0 <= low <= self.accuracy <= high <= 1:
            raise ValueError("interval holds accuracy, between 0 and 1")
        if self.n_correct > self.n_clips or abs(self.n_correct / self.n_clips - self.accuracy) > 1e-6:
            raise ValueError("accuracy is n_correct of n_clips")
        return self


class _Recipe(_Part):
    model_config = ConfigDict(extra="allow")

    name: str = Field(max_length=100)
    epochs: int = Field(ge=1)
    vote: Literal["mean", "sounding"] = "mean"


class _Scale(_Part):
    temperature: float = Field(gt=0, le=100)
    quantiles: list[float] = Field(min_length=2, max_length=1001)

    @field_validator("quantiles")
    @classmethod
    def _ascend(cls, quantiles: list[float]) -> list[float]:
        if any(b < a for a, b in pairwise(quantiles)):
            raise ValueError("quantiles are in ascending order")
        return quantiles


class _OpenSet(_Part):
    score: Literal[STORED_SCORES]  # type: ignore[valid-type]
    clips: _Scale
    segments: _Scale
    accepts: float = Field(gt=0, lt=1)
    fitted_on: str = Field(max_length=MAX_TEXT)
    levels_db: list[float] = Field(min_length=2, max_length=2)
    right_when_unknown: list[int] | None = Field(None, min_length=2, max_length=2)
    statistics_sha256: str = Field("", pattern="^([0-9a-f]{64})?$")


class _File(_Part):
    """`config.json`, field by field."""

    name: str = Field(min_length=1, max_length=200)
    network: dict[str, Any]
    front_end: _FrontEnd
    labels: list[str] = Field(min_length=2, max_length=MAX_CLASSES)
    normalisation: _Normalisation
    dataset: str = Field(max_length=200)
    data_title: str = Field(max_length=200)
    data_fingerprint: str = Field(max_length=200)
    fold: int
    recipe: _Recipe
    seed: int
    protocol: str = Field(max_length=MAX_TEXT)
    scores: dict[str, Any]
    provenance: dict[str, Any]
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    schema_: Literal[1] = Field(alias="schema")
    open_set: _OpenSet | None = None

    @field_validator("network")
    @classmethod
    def _is_a_network(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values.get("kind", PICZAK) != PICZAK:
            raise ValueError(f"network kind {values['kind']!r:.40} is not {PICZAK!r}")
        (_Piczak if "kind" in values else _Acrnn).model_validate(values)
        return values

    @field_validator("scores")
    @classmethod
    def _is_none_or_whole(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values:
            _Scores.model_validate(values)
        return values

    @field_validator("labels")
    @classmethod
    def _are_names(cls, labels: list[str]) -> list[str]:
        if not all(label.strip() and len(label) <= 200 for label in labels):
            raise ValueError("a label has 1 to 200 characters")
        if len(set(labels)) < len(labels):
            raise ValueError("a label stands there twice")
        return labels


def read_config(path: Path) -> CheckpointConfig:
    """Read a checkpoint's `config.json`, strictly.

    Raises
    ------
    CheckpointError
        If it is no readable JSON, of another schema, or lacks, adds or garbles a field.
    """
    try:
        values = read_json(path, MAX_CONFIG_BYTES)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is no readable JSON ({error}).") from error
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        found = str(values.get("schema"))[:40] if isinstance(values, dict) else None
        raise CheckpointError(f"{path}: schema is {found}, this version reads {SCHEMA}.")
    try:
        require_model(_File, values)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}.") from error
    try:
        values["network"] = network_from_dict(values["network"])
        values["front_end"] = FrontEnd(**values["front_end"])
        if values.get("open_set") is not None:
            values["open_set"] = OpenSet.from_dict(values["open_set"])
    except (TypeError, ValueError, AcrnnError) as error:
        raise CheckpointError(f"{path}: network, front_end or open_set is not as expected ({error}).") from error
    config = CheckpointConfig(**values | {"labels": tuple(values["labels"])})
    _require_agreement(path, config)
    return config


def _require_agreement(path: Path, config: CheckpointConfig) -> None:
    """Raise CheckpointError if labels, front end and network are of different sizes."""
    front_end, network = config.front_end, config.network
    if len(config.labels) != network.n_classes:
        raise CheckpointError(f"{path}: labels has {len(config.labels)}, n_classes is {network.n_classes}.")
    if front_end.n_bands != network.n_bands:
        raise CheckpointError(f"{path}: front_end has {front_end.n_bands} bands, network {network.n_bands}.")
    if front_end.segment_frames != network.n_frames:
        raise CheckpointError(
            f"{path}: front_end has segments of {front_end.segment_frames} frames, network {network.n_frames}."
        )
