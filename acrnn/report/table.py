"""A table with its meaning: typed columns over a frame of values, told as Markdown or CSV, or shown by a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from acrnn.report.words import DASH, NOT_RUN, code, plain, tell_interval, tell_number

STATE = "state"
"""Column of a frame that says why a row has no values: `not run`, `quoted only`; empty where it has."""


@dataclass(frozen=True)
class Column:
    """One column as it is read, made of one column of the frame, and of two more if it has an interval.

    Attributes
    ----------
    title : str
        Its head.
    key : str or None
        Column of the frame; None for an interval alone.
    kind : str
        `text`; `code`, text set as code; `markdown`, text with links; or `number`.
    form : str
        Format of a number, such as `.1%`.
    unit : str
        Put after a number, such as `%` where the frame has percent.
    interval : tuple of str, optional
        Columns of the frame with its lower and upper end, put in brackets.
    strong : bool
        Set in bold.
    missing : str
        What stands where there is no value.
    """

    title: str
    key: str | None
    kind: Literal["text", "code", "markdown", "number"] = "text"
    form: str = ""
    unit: str = ""
    interval: tuple[str, str] | None = None
    strong: bool = False
    missing: str = DASH

    @property
    def align(self) -> Literal["left", "right"]:
        """Plain numbers stand at the right, so that their digits do; an interval's would not."""
        return "right" if self.kind == "number" and self.interval is None else "left"

    def tell(self, row: dict[str, Any]) -> str:
        """Give the cell of a row, a dash where it has no value."""
        ends = [] if self.interval is None else [row[name] for name in self.interval]
        spread = "" if not ends or pd.isna(ends).any() else tell_interval(ends, self.form)
        if spread and self.unit:
            spread = spread.replace(" to ", f"{self.unit} to ") + self.unit
        if self.key is None:
            return spread or self.missing
        value = row[self.key]
        if pd.isna(value) or value == "":
            return self.missing
        told = tell_number(value, self.form) + self.unit if self.kind == "number" else str(value)
        told += f" ({spread})" if spread else ""
        return code(told) if self.kind == "code" else f"**{told}**" if self.strong else told


def numbers(title: str, key: str, form: str, *, strong: bool = False, unit: str = "") -> Column:
    """Make a column of numbers with their intervals, in the frame's columns `key`, `key_low` and `key_high`."""
    return Column(title, key, "number", form, unit, (f"{key}_low", f"{key}_high"), strong)


@dataclass(frozen=True)
class Table:
    """Rows of values and how they are read; documents and pages show the same one.

    Attributes
    ----------
    name : str
        Short and unique on a page: `Table 1`. Names the file of its CSV too.
    columns : tuple of Column
        The first one names the row.
    rows : DataFrame
        A line a row. A column `state` says of rows without values why they have none.
    title : str
        Heading, in words.
    note : str
        What a reader must know beside the title, in Markdown.
    export : DataFrame, optional
        What the CSV holds, where that is more than the rows that are shown.
    """

    name: str
    columns: tuple[Column, ...]
    rows: pd.DataFrame
    title: str = ""
    note: str = ""
    export: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if not self.rows.columns.is_unique:
            raise ValueError(f"Table {self.name} has columns of one name: {', '.join(self.rows.columns)}.")

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows, each by the frame's columns."""
        return self.rows.to_dict("records")

    @property
    def not_run(self) -> list[str]:
        """What the rows are called that were not run."""
        return [row[self.columns[0].key] for row in self.records if row.get(STATE) == NOT_RUN]

    def without_not_run(self) -> "Table":
        """Leave out the rows that were not run; the CSV keeps them."""
        return replace(self, rows=self.rows[self.rows[STATE] != NOT_RUN], export=self._exported)

    def with_column(self, column: Column, values: Sequence[Any], at: int) -> "Table":
        """Add a column at a place, such as a page's links; a value a row."""
        columns = (*self.columns[:at], column, *self.columns[at:])
        return replace(self, columns=columns, rows=self.rows.assign(**{column.key: list(values)}))

    def linked(self, key: str, addresses: Mapping[str, str]) -> "Table":
        """Make links of a column's names, of those that have an address."""
        column = next(column for column in self.columns if column.key == key)
        links = [f"[{plain(name)}]({addresses[name]})" if name in addresses else plain(name) for name in self.rows[key]]
        linked = Column(column.title, f"{key}_link", "markdown")
        columns = tuple(linked if column.key == key else column for column in self.columns)
        return replace(self, columns=columns, rows=self.rows.assign(**{linked.key: links}))

    def to_markdown(self) -> str:
        """Lay the rows out for a document; those that were not run are named in one line below."""
        lines = [self._line(row) for row in self.records if row.get(STATE) != NOT_RUN]
        parts = [markdown_table([column.title for column in self.columns], lines, self._right)] if lines else []
        if not lines:
            parts.append(f"{NOT_RUN.capitalize()}.")
        elif self.not_run:
            parts.append(f"{NOT_RUN.capitalize()}: {', '.join(dict.fromkeys(self.not_run))}.")
        return "\n\n".join(parts)

    def to_csv(self) -> str:
        """Give everything in numbers, as CSV."""
        return csv_text(self._exported, float_format="%.4f")

    @property
    def _exported(self) -> pd.DataFrame:
        return self.rows if self.export is None else self.export

    @property
    def _right(self) -> list[int]:
        return [place for place, column in enumerate(self.columns) if column.align == "right"]

    def _line(self, row: dict[str, Any]) -> list[str]:
        state = row.get(STATE)
        cells = [column.tell(row).replace("|", "\\|") for column in self.columns]
        if state and isinstance(state, str):
            cells[self.state_place] = state
        return cells

    @property
    def state_place(self) -> int:
        """Place of the column that says why a row has no values: the first one in bold, else the second."""
        return next((place for place, column in enumerate(self.columns) if column.strong), 1)


def markdown_table(head: Sequence[str], lines: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Lay out cells as a Markdown table; columns in `right` are aligned right."""
    rule = ["---:" if column in right else "---" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def with_states(lines: Sequence[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Make a frame of lines of which some lack all but their name and a `state`; it has all `columns`, and that one."""
    frame = pd.DataFrame(list(lines), columns=[*columns, STATE])
    return frame.assign(**{STATE: frame[STATE].fillna("")})


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_text(frame: pd.DataFrame, *, index: bool = False, float_format: str | None = None) -> str:
    """Give a frame as CSV for people: a text that a spreadsheet would take for a formula gets an apostrophe before it.

    Names of files are not ours: `=cmd|'calc'!A0.wav` is one.
    """
    texts = frame.select_dtypes(exclude=["number", "bool", "datetime"])
    safe = frame.assign(**{str(name): column.map(spreadsheet_safe) for name, column in texts.items()})
    return safe.rename(columns=spreadsheet_safe, index=spreadsheet_safe).to_csv(index=index, float_format=float_format)


def spreadsheet_safe(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would take for a formula; all else stays as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
