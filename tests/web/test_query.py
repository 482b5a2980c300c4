"""What stands in a page's URL: any value gives a page, and a checkpoint's own gives that checkpoint."""

import ast
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from acrnn.checkpoints import find, hub, names
from acrnn.report.words import WORD_JOINER
from acrnn.web.shared.models import listen_query
from acrnn.web.shared.words import plain
from acrnn.web.shell.query import _is_usable


def chooser():
    import streamlit as st

    from acrnn.web.shared.models import choose_checkpoint

    st.text(choose_checkpoint().name)


@pytest.fixture(scope="module")
def checkpoints(tiny_checkpoints, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACRNN_SHIPPED", str(tmp_path_factory.mktemp("nothing")))
        patch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))
        yield [find(name) for name in names()]


def chosen_by(query: dict[str, str]) -> str:
    app = AppTest.from_function(chooser)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    (name,) = app.text
    return name.value


def test_the_query_of_a_checkpoint_chooses_it(checkpoints):
    assert len(checkpoints) == 4
    for checkpoint in checkpoints:
        assert chosen_by(listen_query(checkpoint)) == checkpoint.name


@pytest.mark.parametrize("word", ["hf://somebody/model", "/etc", "../checkpoints", "file:///etc"])
def test_a_query_names_no_checkpoint_elsewhere(checkpoints, monkeypatch, word):
    monkeypatch.setattr(hub, "fetch", lambda *given, **more: pytest.fail("the Hub was asked"))
    monkeypatch.setenv("ACRNN_PUBLIC", "1")
    chosen = chosen_by({"model": word, "attention": word, "fold": word})
    assert chosen in {checkpoint.name for checkpoint in checkpoints}


VALUE = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@settings(max_examples=10)
@given(st.fixed_dictionaries({}, optional={"model": VALUE, "attention": VALUE, "fold": VALUE}))
def test_any_other_query_chooses_one_that_is_there(checkpoints, query):
    assert chosen_by(query) in {checkpoint.name for checkpoint in checkpoints}


@given(st.text())
def test_nothing_in_a_name_is_markdown_once_it_is_escaped(text):
    escaped = plain(text).replace(WORD_JOINER, "")
    unescaped = "".join(escaped[i] for i in range(len(escaped)) if not is_escape(escaped, i))
    assert unescaped == "".join(character if character.isprintable() else " " for character in text)
    marks = {i for i, character in enumerate(escaped) if character in "`*_[]$<>:@" and not is_escape(escaped, i)}
    assert all(is_escape(escaped, i - 1) for i in marks)


def is_escape(text: str, at: int) -> bool:
    """Whether the character is a backslash that escapes the next one: those before it come in pairs."""
    run = 0
    while at - run >= 0 and text[at - run] == "\\":
        run += 1
    return run % 2 == 1


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("listen", {"source": ""}),
        ("collection", {"of": "", "folds": "9", "row": "", "orderby": ""}),
        ("compare", {"height": ""}),
        ("confusions", {"order": ""}),
        ("confusions", {"view": "compare", "side": ""}),
        ("results", {"scored": ""}),
        ("train", {"subset": ""}),
        ("train", {"epochs": "1e999"}),
        ("train", {"epochs": "nan"}),
    ],
)
def test_an_empty_value_or_an_endless_number_is_as_none_at_all(open_page, page, query, monkeypatch, tiny_root):
    monkeypatch.setenv("ACRNN_DATA", str(tiny_root.parent))
    open_page(page, **query)  # raises nothing


@given(st.floats() | st.just(""))
def test_only_what_a_widget_can_take_stays_in_the_query(value):
    assert _is_usable(str(value)) == (value != "" and math.isfinite(value))
    assert _is_usable("rooster")
    assert not _is_usable("  ")


def test_app_py_draws_no_bare_text():
    """Streamlit draws any expression that stands alone in the main script, comments in quotes too."""
    body = ast.parse((Path(__file__).resolve().parents[2] / "app.py").read_text()).body[1:]
    assert not [node.lineno for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
