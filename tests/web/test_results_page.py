"""The Results page with nothing to show, and with something broken."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from acrnn.evaluation.paper import ACCURACY_TABLES
from acrnn.evaluation.tables import NOT_RUN

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "results.py")


@pytest.fixture
def results(tmp_path, monkeypatch):
    """An empty folder that the page takes for results/."""
    monkeypatch.setenv("ACRNN_RESULTS", str(tmp_path))
    return tmp_path


def test_with_nothing_run_every_row_that_could_be_says_so(results):
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    by_head = {tuple(table.value.columns[:2]): table.value for table in page.table}
    assert len(page.table) == 7  # four tables, what is said of Figure 4, faithfulness, checkpoints
    for quoted in ACCURACY_TABLES:
        shown = next(t.value for t in page.table if len(t.value) == len(quoted.rows))
        told = [NOT_RUN in cell for cell in shown["ours (95 % interval)"]]
        assert told == [row.variant is not None for row in quoted.rows]
        assert not shown["look"].any()
    assert set(by_head[("statement", "paper")]["ours"]) >= {NOT_RUN}
    assert "0 of 10 rows of Table 4, none over all five folds" in " ".join(m.value for m in page.markdown)


def test_a_damaged_file_of_results_gives_a_sentence(results):
    (results / "esc10-l10-paper-60.json").write_text("{")
    page = AppTest.from_file(PAGE, default_timeout=60).run()
    assert not page.exception
    assert "esc10-l10-paper-60.json" in page.error[0].value.replace("\\", "")
    assert not page.table
