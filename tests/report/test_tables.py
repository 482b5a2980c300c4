"""The paper's tables as quoted, and ours put beside them from files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from acrnn.checkpoints import find, names
from acrnn.cli.main import app
from acrnn.errors import RunError
from acrnn.labels import CLASSES
from acrnn.measures.crossval import wilson_interval
from acrnn.model import PICZAK, PLACEMENTS
from acrnn.paths import shipped_results
from acrnn.report.document import PAGES, blocks, documents, fill, marked_files, write
from acrnn.report.table import STATE, csv_text
from acrnn.report.tables.accuracy import accuracy_frame, accuracy_table, reproduced_rows, tell_folds
from acrnn.report.tables.checkpoints import checkpoint_table
from acrnn.report.tables.confusion import recall_frame, statements_table
from acrnn.report.tables.costs import cost_frame, tell_costs
from acrnn.report.words import NOT_RUN, QUOTED
from acrnn.results import paper
from acrnn.results.collection import Results, load_results
from acrnn.results.paired import ablation_frame, pairing_frame
from acrnn.results.paper import ACCURACY_TABLES, TABLE_1, TABLE_3, TABLE_4, Variant
from acrnn.results.published import checkpoints_of
from acrnn.results.settings import Setting

ROOT = Path(__file__).resolve().parents[2]


def setting_of(
    placement: str = "l10", recipe: str = "paper", epochs: int = 60, folds=(1, 2, 3, 4, 5), dataset="esc10", **changes
) -> Setting:
    """A setting with two clips a class and fold, of which the second one of the last class is taken for the first."""
    labels = CLASSES[dataset]
    targets = np.tile(np.repeat(np.arange(len(labels)), 2), len(folds))
    predicted = targets.copy()
    predicted[2 * len(labels) - 1 :: 2 * len(labels)] = 0
    n_correct, n = int((targets == predicted).sum()), len(targets)
    setting = Setting(
        name=f"{dataset}-{placement}-{recipe}-{epochs}",
        dataset=dataset,
        data_title="ESC-10 44.1 kHz",
        data_fingerprint="0" * 64,
        placement=placement,
        recipe={"name": recipe, "epochs": epochs},
        labels=labels,
        folds=tuple(folds),
        seeds=(0,),
        accuracy=n_correct / n,
        interval=wilson_interval(n_correct, n),
        runs=tuple({"fold": fold, "seed": 0} for fold in folds),
        filenames=tuple(f"{i}.wav" for i in range(n)),
        clip_folds=np.repeat(folds, 2 * len(labels)),
        targets=targets,
        probabilities=np.eye(len(labels), dtype=np.float32)[predicted],
        hit_rates=(targets == predicted).astype(float),
    )
    return replace(setting, **changes)


def line_of(frame: pd.DataFrame, model: str) -> pd.Series:
    (line,) = [line for _, line in frame[frame["model"] == model].iterrows()]
    return line


def test_the_tables_have_the_differences_that_the_text_states():
    def percent(table, model):
        (found,) = [row.percent for row in table.rows if row.model == model]
        return np.array([found["esc10"], found["esc50"]])

    acrnn = percent(TABLE_1, "ACRNN")
    assert acrnn - percent(TABLE_1, "PiczakCNN [19]") == pytest.approx([13.2, 21.2])  # §4.2
    augmented = percent(TABLE_3, "+ attention + augment")
    assert augmented - percent(TABLE_3, "+ attention") == pytest.approx([2.0, 4.8])  # §4.3
    assert acrnn - percent(TABLE_4, "no attention") == pytest.approx([0.7, 1.5])  # §4.4
    assert (acrnn == percent(TABLE_4, "attention at l10")).all()
    assert (acrnn == augmented).all()
    assert (percent(TABLE_4, "no attention") == percent(TABLE_3, "+ augment")).all()


def test_sigmoid_never_loses_to_no_attention_in_table_4_as_the_text_says():
    without, *others = TABLE_4.rows
    for row in others:
        if row.variant.placement.endswith("sigmoid"):
            assert all(row.percent[dataset] >= without.percent[dataset] for dataset in CLASSES)


def test_table_4_has_every_placement_once_and_tables_have_as_many_rows_as_printed():
    assert sorted(row.variant.placement for row in TABLE_4.rows) == sorted(PLACEMENTS)
    assert [len([row for row in table.rows if row.percent]) for table in ACCURACY_TABLES] == [12, 4, 10]


def test_figure_4_shares_are_the_printed_percentages():
    assert [cells.share for cells in paper.FIGURE_4_CELLS] == [1.0, 0.525, 0.175]


def test_what_was_not_run_says_so_and_has_no_number():
    for table in ACCURACY_TABLES:
        frame = accuracy_frame(reproduced_rows(table, "esc50", Results()))
        assert len(frame) == len(table.rows)
        assert list(frame["note"]) == [NOT_RUN if row.variant else QUOTED for row in table.rows]
        assert frame["ours_percent"].isna().all()


def test_ours_stands_beside_the_row_that_it_reproduces():
    settings = setting_of(), setting_of("none", "plain"), setting_of("l10", "best"), setting_of("piczakcnn")
    results = Results(settings)
    found = {
        table.number: {row.model for row in reproduced_rows(table, "esc10", results) if row.settings}
        for table in ACCURACY_TABLES
    }
    assert found == {
        1: {"PiczakCNN [19]", "ACRNN", "ACRNN, recipe best"},
        3: {"convolutional RNN", "+ attention + augment"},
        4: {"attention at l10"},
    }
    assert not any(row.settings for row in reproduced_rows(TABLE_4, "esc50", results))


def test_the_difference_is_ours_less_the_papers_in_points():
    line = line_of(accuracy_frame(reproduced_rows(TABLE_4, "esc10", Results((setting_of(),)))), "attention at l10")
    assert line["ours_percent"] == pytest.approx(95)  # one of twenty clips a fold is wrong
    assert line["difference_points"] == pytest.approx(95 - 93.7)
    assert line["low_percent"] < 95 < line["high_percent"]
    assert line["recording_low_percent"] < 95 < line["recording_high_percent"]
    assert line["note"] == ""


def test_fewer_than_five_folds_are_not_compared():
    rows = reproduced_rows(TABLE_4, "esc10", Results((setting_of(folds=(1,)),)))
    line = line_of(accuracy_frame(rows), "attention at l10")
    assert np.isnan(line["difference_points"])
    assert line["note"] == "fold 1 only: not comparable with the paper's five-fold mean"
    assert tell_folds(setting_of(folds=(1, 3))).startswith("folds 1, 3 only: not comparable")
    assert tell_folds(setting_of()) == "all five folds"


def test_of_several_schedules_the_best_covered_comes_first_then_the_longest():
    schedules = setting_of(epochs=300, folds=(1,)), setting_of(epochs=30), setting_of(epochs=60)
    (row,) = [row for row in reproduced_rows(TABLE_4, "esc10", Results(schedules)) if row.settings]
    assert [setting.epochs for setting in row.settings] == [60, 30, 300]
    assert (accuracy_frame([row])["epochs"] == [60, 30, 300]).all()


def test_the_printed_costs_are_the_counted_ones_of_ten_classes_and_96_bands():
    frame = cost_frame(10)
    counted = {line.model: (line.parameters / 1e6, line.paper_counting / 1e6) for line in frame.itertuples()}
    assert counted["PiczakCNN [19]"] == pytest.approx((31.53, 63.27), abs=0.005)
    assert counted["convolutional RNN (Ours) on 96 bands, 10 classes"] == pytest.approx((3.81, 9.17), abs=0.005)
    assert counted["ACRNN (Ours) on 96 bands, 10 classes"] == pytest.approx((3.81, 9.18), abs=0.005)
    assert line_of(cost_frame(50), "ACRNN (Ours)")["multiply_accumulates"] == 454_590_464
    assert "7.5 times fewer parameters" in tell_costs(frame)
    assert "costs 11.3 times as many" in tell_costs(frame)


def test_recall_has_every_class_and_the_papers_where_it_gives_one():
    frame = recall_frame(setting_of()).set_index("label")
    assert frame.loc["chainsaw", ["correct", "clips"]].tolist() == [5, 10]
    assert (frame.drop("chainsaw")["recall"] == 1).all()
    assert frame["paper"].dropna().to_dict() == {"helicopter": 0.525}
    assert (frame["low"] <= frame["recall"]).all()


def test_what_the_paper_says_of_figure_4_stands_beside_ours():
    ours = statements_table(setting_of(), "esc10").rows["ours"]
    assert ours[0] == "9 of 10 classes"
    assert ours[1] == "no church bells among its classes"
    assert ours[2].startswith("100.0% (10 of 10")
    ours = statements_table(setting_of(dataset="esc50"), "esc50").rows["ours"]
    assert ours[3].startswith("0.0% (0 of 10")
    assert set(statements_table(None, "esc50").rows["ours"]) == {NOT_RUN}


def test_checkpoints_of_a_setting_are_those_of_its_data_epochs_and_runs(tmp_path, save_checkpoint):
    kept = save_checkpoint(tmp_path)
    setting = setting_of(epochs=kept.config.recipe["epochs"])
    others = [setting_of(epochs=7), setting_of("l8-softmax", epochs=300), setting_of(epochs=300, folds=(2, 3))]
    assert checkpoints_of(setting, [kept]) == [kept]
    assert [checkpoints_of(other, [kept]) for other in others] == [[], [], []]
    assert checkpoints_of(replace(setting, data_fingerprint="1" * 64), [kept]) == []
    assert checkpoint_table([kept]).rows["n_correct"].tolist() == [1]


def test_a_marked_table_is_replaced_and_nothing_else():
    text = "before\n<!-- table: table1 -->\nold\n\nolder\n<!-- end -->\nafter\n<!-- table: table3 -->\n<!-- end -->\n"
    filled = fill(text, {"table1": "one", "table3": "three"})
    assert filled == (
        "before\n<!-- table: table1 -->\none\n<!-- end -->\nafter\n<!-- table: table3 -->\nthree\n<!-- end -->\n"
    )
    assert fill(filled, {"table1": "one", "table3": "three"}) == filled


def test_a_marker_of_no_table_is_an_error_that_names_it(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("<!-- table: tabel1 -->\n<!-- end -->\n")
    with pytest.raises(RunError, match="tabel1"):
        write(Results(), [], tmp_path / "results", readme)
    with pytest.raises(RunError, match="nowhere"):
        write(Results(), [], tmp_path / "results", tmp_path / "nowhere.md")
    assert not (tmp_path / "results").exists()


def test_marked_tables_of_docs_are_replaced_too_and_other_files_left_alone(tmp_path):
    (tmp_path / "docs" / "more").mkdir(parents=True)
    marked = "# Mine\n<!-- table: table3 -->\nold\n<!-- end -->\n"
    for name in ("README.md", "docs/a.md", "docs/more/b.md"):
        (tmp_path / name).write_text(marked)
    (tmp_path / "docs" / "plain.md").write_text("no marker")
    written = write(Results(), [], tmp_path / "results", tmp_path / "README.md")
    assert tmp_path / "docs" / "plain.md" not in written
    assert {"README.md", *PAGES} == {path.name for path in written if path.parent.name == "results"}
    for name in ("README.md", "docs/a.md", "docs/more/b.md"):
        assert f"| + attention | 91.7% | {NOT_RUN} | 81.3% | {NOT_RUN} |" in (tmp_path / name).read_text()


def test_the_documents_have_every_row_of_the_four_tables_and_name_what_was_not_run():
    settings = setting_of(), setting_of(folds=(1,), epochs=100)
    texts = documents(Results(settings), [])
    accuracy = texts["accuracy.md"]
    for table in ACCURACY_TABLES:
        for row in table.rows:
            if row.variant is None:
                assert accuracy.count(f"| {row.model} |") == 2  # both datasets
            else:
                assert row.model in accuracy
    for row in paper.TABLE_2:
        assert f"| {row.model} | {row.parameters_m} |" in texts["costs.md"]
    ours = "**95.0% (88.8% to 97.8%)** | 90.0% to 99.0% | +1.3 | all five folds; 60 epochs"
    assert f"| attention at l10 | 93.7% | {ours}" in accuracy
    assert "| – | fold 1 only: not comparable with the paper's five-fold mean; 100 epochs" in accuracy
    (esc10,) = [line for line in accuracy.splitlines() if line.startswith("Not run: no attention")][:1]
    assert esc10.count("attention at l") == 8
    assert f"| {NOT_RUN}" not in accuracy


def test_the_summary_fits_a_screen_and_links_to_every_document():
    texts = documents(Results((setting_of(),)), [])
    summary = texts.pop("README.md")
    assert len(summary.splitlines()) < 40
    assert all(f"]({name})" in summary for name in texts)
    assert "ESC-10, attention at l10" in summary


def test_a_damaged_file_is_named_in_the_summary():
    found = Results(damaged=(RunError("x.json: field clips is missing."),))
    assert "- x.json: field clips is missing." in documents(found, [])["README.md"]


def test_the_csv_of_an_accuracy_table_has_both_datasets_and_the_table_one():
    table = accuracy_table(TABLE_4, "esc10", Results((setting_of(),)))
    assert len(table.rows) == len(TABLE_4.rows)
    assert set(table.export["dataset"]) == set(CLASSES)
    assert table.not_run == [row.model for row in TABLE_4.rows[:-1]]
    assert set(accuracy_table(TABLE_1, "esc10", Results()).rows[STATE]) == {NOT_RUN, QUOTED}


def test_an_ablation_compares_what_is_left_of_best_with_the_whole():
    whole = setting_of(recipe="best", folds=(2,))
    whole = replace(whole, recipe=dict(whole.recipe) | {"random_crops": True})
    targets = whole.targets
    right = replace(whole, probabilities=np.eye(10, dtype=np.float32)[targets])
    wrong = replace(whole, probabilities=np.eye(10, dtype=np.float32)[np.where(targets < 5, 9, whole.predicted)])
    settings = [
        replace(wrong, recipe={"name": "best_without_crops", "epochs": 60, "random_crops": False}),
        whole,
        replace(right, recipe={"name": "paper", "epochs": 60}),
        replace(right, recipe={"name": "paper", "epochs": 61}),  # compares with nothing
    ]
    frame = ablation_frame(settings).set_index("recipe")
    assert list(frame.index) == ["best", "best_without_crops", "paper"]
    assert frame["differs"].tolist() == ["", "random_crops False", ""]
    assert frame[["n_more", "n_fewer"]].to_numpy().tolist() == [[0, 0], [0, 10], [1, 0]]
    assert frame["p_value"].tolist() == pytest.approx([1, 2 / 2**10, 1])
    text = documents(Results(ablation=tuple(settings)), [])["recipes.md"]
    assert "| `best_without_crops` | random_crops False |" in text
    assert "| 0 | 10 | 0.00 | 2 | 60 |" in text
    assert "| – | – | – | 2 | 60 |" in text  # best beside itself


def test_attention_is_paired_with_none_where_both_had_the_same_training():
    without = setting_of("none")
    wrong = np.eye(10, dtype=np.float32)[np.where(without.targets == 3, 4, without.predicted)]
    settings = [
        setting_of("l10"),
        replace(setting_of("l2-softmax", folds=(1,)), probabilities=wrong[:20]),
        setting_of("l4-softmax", epochs=61),  # pairs with nothing
        setting_of("l6-softmax", dataset="esc50", data_fingerprint="1" * 64),
        setting_of(PICZAK),  # has no attention to be without
        without,
    ]
    frame = pairing_frame(settings).set_index("placement")
    assert list(frame.index) == ["l2-softmax", "l10"]
    assert frame.loc["l10", ["n_more", "n_fewer", "points", "low", "high", "p_value"]].tolist() == [0, 0, 0, 0, 0, 1]
    assert frame.loc["l2-softmax", ["n_more", "n_fewer", "points", "clips", "folds"]].tolist() == [0, 2, -10, 20, "1"]
    assert frame.loc["l2-softmax", "low"] < -10 < frame.loc["l2-softmax", "high"] <= 0
    text = documents(Results(tuple(settings)), [])["accuracy.md"]
    assert "| l2-softmax | 20 | 0 | 2 | −10.0 (−25.0 to +0.0) | 0.50 | 1 | 60 |" in text


def test_the_documents_are_what_the_command_would_write():
    results, checkpoints = load_results(), [find(name) for name in names()]
    assert results.damaged == ()
    tables = blocks(results, checkpoints)
    stale = "run `python -m acrnn tables --write`"
    for path in marked_files(ROOT / "README.md"):
        text = path.read_text(encoding="utf-8")
        assert fill(text, tables) == text, stale
    assert {"table1", "table3", "table4", "checkpoints", "faithfulness", "robustness", "localisation"} <= tables.keys()
    for name, content in documents(results, checkpoints).items():
        assert (shipped_results() / name).read_text(encoding="utf-8") == content, stale


def test_the_command_prints_the_tables_or_writes_them(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "broken.json").write_text("{}")
    (tmp_path / "README.md").write_text("# Mine\n<!-- table: table3 -->\n<!-- end -->\n")
    arguments = ["tables", "--results", str(tmp_path / "results")]
    printed = CliRunner().invoke(app, arguments)
    assert printed.exit_code == 0
    assert "## Table 4: where the attention sits" in printed.stdout
    assert "broken.json has schema None" in printed.stderr
    written = CliRunner().invoke(app, [*arguments, "--write", "--readme", str(tmp_path / "README.md")])
    assert written.exit_code == 0
    for name in ("README.md", *PAGES):
        assert (tmp_path / "results" / name).read_text(encoding="utf-8") in printed.stdout
    assert f"| + attention | 91.7% | {NOT_RUN} | 81.3% | {NOT_RUN} |" in (tmp_path / "README.md").read_text()


def test_a_variant_reads_as_in_a_settings_name():
    assert str(Variant("l2-sigmoid", "paper")) == "l2-sigmoid-paper"


def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers():
    frame = pd.DataFrame({"clip": ["=cmd|'calc'!A0.wav", "-x.wav", "rain.wav", "@a"], "gain": [-1.5, 0.25, 3.0, -4.0]})
    lines = csv_text(frame, float_format="%.2f").splitlines()
    assert lines == ["clip,gain", "'=cmd|'calc'!A0.wav,-1.50", "'-x.wav,0.25", "rain.wav,3.00", "'@a,-4.00"]
    indexed = csv_text(frame.set_index("clip"), index=True).splitlines()
    assert [line.split(",")[0] for line in indexed] == ["clip", "'=cmd|'calc'!A0.wav", "'-x.wav", "rain.wav", "'@a"]
