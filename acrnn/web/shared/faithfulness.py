"""Is this attention right? The panel that Listen and Compare show when they are asked: curves, a table, a sentence."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from acrnn.checkpoints import Checkpoint
from acrnn.errors import OptionError
from acrnn.figures.faithfulness import curves_figure
from acrnn.inference import Prediction, Predictor
from acrnn.labels import pretty
from acrnn.measures.faithfulness import (
    FILLS,
    KEPT_SHARES,
    MAPS,
    MEASURES,
    ClipFaithfulness,
    Curve,
    FaithfulnessMeter,
    Fill,
)
from acrnn.report.table import csv_text
from acrnn.training.machine import keep_memory
from acrnn.web.shared.analysis import Kept, analyse, predictor_of
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.downloads import download
from acrnn.web.shared.words import named, sentence_of
from acrnn.web.shell import address

LONGEST_S = 30.0
"""Longest clip that is measured on a page; a clip of 5 s takes some seconds, a longer one in proportion."""
KEPT_SECONDS = 36_000.0
"""Seconds of sound whose curves are kept for everybody; a clip's are a few kilobytes."""
KEPT_MEMORY = 128 * 2**20
"""Bytes of freed memory that the server keeps for the next batch once a clip has been measured: a tenth of the time."""
FILL_NAMES: dict[Fill, str] = {"silence": "silence", "mean": "the training mean"}
TENTH = KEPT_SHARES.index(0.1)


@st.cache_resource(show_spinner=False)
def _kept() -> Kept:
    return Kept(KEPT_SECONDS)


@st.cache_resource(show_spinner=False, max_entries=4)
def _meter(_predictor: Predictor, key: str) -> FaithfulnessMeter:
    keep_memory(KEPT_MEMORY)
    return FaithfulnessMeter(_predictor)


def measure(clip: ChosenClip, checkpoint: Checkpoint, prediction: Prediction, fill: Fill) -> ClipFaithfulness:
    """Measure a clip, or give what was found before of the same content, checkpoint and fill.

    Raises
    ------
    OptionError
        If the clip is longer than `LONGEST_S`.
    """
    if prediction.duration_s > LONGEST_S:
        raise OptionError(
            f"{clip.name} lasts {prediction.duration_s:.0f} s; clips of up to {LONGEST_S:.0f} s can be measured here."
        )
    key = clip.key, checkpoint.config.key, fill
    if (known := _kept().get(key)) is not None:
        return known
    place = st.empty()
    bar = place.progress(0.0, text="Removing frames and predicting again …")
    try:
        predictor = predictor_of(checkpoint).suited_to(prediction.duration_s)
        meter = _meter(predictor, predictor.checkpoint.config.key)
        found = meter(
            prediction,
            fills=(fill,),
            on_progress=lambda share: bar.progress(share, text="Removing frames and predicting again …"),
        )
    finally:
        place.empty()
    _kept().put(key, found, prediction.duration_s)
    return found


def listen_panel(clip: ChosenClip, checkpoint: Checkpoint, prediction: Prediction) -> None:
    """Draw the toggle, and once it is on what was measured of this clip; nothing is computed before."""
    if _asked("Is this attention right?" if prediction.attention is not None else "Which frames matter?"):
        show(clip, checkpoint, prediction)


def compare_panel(clip: ChosenClip, checkpoints: Mapping[str, Checkpoint]) -> None:
    """Draw the toggle, and once it is on one of several attentions, by the names of their strips, and its figures."""
    if _asked("Is this attention right?"):
        name = address.one_of(st.selectbox, "The attention of", list(checkpoints), key="rightof")
        show(clip, checkpoints[name], analyse(clip, checkpoints[name], lambda share: None).prediction)


def _asked(question: str) -> bool:
    return st.toggle(
        question, key="right", bind="query-params",
        help="Removes frames, most-attended first, loudest first, by gradients and at random, and compares what the "
        "prediction loses. Takes a few seconds on a CPU.",
    )  # fmt: skip


def show(clip: ChosenClip, checkpoint: Checkpoint, prediction: Prediction) -> None:
    """Measure one clip and draw a sentence, the curves and the table, with their CSV."""
    fill = address.one_of(
        st.segmented_control, "A removed frame becomes", list(FILLS), format_func=FILL_NAMES.get, key="fill",
        help="Silence: the spectrogram's floor in all bands. The training mean: the level that the network's "
        "standardisation maps to zero. Neither resembles a real sound, so look at both.",
    )  # fmt: skip
    try:
        found = measure(clip, checkpoint, prediction, fill)
    except OptionError as error:
        st.info(sentence_of(error), icon=":material/timer:")
        return
    curves = found.curves[fill]
    st.markdown(describe(curves, found.label))
    st.plotly_chart(
        curves_figure(curves, pretty(found.label)),
        key="curves",
        alt=f"Deletion and insertion curves of {clip.name} for {', '.join(MAPS[name] for name in curves)}",
        config=NO_BAR,
    )
    table = measures_frame(curves)
    st.dataframe(_shown(table), hide_index=True, height="content", key="faithful", column_config=_columns())
    st.caption(
        "“Moved in time” is the same attention shifted by 1/5 to 4/5 of the clip. It is the fairer control, since its "
        f"runs are as long: a random order (mean of {found.n_draws} draws) makes scattered holes, which can cost more "
        "than one long hole. The network was never trained on sounds edited like this. One clip proves little: the "
        "Results page has whole held-out folds."
    )
    stem = f"{clip.name.rsplit('.', 1)[0]}-{checkpoint.name}-{fill}"
    with st.container(horizontal=True, key="faithful_exports"):
        for name, frame in (("Curves", curves_frame(curves)), ("Faithfulness", table)):
            csv = csv_text(frame, float_format="%.6f")
            download(f"{name} (CSV)", csv, f"{stem}-{name.lower()}.csv")


def describe(curves: Mapping[str, Curve], label: str) -> str:
    """One sentence: what the tenth of the frames costs that each order puts first."""
    told = []
    if "attention" in curves:
        told.append(f"**{curves['attention'].costs[TENTH]:.2f}** most-attended first")
    told.append(f"**{curves['energy'].costs[TENTH]:.2f}** loudest first")
    told.append(f"**{curves['integrated_gradients'].costs[TENTH]:.2f}** by integrated gradients")
    told.append(f"**{curves['random'].costs[TENTH]:.2f}** at random")
    whole = curves["random"].deletion[0]
    costs = ", ".join(told).replace("**-", "**−")
    return f"The probability of {named(label)} is {whole:.2f}. Removing 10% of the frames costs {costs}."


def measures_frame(curves: Mapping[str, Curve]) -> pd.DataFrame:
    """One row a map: `map`, the measures of `MEASURES`, and `cost_10`, the probability lost without the first tenth."""
    return pd.DataFrame(
        [
            {"map": MAPS[name]}
            | {measure: getattr(curve, measure) for measure in MEASURES}
            | {"cost_10": curve.costs[TENTH]}
            for name, curve in curves.items()
        ]
    )


def curves_frame(curves: Mapping[str, Curve]) -> pd.DataFrame:
    """One row a map and point: `map`, `share` of the frames (0 to 1), `deletion` and `insertion`, probabilities."""
    return pd.concat(
        pd.DataFrame({"map": MAPS[name], "share": c.shares, "deletion": c.deletion, "insertion": c.insertion})
        for name, c in curves.items()
    )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"map": "order of frames"})


def _columns() -> dict:
    number = st.column_config.NumberColumn
    helps = {
        "comprehensiveness": "Mean probability lost without the first 1, 5, 10, 20 and 50% of the frames.",
        "sufficiency": "Mean probability missing with the first 1, 5, 10, 20 and 50% alone.",
        "deletion_area": "Mean height of the deletion curve.",
        "insertion_area": "Mean height of the insertion curve.",
    }
    columns = {
        name: number(
            f"{told} {'↑' if higher else '↓'}",
            format="%.3f",
            help=f"{helps[name]} {'Higher' if higher else 'Lower'} is better.",
        )
        for name, (told, higher) in MEASURES.items()
    }
    columns["cost_10"] = number("lost at 10% ↑", format="%.3f", help="Probability lost without the first 10%.")
    return columns | {"order of frames": st.column_config.TextColumn(pinned=True)}
