"""Listen: what a clip is, and which frames the model attended to."""

from dataclasses import replace

import streamlit as st

from acrnn.devices import describe_device
from acrnn.errors import AcrnnError
from acrnn.events import find_events
from acrnn.figures import ClipView, top_figure
from acrnn.labels import pretty
from acrnn.web.listen.where import where_section
from acrnn.web.shared import events as sounding
from acrnn.web.shared import exports, faithfulness
from acrnn.web.shared.analysis import analyse, attended_sound, figure_of, predictor_of
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.clips import choose_clip, show_unusable
from acrnn.web.shared.models import choose_checkpoint, describe_accuracy
from acrnn.web.shared.player import Controls, player
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
from acrnn.web.shell.server import INTRODUCTION

AT_ONCE_S = 30.0  # the attended version of a clip up to this long is there before it is asked for

through_app()

introduction, upload = st.columns([3, 2], vertical_alignment="center", gap="large")
introduction.markdown(f"{INTRODUCTION} The sidebar has other sounds to try.")
with st.sidebar:
    sound = st.container()
    with st.expander("Model", icon=":material/neurology:"):
        checkpoint = choose_checkpoint()
        if checkpoint is not None:
            st.caption(describe_accuracy(checkpoint))
if checkpoint is None:
    st.stop()
with sound:
    clip = choose_clip(checkpoint.config.fold, upload)

if clip is None:
    st.title("Listen")
    st.info("Upload a file above, or choose or record a sound in the sidebar.", icon=":material/graphic_eq:")
    st.stop()

place, unusable = st.empty(), None
try:
    analysis = analyse(clip, checkpoint, lambda share: place.progress(share, text=f"Listening to {plain(clip.name)} …"))
except AcrnnError as error:
    unusable = error
finally:
    place.empty()
if unusable is not None:
    st.title("Listen")
    show_unusable(unusable, clip)
    st.stop()

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
        st.markdown(" ".join(filter(None, [describe_agreement(clip, checkpoint, prediction.label), clip.about])))
    else:
        st.title(sounding.headline(found), anchor=False)
        st.markdown(f"Over the whole recording: {headline(prediction)}, which says little of a long one.")
    for note in (*prediction.notes, describe_level(prediction)):
        if note:
            st.caption(f":material/info: {plain(note)}")
    st.caption(f"{plain(clip.name)}, {prediction.duration_s:.2f} s")
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
    help="Greys the spectrogram where attention is below its maximum, and draws the attention over it.",
)  # fmt: skip

drawn = ClipView()
if found is not None:
    drawn = replace(drawn, events=tuple(found), span_s=sounding.choose_span(prediction, found))
is_there = has_attention and (played == "attended" or prediction.duration_s <= AT_ONCE_S)
with st.container():  # as far as the player stays in sight
    player(
        figure_of(analysis, drawn, steered=True),
        analysis.sound,
        key="listen",
        clip=clip.key,
        alt=describe_figure(clip.name, checkpoint),
        filename=f"{clip.name.rsplit('.', 1)[0]}-{checkpoint.config.placement}",
        stretch=None if found is None else sounding.stretch(found),
        controls=Controls("veil", "db", "play", attended_sound(analysis) if is_there else None),
    )
    if found is not None:
        sounding.show_events(found, analysis, clip.name.rsplit(".", 1)[0])
    most = "" if prediction.attention is None else f"Attends most around {prediction.attention.most_at_s:.2f} s. "
    st.caption(most + describe_attention(prediction, checkpoint))
    if (told := describe_bandwidth(prediction)) is not None:
        st.caption(told)
    if (told := describe_strangeness(prediction)) is not None:
        st.caption(told)
    st.caption(
        f"{code(checkpoint.name)} on {describe_device(predictor_of(checkpoint).device)}. "
        f"{describe_probability(prediction, checkpoint)}"
    )
    as_seen = replace(drawn, low_db=low_db, high_db=max(high_db, low_db + 5), overlay=overlay)
    exports.buttons(exports.Found(clip, analysis, checkpoint), as_seen)
    faithfulness.listen_panel(clip, checkpoint, prediction)
where_section(clip, checkpoint, analysis, as_seen)
