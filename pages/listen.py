"""Listen: what a clip is, and which frames the model attended to."""

from dataclasses import replace

import streamlit as st

from acrnn.devices import describe_device
from acrnn.errors import AcrnnError
from acrnn.events import find_events
from acrnn.figures import ClipView, top_figure
from acrnn.labels import pretty
from acrnn.web.shared import events as sounding
from acrnn.web.shared import exports, faithfulness
from acrnn.web.shared.analysis import analyse, attended_wav, figure_of, predictor_of
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.clips import choose_clip, show_unusable
from acrnn.web.shared.models import choose_checkpoint, describe_accuracy
from acrnn.web.shared.player import player
from acrnn.web.shared.words import (
    code,
    describe_agreement,
    describe_attention,
    describe_bandwidth,
    describe_figure,
    describe_level,
    describe_probability,
    describe_strangeness,
    headline,
    plain,
)
from acrnn.web.shell import address
from acrnn.web.shell.router import through_app

through_app()

with st.sidebar:
    checkpoint = choose_checkpoint()
    if checkpoint is None:
        st.stop()
    st.caption(describe_accuracy(checkpoint))
    st.divider()
    clip = choose_clip(checkpoint.config.fold)

if clip is None:
    st.title("Listen")
    st.info("Choose, upload or record a sound in the sidebar.", icon=":material/graphic_eq:")
    st.stop()

place = st.empty()
try:
    analysis = analyse(clip, checkpoint, lambda share: place.progress(share, text=f"Listening to {plain(clip.name)} …"))
except AcrnnError as error:
    st.title("Listen")
    show_unusable(error, clip)
    st.stop()
finally:
    place.empty()

prediction = analysis.prediction
found = None
if sounding.has_events(prediction):
    with st.sidebar:
        settings = sounding.choose_settings(prediction.labels)
    sounding.forget(clip.key, settings)
    found = find_events(prediction, settings)

verdict, bars = st.columns([2, 3], vertical_alignment="center", gap="large")
with verdict:
    if found is None:
        st.title(headline(prediction), anchor=False)
        st.markdown(describe_agreement(clip, checkpoint, prediction.label))
    else:
        st.title(sounding.headline(found), anchor=False)
        st.markdown(f"Over the whole recording: {headline(prediction)}, which says little of a long one.")
    for note in (*prediction.notes, describe_level(prediction)):
        if note:
            st.caption(f":material/info: {plain(note)}")
    if (told := describe_strangeness(prediction)) is not None:
        st.caption(told)
    st.caption(
        f"{plain(clip.name)}, {prediction.duration_s:.2f} s. {code(checkpoint.name)} on "
        f"{describe_device(predictor_of(checkpoint).device)}. {describe_probability(prediction, checkpoint)}"
    )
with bars:
    likely = prediction.top(5)
    st.plotly_chart(
        top_figure(prediction, truth=clip.truth),
        key="top",
        alt=f"Most probable classes: {', '.join(f'{pretty(name)} {p:.0%}' for name, p in likely)}",
        config=NO_BAR,
    )

has_attention = prediction.attention is not None
play, levels, veil = st.columns([3, 3, 2], vertical_alignment="bottom", gap="medium")
VERSIONS = {"clip": "the clip", "attended": "only what it attends to"}
played = address.one_of(
    play.segmented_control, "Play", VERSIONS, format_func=VERSIONS.get, key="play",
    disabled=not has_attention, help="Only what it attends to: the sound with each frame scaled by its attention.",
)  # fmt: skip
low_db, high_db = levels.slider(
    "Colours (dB, a full-scale sine is about 0)", -80, 10, (-80, 0), step=5, key="db", bind="query-params"
)
overlay = veil.toggle(
    "Attention veil", key="veil", bind="query-params", disabled=not has_attention,
    help="Darkens the spectrogram where attention is below its maximum.",
)  # fmt: skip

attended = played == "attended" and has_attention
view = ClipView(low_db, max(high_db, low_db + 5), overlay)
if found is not None:
    view = replace(view, events=tuple(found), span_s=sounding.choose_span(prediction, found))
figure = figure_of(analysis, view)
player(
    figure,
    attended_wav(analysis) if attended else analysis.wav,
    key="listen",
    clip=clip.key,
    alt=describe_figure(clip.name, checkpoint),
    filename=f"{clip.name.rsplit('.', 1)[0]}-{checkpoint.config.placement}",
    stretch=None if found is None else sounding.stretch(found),
)
if found is not None:
    sounding.show_events(found, analysis, clip.name.rsplit(".", 1)[0])
most = "" if prediction.attention is None else f"Attends most around {prediction.attention.most_at_s:.2f} s. "
st.caption(most + describe_attention(prediction, checkpoint))
if (told := describe_bandwidth(prediction)) is not None:
    st.caption(told)
exports.buttons(prediction, figure)
faithfulness.listen_panel(clip, checkpoint, prediction)
