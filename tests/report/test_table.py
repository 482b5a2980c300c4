"""A table: typed columns over values, told as Markdown and CSV."""

import io

import numpy as np
import pandas as pd
import pytest

from acrnn.report.table import STATE, Column, Table, markdown_table, numbers, with_states
from acrnn.report.texts import text
from acrnn.report.words import NOT_RUN, listed, tell_estimate, tell_number

COLUMNS = Column("layer", "layer"), Column("n", "n", "number", ",d"), numbers("accuracy", "share", ".1%", strong=True)


@pytest.fixture
def table():
    """A row with an interval, one without, one that was not run."""
    lines = [
        {"layer": "l10", "n": 1400, "share": 0.5, "share_low": 0.4, "share_high": 0.6},
        {"layer": "l2", "n": 1, "share": 0.25},
        {"layer": "l4", STATE: NOT_RUN},
    ]
    frame = with_states(lines, ["layer", "n", "share", "share_low", "share_high"])
    return Table("Table 9", COLUMNS, frame.astype({"n": "Int64"}))


def test_markdown_has_the_values_in_their_forms_and_one_line_for_what_was_not_run(table):
    assert table.to_markdown().splitlines() == [
        "| layer | n | accuracy |",
        "| --- | ---: | --- |",
        "| l10 | 1,400 | **50.0% (40.0% to 60.0%)** |",
        "| l2 | 1 | **25.0%** |",
        "",
        "Not run: l4.",
    ]


def test_a_table_of_which_nothing_was_run_says_that_alone(table):
    nothing = Table("Table 9", COLUMNS, table.rows[table.rows[STATE] == NOT_RUN])
    assert nothing.to_markdown() == Table("Table 9", COLUMNS, table.rows.iloc[:0]).to_markdown() == "Not run."


def test_csv_has_the_numbers_not_their_words_or_what_is_to_be_exported_instead(table):
    read = pd.read_csv(io.StringIO(table.to_csv()))
    assert read["share_low"].tolist() == pytest.approx([0.4, np.nan, np.nan], nan_ok=True)
    assert read["n"].tolist() == pytest.approx([1400, 1, np.nan], nan_ok=True)
    other = Table("Table 9", COLUMNS, table.rows, export=pd.DataFrame({"a": [1 / 3]}))
    assert other.to_csv() == "a\n0.3333\n"


def test_rows_that_were_not_run_can_be_left_out_of_what_is_shown_and_stay_in_the_csv(table):
    shown = table.without_not_run()
    assert shown.rows["layer"].tolist() == ["l10", "l2"]
    assert shown.to_csv() == table.to_csv()


def test_a_column_of_a_page_can_be_put_anywhere_and_names_can_be_links(table):
    shown = table.with_column(Column("look", "look", "markdown"), ["[x](y)", None, None], at=1)
    assert [column.title for column in shown.columns] == ["layer", "look", "n", "accuracy"]
    assert "| l10 | [x](y) | 1,400 |" in shown.to_markdown()
    assert "| l2 | – | 1 |" in shown.to_markdown()
    linked = table.linked("layer", {"l10": "./?a=b"}).to_markdown()
    assert "| [l10](./?a=b) |" in linked
    assert "| l2 |" in linked


def test_an_interval_stands_alone_if_the_column_has_no_value_of_its_own():
    column = Column("95%", None, "number", ".1f", "%", ("low", "high"))
    assert column.tell({"low": 1, "high": 2.25}) == "1.0% to 2.2%"
    assert column.tell({"low": None, "high": None}) == "–"


def test_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="Table 9 has columns of one name"):
        Table("Table 9", COLUMNS, pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_bar_in_a_cell_does_not_end_it():
    assert "| a\\|b |" in Table("x", (Column("c", "c"),), pd.DataFrame({"c": ["a|b"]})).to_markdown()


def test_a_markdown_table_aligns_what_is_told_to():
    assert markdown_table(["a", "b"], [["1", "2"]], right=(1,)) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


def test_numbers_have_a_true_minus_and_zero_has_none():
    assert tell_number(-0.25, "+.2f") == "−0.25"
    assert tell_number(-0.001, ".2f") == "0.00"
    assert tell_number(-0.001, "+.2f") == "+0.00"
    assert tell_estimate({"mean": -0.123, "interval": [-0.2, 0.01], "n": 3}, "+.2f") == "−0.12 (−0.20 to +0.01)"
    assert tell_estimate({"mean": 0.5, "interval": None, "n": 1}) == "0.50"
    assert tell_estimate(None) == tell_estimate({"mean": None, "interval": None}) == "–"


def test_names_are_listed_as_a_sentence_does():
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_a_text_is_one_line_with_its_gaps_filled():
    told = text("intervals", n_resamples=2000, epochs=300)
    assert "2000 resamples" in told
    assert "\n" not in told
    assert "{" not in told
