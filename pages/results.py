"""Results: how this reproduction compares with the paper, table by table."""

import streamlit as st

from acrnn.data import TITLES
from acrnn.labels import CLASSES
from acrnn.report.document import intervals_text
from acrnn.report.tables.ablation import ablation_table
from acrnn.report.tables.accuracy import tell_coverage
from acrnn.report.tables.events import events_table
from acrnn.report.tables.pairing import pairing_table
from acrnn.report.texts import text
from acrnn.results import paper
from acrnn.web.confusions.view import is_dark
from acrnn.web.results import view as web
from acrnn.web.shared.models import list_checkpoints
from acrnn.web.shared.results import known_results, show_damaged
from acrnn.web.shell import address
from acrnn.web.shell.router import through_app

through_app()

st.title("Results", anchor=False)
st.html(web.STYLE)
results, checkpoints = known_results(), list_checkpoints()
show_damaged(results.damaged)

st.markdown(
    "The paper's Tables 1 to 4 and Figure 4, as printed, beside what was measured here. What was not run says so; "
    "“quoted only” are other authors' figures in the paper's Table 1."
)
dataset = address.one_of(
    st.segmented_control, "Scored on", list(CLASSES), format_func=TITLES.get, default="esc10", key="scored"
)
web.headline_cards(dataset, results)

tables_tab, attention_tab, limits_tab, made_tab = address.tabs(web.PARTS, key="part")
if tables_tab.open:
    with tables_tab:
        st.markdown(tell_coverage(dataset, results))
        with st.expander("Protocol and intervals", icon=":material/rule:"):
            st.markdown(text("protocol"))
            st.markdown(intervals_text())
        web.accuracy_section(paper.TABLE_1, dataset, results, checkpoints)
        web.costs_section(dataset)
        web.accuracy_section(paper.TABLE_3, dataset, results, checkpoints)
        web.accuracy_section(paper.TABLE_4, dataset, results, checkpoints)
        web.accuracy_section(paper.TABLE_4_MIXED, dataset, results, checkpoints)
        web.table_section(pairing_table(results, dataset), "pairs", sub=True)
        web.figure4_section(dataset, results, checkpoints, dark=is_dark())
if attention_tab.open:
    with attention_tab:
        web.faithfulness_section(dataset, results, checkpoints)
        web.maps_section(dataset, results)
        web.localisation_section(dataset, results)
if limits_tab.open:
    with limits_tab:
        web.robustness_section(dataset, results)
        web.open_set_section(dataset, results)
        web.table_section(events_table([study for study in results.events if study.dataset == dataset]), "events")
if made_tab.open:
    with made_tab:
        web.table_section(ablation_table(results, dataset), "ablation")
        web.checkpoints_section(checkpoints)
