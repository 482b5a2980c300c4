"""ACRNN in the browser: `streamlit run app.py`."""

import streamlit as st

from acrnn.web.shell.address import one_entry_a_step
from acrnn.web.shell.carry import carried_choices
from acrnn.web.shell.memory import freeze
from acrnn.web.shell.public import has_sign_in, may_write, warn_if_open
from acrnn.web.shell.scrollers import reach_scrollers
from acrnn.web.shell.uploads import bound_uploads

# A contrast of at least 4.5 (WCAG AA) for captions, code in them, what the theme fills with its colour, and the grey of
# charts, Streamlit's and ours. The links to the pages stand above the sidebar, at one place with a sidebar and without.
FRAME = """<style>
.stMainBlockContainer { padding-top: 4.5rem }
.st-key-frame { display: none }
[data-testid="stCaptionContainer"] { opacity: .8 }
[data-testid="stCaptionContainer"] code { font-size: .85em }
[data-testid="stBaseButton-primary"], [data-tag] { color: light-dark(white, black) }
.js-plotly-plot text:is([style*="128, 132, 149"], [style*="138, 143, 152"]) {
  fill: light-dark(#62666f, #a0a5ae) !important
}
@media (min-width: 768px) {
  .stAppHeader { position: fixed; left: 0; width: 100%; z-index: 999992 }
  .stAppToolbar:not(:has([data-testid="stExpandSidebarButton"])) nav { padding-left: 4rem }
  .stSidebar { margin-top: 3.75rem }
  [data-testid="stSidebarHeader"] { height: 2.25rem }
}
</style>"""

st.set_page_config(page_icon="acrnn/web/shell/icon.png", layout="wide")
warn_if_open()
bound_uploads()
pages = [
    st.Page("pages/listen.py", title="Listen", icon=":material/hearing:", default=True),
    st.Page("pages/collection.py", title="Collection", icon=":material/library_music:", url_path="collection"),
    st.Page("pages/compare.py", title="Compare", icon=":material/stacked_line_chart:", url_path="compare"),
    st.Page("pages/confusions.py", title="Confusions", icon=":material/grid_on:", url_path="confusions"),
    *(
        [st.Page("pages/train.py", title="Train", icon=":material/model_training:", url_path="train")]
        if has_sign_in() or may_write()
        else []
    ),
    st.Page("pages/results.py", title="Results", icon=":material/table_chart:", url_path="results"),
]
page = st.navigation(pages, position="top")
st.set_page_config(page_title=f"{page.title} · ACRNN")
with st.container(key="frame"):
    st.html(FRAME)
    one_entry_a_step()
    reach_scrollers()
with carried_choices(page.title):
    page.run()
freeze(page.title)
