"""The files of results: what each kind must hold, and the one reader and writer of all of them.

A file is JSON with a schema number. Reading checks it field by field, so that what comes out can be relied on; a file
that fails is named with the field that is wrong, and the others of its folder can still be used.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from acrnn.data import NAME_PATTERN, atomic_write_bytes
from acrnn.errors import AcrnnError, RunError
from acrnn.measures.classical import METHODS
from acrnn.training.recipe import Recipe
from acrnn.untrusted import read_json, require_model

SCHEMA = 1
MAX_BYTES = 2**28
WRITERS = {
    "setting": "report",
    "faithfulness": "faithfulness",
    "maps": "maps",
    "robustness": "robustness",
    "localisation": "localisation",
    "open_set": "open-set",
    "events": "event-scores",
}
"""Kind of file → the command that writes it."""

T = TypeVar("T")


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Run(_Part):
    fold: int
    seed: int
    accuracy: float


class _Clip(_Part):
    filename: str
    fold: int
    label: str
    probabilities: list[float]
    hit_rate: float = Field(0, ge=0, le=1)


class SettingFile(_Part):
    """`results/NAME.json` and `results/ablation/NAME.json`: a network and recipe, and what it made of every clip."""

    name: str
    dataset: str = Field(pattern=NAME_PATTERN)
    data_title: str
    data_fingerprint: str
    placement: str
    recipe: dict[str, Any]
    labels: list[str]
    folds: list[int]
    seeds: list[int]
    accuracy: float = Field(ge=0, le=1)
    interval: list[float] = Field(min_length=2, max_length=2)
    runs: list[_Run]
    clips: list[_Clip]

    @model_validator(mode="after")
    def _agrees(self) -> "SettingFile":
        try:
            if self.placement not in METHODS:
                Recipe(**self.recipe)
        except (TypeError, AcrnnError) as error:
            raise ValueError(f"recipe: {error}") from error
        for clip in self.clips:
            if clip.label not in self.labels:
                raise ValueError(f"{clip.filename} is of class {clip.label!r}, which is not among the labels")
            if len(clip.probabilities) != len(self.labels):
                raise ValueError(f"{clip.filename} has {len(clip.probabilities)} probabilities")
        return self


class _StudyFile(_Part):
    checkpoint: str
    weights_sha256: str
    dataset: str = Field(pattern=NAME_PATTERN)
    data_title: str
    placement: str
    recipe: str
    epochs: int
    fold: int
    n_clips: int


class _Estimate(_Part):
    mean: float | None
    interval: list[float] | None


class _Fill(_Part):
    maps: dict[str, dict[str, _Estimate]]
    attention_minus: dict[str, dict[str, _Estimate]]


class _Stage(_Estimate):
    draws: list[float] | None = None
    """Means of the lowest and the highest draw."""


class _Randomisation(_Part):
    n_clips: int
    n_draws: int = 1
    stages: dict[str, _Stage]


class _FaithfulnessClip(_Part):
    filename: str
    measures: dict[str, dict[str, list[float]]]


class FaithfulnessFile(_StudyFile):
    """`results/faithfulness/CHECKPOINT.json`."""

    code: str
    summary: dict[str, _Fill]
    randomisation: _Randomisation | None
    clips: list[_FaithfulnessClip] = []


class _MapsFill(_Part):
    maps: dict[str, dict[str, _Estimate]]


class _MapsClip(_FaithfulnessClip):
    recording: str


class MapsFile(_StudyFile):
    """`results/maps/CHECKPOINT.json`."""

    n_recordings: int
    summary: dict[Literal["silence", "mean"], _MapsFill]
    clips: list[_MapsClip] = Field(min_length=1)


class _Outcome(_Part):
    predicted: int | None
    correlation: float | None = None
    mass: float | None = None


class _RobustnessClip(_Part):
    target: int
    sounds: float
    outcomes: dict[str, _Outcome]


class RobustnessFile(_StudyFile):
    """`results/robustness/CHECKPOINT.json`."""

    n_conditions: int
    clips: list[_RobustnessClip]


class _Scene(_Part):
    source: str
    placement: str
    cover: float
    correct: bool
    maps: dict[str, list[float]]


class _LeftOut(_Part):
    why: str


class LocalisationFile(_StudyFile):
    """`results/localisation/CHECKPOINT.json`."""

    n_conditions: int
    scenes: list[_Scene]
    left_out: list[_LeftOut] = []


class _Known(_Part):
    n: int
    n_right: int
    n_known: int
    n_right_known: int


class _Bin(_Part):
    n: int
    confidence: float
    accuracy: float


class _Reliability(_Part):
    ece: float
    bins: list[_Bin]


class _Group(_Part):
    kind: str
    n: int
    n_refused: int
    n_known: int
    auroc: float | None
    interval: list[float] | None
    false_known: float | None
    taken_for: list[list[str | int]]


class _Fit(_Part):
    inner: str
    inner_fold: int
    n_clips: int
    n_others: int
    score: str
    candidates: dict[str, dict[str, float]]


class _OtherClass(_Part):
    label: str
    n: int
    n_known: int
    taken_for: list[list[str | int]]


class OpenSetFile(_StudyFile):
    """`results/open_set/CHECKPOINT.json`."""

    fit: _Fit
    own: _Known
    same_rate: _Known | None = None
    reliability: dict[Literal["before", "after"], _Reliability]
    groups: list[_Group]
    classes: list[_OtherClass] = []


class _Tried(_Part):
    onset: float
    offset: float
    smoothing: int


class _Candidate(_Tried):
    event_f1: float
    segment_f1: float


class _Found(_Part):
    events: list[int] = Field(min_length=3, max_length=3)
    segments: list[int] = Field(min_length=3, max_length=3)


class _Soundscape(_Part):
    name: str
    default: _Found
    chosen: _Found


class _FoundClass(_Found):
    label: str


class EventsFile(_StudyFile):
    """`results/events/CHECKPOINT.json`."""

    training_fold: int
    candidates: list[_Candidate]
    default: _Tried
    chosen: _Tried
    scenes: list[_Soundscape]
    classes: list[_FoundClass]


SCHEMAS: dict[str, type[BaseModel]] = {
    "setting": SettingFile,
    "faithfulness": FaithfulnessFile,
    "maps": MapsFile,
    "robustness": RobustnessFile,
    "localisation": LocalisationFile,
    "open_set": OpenSetFile,
    "events": EventsFile,
}


@dataclass(frozen=True)
class Found(Generic[T]):
    """What a folder holds: `items` of the files that could be read, and an error for each of those that could not."""

    items: tuple[T, ...] = ()
    damaged: tuple[RunError, ...] = ()

    def whole(self) -> list[T]:
        """Give the items; raises RunError, the first one, if a file was damaged."""
        if self.damaged:
            raise self.damaged[0]
        return list(self.items)


def read_file(path: Path, kind: str) -> dict[str, Any]:
    """Read one file of results, checked against the schema of its kind.

    Parameters
    ----------
    path : Path
    kind : str
        A key of `SCHEMAS`.

    Returns
    -------
    dict
        The values as they stand in the file, those that the schema does not name included.

    Raises
    ------
    RunError
        If it cannot be read, is of another schema number, or lacks or garbles a field; the message names file and
        field.
    """
    try:
        values = read_json(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} is not a file of results ({error}); `{WRITERS[kind]}` writes them.") from error
    if not isinstance(values, dict):
        raise RunError(f"{path} is not a file of results: it holds no fields; `{WRITERS[kind]}` writes them.")
    if values.get("schema") != SCHEMA:
        raise RunError(f"{path} has schema {values.get('schema')}; this version reads schema {SCHEMA}.")
    _check(path, values, kind)
    return values


def write_file(path: Path, values: dict[str, Any], kind: str) -> Path:
    """Write one file of results as a whole, or not at all; gives its path.

    Raises
    ------
    RunError
        If the values are not what `read_file` would accept.
    """
    text = json.dumps({"schema": SCHEMA} | values, ensure_ascii=False)
    _check(path, json.loads(text), kind)
    atomic_write_bytes(path, (text + "\n").encode())
    return path


def read_files(paths: Iterable[Path], read: Callable[[Path], T]) -> Found[T]:
    """Read files in the order given, such as `acrnn.paths.result_files` gives. Damaged ones are told, not raised."""
    items, damaged = [], []
    for path in paths:
        try:
            items.append(read(path))
        except RunError as error:
            damaged.append(error)
    return Found(tuple(items), tuple(damaged))


def require_replaceable(path: Path, kind: str, size: dict[str, int]) -> None:
    """Raise RunError if a file is there that holds more than `size`: a quick look must not replace a whole fold.

    Parameters
    ----------
    size : dict
        `n_clips`, and for some kinds `n_conditions`, of what is to be written.
    """
    if not path.exists():
        return
    values = read_file(path, kind)
    if any(values[name] > n for name, n in size.items()):
        there = _tell_size(values[name] for name in size)
        here = _tell_size(size.values())
        raise RunError(f"{path} is of {there}, this would be of {here}; give another folder with --out.")


def _tell_size(numbers: Iterable[int]) -> str:
    n_clips, *rest = numbers
    return f"{n_clips} clips" + "".join(f" under {n} conditions" for n in rest)


def _check(path: Path, values: dict[str, Any], kind: str) -> None:
    try:
        require_model(SCHEMAS[kind], values)
    except ValueError as error:
        raise RunError(f"{path}: {error}; `{WRITERS[kind]}` writes such files.") from error
