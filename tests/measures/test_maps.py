"""Maps over time and frequency: their axes, what they add up to, and the deletion test with planted ones."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from acrnn.errors import OptionError, RunError
from acrnn.features import FrontEnd
from acrnn.inference import load
from acrnn.measures.faithfulness import Erasure, fast_copy
from acrnn.measures.faithfulness.measures import removals
from acrnn.measures.faithfulness.study import Study
from acrnn.measures.intervals import bootstrap_p_values
from acrnn.measures.maps import METHODS, Grid, Mapper
from acrnn.measures.maps.attribution import grad_cam, inputs_of, integrated_gradients, occlusion, probability_of
from acrnn.measures.maps.clip import ORDERS, MapMeter, controls, order_of, tile_curves
from acrnn.measures.maps.study import PROTOCOL, measure_maps
from acrnn.model import ACRNN, NetworkConfig, Output
from acrnn.report.document import documents
from acrnn.report.tables.maps import maps_frame, maps_table, sentences, tell_belief, tell_measured
from acrnn.results.collection import Results
from acrnn.results.files import require_replaceable
from acrnn.results.studies import load_studies, write_study

FRONT_END = FrontEnd(rate_hz=16_000, n_bands=32)
FLOOR = FRONT_END.floor_db
NAME = "esc10-l10-paper-fold1"
GRID = Grid(32, 200)
PLANTED = 2, 5
"""Row and column of the tile that `OneTile` reads."""


def test_tiles_are_summed_and_spread_back():
    grid = Grid(10, 35, 4, 16)
    values = np.random.default_rng(0).normal(size=(10, 35))
    assert grid.shape == (3, 3)
    assert grid.sums(values)[2, 1] == pytest.approx(values[8:, 16:32].sum())
    assert grid.means(values)[0, 2] == pytest.approx(values[:4, 32:].mean())
    assert grid.means(grid.spread(grid.means(values))) == pytest.approx(grid.means(values))
    assert grid.spread(np.arange(9).reshape(3, 3))[9].tolist() == [6] * 16 + [7] * 16 + [8] * 3
    with pytest.raises(OptionError, match="has no tiles; bands and frames of 1 or more are accepted"):
        Grid(0, 35)


def test_a_longer_clip_has_longer_tiles_and_no_more_of_them():
    usual, long = Grid.of(128, 431), Grid.of(128, 2600)
    assert (usual.tile_bands, usual.tile_frames, usual.shape) == (8, 16, (16, 27))
    assert long.n_tiles <= 512
    assert long.tile_frames % 16 == 0


def test_tiles_lie_on_the_axes_of_the_spectrogram():
    grid = Grid(32, 100, 8, 16)
    edges_hz, edges_s = grid.edges_hz(FRONT_END.centres_hz), grid.times_s(FRONT_END.hop_s)
    for row, column in ((0, 0), (2, 3), (3, 6)):
        bands, frames = FRONT_END.centres_hz[8 * row : 8 * row + 8], np.arange(16 * column, min(16 * column + 16, 100))
        assert ((edges_hz[row] < bands) & (bands < edges_hz[row + 1])).all()
        times_s = frames * FRONT_END.hop_s
        assert ((edges_s[column] < times_s) & (times_s < edges_s[column + 1])).all()
    assert edges_hz[0] == 0
    assert edges_hz[-1] == np.inf


class OneTile(nn.Module):
    """Says class 0 with a probability that rises with the mean level of eight bands, from those of `PLANTED` up.

    And of the loudest frame in them; everything else is nothing to it.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([-50.0, 0.0]))

    def forward(self, segments):
        row = 8 * PLANTED[0]
        heard = segments[:, 0, row : row + 8].mean(dim=1).amax(dim=1)
        return Output(torch.stack([(heard + 40) / 10, torch.zeros_like(heard)], dim=1), None)


def planted() -> np.ndarray:
    """Loud noise everywhere but in the planted row, which is silent but for its tile, not as loud."""
    spectrogram = np.random.default_rng(0).uniform(-12, -8, (32, 200)).astype(np.float32)
    spectrogram[16:24] = FLOOR
    spectrogram[16:24, 80:96] = -25
    return spectrogram


@pytest.fixture
def toy():
    return Erasure(OneTile(), FRONT_END, planted(), 0)


def test_a_planted_map_costs_more_than_random_and_loud_tiles(toy):
    rng = np.random.default_rng(0)
    right = np.zeros(GRID.shape)
    right[PLANTED] = 1
    loud = GRID.means(10 ** (toy.spectrogram.numpy() / 10))
    orders = {name: order_of(tiles, rng) for name, tiles in {"right": right, "loud": loud, "wrong": -right}.items()}
    drawn = [rng.permutation(GRID.n_tiles) for _ in range(10)]
    for fill in ("silence", "mean"):
        curves = tile_curves(toy, GRID, fill, orders, drawn)
        areas = {name: curve.deletion_area for name, curve in curves.items()}
        assert areas["right"] < areas["random"] < areas["loud"]
        assert areas["random"] < areas["wrong"]
        assert curves["right"].insertion[1] >= curves["right"].deletion[0] - 1e-6


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_maps_find_the_tile_that_is_read(toy, method):
    found = integrated_gradients(toy) if method == "integrated_gradients" else occlusion(toy, GRID)
    assert found.shape == (32, 200)
    tiles = GRID.means(found)
    assert np.unravel_index(tiles.argmax(), tiles.shape) == PLANTED
    tiles[PLANTED] = 0
    assert np.abs(tiles).max() < 1e-5


def test_removed_cells_are_as_if_the_spectrogram_had_been_without_them(toy):
    rng = np.random.default_rng(1)
    removed = rng.random((4, 32, 200)) < 0.3
    for fill in ("silence", "mean"):
        level_db = toy.fill_db(fill)
        edited = [np.where(row, level_db, toy.spectrogram.numpy()).astype(np.float32) for row in removed]
        nothing = np.zeros((1, 32, 200), bool)
        expected = [Erasure(OneTile(), FRONT_END, one, 0).probabilities(nothing, fill)[0] for one in edited]
        assert toy.probabilities(removed, fill) == pytest.approx(expected, abs=1e-6)


def test_frames_removed_as_cells_are_frames_removed(make_model):
    erasure = Erasure(fast_copy(make_model("l10")), FRONT_END, planted(), 3)
    frames = removals(np.random.default_rng(0).permutation(200))
    cells = np.repeat(frames[:, None], 32, axis=1)
    assert erasure.probabilities(cells, "silence") == pytest.approx(erasure.probabilities(frames, "silence"), abs=1e-6)


def segments_of(n: int) -> np.ndarray:
    """Noise of `n` frames."""
    return np.random.default_rng(0).uniform(-70, -20, (32, n)).astype(np.float32)


@pytest.fixture(params=["segments", "whole clip"])
def erasure(request, make_model):
    """Four overlapping segments of 128 frames with unequal votes, or one of 432."""
    if request.param == "segments":
        return Erasure(
            fast_copy(make_model("l10")), FRONT_END, segments_of(300), 3, votes=np.array([0.4, 0.3, 0.2, 0.1])
        )  # fmt: skip
    front_end = replace(FRONT_END, segment_frames=432, segment_hop=216)
    torch.manual_seed(0)
    network = ACRNN(NetworkConfig(10, "l10", n_bands=32, n_frames=432, n_hidden=8)).eval()
    network.standardise_by(torch.tensor([-60.0, 0.0]), torch.tensor([15.0, 1.5]))
    return Erasure(network, front_end, segments_of(431), 3)


def probability(erasure: Erasure, inputs: torch.Tensor) -> float:
    with torch.no_grad():
        return float(probability_of(erasure)(inputs).numpy() @ erasure.votes)


def test_integrated_gradients_add_up_to_what_the_clip_has_over_silence(erasure):
    inputs, silence = inputs_of(erasure)
    whole, nothing = (probability(erasure, one) for one in (inputs, silence))
    found = integrated_gradients(erasure, 64)
    assert found.shape == tuple(erasure.spectrogram.shape)
    assert found.sum() == pytest.approx(whole - nothing, abs=0.02 * abs(whole - nothing) + 1e-4)


def test_occlusion_of_a_tile_is_the_prediction_without_it(erasure):
    n_bands, n_frames = erasure.spectrogram.shape
    grid = Grid(n_bands, n_frames, 8, 64)  # in step with the hop of both
    grid = grid if len(erasure.segments) > 1 else replace(grid, tile_frames=48)
    told = []
    found = occlusion(erasure, grid, told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    inputs, silence = inputs_of(erasure)
    whole = probability(erasure, inputs)
    for row, column in ((0, 0), (2, 2), (3, grid.shape[1] - 1)):
        bands, frames = slice(*grid.band_edges[[row, row + 1]]), slice(*grid.frame_edges[[column, column + 1]])
        edited = inputs.clone()
        last = column == grid.shape[1] - 1  # what lies past the clip's end is silent as it is
        for i, start in enumerate(erasure.segments.starts):
            inside = slice(max(0, frames.start - start), None if last else max(0, frames.stop - start))
            edited[i, :, bands, inside] = silence[i, :, bands, inside]
        tile = found[bands, frames]
        assert np.ptp(tile) == pytest.approx(0, abs=1e-7)
        assert tile.mean() == pytest.approx(whole - probability(erasure, edited), abs=1e-5)


def test_grad_cam_by_hand(make_model):
    network = make_model("l10")
    erasure = Erasure(fast_copy(network), FRONT_END, segments_of(128), 3)
    inputs, _ = inputs_of(erasure)
    kept = []
    hook = network.blocks[-1].layers.register_forward_hook(lambda _, __, output: kept.append(output))
    logit = network(inputs.requires_grad_()).logits[0, 3]
    hook.remove()
    (slope,) = torch.autograd.grad(logit, kept[0])
    cells = (slope.mean(dim=(2, 3), keepdim=True) * kept[0]).sum(dim=1).relu()[0].detach().numpy()  # (2, 14)
    found = grad_cam(erasure, network)
    assert found.shape == (32, 128)
    assert found.min() >= 0
    assert found[20, 40] == pytest.approx(cells[20 // 16, 40 // 9], abs=1e-6)
    assert found[0, 127] == pytest.approx(cells[0, 13], abs=1e-6)  # what pooling leaves over takes the last cell


@pytest.fixture(scope="module")
def predicted(tiny_checkpoints):
    """Predictor at l10, and what it says of a clip of 2.5 s."""
    predictor = load(str(tiny_checkpoints / NAME), "cpu")
    return predictor, predictor(np.random.default_rng(0).uniform(-0.3, 0.3, 40_000), 16_000)


def test_a_map_of_any_class_is_on_the_clips_own_axes(predicted):
    predictor, prediction = predicted
    mapper = Mapper(predictor)
    other = next(label for label in prediction.labels if label != prediction.label)
    for method in METHODS:
        found = mapper(prediction, method, label=other)
        assert (found.label, found.method) == (other, method)
        assert found.values.shape == prediction.spectrogram.shape
        assert found.tiles.shape == found.grid.shape == (4, -(-prediction.spectrogram.shape[1] // 16))
        assert np.isfinite(found.values).all()
    with pytest.raises(OptionError, match=r"class 'whale' is none of esc10-l10-paper-fold1's: dog, "):
        mapper(prediction, "occlusion", label="whale")
    with pytest.raises(OptionError, match=r"method 'lime' is none of .*: integrated_gradients, occlusion, grad_cam"):
        mapper(prediction, "lime")


def test_what_is_kept_are_the_first_tiles_that_speak_for_the_class(predicted):
    predictor, prediction = predicted
    found = Mapper(predictor)(prediction, "integrated_gradients")
    kept, tiles = found.kept(0.2), found.tiles
    assert kept.sum() == round(0.2 * tiles.size)
    assert tiles[kept].min() >= tiles[~kept].max()
    against = replace(found, values=-np.abs(found.values))
    assert not against.kept(0.5).any()


def test_a_part_and_the_rest_have_the_probabilities_of_edited_clips(predicted):
    predictor, prediction = predicted
    mapper = Mapper(predictor)
    found = mapper(prediction, "occlusion")
    every = np.ones(found.grid.shape, bool)
    whole, nothing = mapper.probabilities(prediction, found, every)
    assert whole == pytest.approx(prediction.probabilities.max(), abs=0.01)
    assert mapper.probabilities(prediction, found, ~every) == pytest.approx((nothing, whole))


def test_every_order_has_its_curves_and_they_begin_with_the_prediction(predicted):
    predictor, prediction = predicted
    told = []
    found = MapMeter(predictor)(prediction, n_draws=2, on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    for curves in found.curves.values():
        assert set(curves) == set(ORDERS)
        for curve in curves.values():
            assert curve.deletion[0] == pytest.approx(prediction.probabilities.max(), abs=0.01)
    again = MapMeter(predictor)(prediction, n_draws=2)
    assert again.curves["mean"]["random"].deletion.tolist() == found.curves["mean"]["random"].deletion.tolist()
    with pytest.raises(OptionError, match="0 random orders give no mean"):
        MapMeter(predictor)(prediction, n_draws=0)


def test_a_network_without_attention_has_no_such_control(tiny_checkpoints):
    predictor = load(str(tiny_checkpoints / "esc10-none-paper-fold1"), "cpu")
    prediction = predictor(np.random.default_rng(0).uniform(-0.3, 0.3, 8000), 16_000)
    assert list(controls(prediction, Grid.of(*prediction.spectrogram.shape))) == ["energy"]
    found = MapMeter(predictor)(prediction, fills=("silence",), n_draws=1)
    assert set(found.curves["silence"]) == set(ORDERS) - {"attention"}


def test_ties_are_drawn_and_the_highest_goes_first():
    tiles = np.zeros((4, 5))
    tiles[3, 4], tiles[1, 1] = 2, 1
    orders = [order_of(tiles, np.random.default_rng(seed)) for seed in range(5)]
    assert all(order[:2].tolist() == [19, 6] for order in orders)
    assert len({tuple(order) for order in orders}) == 5


@pytest.fixture(scope="module")
def written(tiny_checkpoints, tiny_dataset, tmp_path_factory):
    """Folder and values of a study of three clips."""
    folder = tmp_path_factory.mktemp("results") / "maps"
    study = Study(load(str(tiny_checkpoints / NAME), "cpu"), tiny_dataset, 3, n_draws=1)
    return folder, measure_maps(study, save=lambda values: write_study("maps", values, folder))


def test_a_study_is_written_and_read_back(written):
    folder, values = written
    assert json.loads((folder / f"{NAME}.json").read_text()) == values
    assert (values["n_clips"], values["n_recordings"], values["tile"], values["fold"]) == (3, 3, [8, 16], 1)
    assert values["protocol"] == PROTOCOL
    (study,) = load_studies("maps", folder.parent)
    assert (study.checkpoint, study.methods, study.controls) == (
        NAME,
        tuple(METHODS),
        ("random", "energy", "attention"),
    )
    area = study.area("silence", "occlusion")
    assert area["mean"] == pytest.approx(
        np.mean([c["measures"]["silence"]["occlusion"][2] for c in study.clips]), abs=1e-4
    )
    with pytest.raises(RunError, match="is of 3 clips, this would be of 2 clips"):
        require_replaceable(folder / f"{NAME}.json", "maps", {"n_clips": 2})


def test_comparisons_are_paired_and_corrected_together(written):
    (study,) = load_studies("maps", written[0].parent)
    assert len(study.comparisons) == 2 * (3 * 3 + 3)
    one = study.comparison("mean", "occlusion", "energy")
    gain = study.area("mean", "energy")["mean"] - study.area("mean", "occlusion")["mean"]
    assert one.gain["mean"] == pytest.approx(gain, abs=2e-4)
    low, high = one.gain["interval"]
    assert low <= one.gain["mean"] <= high
    rng = np.random.default_rng(0)
    noise = rng.normal(size=60)
    noise = (noise - noise.mean()) / noise.std()
    areas = {order: np.zeros(60) for order in ORDERS} | {"energy": noise + 0.27}  # p ≈ 0.04 by itself
    rows = [{order: [0, 0, area[i], 0] for order, area in areas.items()} for i in range(60)]
    clips = [{"recording": str(i), "measures": {"silence": row, "mean": row}} for i, row in enumerate(rows)]
    assert bootstrap_p_values(areas["energy"][:, None])[0] < 0.05
    assert replace(study, clips=tuple(clips)).comparison("mean", "occlusion", "energy").sign == 0
    once = replace(study, clips=tuple(clip | {"recording": "one"} for clip in clips))
    assert once.comparison("mean", "occlusion", "energy").gain["interval"] is None


def made(study, gains: dict[str, float], n: int = 40):
    """A study whose orders have these areas, about, over `n` clips."""
    rng = np.random.default_rng(0)
    clips = [
        {"filename": f"{i}.wav", "recording": str(i), "measures": {
            fill: {order: [0, 0, area + rng.normal(0, 0.02), 0] for order, area in gains.items()}
            for fill in ("silence", "mean")}}
        for i in range(n)
    ]  # fmt: skip
    return replace(study, clips=tuple(clips), n_clips=n)


def test_the_sentences_say_which_map_deserves_belief(written):
    (study,) = load_studies("maps", written[0].parent)
    areas = {"integrated_gradients": 0.3, "occlusion": 0.2, "grad_cam": 0.6}
    areas |= {"random": 0.6, "energy": 0.5, "attention": 0.7}
    both = made(study, areas)
    assert tell_belief(both) == (
        "Integrated gradients and occlusion cost more than all controls, whatever the tiles become, and deserve "
        "belief; Grad-CAM at l8 does not. Occlusion costs most."
    )
    told = tell_measured(both, "grad_cam")
    assert told.startswith(
        "On 40 held-out clips, removing first the tiles that Grad-CAM at l8 marks lowers the probability, averaged "
        "over the shares removed: where they become silence, by 0."
    )
    assert "less than the loudest tiles (0." in told
    assert "not clearly more or less than random tiles; where they become the training mean, by 0." in told
    assert tell_belief(made(study, areas | {"occlusion": 0.6})) == (
        "Integrated gradients costs more than all controls, whatever the tiles become, and deserves belief; "
        "occlusion and Grad-CAM at l8 do not."
    )
    none = made(study, dict.fromkeys(areas, 0.5))
    assert tell_belief(none).endswith("so this test gives no reason to trust any of them.")
    loud = made(study, dict.fromkeys(areas, 0.5) | {"energy": 0.3})
    assert tell_belief(loud).endswith("of them. Removing the loudest tiles costs more than any of them.")
    assert len(sentences(none)) == 4


def test_the_document_has_a_row_for_each_map_and_fill(written):
    studies = load_studies("maps", written[0].parent)
    table = maps_table(studies)
    assert len(table.rows) == 6
    assert len(maps_frame(studies)) == 2 * 6 + 24
    text = documents(Results(maps=tuple(studies)), [])["maps.md"]
    assert text.count(f"| `{NAME}` | 3 |") == 6
    assert "Holm's correction for all 24 comparisons" in text
    assert "Not run." in documents(Results(), [])["maps.md"]
