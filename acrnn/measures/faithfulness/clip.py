"""One clip and one checkpoint: the curves of every map and of the controls.

What it costs: each of the four scored maps needs 9 removals and 9 insertions, the 4 moved copies of attention as many
each, and the random order 9 a draw, since inserting in one random order is removing in its reverse, which is as random.
With 20 draws that is 324 edited clips a fill, of a 5 s clip 1944 segments. Those that differ from all others are
computed: up to 1700, few where much of the clip is digital silence.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from acrnn.errors import OptionError
from acrnn.inference import Prediction, Predictor
from acrnn.measures.faithfulness.erasure import FILLS, Erasure, Fill, eraser, fast_copy
from acrnn.measures.faithfulness.maps import frame_maps
from acrnn.measures.faithfulness.measures import Curve, curve_of, order_of, removals
from acrnn.model import Network

MAPS: dict[str, str] = {
    "attention": "attention",
    "reversed": "attention, reversed",
    "shifted": "attention, moved in time",
    "random": "random order",
    "energy": "loudness",
    "input_x_gradient": "input × gradient",
    "integrated_gradients": "integrated gradients",
}
"""Order of frames → its name for people. `shifted` is the attention of this very clip at the wrong time: its control of
equal run lengths, which a random order is not."""
N_DRAWS = 20
N_SHIFTS = 4
"""Moves of the attention by 1/5, 2/5, 3/5 and 4/5 of the clip, what leaves at the end coming in at the beginning."""


@dataclass(frozen=True)
class ClipFaithfulness:
    """How much of a clip's probability goes with the frames that each map names first.

    Attributes
    ----------
    name : str
        Of the clip.
    checkpoint : str
    label : str
        The class whose probability is followed.
    probability : float
        Of the whole clip.
    n_draws : int
        Random orders that the curve `random` is the mean of.
    curves : mapping of fill to mapping of map to Curve
        Maps are of `MAPS`; those of attention are absent for a network without.
    """

    name: str
    checkpoint: str
    label: str
    probability: float
    n_draws: int
    curves: Mapping[Fill, Mapping[str, Curve]]


class FaithfulnessMeter:
    """A loaded checkpoint made ready to be asked thousands of times.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.network: Network = fast_copy(predictor.model)

    def erasure(self, prediction: Prediction, label: str | None = None) -> Erasure:
        """Erasure of a clip for one of the checkpoint's classes, by default the predicted one.

        Raises
        ------
        OptionError
            If the class is none of the checkpoint's.
        """
        labels = prediction.labels
        label = label or prediction.label
        if label not in labels:
            raise OptionError(f"class {label!r} is none of {prediction.checkpoint}'s: {', '.join(labels)}.")
        return eraser(self.predictor, self.network, prediction, labels.index(label))

    def __call__(
        self,
        prediction: Prediction,
        *,
        label: str | None = None,
        fills: Sequence[Fill] = FILLS,
        n_draws: int = N_DRAWS,
        n_shifts: int = N_SHIFTS,
        seed: int = 0,
        on_progress: Callable[[float], None] | None = None,
    ) -> ClipFaithfulness:
        """Measure one clip.

        Parameters
        ----------
        prediction : Prediction
            What this very predictor says of the clip.
        label : str, optional
            The class to follow; by default the predicted one.
        fills : sequence of {"silence", "mean"}
            What removed frames become, each in turn.
        n_draws : int
            Random orders, at least 1.
        n_shifts : int
            Moved copies of the attention; 0 leaves the curve `shifted` out.
        seed : int
            With the spectrogram's content, fixes the random orders: the same in every run on one machine.
        on_progress : callable, optional
            Told the share done, 0 to 1.

        Raises
        ------
        OptionError
            If the class is none of the checkpoint's, or a number is out of range.
        """
        if n_draws < 1:
            raise OptionError(f"{n_draws} random orders give no mean; 1 or more are accepted.")
        if n_shifts < 0:
            raise OptionError(f"{n_shifts} moved copies cannot be made; 0 or more are accepted.")
        told = on_progress or (lambda share: None)
        erasure = self.erasure(prediction, label)
        maps = frame_maps(prediction, erasure)
        orders = {name: order_of(scores) for name, scores in maps.items()}
        moved = [order_of(map_) for map_ in shifts(maps["attention"], n_shifts)] if "attention" in maps else []
        rng = np.random.default_rng([seed, crc32(prediction.spectrogram.tobytes())])
        drawn = [rng.permutation(erasure.n_frames) for _ in range(n_draws)]
        curves = {}
        for i, fill in enumerate(fills):
            curves[fill] = _curves(
                erasure,
                fill,
                _Orders(orders, moved, drawn),
                lambda done, todo, i=i: told((i + done / todo) / len(fills)),
            )
        label = label or prediction.label
        whole = float(prediction.probabilities[prediction.labels.index(label)])
        return ClipFaithfulness(prediction.name, prediction.checkpoint, label, whole, n_draws, curves)


@dataclass(frozen=True)
class _Orders:
    scored: dict[str, np.ndarray]
    moved: list[np.ndarray]
    drawn: list[np.ndarray]

    def removals(self) -> Iterator[np.ndarray]:
        """Yield sets of removed frames (point, frame): two an order, out and in, and one a draw."""
        for order in (*self.scored.values(), *self.moved):
            yield removals(order)
            yield ~removals(order)
        for order in self.drawn:
            yield removals(order)


def _curves(erasure: Erasure, fill: Fill, orders: _Orders, on_progress) -> dict[str, Curve]:
    """All orders of a clip at once, so that equal segments are computed once."""
    sets = list(orders.removals())
    n = erasure.n_frames
    found = erasure.probabilities(np.concatenate(sets), fill, on_progress).reshape(len(sets), -1)
    n_pairs = len(orders.scored) + len(orders.moved)
    pairs, drawn = found[: 2 * n_pairs].reshape(n_pairs, 2, -1), found[2 * n_pairs :].mean(axis=0)
    curves = {name: curve_of(*pair, n) for name, pair in zip(orders.scored, pairs, strict=False)}
    if "attention" in curves:
        way = curves["attention"]
        # to delete in reverse is to insert, from the end
        curves["reversed"] = curve_of(way.insertion[::-1], way.deletion[::-1], n)
        if orders.moved:
            curves["shifted"] = curve_of(*pairs[len(orders.scored) :].mean(axis=0), n)
    curves["random"] = curve_of(drawn, drawn[::-1], n)
    return {name: curves[name] for name in MAPS if name in curves}


def shifts(scores: np.ndarray, n_shifts: int = N_SHIFTS) -> list[np.ndarray]:
    """`n_shifts` copies of a map (frame,), moved around the clip by equal parts of it."""
    return [np.roll(scores, round(len(scores) * i / (n_shifts + 1))) for i in range(1, n_shifts + 1)]
