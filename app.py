"""ACRNN in the browser: `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware

from acrnn.web.shell.address import one_entry_a_step
from acrnn.web.shell.carry import carried_choices
from acrnn.web.shell.memory import freeze
from acrnn.web.shell.public import has_sign_in, may_write, warn_if_open
from acrnn.web.shell.scrollers import reach_scrollers
from acrnn.web.shell.server import FirstPaint, is_warm, wait_until_warm, warm_up
from acrnn.web.shell.uploads import bound_uploads

# A contrast of at least 4.5 (WCAG AA) for captions, code in them, what the theme fills with its colour, and the grey of
# charts, Streamlit's and ours. The links to the pages stand above the sidebar, at one place with a sidebar and without.
FRAME = """<style>
.stMainBlockContainer { padding-top: 4.5rem }
div:has(> .st-key-frame), .st-key-upload [aria-label="Add files"] { display: none }
.stMain h1 { padding: .25rem 0 .5rem }
.st-key-upload section { flex-direction: row; align-items: center; padding: .25rem .5rem; min-height: 0 }
.stMain .stFileUploader { display: flex; align-items: center; gap: .75rem }
.stMain .stFileUploader > label { gap: .25rem; margin: 0 }
.stMain .stFileUploader > section { flex: 1; min-width: 0 }
.stMain .stFileUploader [data-testid="stFileUploaderDropzoneInstructions"] { display: none }
div:has(> .st-key-listen_audio) { position: sticky; top: 4rem; z-index: 6 }
.updatemenu-container { display: none }
[data-testid="stCaptionContainer"] { opacity: .8 }
[data-testid="stCaptionContainer"] code { font-size: .85em }
[data-testid="stBaseButton-primary"], [data-tag] { color: light-dark(white, black) }
.js-plotly-plot text:is([style*="128, 132, 149"], [style*="138, 143, 152"]) {
  fill: light-dark(#62666f, #a0a5ae) !important
}
.st-key-pages { justify-content: space-between; gap: 0 }
.st-key-pages a { padding: .25rem 0; background: none }
.st-key-pages p { font-size: .8rem }
@media (max-width: 767px) {
  .stMainBlockContainer { padding-top: 3.25rem }
  .stHorizontalBlock { gap: 1rem }
}
@media (min-width: 768px) {
  div:has(> .st-key-pages) { display: none }
  .stAppHeader { position: fixed; left: 0; width: 100%; z-index: 999992 }
  .stAppToolbar:not(:has([data-testid="stExpandSidebarButton"])) nav { padding-left: 4rem }
  .stSidebar { margin-top: 3.75rem }
  [data-testid="stSidebarHeader"] { height: 2.25rem }
}
</style>"""


def main() -> None:
    """Run the page that a visitor looks at."""
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
    with st.container(key="pages", horizontal=True):  # on a phone, where Streamlit's own links hide in the sidebar
        for other in pages:
            st.page_link(other, label=other.title, icon="")
    with st.container(key="loading"):
        if not is_warm():
            place = st.empty()
            wait_until_warm(lambda: place.markdown("Loading the networks …"))
            place.empty()
    with carried_choices(page.title):
        page.run()
    freeze(page.title)


if __name__ == "__main__":
    main()
else:  # the server, which imports this file once and has `main` run for each visitor
    app = st.App("app.py", lifespan=warm_up, middleware=[Middleware(FirstPaint)])
