"""The Results page as a person uses it."""

import re

import pandas as pd
import pytest
from playwright.sync_api import expect

from acrnn.checkpoints import find, names
from acrnn.data import TITLES
from acrnn.labels import CLASSES
from acrnn.report.tables.accuracy import accuracy_frame, reproduced_rows, tell_accuracy
from acrnn.report.words import NOT_RUN
from acrnn.results.collection import load_results
from acrnn.results.paper import ACCURACY_TABLES, TABLE_1, TABLE_2, TABLE_4
from acrnn.results.published import checkpoints_of
from tests.browser.conftest import READY_MS, settle


@pytest.fixture(scope="module")
def measured():
    """An ESC-10 setting of Table 4 whose checkpoint is published, and that checkpoint."""
    published = [find(name) for name in names()]
    for row in reproduced_rows(TABLE_4, "esc10", load_results()):
        for setting in row.settings:
            if found := checkpoints_of(setting, published):
                return setting, found[0]
    pytest.skip("no checkpoint of a setting in results/ is published")


def open_results(page, app, query: str = "") -> None:
    page.goto(app.url(f"results{query}"))
    settle(page)
    expect(page.locator(".st-key-cards")).to_be_visible(timeout=READY_MS)


def table(page, number: int):
    return page.locator(f".st-key-cells_table_{number} table")


def texts(rows) -> list[list[str]]:
    """Cells of a table's rows, as they are read, once it is drawn."""
    rows.first.wait_for(state="attached")
    return [[cell.strip() for cell in row] for row in rows.evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.innerText))"
    )]  # fmt: skip


@pytest.mark.parametrize("dataset", list(CLASSES))
def test_every_row_of_the_four_tables_is_there_and_what_was_not_run_says_so(app, page, dataset):
    open_results(page, app, f"?scored={dataset}")
    results = load_results()
    for quoted in ACCURACY_TABLES:
        shown = texts(table(page, quoted.number).locator("tbody tr"))
        rows = reproduced_rows(quoted, dataset, results)
        missing = [row.model for row in rows if row.variant and not row.settings]
        if 2 * len(missing) > len(rows):  # of which a line tells
            expect(page.get_by_text(f"Not run on {TITLES[dataset]}: {', '.join(missing)}.")).to_be_visible()
            rows = [row for row in rows if row.model not in missing]
        expected = [
            (row.model, "–" if row.paper_percent is None else f"{row.paper_percent:.1f}%", *ours)
            for row in rows
            for ours in [(tell_accuracy(s),) for s in row.settings] or [(NOT_RUN if row.variant else "quoted only",)]
        ]
        assert [tuple(cells[:3]) for cells in shown] == expected
    costs = texts(table(page, 2).locator("tbody tr"))
    assert [cells[:2] for cells in costs[:3]] == [[row.model, f"{row.parameters_m}"] for row in TABLE_2]
    assert costs[0][4].startswith("63,")


def test_the_dataset_stands_in_the_url(app, page):
    open_results(page, app)
    expect(page.get_by_text(re.compile("^Run on ESC-10:"))).to_be_visible()
    page.get_by_text("ESC-50", exact=True).first.click()
    expect(page.get_by_text(re.compile("^Run on ESC-50:"))).to_be_visible()
    settle(page)
    assert "scored=esc50" in page.url


@pytest.mark.slow
def test_a_number_links_to_its_confusion_matrix_and_to_its_checkpoint(app, page, measured):
    setting, checkpoint = measured
    open_results(page, app)
    row = table(page, 4).locator("tbody tr").filter(has_text=tell_accuracy(setting)).first
    with page.expect_popup() as opened:
        row.get_by_role("link", name="confusions").click()
    confusions = opened.value
    settle(confusions)
    assert re.search(r"/confusions(\?|$)", confusions.url)
    expect(confusions.locator(".st-key-setting").get_by_role("combobox")).to_have_value(setting.name)
    with page.expect_popup() as opened:
        row.get_by_role("link", name=str(checkpoint.config.fold), exact=True).click()
    listen = opened.value
    settle(listen)
    expect(listen.get_by_text(checkpoint.name, exact=True).first).to_be_visible(timeout=READY_MS)


def test_the_csv_of_a_table_has_both_datasets(app, page):
    open_results(page, app)
    with page.expect_download() as download:
        page.get_by_role("button", name="Table 1 (CSV)").click()
    assert download.value.suggested_filename == "table1.csv"
    saved = pd.read_csv(download.value.path())
    results = load_results()
    expected = pd.concat([accuracy_frame(reproduced_rows(TABLE_1, dataset, results)) for dataset in CLASSES])
    assert saved["model"].tolist() == expected["model"].tolist()
    for column in ("paper_percent", "ours_percent", "low_percent"):
        assert saved[column].to_numpy() == pytest.approx(expected[column].to_numpy(float), abs=1e-4, nan_ok=True)


def test_marks_of_paper_and_ours_are_drawn_above_each_table(app, page, measured):
    setting, _ = measured
    open_results(page, app)
    page.wait_for_selector(".st-key-table4 .js-plotly-plot .point", state="attached")
    traces = page.evaluate(
        "document.querySelector('.st-key-table4 .js-plotly-plot').data.map(t => [t.name, Array.from(t.x)])"
    )
    rings = dict(traces)["the paper"]
    assert rings == [row.percent["esc10"] for row in TABLE_4.rows]
    assert any(
        100 * setting.accuracy == pytest.approx(x) for name, marks in traces if "ours" in str(name) for x in marks
    )


def test_the_page_can_be_read_on_a_phone(app, phone):
    open_results(phone, app)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400
