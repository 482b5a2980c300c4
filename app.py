"""ACRNN in the browser: `streamlit run app.py`."""

import streamlit as st

st.set_page_config(
    page_title="ACRNN: what a sound classifier listens to", page_icon="acrnn/web/icon.png", layout="wide"
)

pages = [st.Page("pages/listen.py", title="Listen", icon=":material/hearing:", default=True)]
st.navigation(pages, position="top").run()
