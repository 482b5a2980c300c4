"""What the Confusions page asks and tells: setting, filters, cells, and the sounds behind predictions."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from acrnn import data
from acrnn.checkpoints import listed
from acrnn.data import Dataset
from acrnn.data.esc50 import N_FOLDS
from acrnn.errors import AcrnnError
from acrnn.figures import Figure
from acrnn.figures.confusion import FEW_CLASSES
from acrnn.labels import group_or_other, pretty
from acrnn.measures.classical import METHODS
from acrnn.model import PICZAK
from acrnn.report.table import csv_text
from acrnn.results.confusion import (
    GROUP_ORDER,
    ORDERS,
    ClipFilter,
    Confusion,
    Reliability,
    by_recording,
    cell,
    confidently_wrong,
    hardest,
)
from acrnn.results.published import checkpoints_of
from acrnn.results.settings import Setting
from acrnn.web.confusions.clip_list import OF_ANY, OF_CELL, clip_list, tell_clips
from acrnn.web.confusions.closer import look, sounds_by_stem
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.datasets import read_source, sources
from acrnn.web.shared.downloads import download
from acrnn.web.shared.words import named, plain
from acrnn.web.shell import address

ORDER_NAMES = {"class": "by class", "group": "by group", "clustering": "by clustering"}
MATRIX = "matrix"
TABS = {
    "matrix": "Matrix", "class": "Per class", "clips": "Clips", "labels": "Label errors", "calibration": "Calibration",
    "compare": "Compare two",
}  # fmt: skip
"""By their words in the URL."""
PRESS = "Click a row to hear its clip and to see what the network attended to."
NO_RESULTS = (
    "There are no results yet. `python -m acrnn sweep table4` trains networks, and `python -m acrnn report runs` "
    "summarises the finished runs."
)
CLASS_NOTE = (
    "Recall is the share of a class's clips that were classified correctly. The lines are 95% Wilson intervals over "
    "clips: with 40 clips a class in five folds they are wide."
)
RANKINGS = {
    "hardest": (hardest, "Those with the lowest probability of their true class come first."),
    "confidently-wrong": (confidently_wrong, "Mistakes, the most confident first."),
    "most-confident": (cell, "Right or wrong, the most confident first."),
}


def choose_setting(settings: Sequence[Setting]) -> Setting:
    """Choose one of the settings; offered first is the one whose clips can be looked into in the most folds."""
    by_name = {setting.name: setting for setting in settings}
    published, _ = listed()
    first = max(settings, key=lambda s: (len(checkpoints_of(s, published)), len(s.folds), s.accuracy))
    chosen = address.one_of(
        st.selectbox, "Setting", list(by_name), default=first.name, key="setting", width=340,
        help="Dataset, where the attention sits (§4.4), recipe and epochs. Every clip was scored by the model whose "
        "training never saw its fold.",
    )  # fmt: skip
    return by_name[chosen]


def describe_setting(setting: Setting) -> str:
    """One line: data, folds, epochs, seeds, accuracy and interval."""
    n_clips = len(setting.filenames)
    low, high = setting.interval
    folds = ", ".join(map(str, setting.folds))
    scope = (
        f"cross-validation over the {len(setting.folds)} official folds"
        if len(setting.folds) == N_FOLDS
        else f"{'fold' if len(setting.folds) == 1 else 'folds'} {folds} only, not a cross-validation"
    )
    seeds = "seed " + str(setting.seeds[0]) if len(setting.seeds) == 1 else f"mean over {len(setting.seeds)} seeds"
    titles = {"none": "no attention", PICZAK: "PiczakCNN", **METHODS}
    network = titles.get(setting.placement, f"attention at {setting.placement}")
    by_recording = setting.interval_by_recording
    apart = "" if by_recording is None else f", over recordings {by_recording[0]:.1%} to {by_recording[1]:.1%}"
    return (
        f"**{setting.accuracy:.1%} correct** on {n_clips} clips (95% interval over clips {low:.1%} to {high:.1%}"
        f"{apart}); {plain(setting.data_title)}, {plain(network)}, {plain(setting.tell_training)}, {seeds}; "
        f"{scope}. Each clip was scored by a model that never saw its fold."
    )


def choose_filter(setting: Setting) -> ClipFilter:
    """Choose which clips are looked at; by default all."""
    folds = address.some_of(st.pills, "Folds (none: all)", setting.folds, selection_mode="multi", key="folds")
    of_setting = {group_or_other(label) for label in setting.labels}
    present = [group for group in GROUP_ORDER if group in of_setting]
    groups = address.some_of(st.multiselect, "Groups", present, key="groups", placeholder="all")
    labels = address.some_of(
        st.multiselect, "True classes", sorted(setting.labels), format_func=pretty, key="classes", placeholder="all"
    )
    outcome = address.one_of(st.segmented_control, "Outcome", ["all", "right", "wrong"], key="outcome")
    low, high = st.slider(
        "Confidence (%)", 0, 100, (0, 100), step=5, key="confidence", bind="query-params",
        help="Probability of the predicted class, by the vote of the segments (§4.1).",
    )  # fmt: skip
    right = None if outcome == "all" else outcome == "right"
    return ClipFilter(tuple(folds), tuple(labels), tuple(groups), right, (low / 100, high / 100))


def choose_matrix() -> tuple[str, bool]:
    """Widgets for the order of the classes, one of `ORDERS`, and whether recall is shown in place of counts."""
    with st.container(horizontal=True, gap="medium"):
        shown = address.one_of(
            st.segmented_control, "Cells", ["counts", "recall"], key="cells",
            help="Recall: as a share of the true class's clips, so each row sums to 100%.",
        )  # fmt: skip
        order = address.one_of(
            st.segmented_control, "Order", ORDERS, format_func=ORDER_NAMES.get, default="class", key="order",
            help="By name; by ESC-50's five groups; or so that classes mistaken for each other are neighbours "
            "(average linkage on the mean of both confusion rates).",
        )  # fmt: skip
    return order, shown == "recall"


def is_dark() -> bool:
    """Whether the page is shown on a dark background."""
    return st.context.theme.type == "dark"


def show_matrix(figure: Figure, alt: str) -> None:
    """Draw a matrix whose cells answer clicks."""
    with frame(figure):
        st.plotly_chart(
            figure, key=MATRIX, on_select=cell_clicked, selection_mode="points", alt=alt,
            config=NO_BAR,
        )  # fmt: skip


def frame(figure: Figure) -> DeltaGenerator:
    """Give a container in which a matrix too wide for the screen is scrolled sideways, so that it stays legible."""
    width_px = 320 if len(figure.layout.xaxis.tickvals) <= FEW_CLASSES else 720
    style = f".st-key-matrixframe {{overflow-x: auto}} .st-key-matrixframe > * {{min-width: {width_px}px}}"
    st.html(f"<style>{style}</style>")
    return st.container(key="matrixframe")


def describe_matrix(wanted: ClipFilter) -> str:
    """Say how to read the matrix, and what the filters do to it."""
    told = (
        "Rows are true classes. Blue: correct. Orange: mistakes. Stronger colour: more clips. Click a cell to hear "
        "its clips."
    )
    if wanted.right is not None or wanted.confidence != (0.0, 1.0):
        told += " The filters drop clips by outcome or confidence, so a row's recall refers to the clips kept."
    return told


def matrix_table(confusion: Confusion, order: str, recall: bool) -> pd.DataFrame:
    """Give the matrix as a table: true classes down, predicted ones across."""
    indices = confusion.order(order)
    names = [confusion.labels[i] for i in indices]
    values = confusion.recall if recall else confusion.counts
    table = pd.DataFrame(values[np.ix_(indices, indices)], columns=names)
    table.insert(0, "true", names)
    return table


def list_cell(clips: pd.DataFrame, true: str | None, predicted: str | None) -> pd.DataFrame:
    """List the clips of the chosen cell, those of one recording together; without a cell, the mistakes."""
    if true is None and predicted is None:
        found, what = confidently_wrong(clips), "No cell chosen. All mistakes"
    else:
        found = by_recording(cell(clips, true, predicted))
        what = f"Of {named(true)}" if true else "Of any class"
        what += f", predicted as {named(predicted)}" if predicted else ""
    grouped = "" if true is None and predicted is None else ", those of one recording together"
    st.caption(f"{what}: {tell_clips(found)}, the most confident first{grouped}. {PRESS}")
    clip_list(found, OF_CELL if true and predicted else OF_ANY, "cellclips")
    return found


def choose_ranking() -> tuple[Callable[[pd.DataFrame], pd.DataFrame], str]:
    """Widget for the order of the list of clips: a function that makes it, and what to say of it."""
    chosen = address.one_of(
        st.segmented_control, "List", list(RANKINGS), format_func=lambda word: word.replace("-", " "), key="list"
    )
    return RANKINGS[chosen]


def class_table(per_class: pd.DataFrame) -> None:
    """Recall, interval and most frequent mistake of each class."""
    share = st.column_config.NumberColumn(format="percent")
    shown = per_class.assign(
        label=per_class["label"].map(pretty), taken_for=per_class["taken_for"].map(pretty, na_action="ignore")
    )
    st.dataframe(
        shown, hide_index=True, alt="Recall and precision of each class",
        column_config=dict.fromkeys(("recall", "low", "high", "precision"), share)
        | {"label": "class", "taken_for": "most often mistaken for"},
    )  # fmt: skip


def describe_reliability(found: Reliability) -> str:
    """Say how far confidence and accuracy are apart, and in which direction."""
    filled = found.table[found.table["clips"] > 0]
    n_clips = filled["clips"].sum()
    accuracy = (filled["accuracy"] * filled["clips"]).sum() / n_clips
    confidence = (filled["confidence"] * filled["clips"]).sum() / n_clips
    direction = "overconfident" if confidence > accuracy else "underconfident"
    return (
        f"Expected calibration error {found.ece:.1%} over {len(found.table)} bins. On the whole the network is "
        f"{direction}: mean confidence {confidence:.1%}, accuracy {accuracy:.1%} on {n_clips} clips. On the dotted "
        "line the two would be equal."
    )


def choose_cell(labels: Sequence[str]) -> tuple[str | None, str | None]:
    """Widgets for a cell of the matrix: true and predicted class, None for any. A click on the matrix fills them."""
    true, predicted = st.columns(2)
    return _class_box(true, "True class", labels, "true"), _class_box(predicted, "Predicted as", labels, "predicted")


def _class_box(place: DeltaGenerator, title: str, labels: Sequence[str], key: str) -> str | None:
    return address.none_or_one_of(
        title, sorted(labels), key=key, draw=place.selectbox, format_func=pretty, placeholder="any",
        on_change=forget_clip,
    )  # fmt: skip


def go_to_cell(true: str, predicted: str) -> None:
    """Choose a cell of the matrix."""
    st.session_state.update(true=true, predicted=predicted)
    forget_clip()


def cell_clicked() -> None:
    """Choose the cell that was clicked."""
    points = st.session_state[MATRIX]["selection"]["points"]
    for point in points:
        if point.get("customdata"):
            go_to_cell(*point["customdata"][:2])


def forget_clip() -> None:
    """Close the clip that is looked into: the list that it was chosen from has changed."""
    look(None)


def pair_buttons(pairs: pd.DataFrame, n: int = 8) -> None:
    """Draw the most confused pairs, each a button that opens its cell."""
    with st.container(horizontal=True, gap="small", key="pairs"):
        for row in pairs.head(n).itertuples():
            apart = (
                "" if "recordings" not in pairs else f", from {row.recordings} recording{'s' * (row.recordings != 1)}"
            )
            st.button(
                f"{named(row.true)} → {named(row.predicted)} · {row.clips}",
                help=f"{row.share:.0%} of {named(row.true)}{apart}; {row.reverse} the other way round",
                key=f"pair_{row.true}_{row.predicted}", on_click=go_to_cell, args=(row.true, row.predicted),
            )  # fmt: skip


def save_csv(table: pd.DataFrame, name: str, *, index: bool = False, label: str = "CSV") -> None:
    """Button that downloads a table as it is shown."""
    download(label, lambda: csv_text(table, index=index, float_format="%.6f"), f"{name}.csv", key=f"csv_{name}")


@st.cache_resource(show_spinner="Looking for the recordings …", max_entries=16)
def _dataset(root: str, name: str, changed: float) -> Dataset:
    return data.load(root, name)


def recordings_of(setting: Setting, dataset: Dataset | None) -> dict[str, str] | None:
    """Tell which recording each clip of one's own classes was cut from, where the data say; ESC-50's names do."""
    if dataset is None or not data.is_own(setting.dataset):
        return None
    return {stem: clip.source for stem, clip in sounds_by_stem(dataset).items()}


def sounds_of(setting: Setting) -> Dataset | None:
    """Find the dataset that a setting was trained on; failing that, one of the same clips in other files."""
    if data.is_own(setting.dataset):
        return _own_sounds_of(setting)
    others = []
    for root in data.discover():
        try:
            dataset = _dataset(str(root), setting.dataset, (root / data.CSV).stat().st_mtime)
            if dataset.fingerprint() == setting.data_fingerprint:
                return dataset
        except (AcrnnError, OSError):
            continue  # a folder that is broken is no source of sounds; Listen says what is wrong with it
        others.append(dataset)
    return others[0] if others else None


def _own_sounds_of(setting: Setting) -> Dataset | None:
    others = []
    for root, name in sources().values():
        if name != setting.dataset:
            continue
        try:
            others.append(read_source(root, name))
        except (AcrnnError, OSError):
            continue
    same = [dataset for dataset in others if dataset.fingerprint() == setting.data_fingerprint]
    return next(iter(same + others), None)


def describe_sounds(setting: Setting, dataset: Dataset | None) -> str | None:
    """Say what is missing for listening, if anything is."""
    if dataset is None and data.is_own(setting.dataset):
        return (
            "The recordings are not on this machine, or their folder was moved. `python -m acrnn check --data` with "
            "the folder lets each clip be played and shown with its attention."
        )
    if dataset is None:
        return (
            f"The recordings are not on this machine. `python -m acrnn download {setting.dataset}` fetches them; "
            "if you have them already, start the app with `ACRNN_DATA` naming their folder. Each clip can then be "
            "played and shown with its attention."
        )
    if dataset.fingerprint() != setting.data_fingerprint:
        return (
            f"The recordings are those of {plain(dataset.title)}: the same clips, but not the files that these "
            "predictions were made from, so probabilities can differ."
        )
    return None
