"""The Results page with nothing to show, and with something broken."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from acrnn.audio.degradations import parse_conditions
from acrnn.checkpoints import find
from acrnn.inference import Predictor
from acrnn.measures.localisation import measure_localisation
from acrnn.measures.robustness import measure_robustness
from acrnn.model import PLACEMENTS
from acrnn.report.tables.accuracy import OURS
from acrnn.report.words import DASH, NOT_RUN
from acrnn.results.paper import ACCURACY_TABLES
from acrnn.results.studies import header_of, load_studies, write_study

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "results.py")


def opened(part: str) -> AppTest:
    """Open one of the page's tabs."""
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.query_params["part"] = part
    page.run()
    assert not page.exception
    return page


@pytest.fixture
def results(tmp_path, monkeypatch, nothing_shipped):
    """An empty folder that the page takes for results/."""
    monkeypatch.setenv("ACRNN_RESULTS", str(tmp_path))
    return tmp_path


def test_with_nothing_run_one_line_names_the_rows_that_could_be(results):
    page = opened("tables")
    by_head = {tuple(table.value.columns[:2]): table.value for table in page.table}
    assert len(page.table) == 3  # Tables 1 and 2, Figure 4 in words
    assert [len(opened(part).table) for part in ("attention", "limits", "made")] == [2, 1, 1]
    assert [metric.value for metric in page.metric] == ["93.7%", NOT_RUN, NOT_RUN]
    captions = [caption.value for caption in page.caption]
    for quoted in ACCURACY_TABLES:
        names = [row.model for row in quoted.rows if row.variant is not None]
        if 2 * len(names) > len(quoted.rows):
            assert any(told.startswith(f"Not run on ESC-10: {', '.join(names)}. The CSV has") for told in captions)
        else:
            shown = next(t.value for t in page.table if len(t.value) == len(quoted.rows))
            assert [NOT_RUN in cell for cell in shown[OURS]] == [row.variant is not None for row in quoted.rows]
            assert not shown["look"].any()
    assert set(by_head[("the paper, of ESC-50", "paper")]["ours"]) >= {NOT_RUN}
    assert "0 of 10 rows of Table 4, none over all five folds" in " ".join(m.value for m in page.markdown)


def test_a_damaged_file_of_results_gives_a_sentence(results):
    (results / "esc10-l10-paper-60.json").write_text("{")
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert any("esc10-l10-paper-60.json" in error.value.replace("\\", "") for error in page.error)
    assert page.table  # of the rest


@pytest.fixture
def measured(results, tiny_dataset, tiny_checkpoints):
    """Robustness and localisation of a tiny checkpoint among the results."""
    predictor = Predictor(find("esc10-l10-paper-fold1", tiny_checkpoints), "cpu")
    conditions = parse_conditions("white=20,pink=0,opus=8")
    for kind, values in (
        ("robustness", measure_robustness(predictor, tiny_dataset, conditions, 3)),
        ("localisation", measure_localisation(predictor, tiny_dataset, 1)),
    ):
        header = header_of(predictor, tiny_dataset, kind, {"n_clips": 3, "n_conditions": 3})
        write_study(kind, header | values, results / kind)
    return results


def test_noise_and_known_events_are_tables_with_intervals_a_figure_and_files(measured):
    page = opened("limits")
    (noise,) = [table.value for table in page.table if "20 dB" in table.value.columns]
    assert (noise["clean"] == f":gray[{NOT_RUN}]").sum() == len(PLACEMENTS) - 1
    white = noise[noise["attention"] == "l10, 300 epochs, yours"]
    assert "%" in white["20 dB"].item()
    assert white["0 dB"].item() == DASH  # pink noise was measured at 0 dB
    control = {group.key: group for group in page.get("button_group")}
    control["damage"].set_value("pink").run()
    assert not page.exception
    (noise,) = [table.value for table in page.table if "20 dB" in table.value.columns]
    assert "%" in noise[noise["attention"] == "l10, 300 epochs, yours"]["0 dB"].item()
    control = {group.key: group for group in page.get("button_group")}
    control["damage"].set_value("opus").run()
    (opus,) = [table.value for table in page.table if "8 kbit/s" in table.value.columns]
    assert "%" in opus[opus["attention"] == "l10, 300 epochs, yours"]["8 kbit/s"].item()
    assert "Robustness (CSV)" in [button.label for button in page.get("download_button")]
    page = opened("attention")
    {group.key: group for group in page.get("button_group")}["scene"].set_value("synthetic").run()
    assert not page.exception
    events = {tuple(table.value.columns[:2]): table.value for table in page.table}[("attention at", "event")]
    assert " to " in events[events["event"] == "synthetic scenes"]["AUC: attention"].iloc[0]
    assert "Known events (CSV)" in [button.label for button in page.get("download_button")]


def test_a_sentence_says_of_each_study_what_its_row_shows():
    page = opened("attention")
    studies = [study for study in load_studies("faithfulness") if study.dataset == "esc10"]
    (sentences,) = [m.value.splitlines() for m in page.markdown if m.value.startswith("- Attention at ")]
    assert len(sentences) == len(studies) > 1
    for study in studies:
        assert sum(f"(`{study.checkpoint}`)" in sentence for sentence in sentences) == 1


@pytest.mark.parametrize("folder", ["ablation", "faithfulness", "robustness", "localisation"])
def test_a_damaged_file_of_measurements_gives_a_sentence(results, folder):
    (results / folder).mkdir()
    (results / folder / "esc10-l10-paper-fold1.json").write_text("{")
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert any("is not a file of" in error.value for error in page.error)
    assert page.table  # of the rest
