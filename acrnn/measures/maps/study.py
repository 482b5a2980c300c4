"""The maps over the held-out fold of a checkpoint: resumable, and summed up with intervals over recordings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from acrnn.measures.faithfulness.erasure import FILLS
from acrnn.measures.faithfulness.measures import MEASURES
from acrnn.measures.faithfulness.study import Study, clip_row
from acrnn.measures.intervals import CONFIDENCE, N_RESAMPLES, interval_by_group
from acrnn.measures.maps.attribution import IG_STEPS
from acrnn.measures.maps.clip import N_DRAWS, ORDERS, MapMeter
from acrnn.measures.maps.grid import MOST_TILES, TILE_BANDS, TILE_FRAMES
from acrnn.measures.parts import Parts, Save, open_parts
from acrnn.paths import code_revision

PROTOCOL = (
    "Clips of the held-out fold only. The class is the predicted one, and its probability comes from the vote of all "
    f"segments of the clip. The spectrogram is cut into tiles of {TILE_BANDS} bands by {TILE_FRAMES} frames (longer "
    f"ones in clips of more than {MOST_TILES} of them). The first 0, 1, 5, 10, 20, 50, 80, 90, 95, 99 and 100% of "
    "them in the order of a map are removed: a tile becomes silence (the front end's floor) or the mean level of the "
    "training folds, and the delta channel is recomputed. The measure is the area under that curve, by trapezoids; "
    "less area than a control's is more probability lost, averaged over the curve. Maps are Captum's, on the "
    f"network's own input, both channels added up: integrated gradients from silence ({IG_STEPS} Gauss–Legendre "
    "steps), occlusion of each tile by silence, Grad-CAM of the logit at l8. Controls: random tiles (the mean of "
    f"{N_DRAWS} draws), the loudest tiles (mean power), and frame attention, the same in all bands. Ties are drawn. "
    "Intervals are 95% percentile bootstrap intervals over recordings, of which a fold may hold several clips "
    f"({N_RESAMPLES} resamples); differences are paired by clip."
)


def header_of(study: Study) -> dict[str, Any]:
    """Say what figures of one clip depend on; figures under another header are not mixed with these."""
    return study.header | {"kind": "maps", "tile": [TILE_BANDS, TILE_FRAMES], "ig_steps": IG_STEPS}


def measure_maps(
    study: Study, on_clip: Callable[[int, int], None] | None = None, save: Save | None = None
) -> dict[str, Any]:
    """Measure every clip; gives the values of a file of results.

    Finished clips are kept in the cache folder until the end: after a kill, the same call goes on from them.

    Parameters
    ----------
    study : Study
        Which clips, seed and number of random orders; `N_DRAWS` is usual.
    on_clip : callable, optional
        Told (clips done, clips in all).
    save : callable, optional
        Given the values while the finished clips are still kept, so that what cannot be written is not lost.

    Raises
    ------
    RunError
        If another process is at this very measurement.
    AudioError
        If a clip cannot be used.
    """
    with open_parts("maps", header_of(study)) as parts:
        values = _measure(study, parts, on_clip)
        if save is not None:
            save(values)
    return values


def _measure(study: Study, parts: Parts, on_clip) -> dict[str, Any]:
    config = study.predictor.checkpoint.config
    meter = MapMeter(study.predictor)
    clips = {clip.filename: clip for clip in study.clips}

    def measure(name: str) -> dict[str, Any]:
        found = meter(study.predictor(clips[name].path), n_draws=study.n_draws, seed=study.seed)
        return clip_row(clips[name], found) | {"recording": clips[name].source}

    rows = parts.complete(clips, measure, on_clip)
    same = study.header["data_fingerprint"] == config.data_fingerprint
    return header_of(study) | {
        "dataset": config.dataset,
        "data_title": config.data_title if same else study.dataset.title,
        "fold": config.fold,
        "placement": config.placement,
        "recipe": config.recipe["name"],
        "epochs": config.recipe["epochs"],
        "n_clips": len(rows),
        "n_recordings": len({row["recording"] for row in rows}),
        "protocol": PROTOCOL,
        "code": code_revision(),
        "confidence": CONFIDENCE,
        "summary": summarise(rows),
        "clips": [{key: value for key, value in row.items() if key != "curves"} for row in rows],
    }


def summarise(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and interval over recordings of every measure of every order, and mean curves.

    Returns
    -------
    dict
        fill → `maps` (order → measure → mean and interval) and `curves` (order → deletion and insertion, means over
        clips at `SHARES`).
    """
    recordings = [row["recording"] for row in rows]
    summary = {}
    for fill in FILLS:
        names = [name for name in ORDERS if name in rows[0]["measures"][fill]]
        values = {name: np.array([row["measures"][fill][name] for row in rows]) for name in names}
        curves = {name: np.mean([row["curves"][fill][name] for row in rows], axis=0) for name in names}
        summary[fill] = {
            "maps": {
                name: {key: estimate(of_name[:, i], recordings) for i, key in enumerate(MEASURES)}
                for name, of_name in values.items()
            },
            "curves": {name: np.round(curve, 4).tolist() for name, curve in curves.items()},
        }
    return summary


def estimate(values: np.ndarray, recordings: Sequence[str]) -> dict[str, Any]:
    """`mean` over clips and its `interval` over recordings, which is None for fewer than two."""
    ends = interval_by_group(values, recordings)
    return {
        "mean": round(float(np.mean(values)), 5),
        "interval": ends and [round(end, 5) for end in ends],
    }
