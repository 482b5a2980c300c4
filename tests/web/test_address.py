"""What is chosen and the page's URL, each following the other."""

import pytest
from streamlit.testing.v1 import AppTest

from acrnn.web.shell import address


def page():
    import streamlit as st

    from acrnn.web.shell import address

    titles = {"dog": "a dog", "crying_baby": "a crying baby", "rain": "rain"}
    address.one_of(st.selectbox, "Sample", titles, format_func=titles.get, key="sample")  # one that is carried
    address.one_of(st.segmented_control, "Cells", ["counts", "recall"], key="cells")
    address.none_or_one_of("True class", titles, key="true", format_func=titles.get)
    address.some_of(st.multiselect, "Classes", titles, format_func=titles.get, key="classes")
    address.tabs({"matrix": "Matrix", "class": "Per class"}, key="view")


@pytest.fixture
def opened():
    def run(**query: str | list[str]) -> AppTest:
        app = AppTest.from_function(page)
        app.query_params.update(query)
        app.run()
        assert not app.exception
        return app

    return run


def words(app: AppTest) -> dict[str, list[str]]:
    return {key: [words] if isinstance(words, str) else list(words) for key, words in app.query_params.items()}


def chosen(app: AppTest) -> dict:
    state = app.session_state
    return {key: state[key] for key in ("sample", "cells", "true", "classes", "view")}


DEFAULTS = {"sample": "dog", "cells": "counts", "true": None, "classes": [], "view": "Matrix"}


def test_only_what_is_carried_stands_in_the_url_as_a_default(opened):
    app = opened()
    assert chosen(app) == DEFAULTS
    assert words(app) == {"sample": ["dog"]}


def test_a_link_chooses_and_stays(opened):
    query = {"sample": ["rain"], "cells": ["recall"], "true": ["dog"], "classes": ["rain", "dog"], "view": ["class"]}
    app = opened(**query)
    assert chosen(app) == {
        "sample": "rain", "cells": "recall", "true": "dog", "classes": ["rain", "dog"], "view": "Per class",
    }  # fmt: skip
    assert words(app) == query
    app.run()
    assert words(app) == query


def test_an_older_link_with_the_text_that_was_shown_still_chooses(opened):
    app = opened(sample="crying baby", cells="Recall")
    assert chosen(app)["sample"] == "crying_baby"
    assert chosen(app)["cells"] == "recall"


@pytest.mark.parametrize("key", list(DEFAULTS))
def test_a_word_that_means_nothing_is_as_none(opened, key):
    assert chosen(opened(**{key: "no such thing"})) == DEFAULTS


def test_a_change_is_written_and_back_takes_it_back(opened, monkeypatch):
    monkeypatch.setattr(address, "UNDER_WAY_S", 0.0)
    app = opened(sample="rain")
    app.selectbox(key="true").select("dog").run()
    assert words(app) == {"sample": ["rain"], "true": ["dog"]}
    del app.query_params["true"]  # Back
    app.query_params["sample"] = "dog"
    app.run()
    assert chosen(app) == DEFAULTS


def test_a_change_outweighs_the_url_of_a_moment_before(opened):
    app = opened()
    app.selectbox(key="sample").select("rain").run()
    app.query_params["sample"] = "dog"  # the browser has not yet heard of the change
    app.selectbox(key="true").select("dog").run()
    assert chosen(app)["sample"] == "rain"
    assert words(app)["sample"] == ["rain"]
