import json
from dataclasses import replace

import numpy as np
import pytest

from acrnn.audio import decode
from acrnn.audio.degradations import CONDITIONS, Degradation, parse_conditions
from acrnn.checkpoints import find
from acrnn.errors import OptionError
from acrnn.inference import Predictor
from acrnn.measures.attention import frame_level_db
from acrnn.measures.backgrounds import Backgrounds
from acrnn.measures.crossval import score_fold, wilson_interval
from acrnn.measures.intervals import mean_with_interval
from acrnn.measures.robustness import CLEAN, measure_robustness, summarise, thinned
from tests.measures.full_disk import NotAsked, no_room

FEW = parse_conditions("white=20,white=-5,low-pass=4000,gain=-40")


@pytest.fixture(scope="module")
def predictor(tiny_checkpoints):
    return Predictor(find("esc10-l10-paper-fold1", tiny_checkpoints), "cpu")


@pytest.fixture(scope="module")
def values(predictor, tiny_dataset):
    return measure_robustness(predictor, tiny_dataset, FEW)


class Loudness:
    """A predictor whose attention is the power of each frame."""

    def __init__(self, predictor):
        self.predictor, self.checkpoint, self.device = predictor, predictor.checkpoint, predictor.device

    def __call__(self, *arguments, **options):
        prediction = self.predictor(*arguments, **options)
        power = 10 ** (frame_level_db(prediction.spectrogram) / 10)
        return replace(prediction, attention=replace(prediction.attention, weights=power))


def test_the_clean_score_is_the_one_of_evaluate(predictor, tiny_dataset, values):
    scores = score_fold(predictor, tiny_dataset, 1)
    clean = values["conditions"][0]
    assert clean["key"] == CLEAN
    assert (clean["n_correct"], clean["n"]) == (scores.n_correct, 10)
    assert clean["interval"] == list(scores.interval)
    assert [row["outcomes"][CLEAN]["predicted"] for row in values["clips"]] == scores.predicted.tolist()
    assert clean["correlation"]["mean"] == 1
    assert clean["mass_change"]["mean"] == 0


def test_each_condition_counts_the_clips_as_the_predictor_names_them(predictor, tiny_dataset, values):
    condition = Degradation("white", -5)
    hits = 0
    for clip in tiny_dataset.fold(1):
        samples = decode(clip.path, 16_000).samples
        hits += predictor(condition.apply(samples, 16_000, clip.path.stem), 16_000).label == clip.label
    (row,) = [row for row in values["conditions"] if row["key"] == "white=-5"]
    assert (row["n_correct"], row["n"]) == (hits, 10)
    assert row["interval"] == list(wilson_interval(hits, 10))


def test_conditions_are_told_in_order_with_the_clean_one_first(values):
    assert [row["key"] for row in values["conditions"]] == [CLEAN, "white=20", "white=-5", "low-pass=4000", "gain=-40"]
    json.dumps(values)


def test_the_order_of_clips_and_conditions_changes_nothing(predictor, tiny_dataset, values):
    backwards = replace(tiny_dataset, clips=tiny_dataset.clips[::-1])
    again = measure_robustness(predictor, backwards, FEW[::-1])
    assert again["clips"][::-1] == [
        row | {"outcomes": dict(row["outcomes"])} for row in values["clips"]
    ]  # fmt: skip


def test_more_noise_takes_the_attention_of_a_map_of_power_off_the_sound(predictor, tiny_dataset):
    rows = measure_robustness(Loudness(predictor), tiny_dataset, parse_conditions("white=20,white=0,white=-5"))
    clean, *noisy = rows["conditions"]
    assert clean["mass"]["mean"] > 0.9
    masses = [row["mass"]["mean"] for row in noisy]
    assert masses == sorted(masses, reverse=True)
    assert masses[-1] < clean["mass"]["mean"]
    assert noisy[-1]["sounds"] < masses[-1]  # at −5 dB a quarter of the power is still the sound's
    changes = [row["mass_change"]["mean"] for row in noisy]
    assert changes == pytest.approx([m - clean["mass"]["mean"] for m in masses], abs=1e-3)


def test_a_clip_that_becomes_silent_is_refused_and_counts_as_wrong(predictor, tiny_dataset):
    rows = measure_robustness(predictor, tiny_dataset, (Degradation("gain", -200),))["conditions"]
    assert (rows[1]["n_correct"], rows[1]["n"], rows[1]["n_refused"]) == (0, 10, 10)
    assert rows[1]["correlation"] is None


def test_a_network_without_attention_is_scored_and_says_nothing_of_attention(tiny_checkpoints, tiny_dataset):
    predictor = Predictor(find("esc10-none-paper-fold1", tiny_checkpoints), "cpu")
    row = measure_robustness(predictor, tiny_dataset, FEW[:1], n_clips=3)["conditions"][1]
    assert row["n"] == 3
    assert (row["correlation"], row["mass"], row["sounds"]) == (None, None, None)


def test_without_a_clip_that_sounds_all_the_time_there_is_no_background(predictor, tiny_dataset):
    steady = Backgrounds(tiny_dataset.fold(1), 16_000).steady
    others = replace(tiny_dataset, clips=tuple(clip for clip in tiny_dataset.clips if clip not in steady))
    rows = measure_robustness(predictor, others, parse_conditions("background=0"), n_clips=2)["conditions"]
    assert (rows[1]["n"], rows[1]["accuracy"], rows[1]["interval"]) == (0, None, None)


def test_a_background_is_another_class_of_the_fold_and_sounds_throughout(tmp_path, tiny_dataset, write_wav):
    clips = list(tiny_dataset.fold(1))
    hiss = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
    for place in (2, 3):
        path = write_wav(tmp_path / clips[place].filename, hiss, 16_000)
        clips[place] = replace(clips[place], path=path)
    backgrounds = Backgrounds(clips, 16_000)
    assert backgrounds.steady == clips[2:4]
    assert backgrounds.pick(clips[2]) == clips[3]
    assert backgrounds.pick(clips[0]) in clips[2:4]
    assert Backgrounds(clips[::-1], 16_000).pick(clips[2]) == clips[3]
    np.testing.assert_allclose(backgrounds.samples(clips[0]), hiss, atol=1e-4)


def test_fewer_clips_are_taken_at_equal_distances():
    clips = list(range(80))
    assert thinned(clips, 4) == [0, 20, 40, 60]
    assert thinned(clips, None) == thinned(clips, 100) == clips
    with pytest.raises(OptionError, match="at least 1"):
        thinned(clips, 0)


def test_summaries_of_folds_pool_their_clips(values):
    both = summarise(values["clips"] * 2, "white=20")
    one = summarise(values["clips"], "white=20")
    assert (both["n"], both["n_correct"]) == (2 * one["n"], 2 * one["n_correct"])
    assert both["interval"][1] - both["interval"][0] < one["interval"][1] - one["interval"][0]


def test_a_bootstrapped_interval_holds_the_normal_one():
    drawn = np.random.default_rng(0).normal(3, 2, 400)
    told = mean_with_interval(drawn)
    half = 1.96 * drawn.std() / 20
    assert told["mean"] == pytest.approx(drawn.mean(), abs=1e-5)
    assert told["interval"] == pytest.approx([drawn.mean() - half, drawn.mean() + half], abs=0.05)
    assert mean_with_interval(drawn) == told
    assert mean_with_interval([None, float("nan")]) is None
    assert mean_with_interval([2.0, None]) == {"mean": 2.0, "interval": None, "n": 1}


def test_no_two_conditions_are_alike():
    assert len({c.key for c in CONDITIONS}) == len(CONDITIONS) == 38


def test_what_could_not_be_written_is_not_measured_again(predictor, tiny_dataset):
    with pytest.raises(OSError, match="No space"):
        measure_robustness(predictor, tiny_dataset, FEW[:1], 2, save=no_room)
    saved = []
    again = measure_robustness(NotAsked(predictor), tiny_dataset, FEW[:1], 2, save=saved.append)
    assert saved == [again]
    with pytest.raises(AssertionError):  # what was written is not kept a second time
        measure_robustness(NotAsked(predictor), tiny_dataset, FEW[:1], 2)
