"""The Train page without a browser: what it says while, and after, the speed of training is measured."""

import time
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from acrnn.runs import estimate

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
