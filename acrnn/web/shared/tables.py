"""Tables of `acrnn.report` on a page: cells that a screen reader reads, and a button for the CSV."""

import pandas as pd
import streamlit as st

from acrnn.report.table import STATE, Column, Table
from acrnn.web.shared.downloads import download
from acrnn.web.shared.words import plain


def show_table(table: Table, *, csv: bool = True) -> None:
    """Draw a table, which a narrow screen scrolls sideways, and below it a button that saves it as CSV."""
    with st.container(key=f"cells_{_key(table.name, '_')}"):
        cells = pd.DataFrame([_line(table, row) for row in table.records])
        st.table(cells, border="horizontal", hide_index=True, alt=table.title or table.name)
    if csv:
        csv_button(table)


def csv_button(table: Table) -> None:
    """Offer everything that a table is of as CSV."""
    download(f"{table.name} (CSV)", table.to_csv(), f"{_key(table.name, '')}.csv")


def _key(name: str, space: str) -> str:
    return name.lower().replace(" ", space)


def _line(table: Table, row: dict) -> dict[str, str]:
    """Give a row's cells by the heads of their columns; one without values says why, in grey, and then is empty."""
    cells = [_cell(column, row) for column in table.columns]
    if row.get(STATE):
        after = table.state_place + 1
        cells = [*cells[: table.state_place], f":gray[{row[STATE]}]", *[""] * (len(cells) - after)]
    return {column.title: cell for column, cell in zip(table.columns, cells, strict=True)}


def _cell(column: Column, row: dict) -> str:
    told = column.tell(row)
    return plain(told) if column.kind == "text" else told
