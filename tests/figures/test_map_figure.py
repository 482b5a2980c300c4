"""A map lies on the axes of its spectrogram."""

import numpy as np
import pytest

from acrnn.figures import ClipView
from acrnn.figures.maps import map_figure
from acrnn.inference import load
from acrnn.measures.maps import METHODS, Mapper


@pytest.fixture(scope="module")
def found(tiny_checkpoints):
    """What the tiny network says of noise, and a map of it by each method."""
    predictor = load(str(tiny_checkpoints / "esc10-l10-paper-fold1"), "cpu")
    prediction = predictor(np.random.default_rng(0).uniform(-0.3, 0.3, 40_000), 16_000)
    return prediction, {method: Mapper(predictor)(prediction, method) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_tiles_and_spectrogram_share_their_axes(found, method):
    prediction, maps = found
    one = maps[method]
    kept = one.kept(0.2)
    figure = map_figure(prediction, one, kept, ClipView(-60, -10))
    spectrogram, veil, tiles = figure.data
    assert spectrogram.z.shape == prediction.spectrogram.shape
    assert (spectrogram.zmin, spectrogram.zmax) == (-60, -10)
    assert tiles.z == pytest.approx(one.tiles, abs=1e-6)
    assert (veil.z == kept).all()
    for trace in (veil, tiles):
        assert len(trace.x) == trace.z.shape[1] + 1
        assert len(trace.y) == trace.z.shape[0] + 1
        assert trace.x[1] == pytest.approx(15.5 * prediction.times_s[1])
        assert (trace.y[0], trace.y[-1]) == (-0.5, 31.5)
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range == figure.layout.yaxis9.range == (-0.5, 31.5)
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range == (0, prediction.duration_s)
    assert tiles.zmin == -tiles.zmax
    assert METHODS[method] in tiles.hovertemplate
    assert tiles.customdata[0][0].startswith("0 to ")
