from dataclasses import replace
from threading import Event

import pytest
import torch

from acrnn.runs import estimate
from acrnn.runs.estimate import Speed, Workload, describe_duration, measurement, speed_of_runs, workload
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure
from acrnn.runs.status import Process
from acrnn.runs.watch import look
from acrnn.training import Recipe, draw_epoch, prepare


def test_an_epochs_segments_are_those_that_an_epoch_draws(tiny_dataset, tiny_run_config):
    for batch_size in (4, 3, 64):
        config = replace(tiny_run_config, recipe=Recipe("paper", epochs=5, batch_size=batch_size, n_copies=0))
        work = workload(config, tiny_dataset)
        assert work.segments_per_epoch == draw_epoch(config, *prepare(config, tiny_dataset), 0).n_segments
        assert work.epochs == 5


def test_segments_that_are_shorter_in_training_are_counted_as_they_are_trained_on(real_roots):
    root = next(root for root in real_roots if "50" in root.name)
    config, dataset = configure(Options(root, "esc50", fold=1, recipe="mixed", epochs=2, batch_size=5, device="cpu"))
    assert (config.front_end.segment_frames, config.recipe.training_frames) == (432, 128)
    assert workload(config, dataset).segments_per_epoch == 1600 * 5


def test_a_real_clip_of_5_s_has_six_segments(real_roots):
    root = next(root for root in real_roots if "10" in root.name)
    config, dataset = configure(Options(root, "esc10", fold=1, epochs=2, device="cpu"))
    assert workload(config, dataset) == Workload(320 * 6, 2)


def test_time_is_segments_by_speed():
    assert Workload(1920, 300).seconds(Speed(96.0, "")) == 6000


def test_the_speed_is_that_of_the_latest_such_run_of_this_machine(tmp_path, tiny_run_config):
    run = Run.create(tmp_path, tiny_run_config)
    for epoch, rate in enumerate((1.0, 50.0, 60.0, 70.0, 80.0, 90.0)):
        run.append_metrics(
            {"epoch": epoch, "loss": 1.0, "accuracy": 0.5, "learning_rate": 0.01, "segments_per_s": rate}
        )
    run.save_state({"a": torch.zeros(1)}, 6)
    assert speed_of_runs(tiny_run_config, [look(run)]) is None  # nobody knows where it was trained
    here = Process(1, 0.0, Process.of(1).host)
    here.write(run)
    speed = speed_of_runs(replace(tiny_run_config, fold=1, seed=3), [look(run)])
    assert speed.segments_per_s == 70
    assert run.path.name in speed.source
    other_data = replace(tiny_run_config, data_fingerprint="1" * 64)
    assert speed_of_runs(other_data, [look(run)]).segments_per_s == 70
    elsewhere = replace(tiny_run_config, network=replace(tiny_run_config.network, placement="none"))
    scaled = speed_of_runs(elsewhere, [look(run)])
    assert 70 < scaled.segments_per_s < 77  # a little less to compute
    assert "differs in its data or its network" in scaled.source
    other_batch = replace(tiny_run_config, recipe=replace(tiny_run_config.recipe, batch_size=64))
    assert speed_of_runs(other_batch, [look(run)]) is None
    replace(here, host="elsewhere").write(run)
    assert speed_of_runs(tiny_run_config, [look(run)]) is None


def test_without_a_run_steps_are_timed_once_for_all_folds_seeds_and_lengths(tiny_run_config, monkeypatch):
    monkeypatch.setattr(estimate, "CALIBRATION_S", 0.0)
    monkeypatch.setattr(estimate, "MIN_STEPS", 1)
    measuring = measurement(tiny_run_config)
    speed = measuring.result()
    assert speed.segments_per_s > 0
    assert "1 step measured just now" in speed.source
    others = replace(tiny_run_config, fold=1, seed=9, recipe=replace(tiny_run_config.recipe, epochs=77))
    assert measurement(others) is measuring
    other_network = measurement(replace(others, network=replace(others.network, n_hidden=4)))
    assert other_network is not measuring
    beside = measurement(tiny_run_config, 2)
    assert beside is not measuring
    assert beside.result().source.endswith("on this machine beside 2 runs at work")
    assert other_network.result().segments_per_s > 0


def test_a_measurement_that_failed_is_told_once_and_then_tried_again(tiny_run_config, monkeypatch):
    monkeypatch.setattr(estimate, "CALIBRATION_S", 0.0)
    monkeypatch.setattr(estimate, "MIN_STEPS", 1)
    config = replace(tiny_run_config, network=replace(tiny_run_config.network, n_hidden=5))
    original, asked, refused = estimate.Trainer, Event(), []

    def refuses_once(*arguments, **options):
        if not refused:
            refused.append(asked.wait(60))
            raise torch.OutOfMemoryError("no memory left")
        return original(*arguments, **options)

    monkeypatch.setattr(estimate, "Trainer", refuses_once)
    failing = measurement(config)
    asked.set()
    with pytest.raises(torch.OutOfMemoryError):
        failing.result()
    assert measurement(config) is failing
    again = measurement(config)
    assert again.result().segments_per_s > 0
    assert measurement(config) is again


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "1 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1.5 h"), (2 * 86400, "2.0 days")],
)
def test_a_duration_is_said_as_coarsely_as_it_is_known(seconds, told):
    assert describe_duration(seconds) == told
