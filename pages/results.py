"""Results: how this reproduction compares with the paper, table by table."""

import streamlit as st

from acrnn.data import TITLES
from acrnn.errors import AcrnnError
from acrnn.figures.confusion import FEW_CLASSES, matrix_figure
from acrnn.figures.results import recall_beside_paper
from acrnn.labels import CLASSES
from acrnn.report.document import COUNTING, INTERVALS, PROTOCOL
from acrnn.report.tables import (
    confusion_of_setting,
    figure4_frame,
    figure4_setting,
    recall_frame,
    tell_costs,
    tell_run,
)  # fmt: skip
from acrnn.results import paper
from acrnn.web.confusions.view import is_dark, known_settings
from acrnn.web.results import tables as web
from acrnn.web.results.faithfulness import show_faithfulness
from acrnn.web.results.studies import known_measured, show_localisation, show_robustness
from acrnn.web.shared.models import list_checkpoints
from acrnn.web.shared.words import plain
from acrnn.web.shell.router import through_app

through_app()

st.title("Results", anchor=False)
st.html(web.STYLE)
try:
    settings, measured = known_settings(), known_measured()
except AcrnnError as error:
    st.error(plain(str(error)))
    st.stop()
checkpoints = list_checkpoints()

st.markdown(
    "The paper's Tables 1 to 4 and Figure 4, as printed, beside what was measured here. What was not run says so; "
    "“quoted only” are other authors' figures in the paper's Table 1."
)
dataset = st.segmented_control(
    "Scored on", list(CLASSES), format_func=TITLES.get, default="esc10", required=True, key="scored",
    bind="query-params",
)  # fmt: skip
st.markdown(web.describe_coverage(dataset, settings))
with st.container(border=True):
    st.markdown(f"**Protocol.** {PROTOCOL}")
    st.markdown(INTERVALS)

web.accuracy_section(paper.TABLE_1, dataset, settings, checkpoints)

st.header(paper.TABLE_2_TITLE, anchor="table-2")
st.caption(f"“{paper.TABLE_2_CAPTION}”")
costs = web.costs_of(len(CLASSES[dataset]))
web.cost_table(costs)
st.markdown(f"{COUNTING} {tell_costs(costs)}")

web.accuracy_section(paper.TABLE_3, dataset, settings, checkpoints)
web.accuracy_section(paper.TABLE_4, dataset, settings, checkpoints)
web.pairing_section(dataset, settings)

st.header(paper.FIGURE_4_TITLE, anchor="figure-4")
st.caption(f"“{paper.FIGURE_4_CAPTION}”")
setting = figure4_setting(settings, dataset)
web.show_table(figure4_frame(setting, dataset).to_dict("records"), "Figure 4 in words")
if setting is None:
    st.info(f"ACRNN with attention at l10 was not run on {TITLES[dataset]}.", icon=":material/grid_off:")
else:
    st.markdown(f"`{setting.name}`: {tell_run(setting)}. {web.links(setting, checkpoints)}")
    confusion, recall = confusion_of_setting(setting), recall_frame(setting)
    few = len(setting.labels) <= FEW_CLASSES
    left, right = st.columns((5, 4), gap="large") if few else (st, st)
    left.subheader("Confusion matrix, ours", anchor=False)
    left.container(key="matrix_few" if few else "matrix_many").plotly_chart(
        matrix_figure(confusion, confusion.order("group"), dark=is_dark()), key="matrix",
        alt=f"Confusion matrix of {setting.name}", config=web.NO_BAR,
    )  # fmt: skip
    right.subheader("Recall of each class, ours", anchor=False)
    right.plotly_chart(
        recall_beside_paper(recall), key="recall", alt=f"Recall of each class of {setting.name}", config=web.NO_BAR
    )
    st.caption(
        "A ring is a recall that §4.2 gives for ESC-50; intervals are 95 %, by Wilson, over the clips of a class."
    )
    web.csv_button("Recall", recall)

web.ablation_section(dataset, measured)
show_faithfulness(dataset, measured.faithfulness, checkpoints)
show_robustness(dataset, measured)
show_localisation(dataset, measured)

st.header("Published checkpoints", anchor="checkpoints")
web.checkpoint_table(checkpoints)
