import time

import numpy as np
import pytest

from acrnn.audio import SCENES, TITLES, render
from acrnn.errors import OptionError
from acrnn.labels import ESC10

INTERMITTENT = ("dog", "rooster", "crying_baby", "sneezing", "clock_tick")


@pytest.fixture(scope="module")
def scenes():
    return {label: render(label) for label in SCENES}


def test_there_is_one_scene_for_each_class_of_esc10():
    assert SCENES == ESC10
    assert set(TITLES) == set(ESC10)


@pytest.mark.parametrize("label", ESC10)
def test_a_scene_is_a_sane_clip(scenes, label):
    scene = scenes[label]
    assert scene.label == label
    assert scene.samples.shape == (5 * 44_100,)
    assert scene.samples.dtype == np.float32
    assert np.isfinite(scene.samples).all()
    assert 0.1 < np.abs(scene.samples).max() < 0.9
    assert np.abs(scene.samples[[0, -1]]).max() < 1e-4  # no click at the ends
    times_s = np.ravel(scene.events_s)
    assert times_s[0] >= 0
    assert times_s[-1] <= 5
    assert (np.diff(times_s) > 0).all()


@pytest.mark.parametrize("label", INTERMITTENT)
def test_events_are_where_the_sound_is(scenes, label):
    scene = scenes[label]
    t_s = np.arange(len(scene.samples)) / scene.rate_hz
    inside = np.zeros(len(t_s), bool)
    near = np.zeros(len(t_s), bool)
    for on_s, off_s in scene.events_s:
        inside |= (t_s >= on_s) & (t_s < off_s)
        near |= (t_s >= on_s - 0.01) & (t_s < off_s + 0.3)  # the room rings on
    power = scene.samples.astype(np.float64) ** 2
    assert power[inside].sum() / power.sum() > 0.9
    assert 10 * np.log10(power[inside].mean() / power[~near].mean()) > 20


@pytest.mark.parametrize("label", sorted(set(ESC10) - set(INTERMITTENT)))
def test_continuous_scenes_sound_all_the_time(scenes, label):
    scene = scenes[label]
    assert scene.events_s == ((0.0, 5.0),)
    blocks = scene.samples[:220_000].reshape(22, -1)  # of 0.23 s
    rms_db = 10 * np.log10(np.mean(blocks.astype(np.float64) ** 2, axis=1))
    assert np.ptp(rms_db) < 25


def test_scenes_repeat_with_the_seed_and_vary_without():
    np.testing.assert_array_equal(render("dog").samples, render("dog").samples)
    assert not np.array_equal(render("dog").samples, render("dog", seed=1).samples)


def test_another_rate_keeps_the_events(scenes):
    slow = render("clock_tick", 16_000)
    assert len(slow.samples) == 5 * 16_000
    assert slow.rate_hz == 16_000
    assert slow.events_s == scenes["clock_tick"].events_s


def test_the_clock_ticks_once_a_second(scenes):
    onsets_s = np.array(scenes["clock_tick"].events_s)[:, 0]
    np.testing.assert_allclose(np.diff(onsets_s), 1.0)


def test_a_scene_is_made_quickly():
    started_s = time.process_time()  # of this process alone: others may keep the machine busy
    for label in SCENES:
        render(label)
    assert time.process_time() - started_s < 5.0  # 0.8 s is usual


def test_an_unknown_label_is_refused_by_name():
    with pytest.raises(OptionError, match=r"'cow'.*dog"):
        render("cow")
