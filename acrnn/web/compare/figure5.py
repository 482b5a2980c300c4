"""The paper's Figure 5 made again: sigmoid attention at l2 under four spectrograms."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from acrnn import data
from acrnn.checkpoints import Checkpoint, CheckpointConfig
from acrnn.errors import AcrnnError
from acrnn.figures.compare import figure5
from acrnn.inference import Prediction
from acrnn.measures.attention import frame_level_db, loud_to_quiet, rank_correlation
from acrnn.report.table import csv_text
from acrnn.web.compare.families import Family
from acrnn.web.shared.analysis import Analysis, analyse
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.clips import dataset_clip, scene_clip
from acrnn.web.shared.datasets import read_dataset
from acrnn.web.shared.downloads import download
from acrnn.web.shared.models import describe_accuracy
from acrnn.web.shared.player import player
from acrnn.web.shared.words import code, headline, plain

PLACEMENT = "l2-sigmoid"
TITLES = {"dog": "dog bark", "crying_baby": "crying baby", "clock_tick": "clock tick", "rain": "rain"}
"""Class → the name in the paper, in its order."""
EVENTS = ("dog", "crying_baby", "clock_tick")
"""Those of them that have silence or background between events; rain has none."""
_GRID = """<style>
.st-key-panels { display: grid; grid-template-columns: minmax(0, 1fr) }
@media (min-width: 900px) { .st-key-panels { grid-template-columns: repeat(2, minmax(0, 1fr)) } }
@media (min-width: 1560px) { .st-key-panels { grid-template-columns: repeat(4, minmax(0, 1fr)) } }
</style>"""
"""Four panels in a row where there is room, else two, else one; columns of Streamlit would be cut or squeezed."""
MIN_CORRELATION, MIN_RATIO = 0.5, 1.5
"""From which on attention is said to pick the loud frames out."""


@dataclass(frozen=True)
class Panel:
    """One clip of the figure.

    Attributes
    ----------
    clip : ChosenClip
    analysis : Analysis
    correlation : float
        Spearman's, of weight and frame level.
    ratio : float
        Mean weight of the loudest tenth of the frames over that of the quietest.
    """

    clip: ChosenClip
    analysis: Analysis
    correlation: float
    ratio: float

    @property
    def prediction(self) -> Prediction:
        """What the network says of the clip."""
        return self.analysis.prediction

    @property
    def picks_out(self) -> bool:
        """Whether attention goes up with loudness, clearly in order and in size."""
        return self.correlation >= MIN_CORRELATION and self.ratio >= MIN_RATIO

    @property
    def turns_away(self) -> bool:
        """Whether attention goes down with loudness, in order and in size."""
        return self.correlation < 0 and self.ratio < 1


def show(family: Family) -> None:
    """Show the four panels of a family's network, and say whether they look like the paper's claim."""
    checkpoint = family.checkpoints.get(PLACEMENT)
    if checkpoint is None:
        st.info(
            f"Figure 5 shows sigmoid attention at l2, which has not been trained for {plain(family.title)}. These "
            "commands train it; or choose other networks in the sidebar."
        )
        st.code(family.training_command(PLACEMENT), language="bash", wrap_lines=True)
        return
    clips, source = choose_clips(checkpoint.config)
    panels = _analyse(clips, checkpoint)
    st.markdown(describe_likeness(panels))
    st.html(_GRID)
    with st.container(key="panels"):
        for panel in panels:
            _show_panel(panel)
    st.caption(f"{describe_source(clips, checkpoint, source)} {describe_accuracy(checkpoint)}.")
    with st.container(horizontal=True, key="exports"):
        download("Strips (CSV)", lambda: strips_csv(panels), "figure5-strips.csv")
        download("Measures (CSV)", lambda: measures_csv(panels), "figure5-measures.csv")
        download("Figure (HTML)", lambda: _figure(panels).to_html(include_plotlyjs=True), "figure5.html")


def choose_clips(config: CheckpointConfig) -> tuple[list[ChosenClip], str | None]:
    """Pick a clip for each panel: the first of its class, in the csv's order, of the fold that was held out.

    The data that the checkpoint was trained on is looked for first, then any other; without any, the bundled scenes.

    Returns
    -------
    clips : list of ChosenClip
        In the order of `TITLES`.
    source : str or None
        The dataset's name for people; None for scenes.
    """
    found = []
    for root in data.discover():
        try:
            dataset = read_dataset(root)
            found.append((dataset.fingerprint() != config.data_fingerprint, dataset))
        except (AcrnnError, OSError):
            continue  # a damaged dataset is told where it is chosen
    for _, dataset in sorted(found, key=lambda pair: pair[0]):
        first = {clip.label: clip for clip in reversed(dataset.clips) if clip.fold == config.fold}
        try:
            return [dataset_clip(first[label], dataset) for label in TITLES], dataset.title
        except (KeyError, OSError):
            continue  # incomplete: the next one may have them
    return [scene_clip(label) for label in TITLES], None


def _analyse(clips: Sequence[ChosenClip], checkpoint: Checkpoint) -> list[Panel]:
    place, panels = st.empty(), []
    for i, clip in enumerate(clips):
        analysis = analyse(
            clip, checkpoint,
            lambda share, i=i, clip=clip: place.progress(
                (i + share) / len(clips), text=f"Listening to {plain(clip.name)} …"
            ),
        )  # fmt: skip
        weights = analysis.prediction.attention.weights
        level_db = frame_level_db(analysis.prediction.spectrogram)
        panels.append(Panel(clip, analysis, rank_correlation(weights, level_db), loud_to_quiet(weights, level_db)))
    place.empty()
    return panels


def _figure(panels: Sequence[Panel]):
    return figure5([panel.prediction for panel in panels], [TITLES[panel.clip.truth] for panel in panels])


def _show_panel(panel: Panel) -> None:
    title, weights = TITLES[panel.clip.truth], panel.prediction.attention.weights
    key = f"panel{panel.clip.truth.replace('_', '')}"
    with st.container(key=f"{key}_box"):
        st.markdown(f"**{title}**")
        player(
            figure5([panel.prediction]),
            panel.analysis.sound,
            key=key,
            clip=panel.clip.key,
            alt=f"Spectrogram of {title} and the attention of l2 with sigmoid beneath it, over time",
            filename=f"figure5-{panel.clip.truth}",
            bar=False,
        )
        st.caption(
            f"{plain(panel.clip.name)}. Predicted: {headline(panel.prediction)}. Weights {weights.min():.2f} "
            f"to {weights.max():.2f}; ρ with loudness {panel.correlation:.2f}; the loudest tenth of the frames has "
            f"{panel.ratio:.2f} times the weight of the quietest."
        )


def describe_likeness(panels: Sequence[Panel]) -> str:
    """Say whether attention does here what the paper says of its Figure 5, by a rule that is told."""
    picked = [TITLES[panel.clip.truth] for panel in panels if panel.clip.truth in EVENTS and panel.picks_out]
    others = [TITLES[label] for label in EVENTS if TITLES[label] not in picked]
    lower = [TITLES[panel.clip.truth] for panel in panels if panel.clip.truth in EVENTS and panel.turns_away]
    if not others:
        verdict = f"Yes: in {_listed(picked)} it is clearly higher in loud frames"
    elif not picked:
        verdict = f"No: in none of {_listed(others)} is it clearly higher in loud frames"
    else:
        verdict = f"In part: in {_listed(picked)} it is clearly higher in loud frames, in {_listed(others)} it is not"
    if lower:
        verdict += f"; in {_listed(lower)} it is, if anything, lower there"
    return (
        "In the paper's Figure 5, attention weights the relevant frames more and the silent ones less (§4.5). Does it "
        f"here? **{verdict}** (criterion: ρ with loudness at least {MIN_CORRELATION}, and at least {MIN_RATIO} times "
        "as much weight on the loudest tenth of the frames as on the quietest). Rain has no silence, so it does not "
        "count."
    )


def describe_source(clips: Sequence[ChosenClip], checkpoint: Checkpoint, source: str | None) -> str:
    """Say which clips these are, and that the network never saw them."""
    config = checkpoint.config
    network = f"{code(checkpoint.name)}, sigmoid attention at l2 (eq. 1)"
    if source is None:
        return (
            f"{network}, on the bundled synthetic scenes, which no network was trained on; with a dataset in the "
            "folder that ACRNN_DATA names, these are real clips."
        )
    seen = (
        "which it never saw in training"
        if clips[0].fingerprint == config.data_fingerprint
        else "which was held out of its training, although in other files than these"
    )
    return f"{network}, on the first clip of each class in fold {config.fold} of {plain(source)}, {seen}."


def strips_csv(panels: Sequence[Panel]) -> str:
    """One line a frame of each clip: class, clip, time, weight and level."""
    tables = [
        pd.DataFrame(
            {
                "class": panel.clip.truth,
                "clip": panel.clip.name,
                "time_s": panel.prediction.times_s,
                "weight": panel.prediction.attention.weights,
                "level_db": frame_level_db(panel.prediction.spectrogram),
            }
        )
        for panel in panels
    ]
    return csv_text(pd.concat(tables), float_format="%.8f")


def measures_csv(panels: Sequence[Panel]) -> str:
    """One line a clip: prediction, range of the weights, and how they go with loudness."""
    rows = []
    for panel in panels:
        label, probability = panel.prediction.top(1)[0]
        weights = panel.prediction.attention.weights
        rows.append(
            {
                "class": panel.clip.truth,
                "clip": panel.clip.name,
                "top_class": label,
                "probability": probability,
                "weight_min": weights.min(),
                "weight_max": weights.max(),
                "loudness_correlation": panel.correlation,
                "loud_to_quiet": panel.ratio,
            }
        )
    return csv_text(pd.DataFrame(rows))


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
