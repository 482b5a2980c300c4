"""Train: start a run, watch it, stop it, resume it, publish it; runs outlive the page, the browser and the server."""

import streamlit as st

from acrnn.runs.watch import list_runs
from acrnn.web.shared.words import plain
from acrnn.web.shell.public import has_sign_in, may_write
from acrnn.web.shell.router import through_app
from acrnn.web.train import view as web
from acrnn.web.train.form import choose_options, start_button

through_app()

st.title("Train", anchor=False)
if not may_write():
    st.info("Training on this server is for those who are signed in.", icon=":material/lock:")
    if has_sign_in():
        st.button("Sign in", on_click=st.login, type="primary")
    st.stop()
if has_sign_in():
    st.button("Sign out", on_click=st.logout, help=plain(f"Signed in as {st.user.get('email') or st.user.get('sub')}"))
st.caption("A run trains in a process of its own: it continues when this page, the browser or the app is closed.")
with st.sidebar:
    if (options := choose_options()) is not None:
        with st.container(key="starter"):
            start_button(options)


@st.fragment(run_every=2)
def watch(can_start: bool) -> None:
    """Draw the runs as they stand now; this part alone is drawn again."""
    views, damaged = list_runs()
    for message in damaged:
        st.warning(plain(message))
    if not views:
        st.info(web.tell_no_run(can_start), icon=":material/model_training:")
        return
    chosen = web.choose_runs(views)
    if len(chosen) == 1:
        web.show_run(chosen[0])
    elif chosen:
        web.show_runs(chosen)


st.html(web.STEADY)
with st.container(key="watched"):
    watch(options is not None)
