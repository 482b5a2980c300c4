"""A held-out fold: chosen, measured, stopped, taken up again, summed up, read back and tabled."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from acrnn.errors import OptionError, RunError
from acrnn.inference import load
from acrnn.labels import ESC10
from acrnn.measures.faithfulness import FILLS, MAPS, MEASURES
from acrnn.measures.faithfulness.study import Study, draw_clips, measure_faithfulness
from acrnn.measures.intervals import mean_with_interval
from acrnn.report.document import documents
from acrnn.report.tables.faithfulness import faithfulness_frame, faithfulness_table, short_table, verdict_sentences
from acrnn.report.words import tell_estimate
from acrnn.results.collection import Results
from acrnn.results.faithfulness import CONTROLS, verdicts
from acrnn.results.files import require_replaceable
from acrnn.results.settings import load_settings
from acrnn.results.studies import load_studies, write_study

NAME = "esc10-l10-paper-fold1"


def run_study(study, folder, on_clip=None):
    """Measure and write as the command does; gives the values."""
    return measure_faithfulness(study, on_clip, save=lambda values: write_study("faithfulness", values, folder))


@pytest.fixture(scope="module")
def study(tiny_checkpoints, tiny_dataset):
    """Three of the ten clips of fold 1, two random orders."""
    return Study(load(str(tiny_checkpoints / NAME), "cpu"), tiny_dataset, n_clips=3, n_draws=2)


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    """Folder and values of a study that was never stopped."""
    folder = tmp_path_factory.mktemp("results") / "faithfulness"
    return folder, run_study(study, folder)


class Killed(Exception):  # noqa: N818
    """Stands for a kill: nothing catches it."""


def stop_at(number):
    def on_clip(done, total):
        if done == number:
            raise Killed

    return on_clip


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """Finished clips of the studies in this test's own cache folder, by clip."""
    monkeypatch.setenv("ACRNN_CACHE", str(tmp_path / "cache"))

    def names():
        lines = [line for path in (tmp_path / "cache").rglob("*.jsonl") for line in path.read_text().splitlines()]
        return [json.loads(line)["part"] for line in lines]

    return names


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_and_writes_the_very_file(study, written, parts, tmp_path):
    with pytest.raises(Killed):
        run_study(study, tmp_path, stop_at(2))
    assert parts() == [clip.filename for clip in study.clips[:2]]
    assert not list(tmp_path.glob("*.json"))
    run_study(study, tmp_path)
    assert (tmp_path / f"{NAME}.json").read_bytes() == (written[0] / f"{NAME}.json").read_bytes()
    assert parts() == []


def test_clips_measured_with_other_options_are_not_mixed(study, parts, tmp_path):
    with pytest.raises(Killed):
        run_study(study, tmp_path, stop_at(1))
    with pytest.raises(Killed):
        run_study(replace(study, seed=1), tmp_path, stop_at(1))
    assert len(parts()) == 2


def test_more_clips_go_on_from_fewer(study, parts, tmp_path):
    with pytest.raises(Killed):
        run_study(study, tmp_path, stop_at(2))
    with pytest.raises(Killed):
        run_study(replace(study, n_clips=4), tmp_path, stop_at(3))
    assert len(set(parts())) == len(parts()) >= 3  # none was measured twice


def test_a_quick_look_does_not_replace_more_clips(written):
    path = written[0] / f"{NAME}.json"
    with pytest.raises(RunError, match=r"json is of 3 clips, this would be of 2 clips; give another folder with --out"):
        require_replaceable(path, "faithfulness", {"n_clips": 2})
    require_replaceable(path, "faithfulness", {"n_clips": 3})


def test_finished_clips_are_kept_if_the_file_cannot_be_written(study, parts, tmp_path):
    def full(values):
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        measure_faithfulness(study, save=full)
    assert len(parts()) == len(study.clips)


def test_clips_are_of_the_held_out_fold_and_classes_take_turns(tiny_dataset, study):
    fold = tiny_dataset.fold(1)
    drawn = draw_clips(fold * 3, 15, 0)  # three clips a class
    n_of = [sum(clip.label == label for clip in drawn) for label in ESC10]
    assert max(n_of) - min(n_of) == 1
    assert draw_clips(fold, len(fold), 0) == fold
    assert draw_clips(fold, 4, 0) == draw_clips(fold, 4, 0) != draw_clips(fold, 4, 1)
    assert {clip.fold for clip in study.clips} == {1}
    with pytest.raises(OptionError, match="11 clips cannot be drawn from the held-out fold; 2 to 10 are accepted"):
        replace(study, n_clips=11)


def test_the_file_says_what_it_was_measured_on(written, study):
    folder, values = written
    read = json.loads((folder / f"{NAME}.json").read_text())
    assert read == values
    config = study.predictor.checkpoint.config
    assert read["weights_sha256"] == config.weights_sha256
    assert (read["fold"], read["n_clips"], read["seed"], read["n_draws"]) == (1, 3, 0, 2)
    assert read["code"]
    assert read["data_title"] == study.dataset.title  # other files than the checkpoint was made from
    assert [clip["filename"] for clip in read["clips"]] == [clip.filename for clip in study.clips]


def test_means_and_paired_differences_are_over_the_clips(written):
    _, values = written
    for fill in FILLS:
        of_clips = [clip["measures"][fill] for clip in values["clips"]]
        found = values["summary"][fill]
        assert list(found["maps"]) == list(MAPS)
        assert list(found["attention_minus"]) == [name for name in MAPS if name != "attention"]
        for i, measure in enumerate(MEASURES):
            attention, energy = (np.array([clip[name][i] for clip in of_clips]) for name in ("attention", "energy"))
            assert found["maps"]["attention"][measure]["mean"] == pytest.approx(attention.mean(), abs=1e-4)
            difference = found["attention_minus"]["energy"][measure]
            assert difference["mean"] == pytest.approx((attention - energy).mean(), abs=1e-4)
            low, high = difference["interval"]
            assert low <= difference["mean"] <= high


def test_the_interval_of_a_mean_is_that_of_the_normal_for_many_clips():
    values = np.random.default_rng(0).normal(0.5, 0.2, 2000)
    found = mean_with_interval(values)
    half = norm.ppf(0.975) * values.std(ddof=1) / np.sqrt(2000)
    assert found["mean"] == pytest.approx(values.mean(), abs=1e-4)
    assert found["interval"] == pytest.approx([values.mean() - half, values.mean() + half], abs=1.5e-3)
    assert mean_with_interval(values) == found
    assert mean_with_interval(np.ones(3)) == {"mean": 1, "interval": [1, 1], "n": 3}
    assert mean_with_interval(np.array([0.25])) == {"mean": 0.25, "interval": None, "n": 1}
    assert mean_with_interval(np.array([])) is None


def test_a_study_is_read_back_and_a_broken_file_is_named(written, tmp_path):
    folder, values = written
    (study,) = load_studies("faithfulness", folder.parent)
    assert (study.checkpoint, study.placement, study.n_clips) == (NAME, "l10", 3)
    assert study.estimate("mean", "random", "sufficiency") == values["summary"]["mean"]["maps"]["random"]["sufficiency"]
    assert load_studies("faithfulness", tmp_path) == []
    (tmp_path / "faithfulness").mkdir()
    (tmp_path / "faithfulness" / "a.json").write_text('{"schema": 1}')
    with pytest.raises(RunError, match=r"a\.json: field checkpoint is missing; `faithfulness` writes such files"):
        load_studies("faithfulness", tmp_path)


def test_files_of_faithfulness_are_not_taken_for_results_of_training(written):
    assert load_settings(written[0].parent) == []


def test_every_placement_has_a_row_run_or_not(written):
    studies = load_studies("faithfulness", written[0].parent)
    table = faithfulness_table(studies, "esc10", "silence", "comprehensiveness")
    assert len(table.rows) == 9
    assert len(table.not_run) == 8
    (line,) = [line for line in table.to_markdown().splitlines() if f"`{NAME}`" in line]
    told = tell_estimate(studies[0].estimate("silence", "attention", "comprehensiveness"), ".3f")
    value, interval = told.split(" ", 1)
    assert f"| **{value} {interval}** |" in line
    assert "not run" not in short_table(studies).to_markdown()
    assert short_table([]).to_markdown() == "Not run."
    assert documents(Results(), [])["faithfulness.md"].count("Not run.") == 2
    text = documents(Results(faithfulness=tuple(studies)), [])["faithfulness.md"]
    assert text.count("Not run: l2 sigmoid, l2 softmax") == 4  # a line for each measure and fill


def test_the_table_of_all_figures_has_each_once(written):
    frame = faithfulness_frame(load_studies("faithfulness", written[0].parent))
    assert len(frame) == len(FILLS) * (2 * len(MAPS) - 1) * (len(MEASURES) + 1)
    assert not frame.duplicated(["fill", "map", "measure"]).any()
    assert (frame["low"] <= frame["high"]).all()


def study_of(study, differences: np.ndarray, **changes):
    """A study whose attention has, by every measure, these values (clip, control) more than each control."""
    clips = [
        {"filename": f"{i}.wav", "measures": {"silence": {"attention": [0.0] * 5} | {
            name: [-float(value)] * 5 for name, value in zip(CONTROLS, row, strict=True)}}}
        for i, row in enumerate(differences)
    ]  # fmt: skip
    return replace(study, clips=tuple(clips), **changes)


def test_a_verdict_holds_after_correction_for_all_comparisons_of_its_table(written):
    (study,) = load_studies("faithfulness", written[0].parent)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (60, 4))
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0)
    made = study_of(study, noise + np.array([2, 0.27, 0, -2]))  # 0.27 of a standard deviation: p ≈ 0.04 by itself
    (alone,) = verdicts([made], "silence", "comprehensiveness")
    assert (alone.beats, alone.undecided, alone.loses_to) == (("random",), ("shifted", "energy"), CONTROLS[3:])
    assert alone.n_comparisons == 4
    many = verdicts([made, *(study_of(study, noise) for _ in range(3))], "silence", "comprehensiveness")
    assert {verdict.n_comparisons for verdict in many} == {16}
    assert not any(verdict.beats or verdict.loses_to for verdict in many[1:])
    (lower,) = verdicts([made], "silence", "sufficiency")  # lower is better
    assert (lower.beats, lower.loses_to) == (alone.loses_to, alone.beats)


def test_without_clips_the_intervals_decide_and_the_note_says_that_nothing_is_corrected(written):
    (study,) = load_studies("faithfulness", written[0].parent)
    intervals = {
        "random": [0.1, 0.2], "shifted": [-0.1, 0.2], "energy": [-0.2, -0.1], "integrated_gradients": [-0.3, -0.1],
    }  # fmt: skip
    for measure, told in (
        (
            "comprehensiveness",
            "by comprehensiveness, beats random order; shows no clear difference from itself moved in time; "
            "loses to loudness and integrated gradients.",
        ),
        (
            "sufficiency",
            "by sufficiency, beats loudness and integrated gradients; shows no clear difference from itself moved in "
            "time; loses to random order.",
        ),
    ):
        differences = {other: {measure: {"mean": 0, "interval": ends}} for other, ends in intervals.items()}
        made = replace(study, clips=(), summary={"silence": {"attention_minus": differences}})
        (sentence,), note = verdict_sentences([made], "esc10", "silence", measure)
        assert sentence == f"Attention at l10 (`{NAME}`), {told}"
        assert "not corrected" in note


def test_the_note_of_corrected_verdicts_says_for_how_many_comparisons(written):
    studies = load_studies("faithfulness", written[0].parent)
    sentences, note = verdict_sentences(studies, "esc10", "silence", "comprehensiveness")
    assert len(sentences) == 1
    assert "Holm's correction for all 4 comparisons" in note
    assert verdict_sentences(studies, "esc50", "silence", "comprehensiveness") == ([], "")
