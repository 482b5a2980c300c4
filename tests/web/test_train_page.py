"""The Train page without a browser: what it says while, and after, the speed of training is measured."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from acrnn.runs import estimate
from acrnn.runs.estimate import Workload
from acrnn.runs.launch import Space
from acrnn.runs.loop import Progress
from acrnn.runs.run import Run
from acrnn.runs.status import Phase, Process, Status, StatusWriter
from acrnn.runs.watch import RunView, State
from acrnn.web.train import form

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "train.py")


@pytest.fixture
def page(monkeypatch, tmp_path, tiny_root):
    """The page with the tiny dataset and no run, and speeds that are measured by one step."""
    monkeypatch.setenv("ACRNN_DATA", str(tiny_root.parent))
    monkeypatch.setenv("ACRNN_RUNS", str(tmp_path))
    monkeypatch.setattr(estimate, "CALIBRATION_S", 0.0)
    monkeypatch.setattr(estimate, "MIN_STEPS", 1)
    return AppTest.from_file(PAGE, default_timeout=60)


def told_of_speed(page: AppTest) -> str:
    """Run the page until it says more of the speed than that it is being measured."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        page.run()
        assert not page.exception
        told = [text.value for text in page.markdown if "this machine" in text.value or "of training" in text.value]
        if told and not told[0].startswith(":material/speed: Measuring"):
            return told[0]
    raise TimeoutError("the speed was never measured")


def test_a_speed_that_cannot_be_measured_is_said_and_measured_again(page, monkeypatch):
    original, failures = estimate.Trainer, []

    def refuses_once(*arguments, **options):
        if not failures:
            failures.append(1)
            raise torch.OutOfMemoryError("no memory left")
        return original(*arguments, **options)

    monkeypatch.setattr(estimate, "Trainer", refuses_once)
    page.query_params["batch"] = "7"  # a kind that no other test has measured
    assert "could not be measured (no memory left)" in told_of_speed(page)
    assert "segments/s, from 1 step measured just now on this machine" in told_of_speed(page)


def test_a_run_that_is_stopping_is_not_said_to_be_at_work(tmp_path, tiny_run_config, tiny_dataset):
    run = Run.create(tmp_path, tiny_run_config)
    plan = form.Plan(tiny_run_config, tiny_dataset, Workload(4, 3), Space(0, 0))
    Process.of(os.getpid()).write(run)
    status = Status(Phase.TRAINING, progress=Progress(0, 3, 1, 2, 1.0, segments_per_s=8.0, seconds_left=60.0))
    working = RunView(run, State.TRAINING, status)
    told = form.describe_estimate(plan, [working])
    assert "About 2 s" in told
    assert "1 run is using this machine now" in told
    assert "using this machine" not in form.describe_estimate(plan, [replace(working, state=State.STOPPING)])


def test_what_a_stop_costs_is_said_before_and_after(page, tmp_path, tiny_run_config, monkeypatch):
    run = Run.create(tmp_path, tiny_run_config)
    Process.of(os.getpid()).write(run)
    StatusWriter(run)(Status(Phase.TRAINING))

    def words() -> str:
        page.run()
        assert not page.exception
        return " ".join(text.value for text in page.caption)

    assert "discards the unfinished epoch" in words()
    run.request_stop(after_epoch=True)
    assert "Stopping at the end of the epoch under way" in words()
    assert not next(button for button in page.button if button.label == "Stop").disabled
    run.request_stop()
    assert "Stopping at the end of the step under way" in words()
    StatusWriter(run)(Status(Phase.STOPPED, 12, 30))
    assert "Stopped in epoch 1, after 12 of 30 steps. Resume begins this epoch anew." in words()
