"""One clip and one checkpoint: what the probability loses as tiles go in the order of every map, beside controls.

The counterpart of `acrnn.measures.faithfulness.clip`, with tiles for frames. Its cost is that of the maps, of which
occlusion asks for one prediction a tile, and of 18 edited clips an order and fill, 9 for each random order.
"""

from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

import numpy as np

from acrnn.errors import OptionError
from acrnn.inference import Prediction, Predictor
from acrnn.measures.faithfulness.clip import ClipFaithfulness
from acrnn.measures.faithfulness.erasure import FILLS, Erasure, Fill
from acrnn.measures.faithfulness.measures import Curve, curve_of, removals
from acrnn.measures.maps.attribution import METHODS, Mapper, methods_of
from acrnn.measures.maps.grid import Grid

CONTROLS: dict[str, str] = {
    "random": "random tiles",
    "energy": "the loudest tiles",
    "attention": "frame attention over all bands",
}
"""Order of tiles that no map is asked for → its name for people."""
ORDERS: dict[str, str] = METHODS | CONTROLS
N_DRAWS = 5


class MapMeter:
    """A loaded checkpoint whose maps are put to the test, clip by clip.

    Parameters
    ----------
    predictor : Predictor
    """

    def __init__(self, predictor: Predictor) -> None:
        self.mapper = Mapper(predictor)

    def __call__(
        self,
        prediction: Prediction,
        *,
        fills: Sequence[Fill] = FILLS,
        n_draws: int = N_DRAWS,
        seed: int = 0,
        on_progress: Callable[[float], None] | None = None,
    ) -> ClipFaithfulness:
        """Measure one clip for its predicted class.

        Parameters
        ----------
        prediction : Prediction
            What this very predictor says of the clip.
        fills : sequence of {"silence", "mean"}
            What removed tiles become, each in turn.
        n_draws : int
            Random orders, at least 1.
        seed : int
            With the spectrogram's content, fixes the random orders and the order of tiles that tie.
        on_progress : callable, optional
            Told the share done, 0 to 1.

        Returns
        -------
        ClipFaithfulness
            Its curves are of `ORDERS`; `attention` is absent for a network without.

        Raises
        ------
        OptionError
            If there is no draw.
        """
        if n_draws < 1:
            raise OptionError(f"{n_draws} random orders give no mean; 1 or more are accepted.")
        told = on_progress or (lambda share: None)
        methods = methods_of(self.mapper.predictor.model)
        n_parts = len(methods) + len(fills)
        scores = {}
        for i, method in enumerate(methods):
            found = self.mapper(prediction, method, on_progress=lambda share, i=i: told((i + share) / n_parts))
            scores[method] = found.tiles
        erasure, grid = self.mapper.erasure(prediction), Grid.of(*prediction.spectrogram.shape)
        rng = np.random.default_rng([seed, crc32(prediction.spectrogram.tobytes())])
        orders = {name: order_of(tiles, rng) for name, tiles in (scores | controls(prediction, grid)).items()}
        drawn = [rng.permutation(grid.n_tiles) for _ in range(n_draws)]
        curves = {}
        for i, fill in enumerate(fills, start=len(methods)):
            curves[fill] = tile_curves(
                erasure, grid, fill, orders, drawn, lambda done, todo, i=i: told((i + done / todo) / n_parts)
            )
        whole = float(prediction.probabilities.max())
        return ClipFaithfulness(prediction.name, prediction.checkpoint, prediction.label, whole, n_draws, curves)


def controls(prediction: Prediction, grid: Grid) -> dict[str, np.ndarray]:
    """Scores (row, column) that cost nothing: the level of each tile, and attention held over all bands."""
    scores = {"energy": grid.means(10 ** (prediction.spectrogram.astype(np.float64) / 10))}
    if prediction.attention is not None:
        held = np.broadcast_to(prediction.attention.weights, prediction.spectrogram.shape)
        scores["attention"] = grid.means(held)
    return scores


def order_of(tiles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(tile,) numbers of tiles, row by row, from the highest score (row, column) down; ties are drawn.

    Else the lowest bands would go first wherever attention, which knows no bands, has several of one weight.
    """
    return np.lexsort((rng.permutation(tiles.size), -np.asarray(tiles, np.float64).ravel()))


def tile_curves(
    erasure: Erasure,
    grid: Grid,
    fill: Fill,
    orders: Mapping[str, np.ndarray],
    drawn: Sequence[np.ndarray],
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Curve]:
    """Curves of orders (tile,) by their names, and the mean of the drawn ones as `random`.

    To insert in a drawn order is to delete in its reverse, which is as random, so that it is not measured again.
    """
    sets = [removed for order in orders.values() for removed in (removals(order), ~removals(order))]
    sets += [removals(order) for order in drawn]
    removed = grid.spread(np.concatenate(sets).reshape(-1, *grid.shape))
    found = erasure.probabilities(removed, fill, on_progress).reshape(len(sets), -1)
    pairs, random = found[: 2 * len(orders)].reshape(len(orders), 2, -1), found[2 * len(orders) :].mean(axis=0)
    curves = {name: curve_of(*pair, grid.n_tiles) for name, pair in zip(orders, pairs, strict=True)}
    curves["random"] = curve_of(random, random[::-1], grid.n_tiles)
    return {name: curves[name] for name in [*ORDERS, *curves] if name in curves}
