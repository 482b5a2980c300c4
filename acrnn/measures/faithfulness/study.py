"""Faithfulness over the held-out fold of a checkpoint: resumable, and summed up with intervals over clips."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from acrnn.data import Clip, Dataset
from acrnn.devices import fast_precision
from acrnn.errors import OptionError
from acrnn.inference import Predictor
from acrnn.measures.faithfulness.clip import MAPS, N_DRAWS, N_SHIFTS, ClipFaithfulness, FaithfulnessMeter
from acrnn.measures.faithfulness.erasure import FILLS
from acrnn.measures.faithfulness.maps import IG_STEPS
from acrnn.measures.faithfulness.measures import KEPT_SHARES, MEASURES, SHARES, Curve
from acrnn.measures.intervals import CONFIDENCE, N_RESAMPLES, mean_with_interval
from acrnn.measures.parts import Parts, Save, open_parts
from acrnn.measures.randomisation import randomise
from acrnn.paths import code_revision

SCHEMA = 1
N_RANDOMISED = 20
"""Clips of the randomisation check."""
COST = "cost_10"
"""Probability lost without the first 10% of the frames."""
PROTOCOL = (
    "Clips of the held-out fold only. The class is the predicted one, and its probability comes from the vote of all "
    "segments of the clip. A map ranks the frames of the static spectrogram; the first 0, 1, 5, 10, 20, 50, 80, 90, "
    "95, 99 and 100% of them are removed, or kept alone. A removed frame is replaced by silence (the front end's "
    "floor) or by the mean level of the training folds in all bands, and the delta channel is recomputed. Areas are "
    "trapezoidal over these points. Comprehensiveness and sufficiency are means over 1, 5, 10, 20 and 50%. Ties are "
    f"broken by time. The random order is the mean of {N_DRAWS} draws, the shifted attention the mean of {N_SHIFTS} "
    "circular shifts. Gradient maps are Captum's: gradients of the same probability, from silence, "
    f"with {IG_STEPS} Gauss–Legendre steps, summed over bands. Intervals are 95% percentile bootstrap intervals over "
    f"clips ({N_RESAMPLES} resamples); differences are paired by clip."
)


@dataclass(frozen=True)
class Study:
    """What is to be measured.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    n_clips : int, optional
        Drawn from the held-out fold, as many of each class as there can be; by default all.
    seed : int
        Of the choice of clips and the random orders.
    n_draws : int
        Random orders a clip.

    Raises
    ------
    OptionError
        If the fold has fewer clips, or there is no draw.
    """

    predictor: Predictor
    dataset: Dataset
    n_clips: int | None = None
    seed: int = 0
    n_draws: int = N_DRAWS
    clips: tuple[Clip, ...] = field(init=False)

    def __post_init__(self) -> None:
        fold = self.dataset.fold(self.predictor.checkpoint.config.fold)
        n = len(fold) if self.n_clips is None else self.n_clips
        if not 2 <= n <= len(fold):
            raise OptionError(f"{n} clips cannot be drawn from the held-out fold; 2 to {len(fold)} are accepted.")
        if self.n_draws < 1:
            raise OptionError(f"{self.n_draws} random orders give no mean; 1 or more are accepted.")
        object.__setattr__(self, "clips", draw_clips(fold, n, self.seed))

    @property
    def header(self) -> dict[str, Any]:
        """What figures of one clip depend on; figures under another header are not mixed with these."""
        config = self.predictor.checkpoint.config
        return {
            "schema": SCHEMA,
            "checkpoint": config.name,
            "weights_sha256": config.weights_sha256,
            "data_fingerprint": self.dataset.fingerprint(),
            "seed": self.seed,
            "n_draws": self.n_draws,
            "ig_steps": IG_STEPS,
            "shares": list(SHARES),
            "precision": fast_precision(self.predictor.device),
        }

    def require_same(self, values: Mapping[str, Any]) -> None:
        """Raise OptionError unless `values`, of a file of results, are of this study, clip by clip."""
        names = [clip.filename for clip in self.clips]
        wanted = {key: value for key, value in self.header.items() if key != "precision"}
        if {key: values.get(key) for key in wanted} != wanted or [row["filename"] for row in values["clips"]] != names:
            raise OptionError(
                f"The study of {self.header['checkpoint']} that is there has other clips, weights or settings; measure "
                "it again without --randomisation."
            )


def draw_clips(clips: Sequence[Clip], n: int, seed: int) -> tuple[Clip, ...]:
    """Draw `n` of these clips, classes in turn, so that none has two more than another; the order is the clips' own."""
    rng = np.random.default_rng(seed)
    of_class: dict[str, list[int]] = {}
    for i in rng.permutation(len(clips)):
        of_class.setdefault(clips[i].label, []).append(int(i))
    turns = sorted((turn, at, i) for at, members in enumerate(of_class.values()) for turn, i in enumerate(members))
    return tuple(clips[i] for i in sorted(i for _, _, i in turns[:n]))


def measure_faithfulness(
    study: Study,
    on_clip: Callable[[int, int], None] | None = None,
    on_stage: Callable[[int, int], None] | None = None,
    save: Save | None = None,
) -> dict[str, Any]:
    """Measure every clip, then make the randomisation check; gives the values of a file of results.

    Finished clips are kept in the cache folder until the end: after a kill, the same call goes on from them and gives
    the same values as one that was never stopped.

    Parameters
    ----------
    on_clip, on_stage : callable, optional
        Told (clips done, clips in all), then (stages of the randomisation check done, stages in all).
    save : callable, optional
        Given the values while the finished clips are still kept, so that what cannot be written is not lost.

    Raises
    ------
    RunError
        If another process is at this very measurement.
    AudioError
        If a clip cannot be used.
    """
    with open_parts("faithfulness", study.header) as parts:
        values = _measure(study, parts, on_clip, on_stage)
        if save is not None:
            save(values)
    return values


def _measure(study: Study, parts: Parts, on_clip, on_stage) -> dict[str, Any]:
    config = study.predictor.checkpoint.config
    meter = FaithfulnessMeter(study.predictor)
    clips = {clip.filename: clip for clip in study.clips}

    def measure(name: str) -> dict[str, Any]:
        prediction = study.predictor(clips[name].path)
        return clip_row(clips[name], meter(prediction, n_draws=study.n_draws, seed=study.seed))

    rows = parts.complete(clips, measure, on_clip)
    return study.header | {
        "dataset": config.dataset,
        "data_title": config.data_title if study.header["data_fingerprint"] == config.data_fingerprint
        else study.dataset.title,
        "fold": config.fold,
        "placement": config.placement,
        "recipe": config.recipe["name"],
        "epochs": config.recipe["epochs"],
        "n_clips": len(rows),
        "protocol": PROTOCOL,
        "code": code_revision(),
        "confidence": CONFIDENCE,
        "summary": summarise(rows),
        "randomisation": measure_randomisation(study, on_stage),
        "clips": [{key: value for key, value in row.items() if key != "curves"} for row in rows],
    }  # fmt: skip


def clip_row(clip: Clip, found: ClipFaithfulness) -> dict[str, Any]:
    """Plain rounded values of one clip: the measures of each fill and map, and for the mean curves all points."""
    return {
        "filename": clip.filename,
        "label": clip.label,
        "predicted": found.label,
        "probability": round(found.probability, 4),
        "measures": {
            fill: {name: measures_of(curve) for name, curve in of_fill.items()}
            for fill, of_fill in found.curves.items()
        },
        "curves": {
            fill: {
                name: [np.round(curve.deletion, 4).tolist(), np.round(curve.insertion, 4).tolist()]
                for name, curve in of_fill.items()
            }
            for fill, of_fill in found.curves.items()
        },
    }


def measures_of(curve: Curve) -> list[float]:
    """Values of `MEASURES` and then `COST`, to four places."""
    values = [*(getattr(curve, name) for name in MEASURES), curve.costs[KEPT_SHARES.index(0.1)]]
    return [round(float(value), 4) for value in values]


def summarise(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean and interval over clips of every measure, of attention's difference from every other map, and mean curves.

    Returns
    -------
    dict
        fill → `maps` (map → measure → mean and interval), `attention_minus` (the same of paired differences; empty
        without attention) and `curves` (map → deletion and insertion, means over clips at `SHARES`).
    """
    summary = {}
    for fill in FILLS:
        names = [name for name in MAPS if name in rows[0]["measures"][fill]]
        values = {name: np.array([row["measures"][fill][name] for row in rows]) for name in names}
        curves = {name: np.mean([row["curves"][fill][name] for row in rows], axis=0) for name in names}
        others = [name for name in names if name != "attention"] if "attention" in names else []
        summary[fill] = {
            "maps": {name: _with_intervals(values[name]) for name in names},
            "attention_minus": {o: _with_intervals(values["attention"] - values[o]) for o in others},
            "curves": {name: np.round(curve, 4).tolist() for name, curve in curves.items()},
        }
    return summary


def _with_intervals(values: np.ndarray) -> dict[str, Any]:
    return {name: mean_with_interval(values[:, i]) for i, name in enumerate([*MEASURES, COST])}


def measure_randomisation(study: Study, on_stage: Callable[[int, int], None] | None = None) -> dict[str, Any] | None:
    """Correlate the attention of re-initialised networks with the trained one's; None without attention.

    Returns
    -------
    dict
        `n_clips`, `n_draws`, `measure`, and `stages`: stage → mean and interval over clips of each clip's mean over the
        draws, `n_clips` of them, and the lowest and highest draw's mean (`draws`).
    """
    predictor = study.predictor
    if not predictor.checkpoint.config.has_attention:
        return None
    clips = draw_clips(study.clips, min(N_RANDOMISED, len(study.clips)), study.seed)
    found = randomise(predictor, [predictor(clip.path) for clip in clips], on_stage)
    stages = {}
    for name, values in zip(found.stages, found.correlations, strict=True):
        by_clip, by_draw = (_known_means(values, axis) for axis in (0, 1))
        stages[name] = (mean_with_interval(by_clip) or {"mean": None, "interval": None}) | {"n_clips": len(by_clip)}
        stages[name]["draws"] = (
            [round(float(by_draw.min()), 4), round(float(by_draw.max()), 4)] if len(by_draw) else None
        )
    measure = "Spearman's rank correlation of frame attention"
    return {"n_clips": len(clips), "n_draws": found.correlations.shape[1], "measure": measure, "stages": stages}


def _known_means(values: np.ndarray, axis: int) -> np.ndarray:
    """Means along an axis of what is not NaN, without those of nothing."""
    known = ~np.isnan(values)
    counts = known.sum(axis)
    return np.where(known, values, 0.0).sum(axis)[counts > 0] / counts[counts > 0]
