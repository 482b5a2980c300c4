"""Confusions: where a setting errs, down to the clips and the attention of the very model that erred."""

import streamlit as st

from acrnn.figures.confusion import matrix_figure, recall_figure, reliability_figure
from acrnn.results.confusion import clip_table, confusion_of, reliability
from acrnn.web.confusions import view as web
from acrnn.web.confusions.clip_list import OF_ANY, clip_list, tell_clips
from acrnn.web.confusions.closer import closer_below, show_closer, walk_through
from acrnn.web.confusions.compare_two import compare_with
from acrnn.web.confusions.labels import list_labels
from acrnn.web.shared.results import known_settings
from acrnn.web.shell import address
from acrnn.web.shell.router import through_app

through_app()

st.title("Confusions", anchor=False)
settings = known_settings()
if not settings:
    st.info(web.NO_RESULTS, icon=":material/grid_off:")
    st.stop()

with st.container(horizontal=True, vertical_alignment="bottom"):
    setting = web.choose_setting(settings)
    with st.popover("Filters", icon=":material/filter_alt:"):
        wanted = web.choose_filter(setting)
dataset = web.sounds_of(setting)
every = clip_table(setting, web.recordings_of(setting, dataset))
clips = wanted.apply(every)
st.markdown(web.describe_setting(setting))
if (missing := web.describe_sounds(setting, dataset)) is not None:
    st.info(missing, icon=":material/volume_off:")
if len(clips) < len(every):
    st.caption(f":material/filter_alt: The filters keep {len(clips)} of {len(every)} clips.")

matrix_tab, class_tab, clips_tab, labels_tab, calibration_tab, compare_tab = address.tabs(web.TABS, key="view")
if clips.empty:
    st.info("No clip passes the filters.", icon=":material/filter_alt_off:")
    st.stop()

if matrix_tab.open:
    with matrix_tab, closer_below(setting) as closer:
        confusion = confusion_of(clips, setting.labels)
        order, recall = web.choose_matrix()
        grid, beside = st.columns([5, 3], gap="large")
        with beside:
            true, predicted = web.choose_cell(setting.labels)
            chosen = web.list_cell(clips, true, predicted)
            walk_through(closer, chosen)
            web.save_csv(chosen, f"{setting.name}-clips", label="These clips (CSV)")
        with grid:
            figure = matrix_figure(
                confusion, confusion.order(order), recall=recall, selected=(true, predicted), dark=web.is_dark()
            )
            web.show_matrix(figure, f"Confusion matrix of {setting.name}; the most confused pairs are listed below")
            st.caption(web.describe_matrix(wanted))
            pairs = confusion.pairs()
            web.pair_buttons(pairs)
            with st.container(horizontal=True):
                web.save_csv(web.matrix_table(confusion, order, recall), f"{setting.name}-matrix", label="Matrix (CSV)")
                web.save_csv(pairs, f"{setting.name}-pairs", label="All pairs (CSV)")
    show_closer(closer, setting, every, dataset)

if class_tab.open:
    with class_tab:
        per_class = confusion_of(wanted.subset(every), setting.labels).per_class()
        st.caption(web.CLASS_NOTE)
        st.plotly_chart(recall_figure(per_class), key="recalls", alt=f"Recall of each class of {setting.name}")
        web.class_table(per_class)
        web.save_csv(per_class, f"{setting.name}-classes")

if clips_tab.open:
    with clips_tab, closer_below(setting) as closer:
        rank, note = web.choose_ranking()
        ranked = rank(clips)
        st.caption(f"{tell_clips(ranked)}. {note} {web.PRESS}")
        clip_list(ranked, OF_ANY, "rankedclips")
        walk_through(closer, ranked)
        web.save_csv(ranked, f"{setting.name}-ranked")
    show_closer(closer, setting, every, dataset)

if labels_tab.open:
    with labels_tab, closer_below(setting) as closer:
        walk_through(closer, list_labels(setting, wanted, dataset))
    show_closer(closer, setting, every, dataset)

if calibration_tab.open:
    with calibration_tab:
        found = reliability(wanted.subset(every))
        st.markdown(web.describe_reliability(found))
        st.plotly_chart(reliability_figure(found), key="reliability", alt=web.describe_reliability(found))
        web.save_csv(found.table, f"{setting.name}-calibration")

if compare_tab.open:
    with compare_tab:
        compare_with(setting, settings, wanted, dataset)
