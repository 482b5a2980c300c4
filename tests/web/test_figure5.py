import io

import pandas as pd
import pytest

from acrnn.checkpoints import find
from acrnn.web.compare import figure5
from acrnn.web.shared.analysis import analyse
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.clips import scene_clip


def panel(label: str, correlation: float, ratio: float) -> figure5.Panel:
    return figure5.Panel(ChosenClip(f"{label}.wav", b"", label, truth=label), None, correlation, ratio)


def panels(*numbers: tuple[float, float]) -> list[figure5.Panel]:
    return [panel(label, *pair) for label, pair in zip(figure5.TITLES, numbers, strict=True)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, save_checkpoint, tiny_dataset):
    root = tmp_path_factory.mktemp("checkpoints")
    save_checkpoint(root, "l2-sigmoid", data_fingerprint=tiny_dataset.fingerprint())
    return find("esc10-l2-sigmoid-paper-fold1", root)


def test_the_clips_are_the_first_of_each_class_in_the_fold_held_out(checkpoint, tiny_dataset, monkeypatch):
    monkeypatch.setenv("ACRNN_DATA", str(tiny_dataset.root.parent))
    clips, source = figure5.choose_clips(checkpoint.config)
    assert [clip.truth for clip in clips] == ["dog", "crying_baby", "clock_tick", "rain"]
    firsts = [next(c for c in tiny_dataset.fold(1) if c.label == label) for label in figure5.TITLES]
    assert [clip.name for clip in clips] == [clip.path.name for clip in firsts]
    assert source == "tiny · ESC-10"
    told = figure5.describe_source(clips, checkpoint, source)
    assert "`esc10-l2-sigmoid-paper-fold1`" in told
    assert "fold 1 of tiny · ESC-10, which it never saw in training" in told


def test_without_the_four_classes_in_that_fold_the_bundled_scenes_are_shown(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path))
    clips, source = figure5.choose_clips(checkpoint.config)
    assert source is None
    assert [clip.name for clip in clips] == ["dog.wav", "crying_baby.wav", "clock_tick.wav", "rain.wav"]
    assert "synthetic scenes, which no network was trained on" in figure5.describe_source(clips, checkpoint, source)


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ([(0.8, 3), (0.7, 2), (0.5, 1.5), (0, 1)],
         "**Yes: in dog bark, crying baby and clock tick it is clearly higher in loud frames**"),
        ([(0.8, 3), (0.9, 1.2), (0.2, 4), (1, 9)],
         "**In part: in dog bark it is clearly higher in loud frames, in crying baby and clock tick it is not**"),
        ([(0.1, 1.1), (-0.4, 0.8), (0.0, 0.9), (-1, 0)],
         "**No: in none of dog bark, crying baby and clock tick is it clearly higher in loud frames; in crying baby it "
         "is, if anything, lower there**"),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_numbers_of_the_three_clips_with_events(numbers, verdict):
    assert verdict in figure5.describe_likeness(panels(*numbers))


def test_the_files_hold_every_frame_and_every_clip(checkpoint):
    shown = []
    for label in ("dog", "rain"):
        clip = scene_clip(label)
        shown.append(figure5.Panel(clip, analyse(clip, checkpoint, lambda share: None), 0.5, 2.0))
    strips = pd.read_csv(io.StringIO(figure5.strips_csv(shown)))
    measures = pd.read_csv(io.StringIO(figure5.measures_csv(shown)))
    assert measures["class"].tolist() == ["dog", "rain"]
    for row, one in zip(measures.itertuples(), shown, strict=True):
        frames = strips[strips["class"] == row.clip.removesuffix(".wav")]
        assert frames["time_s"].to_numpy() == pytest.approx(one.prediction.times_s, abs=1e-7)
        assert frames["weight"].to_numpy() == pytest.approx(one.prediction.attention.weights, abs=1e-7)
        assert (frames["weight"].min(), frames["weight"].max()) == pytest.approx((row.weight_min, row.weight_max))
        assert (row.loudness_correlation, row.loud_to_quiet) == (0.5, 2)
