from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from acrnn.audio import decode
from acrnn.audio.activity import find_events, frames_inside, sounding_power
from acrnn.checkpoints import find
from acrnn.errors import OptionError
from acrnn.features import FrontEnd
from acrnn.inference import Predictor
from acrnn.measures.attention import frame_level_db
from acrnn.measures.backgrounds import Backgrounds
from acrnn.measures.localisation import (
    LOCALISED_MAPS,
    _measure_scene,
    level_in_steps,
    measure_localisation,
    score_map,
    summarise,
)
from acrnn.measures.scenes import (
    EVENT_S,
    SCENE_KINDS,
    LeftOut,
    cut_event,
    scenes_of_clip,
    synthetic_scene,
    write_scenes,
)
from tests.measures.full_disk import NotAsked, no_room

TIMES_S = np.arange(431) * 512 / 44_100
EVENTS_S = ((1.0, 1.4), (3.2, 3.5))
INSIDE = frames_inside(TIMES_S, EVENTS_S)


def test_the_map_that_is_the_event_is_perfect_and_the_reverse_is_the_worst():
    assert score_map(INSIDE.astype(float), TIMES_S, EVENTS_S) == {"auc": 1, "ap": 1, "pointing": 1}
    worst = score_map(1.0 - INSIDE, TIMES_S, EVENTS_S)
    near = frames_inside(TIMES_S, EVENTS_S, 0.1)
    assert worst["auc"] == 0
    assert worst["ap"] == pytest.approx(INSIDE.mean())  # its threshold takes all frames or no event
    assert worst["pointing"] == pytest.approx((near & ~INSIDE).sum() / (~INSIDE).sum())


def test_an_even_map_is_chance():
    told = score_map(np.full(431, 0.3), TIMES_S, EVENTS_S)
    assert told["auc"] == 0.5
    assert told["ap"] == pytest.approx(INSIDE.mean())
    assert told["pointing"] == pytest.approx(frames_inside(TIMES_S, EVENTS_S, 0.1).mean())


def test_random_maps_are_chance_within_their_interval():
    rng = np.random.default_rng(0)
    aucs = [score_map(rng.random(431), TIMES_S, EVENTS_S)["auc"] for _ in range(200)]
    assert abs(np.mean(aucs) - 0.5) < 1.96 * np.std(aucs) / np.sqrt(200)
    # the spread is that of Mann and Whitney's U
    n_in, n_out = INSIDE.sum(), (~INSIDE).sum()
    assert np.std(aucs) == pytest.approx(np.sqrt((n_in + n_out + 1) / (12 * n_in * n_out)), rel=0.15)


def test_the_area_is_mann_and_whitneys_u_ties_and_all():
    weights = np.repeat(np.random.default_rng(1).random(24), 18)[:431]
    u = mannwhitneyu(weights[INSIDE], weights[~INSIDE]).statistic
    told = score_map(weights, TIMES_S, EVENTS_S)["auc"]
    assert told == pytest.approx(u / (INSIDE.sum() * (~INSIDE).sum()), abs=1e-12)


def test_average_precision_is_the_mean_precision_at_each_event_frame():
    weights = np.random.default_rng(2).random(431)
    hits = INSIDE[np.argsort(-weights)]
    precision = np.cumsum(hits) / np.arange(1, 432)
    assert score_map(weights, TIMES_S, EVENTS_S)["ap"] == pytest.approx(precision[hits].mean(), abs=1e-12)


def test_the_pointing_game_forgives_a_tenth_of_a_second_and_no_more():
    for at_s, hit in ((0.85, 0), (0.95, 1), (1.2, 1), (1.45, 1), (1.55, 0)):
        weights = np.zeros(431)
        weights[np.abs(TIMES_S - at_s).argmin()] = 1
        assert score_map(weights, TIMES_S, EVENTS_S)["pointing"] == hit


def test_only_the_order_of_the_weights_counts():
    weights = np.random.default_rng(3).random(431)
    assert score_map(weights, TIMES_S, EVENTS_S) == score_map(np.exp(5 * weights), TIMES_S, EVENTS_S)


def test_events_that_cover_everything_or_nothing_are_refused():
    for events_s in (((0.0, 9.0),), ((6.0, 7.0),), ()):
        with pytest.raises(OptionError, match="no frame or all"):
            score_map(INSIDE.astype(float), TIMES_S, events_s)


@pytest.mark.parametrize("frames_per_weight", [1, 3, 9, 18])
def test_a_level_held_over_steps_keeps_an_even_one_and_has_the_attentions_resolution(frames_per_weight):
    front_end = FrontEnd()
    np.testing.assert_allclose(level_in_steps(np.full(128, -30.0), front_end, frames_per_weight), -30.0)
    level_db = np.random.default_rng(0).uniform(-80, 0, 128)  # one segment: no overlap
    held = level_in_steps(level_db, front_end, frames_per_weight)
    if frames_per_weight == 1:
        np.testing.assert_allclose(held, level_db)
    n_steps = 128 // frames_per_weight
    assert len(np.unique(held.round(9))) == n_steps
    first = 10 * np.log10(np.mean(10 ** (level_db[:frames_per_weight] / 10)))
    np.testing.assert_allclose(held[:frames_per_weight], first)


@pytest.fixture(scope="module")
def predictor(tiny_checkpoints):
    return Predictor(find("esc10-l4-sigmoid-paper-fold1", tiny_checkpoints), "cpu")


class Pointing:
    """A predictor whose attention is what a function of its prediction gives."""

    def __init__(self, predictor, attend):
        self.predictor, self.checkpoint, self.attend = predictor, predictor.checkpoint, attend

    def __call__(self, *arguments, **options):
        prediction = self.predictor(*arguments, **options)
        return replace(prediction, attention=replace(prediction.attention, weights=self.attend(prediction)))


def test_attention_that_is_the_level_gains_nothing_over_it(predictor):
    scenes = [synthetic_scene(label, 0, 16_000) for label in ("dog", "clock_tick")]
    loud = Pointing(predictor, lambda prediction: frame_level_db(prediction.spectrogram))
    rows = [_measure_scene(loud, scene) for scene in scenes]
    told = summarise(rows, "synthetic")
    assert told["n"] == 2
    assert {gain["mean"] for gain in told["gain"].values()} == {0}
    assert told["maps"]["level"]["auc"]["mean"] > 0.95
    assert summarise(rows, "silence")["n"] == 0
    assert summarise(rows, "silence")["maps"]["level"]["auc"] is None


def test_attention_that_is_the_event_is_perfect_on_a_scene(predictor):
    scene = synthetic_scene("rooster", 1, 16_000)
    oracle = Pointing(predictor, lambda p: frames_inside(p.times_s, scene.events_s).astype(float))
    assert _measure_scene(oracle, scene)["maps"]["attention"] == [1, 1, 1]


def event_clip(tmp_path, write_wav, clip, at_s=0.7, length_s=0.6, name="event.wav"):
    """A clip of 3 s with one burst of noise in digital silence."""
    samples = np.zeros(48_000)
    n = round(length_s * 16_000)
    samples[round(at_s * 16_000) :][:n] = np.random.default_rng(1).uniform(-0.5, 0.5, n)
    return replace(clip, path=write_wav(tmp_path / name, samples, 16_000))


def test_the_event_that_is_cut_out_is_the_one_with_the_most_energy(tmp_path, write_wav, tiny_dataset):
    clip = event_clip(tmp_path, write_wav, tiny_dataset.clips[0])
    samples = decode(clip.path, 16_000).samples.copy()
    samples[40_000:43_200] = 0.05 * np.sin(np.arange(3200))
    event = cut_event(samples, 16_000)
    assert len(event) / 16_000 == pytest.approx(0.6, abs=0.011)
    assert event[0] == event[-1] == 0  # faded


@pytest.mark.parametrize(("length_s", "why"), [(0.05, "too short"), (2.9, "too long"), (0, "silent")])
def test_events_that_can_tell_nothing_are_left_out_with_the_reason(tmp_path, write_wav, tiny_dataset, length_s, why):
    clip = event_clip(tmp_path, write_wav, tiny_dataset.clips[0], 0.05, length_s)
    assert scenes_of_clip(clip, 16_000, Backgrounds([], 16_000)) == LeftOut(clip.filename, clip.label, why)
    assert EVENT_S == (0.1, 2.5)


@pytest.fixture(scope="module")
def fold_clips(tmp_path_factory, write_wav, tiny_dataset):
    """A dog with one event, and rain that never stops."""
    folder = tmp_path_factory.mktemp("fold")
    dog = event_clip(folder, write_wav, tiny_dataset.fold(1)[0])
    hiss = np.random.default_rng(0).uniform(-0.2, 0.2, 80_000)
    return [dog, replace(tiny_dataset.fold(1)[2], path=write_wav(folder / "rain.wav", hiss, 16_000))]


def test_scenes_of_a_clip_have_the_same_event_at_the_same_time_and_the_ratio_asked_for(fold_clips):
    scenes = scenes_of_clip(fold_clips[0], 16_000, Backgrounds(fold_clips, 16_000))
    assert [s.placement for s in scenes] == [p for p in SCENE_KINDS if p.kind != "synthetic"]
    assert len({s.events_s for s in scenes}) == 1
    ((on_s, off_s),) = scenes[0].events_s
    assert off_s - on_s == pytest.approx(0.6, abs=0.011)
    assert np.ravel(find_events(scenes[0].samples, 16_000)) == pytest.approx([on_s, off_s], abs=0.02)
    alone = scenes[0].samples.astype(np.float64)
    event = slice(round(on_s * 16_000), round(off_s * 16_000))
    outside = np.ones(80_000, bool)
    outside[event] = False
    for scene in scenes[1:]:
        mixed = scene.samples.astype(np.float64)
        if scene.placement.kind == "background":
            assert scene.background == fold_clips[1].filename
            assert np.abs(np.corrcoef(mixed[outside], decode(fold_clips[1].path, 16_000).samples[outside])[0, 1]) > 0.99
        # least squares: how much of the event is in the mixture, and what remains
        scale = mixed[event] @ alone[event] / (alone[event] @ alone[event])
        noise_power = np.mean((mixed - scale * alone) ** 2)
        snr_db = 10 * np.log10(scale**2 * sounding_power(alone[event], 16_000) / noise_power)
        assert snr_db == pytest.approx(scene.placement.snr_db, abs=0.6)
        assert np.abs(mixed).max() <= 0.9 + 1e-6


def test_scenes_are_the_same_in_any_order(fold_clips):
    first = scenes_of_clip(fold_clips[0], 16_000, Backgrounds(fold_clips, 16_000))
    again = scenes_of_clip(fold_clips[0], 16_000, Backgrounds(fold_clips[::-1], 16_000))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)


@pytest.fixture(scope="module")
def written(tmp_path_factory, fold_clips):
    folder = tmp_path_factory.mktemp("scenes")
    return folder, *write_scenes(fold_clips, 16_000, folder)


def test_what_is_written_is_in_the_annotation_format_and_matches_the_audio(written):
    folder, n_scenes, left_out = written
    events = pd.read_csv(folder / "events.tsv", sep="\t")
    assert list(events.columns) == ["filename", "onset", "offset", "event_label"]
    assert set(events["filename"]) == {path.name for path in (folder / "audio").iterdir()}
    assert n_scenes == events["filename"].nunique() == 40 + 7
    assert [row.why for row in left_out] == ["too long"]
    assert (events["onset"] < events["offset"]).all()
    assert events["offset"].max() <= 5
    silence = events[events["filename"].str.endswith("_silence.wav")].iloc[0]
    samples = decode(folder / "audio" / silence["filename"], 16_000).samples
    assert np.ravel(find_events(samples, 16_000)) == pytest.approx([silence["onset"], silence["offset"]], abs=0.02)
    made = pd.read_csv(folder / "scenes.csv")
    assert made["placement"].value_counts().to_dict() == {"synthetic": 40, "noise": 3, "background": 3, "silence": 1}


def test_sed_eval_reads_the_events_and_scores_them_perfect_against_themselves(written):
    why = "dcase_util, which sed_eval is made of, needs the C library libmagic"
    dcase_util = pytest.importorskip("dcase_util", reason=why, exc_type=ImportError)
    import sed_eval

    rows = pd.read_csv(written[0] / "events.tsv", sep="\t").to_dict("records")
    events = dcase_util.containers.MetaDataContainer(rows)
    assert all(event.onset < event.offset and event.event_label for event in events)
    metrics = sed_eval.sound_event.SegmentBasedMetrics(events.unique_event_labels, time_resolution=0.1)
    for filename in events.unique_files:
        of_file = events.filter(filename=filename)
        metrics.evaluate(of_file, of_file)
    assert metrics.results_overall_metrics()["f_measure"]["f_measure"] == 1.0


def test_a_fold_is_measured_with_synthetic_scenes_once_though_it_could_not_be_written_at_first(predictor, tiny_dataset):
    with pytest.raises(OSError, match="No space"):
        measure_localisation(predictor, tiny_dataset, n_clips=2, save=no_room)
    told = measure_localisation(NotAsked(predictor), tiny_dataset, n_clips=2)
    by_key = {row["placement"]: row for row in told["placements"]}
    assert list(by_key) == [p.key for p in SCENE_KINDS]
    assert by_key["synthetic"]["n"] == 40
    assert by_key["silence"]["n"] + len(told["left_out"]) == 2
    assert list(by_key["synthetic"]["maps"]) == list(LOCALISED_MAPS)
    chance = by_key["synthetic"]["maps"]["random"]["auc"]
    assert chance["interval"][0] <= 0.5 <= chance["interval"][1]


def test_a_network_without_attention_has_nothing_to_be_located(tiny_checkpoints, tiny_dataset):
    predictor = Predictor(find("esc10-none-paper-fold1", tiny_checkpoints), "cpu")
    with pytest.raises(OptionError, match="no attention"):
        measure_localisation(predictor, tiny_dataset)
