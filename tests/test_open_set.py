"""What a checkpoint knows of strange sounds: scores by hand, quantiles, calibration, and where they are kept."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from acrnn.checkpoints import OpenSet, Scale, find, keep_open_set, save
from acrnn.checkpoints.open_set import SCORES, scores_of, statistics_of
from acrnn.data import load
from acrnn.errors import CheckpointError, OptionError
from acrnn.inference import Predictor
from acrnn.labels import ESC10
from acrnn.measures.open_set.fit import auroc, false_known, reliability, temperature
from acrnn.measures.open_set.sounds import unknown_sounds
from acrnn.measures.open_set.study import Chooser, Study, fit_open_set, require_inner
from acrnn.web.shared.words import describe_probability, headline
from tests.conftest import write_dataset


@pytest.fixture
def checkpoint(tmp_path, save_checkpoint):
    return save_checkpoint(tmp_path)


SCALE = Scale(2.0, (0.0, 1.0, 4.0))
OPEN_SET = OpenSet("energy", SCALE, replace(SCALE, temperature=1.0), 0.95, "a test", (-60.0, -3.0), (1, 3))


def test_a_temperature_keeps_the_order_and_lowers_what_was_sure():
    probabilities = np.array([[0.9, 0.08, 0.02], [0.2, 0.5, 0.3]], np.float32)
    calibrated = SCALE.calibrate(probabilities)
    assert calibrated.sum(axis=1) == pytest.approx(1)
    assert (calibrated.argsort(axis=1) == probabilities.argsort(axis=1)).all()
    assert calibrated[0] == pytest.approx(np.sqrt(probabilities[0]) / np.sqrt(probabilities[0]).sum())
    assert replace(SCALE, temperature=1.0).calibrate(probabilities) == pytest.approx(probabilities)


def test_strangeness_is_the_share_of_known_ones_below():
    assert SCALE.strangeness(np.array([-1, 0, 0.5, 1, 2.5, 9])) == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1])


def test_scores_of_logits_are_those_of_their_papers():
    logits = torch.tensor([[2.0, 0.0], [0.5, 0.5]])
    soft = logits.softmax(dim=1)
    assert scores_of("probability", logits, None, {}) == pytest.approx(-soft.amax(dim=1))
    assert scores_of("logit", logits, None, {}).tolist() == [-2.0, -0.5]
    assert scores_of("energy", logits, None, {})[1] == pytest.approx(-(0.5 + np.log(2)))


@pytest.mark.parametrize("score", SCORES)
def test_every_score_is_higher_far_from_the_training_classes(score):
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(3, 16, generator=generator), torch.zeros(3)
    targets = torch.arange(3).repeat(40)
    features = 4 * torch.nn.functional.normalize(weight)[targets] + 0.1 * torch.randn(120, 16, generator=generator)
    statistics = statistics_of(score, features, targets, features @ weight.T, weight, bias)
    far = torch.randn(50, 16, generator=generator)
    far -= far @ torch.linalg.pinv(weight) @ weight  # what no class looks at
    known = scores_of(score, features @ weight.T, features, statistics)
    unknown = scores_of(score, far @ weight.T, far, statistics)
    assert known.shape == (120,)
    assert unknown.mean() > known.mean()


def test_it_is_kept_with_a_checkpoint_and_read_back(checkpoint):
    before = checkpoint.config.weights_sha256
    kept = keep_open_set(checkpoint, OPEN_SET)
    assert (kept.config.open_set, kept.config.weights_sha256) == (OPEN_SET, before)
    assert keep_open_set(kept, None).config.open_set is None
    assert "open_set" not in json.loads((kept.path / "config.json").read_text())


@pytest.mark.parametrize(
    ("field", "value"),
    [("score", "luck"), ("accepts", 1.5), ("clips", {"temperature": 0, "quantiles": [0, 1]}), ("segments", None)],
)
def test_a_garbled_one_is_refused(checkpoint, field, value):
    keep_open_set(checkpoint, OPEN_SET)
    path = checkpoint.path / "config.json"
    values = json.loads(path.read_text())
    values["open_set"][field] = value
    path.write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match="open_set"):
        find(str(checkpoint.path))


def mahalanobis(checkpoint, **changes):
    n, classes = 2 * checkpoint.config.network.n_hidden, len(checkpoint.config.labels)
    statistics = {"means": torch.zeros(classes, n), "whitening": torch.eye(n)} | changes
    return keep_open_set(checkpoint, replace(OPEN_SET, score="mahalanobis"), statistics)


def test_statistics_are_kept_beside_the_weights_and_go_with_the_rest(checkpoint):
    kept = mahalanobis(checkpoint)
    assert kept.load_statistics()["whitening"].dtype == torch.float32
    logits = keep_open_set(kept, OPEN_SET)
    assert logits.load_statistics() == {}
    assert not (kept.path / "open_set.safetensors").exists()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "damaged"),
    ],
)
def test_statistics_that_are_missing_or_damaged_are_named(checkpoint, spoil, told):
    kept = mahalanobis(checkpoint)
    spoil(kept.path / "open_set.safetensors")
    with pytest.raises(CheckpointError, match=rf"open_set\.safetensors.*{told}"):
        Predictor(kept, "cpu")


@pytest.mark.parametrize("changes", [{"means": torch.zeros(3, 3)}, {"luck": torch.ones(1)}])
def test_statistics_of_another_shape_are_refused(checkpoint, changes):
    with pytest.raises(CheckpointError, match="not those that mahalanobis needs"):
        mahalanobis(checkpoint, **changes).load_statistics()


def test_statistics_that_are_not_finite_are_refused(checkpoint):
    with pytest.raises(CheckpointError, match="not finite"):
        mahalanobis(checkpoint, whitening=torch.full((1,), torch.nan).expand(2 * 8, 16).clone()).load_statistics()


@pytest.mark.parametrize(("quantiles", "known"), [((-99.0, 99.0), True), ((-99.0, -98.0), False)])
def test_a_prediction_says_whether_a_clip_is_known(checkpoint, quantiles, known):
    scale = Scale(1.0, quantiles)
    predictor = Predictor(keep_open_set(checkpoint, replace(OPEN_SET, clips=scale, segments=scale)), "cpu")
    prediction = predictor(np.random.default_rng(0).uniform(-0.3, 0.3, 80_000), 16_000)
    assert prediction.known is known
    assert (prediction.strangeness == 1) is not known
    assert prediction.segment_known.tolist() == [known] * len(prediction.segments)
    assert prediction.frame_known.all() == known
    assert prediction.as_dict()["known"] is known
    assert prediction.calibrated == pytest.approx(prediction.probabilities, abs=1e-6)


@pytest.mark.parametrize(("temperature", "starts"), [(0.001, "dog, "), (50.0, "Unsure; most likely dog (")])
def test_a_class_that_is_more_likely_wrong_than_right_is_told_so(checkpoint, temperature, starts):
    scale = Scale(temperature, (-99.0, 99.0))
    predictor = Predictor(keep_open_set(checkpoint, replace(OPEN_SET, clips=scale, segments=scale)), "cpu")
    prediction = predictor(np.random.default_rng(0).uniform(-0.3, 0.3, 80_000), 16_000)
    prediction = replace(prediction, labels=("dog",) * len(prediction.labels))
    assert prediction.unsure is (temperature > 1)
    assert headline(prediction).startswith(starts)
    assert ("more likely wrong than right" in describe_probability(prediction, predictor.checkpoint)) is (
        temperature > 1
    )


def test_what_is_far_too_quiet_is_never_known():
    assert OPEN_SET.is_known(0.0, -60.0)
    assert not OPEN_SET.is_known(0.0, -81.0)


def test_a_temperature_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([rng.choice(5, p=row) for row in true])
    sharp = np.exp(3 * logits) / np.exp(3 * logits).sum(axis=1, keepdims=True)
    assert temperature(sharp, targets) == pytest.approx(3, rel=0.1)
    after = reliability(Scale(3.0, (0, 1)).calibrate(sharp), targets)
    assert after["ece"] < 0.03 < reliability(sharp, targets)["ece"]


def test_known_and_unknown_are_told_apart_by_their_order():
    known, unknown = np.arange(100.0), np.array([50.0, 99.0, 200.0, 300.0])
    assert auroc(known, unknown) == pytest.approx((50.5 + 99.5 + 100 + 100) / 400)
    assert false_known(known, unknown) == 0.25


@pytest.mark.parametrize(("inner_fold", "sealed"), [(1, (1,)), (2, ()), (2, (3,))])
def test_an_inner_run_must_leave_the_checkpoints_fold_alone(checkpoint, inner_fold, sealed):
    require_inner(checkpoint, 2, (1,))
    with pytest.raises(OptionError, match="seals fold 1"):
        require_inner(checkpoint, inner_fold, sealed)


def test_sounds_of_no_class_are_made_at_any_rate():
    sounds = [sound for sound in unknown_sounds(8000) if sound.kind != "speech"]
    assert {sound.kind for sound in sounds} == {"noise", "tones", "near-silence"}
    assert {len(sound.source) for sound in sounds} == {40_000}
    assert len({sound.name for sound in sounds}) == len(sounds)


def test_quantiles_that_fall_are_no_quantiles():
    with pytest.raises(OptionError, match="ascending"):
        replace(OPEN_SET, clips=Scale(1.0, (1.0, 0.0)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Ten classes in four folds, a clip each."""
    clips = [(fold, label) for fold in (1, 2, 3, 4) for label in ESC10]
    return load(write_dataset(tmp_path_factory.mktemp("data") / "whole", clips), "esc10")


@pytest.fixture(scope="module")
def some(whole):
    """The same without its first two classes."""
    clips = tuple(clip for clip in whole.clips if clip.label in ESC10[2:])
    return replace(whole, name="own-some", clips=clips, labels=ESC10[2:])


@pytest.fixture(scope="module")
def on_some(tmp_path_factory, make_model, checkpoint_config):
    """A network of eight classes; fold 2 is held out of it."""
    model = make_model(n_classes=8)
    config = checkpoint_config(model, name="some", labels=ESC10[2:], dataset="own-some", fold=2)
    return Predictor(save(model, config, "# card\n", root=tmp_path_factory.mktemp("some")), "cpu")


def test_where_no_class_is_left_out_a_run_on_some_of_them_chooses(tmp_path, save_checkpoint, whole, some, on_some):
    mine, inner = (Predictor(save_checkpoint(tmp_path, name=f"fold{k}", fold=k), "cpu") for k in (1, 2))
    with pytest.raises(OptionError, match="--choose-with"):
        fit_open_set(Study(mine, inner, whole), None, lambda done, total: None)
    chooser = Chooser(on_some, some, whole, sealed=(1,))
    assert {clip.fold for clip in chooser.training()} == {3, 4}
    known, others = chooser.known_and_others()
    assert {clip.fold for clip in known + others} == {2}
    assert [clip.label for clip in others] == list(ESC10[:2])
    _, said = fit_open_set(Study(mine, inner, whole, chooser=chooser), None, lambda done, total: None)
    assert set(said["candidates"]) == set(SCORES)
    best = next(score for score in said["candidates"] if score != "neighbours")
    assert (said["score"], said["chooser"], said["n_others"]) == (best, "some", 2)


def test_what_chooses_knows_the_same_clips_in_the_same_folds_and_lacks_a_class(whole, some, on_some):
    moved = replace(some, clips=(replace(some.clips[0], fold=3), *some.clips[1:]))
    with pytest.raises(OptionError, match="does not have there"):
        Chooser(on_some, moved, whole, sealed=(1,))
    with pytest.raises(OptionError, match="lacks no class"):
        Chooser(on_some, whole, whole, sealed=(1,))
