"""Compare: what changes with the attention's layer and its scaling, on one clip and over a held-out fold."""

import streamlit as st

from acrnn.errors import AudioError
from acrnn.figures.compare import compare_figure
from acrnn.web.compare import families, figure5, pair
from acrnn.web.compare import strips as web
from acrnn.web.shared import faithfulness
from acrnn.web.shared.clips import choose_clip, show_unusable
from acrnn.web.shared.models import list_checkpoints
from acrnn.web.shared.player import player
from acrnn.web.shared.words import plain
from acrnn.web.shell import address
from acrnn.web.shell.router import through_app

through_app()

VIEWS = {"clip": "one clip", "pair": "sigmoid against softmax", "figure5": "the paper's Figure 5"}
CHECKPOINTS = {"family": "all placements", "chosen": "my choice"}

st.title("Compare", anchor=False)
shown = address.one_of(
    st.segmented_control, "Show", VIEWS, format_func=VIEWS.get, key="compare", label_visibility="collapsed"
)

with st.sidebar:
    known = families.families_of(list_checkpoints())
    if not known:
        st.info("There is no checkpoint with attention to compare.")
        st.stop()
    choice = "family"
    if shown == "clip":
        choice = address.one_of(
            st.segmented_control, "Compare", CHECKPOINTS, format_func=CHECKPOINTS.get, key="which",
            help="All placements of Table 4 for one dataset and fold, trained or not; or any checkpoints.",
        )  # fmt: skip
    family = families.choose_family(known) if choice == "family" else None

slots = families.slots_of_family(family) if family else families.choose_slots(known)

if shown == "pair":
    slots = pair.choose_slots(family)
    pair.tell_training(family, slots)

if shown == "figure5":
    figure5.show(family)
    web.explain_scaling()
    st.stop()

with st.sidebar:
    st.divider()
    clip = choose_clip(next((slot.checkpoint.config.fold for slot in slots if slot.checkpoint), 1))
if clip is None or not slots:
    wanted = "a sound" if clip is None else "at least one checkpoint"
    st.info(f"Choose {wanted} in the sidebar.", icon=":material/graphic_eq:")
    st.stop()

place = st.empty()
try:
    heard, strips = web.hear_all(
        clip, slots, lambda share, name: place.progress(share, text=f"{name} listens to {plain(clip.name)} …")
    )
    if not any(heard):  # all damaged, which hear_all has told
        st.stop()
    analysis = web.finest_analysis(clip, slots, heard)
except AudioError as error:
    show_unusable(error, clip)
    st.stop()
finally:
    place.empty()
if shown == "pair":
    pair.show(family, clip, slots, heard, strips, analysis)
    web.explain_scaling()
    st.stop()

st.markdown(f"{plain(clip.name)}, {analysis.prediction.duration_s:.2f} s. {web.describe_votes(clip, heard)}")
for note in analysis.prediction.notes:
    st.caption(f":material/info: {plain(note)}")

there = {slot.label: strip for slot, strip in zip(slots, strips, strict=True) if strip.weights is not None}
scales, first, second, levels = st.columns([5, 3, 3, 4], vertical_alignment="bottom", gap="medium")
scale = web.choose_scale(scales)
single = len(there) == 1
a = address.one_of(first.selectbox, "Difference of", there, key="a", disabled=single)
b = address.one_of(second.selectbox, "and", there, default=list(there)[1 - single], key="b", disabled=single)
view = web.choose_view(levels)

figure = compare_figure(
    analysis.prediction,
    strips,
    scale,
    difference=(there[a], there[b]) if a != b else None,
    view=view,
)
player(
    figure,
    analysis.sound,
    key="compare",
    clip=clip.key,
    alt=f"Log-gammatone spectrogram of {clip.name} and, under it on the same time axis, the attention of "
    f"{', '.join(there)}",
    filename=f"{clip.name.rsplit('.', 1)[0]}-compare",
)
st.caption(web.describe_strips(slots, heard, scale))
if a != b:
    st.caption(web.describe_difference(there[a], there[b]))
web.show_missing(family, slots)
table = web.measures_table(slots, heard, clip)
web.show_measures(table, heard)
web.export_buttons(clip, strips, slots, table, figure)
faithfulness.compare_panel(clip, {slot.label: slot.checkpoint for slot in slots if slot.label in there})
web.explain_scaling()
