"""Files of robustness and localisation: written by the commands, read back, pooled and told."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acrnn.checkpoints import find, names
from acrnn.cli import main as cli
from acrnn.errors import RunError
from acrnn.measures.crossval import wilson_interval
from acrnn.model import PLACEMENTS
from acrnn.paths import shipped_results
from acrnn.report.document import documents
from acrnn.report.table import STATE
from acrnn.report.tables import localisation as located
from acrnn.report.tables import robustness as robust
from acrnn.report.tables.placements import by_placement
from acrnn.report.words import NOT_RUN
from acrnn.results.collection import Results, load_results
from acrnn.results.settings import load_settings
from acrnn.results.studies import POOLED, load_studies

L10, NONE = "esc10-l10-paper-fold1", "esc10-none-paper-fold1"


@pytest.fixture(scope="module")
def run(tiny_root, tiny_checkpoints):
    """run(command, checkpoint, …) → result of the command line on the tiny dataset."""

    def run_it(command, checkpoint, *more):
        options = ["--checkpoint", str(tiny_checkpoints / checkpoint), "--data", str(tiny_root), "--device", "cpu"]
        return CliRunner().invoke(cli.app, [command, *options, *map(str, more)])

    return run_it


@pytest.fixture(scope="module")
def results(tmp_path_factory, run):
    """A folder of results with robustness of two checkpoints and localisation of one."""
    folder = tmp_path_factory.mktemp("results")
    conditions = "white=20,white=0,mp3=32"
    for name in (L10, NONE):
        found = run("robustness", name, "--conditions", conditions, "--out", folder / "robustness")
        assert found.exit_code == 0, found.output
        assert "of 10" in found.stdout
    assert run("localisation", L10, "--clips", 2, "--out", folder / "localisation").exit_code == 0
    return folder


@pytest.fixture(scope="module")
def measured(results):
    return load_results(results)


def test_a_file_says_what_was_measured_on_what(results, tiny_dataset, tiny_checkpoints):
    values = json.loads((results / "robustness" / f"{L10}.json").read_text())
    config = find(str(tiny_checkpoints / L10)).config
    assert values["weights_sha256"] == config.weights_sha256
    assert values["data_fingerprint"] == tiny_dataset.fingerprint()
    assert values["same_data_as_training"] is False
    assert (values["fold"], values["n_clips"], values["n_clips_of_fold"], values["n_conditions"]) == (1, 10, 10, 3)
    assert {"protocol", "code", "epochs", "placement", "data_title"} <= values.keys()
    for told in values["conditions"]:
        assert told["interval"] == list(wilson_interval(told["n_correct"], told["n"]))


def test_what_is_read_back_is_what_was_summed_up(results, measured):
    values = json.loads((results / "robustness" / f"{L10}.json").read_text())
    (study,) = [study for study in measured.robustness if study.placement == "l10"]
    assert [study.under(told["key"]) for told in values["conditions"]] == values["conditions"]
    values = json.loads((results / "localisation" / f"{L10}.json").read_text())
    (study,) = measured.localisation
    assert [study.under(told["placement"]) for told in values["placements"]] == values["placements"]


def test_the_paper_tables_do_not_mind_these_files(results):
    assert load_settings(results) == []


def test_folds_of_a_setting_are_pooled(tmp_path, results):
    folder = tmp_path / "robustness"
    folder.mkdir()
    values = json.loads((results / "robustness" / f"{L10}.json").read_text())
    for fold in (1, 2):
        name = f"esc10-l10-paper-fold{fold}"
        (folder / f"{name}.json").write_text(json.dumps(values | {"fold": fold, "checkpoint": name}))
    (study,) = load_studies("robustness", tmp_path)
    assert study.folds == (1, 2)
    assert study.under("clean")["n"] == 20
    assert "folds 1, 2" in study.tell_run


def test_a_quick_look_does_not_replace_a_whole_fold(run, results):
    before = (results / "robustness" / f"{L10}.json").read_bytes()
    fewer = run("robustness", L10, "--clips", 2, "--conditions", "white", "--out", results / "robustness")
    assert isinstance(fewer.exception, RunError)
    assert "10 clips under 3 conditions" in str(fewer.exception)
    fewer = run("robustness", L10, "--conditions", "white=0", "--out", results / "robustness")
    assert isinstance(fewer.exception, RunError)
    assert (results / "robustness" / f"{L10}.json").read_bytes() == before


@pytest.mark.parametrize(
    ("command", "more", "told"),
    [
        ("robustness", ["--conditions", "hum"], "Degradation 'hum' is not known; white, pink"),
        ("robustness", ["--data", "nowhere"], "nowhere/meta/esc50.csv is not there"),
        ("localisation", ["--checkpoint", NONE], "has no attention to be located"),
        ("localisation", ["--device", "tpu"], "device 'tpu' is not to be had here"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(
    monkeypatch, capsys, tmp_path, tiny_root, tiny_checkpoints, command, more, told
):
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
    options = ["--checkpoint", L10, "--data", str(tiny_root), "--device", "cpu", "--out", str(tmp_path), *more]
    monkeypatch.setattr(sys, "argv", ["acrnn", command, *options])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert told in error
    assert not list(tmp_path.iterdir())


def test_scenes_of_a_fold_are_written_by_the_command(tmp_path, tiny_root):
    options = ["--data", str(tiny_root), "--fold", "2", "--dataset", "esc10", "--out", str(tmp_path), "--rate", "16000"]
    done = CliRunner().invoke(cli.app, ["scenes", *options])
    assert done.exit_code == 0, done.output
    head, *lines = (tmp_path / "events.tsv").read_text().splitlines()
    assert head == "filename\tonset\toffset\tevent_label"
    assert len({line.split("\t")[0] for line in lines}) == len(list((tmp_path / "audio").glob("*.wav")))
    assert done.stdout.startswith(f"{len(list((tmp_path / 'audio').iterdir()))} scenes; ")


def lines_of(table) -> list[dict[str, str]]:
    """Rows of a table as they are read, by the heads of their columns."""
    return [{column.title: column.tell(row) for column in table.columns} | row for row in table.records]


NOISY = tuple(robust.NOISES)


def test_every_placement_has_a_line_and_what_was_not_run_says_so(measured):
    table = robust.accuracy_table(measured.robustness, "esc10", NOISY)
    assert {name.split(",")[0] for name in table.rows["attention"]} == set(PLACEMENTS)
    assert set(table.not_run) == set(PLACEMENTS) - {"l10", "none"}
    assert [placement for placement, found in by_placement(measured.robustness, "esc10").items() if found] == [
        "none", "l10",
    ]  # fmt: skip
    scenes = located.localisation_table(measured.localisation, "esc10")
    assert set(scenes.not_run) == set(PLACEMENTS) - {"l10", "none"}
    assert (robust.accuracy_table(measured.robustness, "esc50", NOISY).rows[STATE] == NOT_RUN).all()


def test_a_cell_is_its_condition_with_its_interval_and_a_dash_if_it_was_not_measured(measured):
    (study,) = [study for study in measured.robustness if study.placement == "l10"]
    (line,) = [
        line
        for line in lines_of(robust.accuracy_table(measured.robustness, "esc10", NOISY))
        if line["noise"] == "white noise" and line["attention"] == study.title
    ]
    told = study.under("white=0")
    low, high = told["interval"]
    assert line["0 dB"] == f"{told['accuracy']:.1%} ({low:.1%} to {high:.1%})"
    assert line["10 dB"] == "–"
    damage = robust.damage_table(measured.robustness, "esc10")
    told = {line["condition"]: line[study.title] for line in damage.records}
    assert told["MP3, 32 kbit/s"] == study.under("mp3=32")["accuracy"]
    assert "| MP3, 16 kbit/s | – | – |" in damage.to_markdown()


def test_networks_without_attention_have_no_line_of_attention(measured):
    table = robust.attention_table(measured.robustness, "esc10")
    assert set(table.rows["attention"]) == {"l10, 300 epochs"}


def test_frames_have_a_line_a_condition_and_a_line_a_map(measured):
    frame = robust.robustness_frame(measured.robustness)
    assert len(frame) == 2 * 4
    row = frame[(frame["placement"] == "l10") & (frame["kind"] == "white") & (frame["amount"] == 0)].iloc[0]
    assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
    assert row["mass_low"] <= row["mass"] <= row["mass_high"]
    scenes = located.localisation_frame(measured.localisation)
    synthetic = scenes[scenes["event"] == "synthetic"].set_index("map")
    assert (synthetic["scenes"] == 40).all()
    gained = synthetic.loc["attention", "auc"] - synthetic.loc["level", "auc"]
    assert synthetic.loc["attention less level", "auc"] == pytest.approx(gained, abs=1e-4)
    assert robust.robustness_frame([]).empty
    assert located.localisation_frame([]).empty


def test_the_documents_have_both_with_their_protocols(measured):
    texts = documents(measured, [])
    assert "The SNR compares the clip's power, in its 10 ms blocks" in texts["robustness.md"]
    assert "events of 2 clips" in texts["localisation.md"]
    assert "left out)" in texts["localisation.md"]
    empty = documents(Results(), [])
    assert sum(empty[name].count("Not run.") for name in ("robustness.md", "localisation.md")) == 4


def test_short_tables_have_what_was_run_alone(measured):
    assert len(robust.short_table(measured.robustness).rows) == 2
    assert located.short_table(measured.localisation).rows["attention"].tolist() == ["l10, 300 epochs"]
    assert robust.short_table([]).to_markdown() == located.short_table([]).to_markdown() == "Not run."


def test_a_scene_is_told_in_words():
    assert located.tell_scene("noise=10") == "into pink noise, 10 dB"
    assert located.tell_scene("silence") == "into silence"


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 9}', '{"schema": 1, "kind": "robustness"}'])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "robustness" / "x.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(RunError, match=r"x\.json"):
        load_studies("robustness", tmp_path)


PUBLISHED = [path for kind in POOLED for path in sorted((shipped_results() / kind).glob("*.json"))]


WITHDRAWN = {"esc10-l10-paper-fold2", "esc10-l10-paper-fold3", "esc50-l10-paper-fold1"}
"""Measured, and no longer shipped, as docs/trust.md says: others of the same data took their place."""


def test_what_was_measured_on_withdrawn_checkpoints_says_so_in_the_docs():
    assert sorted({path.stem for path in PUBLISHED} - set(names())) == sorted(WITHDRAWN)
    text = (shipped_results().parent / "docs" / "trust.md").read_text(encoding="utf-8")
    assert [name for name in sorted(WITHDRAWN) if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    "path",
    [path for path in PUBLISHED if path.stem not in WITHDRAWN],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_what_the_project_publishes_is_of_the_checkpoints_it_publishes(path):
    values = json.loads(path.read_text(encoding="utf-8"))
    config = find(path.stem).config
    assert values["weights_sha256"] == config.weights_sha256, "measure again"
    assert values["same_data_as_training"]
    assert values["n_clips"] == values["n_clips_of_fold"]
    if values["kind"] == "robustness":
        clean = values["conditions"][0]
        assert (clean["n_correct"], clean["n"]) == (config.scores["n_correct"], config.scores["n_clips"])


def test_nothing_published_names_a_folder_of_this_machine():
    for path in PUBLISHED:
        assert str(Path.home()) not in path.read_text(encoding="utf-8")
