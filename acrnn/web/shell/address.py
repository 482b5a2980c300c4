"""What is chosen on a page, in its URL: short words that outlive any rewording, and a way back to each choice.

Streamlit can bind a widget to the query itself, but writes the text that the widget shows, and adds nothing to the
browser's history. Here an option stands in the URL as `str(option)`, what is shown comes from `format_func`, and each
change is an entry of the history: Back and a link restore what was chosen. What is carried from page to page always
stands in the URL, so that a link means the same for everybody; anything else does where it is not the default.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from acrnn.web.shell.carry import CARRIED

UNDER_WAY_S = 1.0
"""For so long the browser may still tell the query that stood before the last change."""


@dataclass(frozen=True)
class _Written:
    """What the last run of a page wrote: the value, its words in the URL, those before them, and when."""

    value: Any
    words: list[str]
    before: list[str]
    at: float


def one_of(draw: Callable, label: str, options: Sequence, *, key: str, default: Any = None, **more: Any) -> Any:
    """Draw a widget in which one option is always chosen, and keep its URL.

    Parameters
    ----------
    draw : callable
        `st.selectbox`, `st.radio`, `st.pills` or `st.segmented_control`, of the page or of a container.
    options : sequence
        Their `str` stands in the URL: constants, not what is shown.
    default : optional
        Chosen where neither user nor URL say anything; by default the first option.
    **more
        What else the widget takes.
    """
    options = list(options)
    default = options[0] if default is None else default
    _follow(key, options, default)
    if draw.__name__ in ("pills", "segmented_control"):
        more["required"] = True
    value = draw(label, options, key=key, **more)
    _write(key, value, default)
    return value


def none_or_one_of(label: str, options: Sequence, *, key: str, draw: Callable = st.selectbox, **more: Any) -> Any:
    """Draw a selectbox in which an option may be chosen, and keep its URL; None as long as none is."""
    _follow(key, list(options), None)
    value = draw(label, list(options), index=None, key=key, **more)
    _write(key, value, None)
    return value


def some_of(draw: Callable, label: str, options: Sequence, *, key: str, default: Sequence = (), **more: Any) -> list:
    """Draw `st.multiselect`, or `st.pills` with more than one choice, and keep its URL."""
    _follow(key, list(options), list(default), many=True)
    value = draw(label, list(options), key=key, **more)
    _write(key, value, list(default))
    return value


def tabs(titles: dict[str, str], *, key: str) -> list:
    """Draw tabs, by their words in the URL, and keep the open one there."""
    words = {title: word for word, title in titles.items()}
    opened = f"{key}_open"
    if st.session_state.get(key) in words:
        st.session_state[opened] = words[st.session_state[key]]
    default = next(iter(titles))
    _follow(opened, list(titles), default, parameter=key)
    st.session_state[key] = titles[st.session_state[opened]]
    drawn = st.tabs(list(titles.values()), key=key, on_change="rerun")
    _write(opened, st.session_state[opened], default, parameter=key)
    return list(drawn)


def _follow(key: str, options: list, default: Any, *, many: bool = False, parameter: str | None = None) -> None:
    """Let the widget have what a link or Back asks for, unless the user has just changed it; else what it had."""
    state, asked = st.session_state, st.query_params.get_all(parameter or key)
    last: _Written | None = state.get(_memory(key)) if key in state else None
    by_word = {str(option): option for option in options} | {_loosely(str(option)): option for option in options}
    found = [by_word.get(word, by_word.get(_loosely(word))) for word in asked]
    found = [option for option in found if option is not None]
    changed = last is not None and state[key] != last.value
    stale = last is not None and asked == last.before and time.monotonic() < last.at + UNDER_WAY_S
    if not changed and not stale and (last is None or asked != last.words):
        if found:
            state[key] = found if many else found[0]
        elif last is not None and not asked and key not in CARRIED:  # Back, to before it was chosen
            state[key] = default
    if key not in state or not _is_among(state[key], options, many, optional=default is None):
        state[key] = default
    _tell_again(key)


def _tell_again(key: str) -> None:
    """Have the browser told of a value that stands: it forgets those of widgets that the last run did not draw."""
    state = st.session_state
    drawn_in, now = state.setdefault("drawn_in", {}), state.get("n_runs", 0)
    if drawn_in.get(key, now) < now - 1:
        state[key] = state[key]
    drawn_in[key] = now


def _write(key: str, value: Any, default: Any, *, parameter: str | None = None) -> None:
    parameter = parameter or key
    if value is None or (value == default and key not in CARRIED):
        words = []
    else:
        words = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    last, present = st.session_state.get(_memory(key)), st.query_params.get_all(parameter)
    if last is None or words != last.words:
        st.session_state[_memory(key)] = _Written(value, words, present, time.monotonic())
    if words == present:
        return
    if words:
        st.query_params[parameter] = words
    else:
        st.query_params.pop(parameter, None)


def _memory(key: str) -> str:
    return f"address of {key}"


def _loosely(word: str) -> str:
    """Take case and punctuation out, in which older links differ."""
    return "".join(character for character in word.lower() if character.isalnum())


def _is_among(value: Any, options: list, many: bool, *, optional: bool) -> bool:
    if many:
        return isinstance(value, list) and all(one in options for one in value)
    return value in options or (optional and value is None)


@cache
def _component():
    script = Path(__file__).with_name("history.js").read_text(encoding="utf-8")
    return st.components.v2.component("acrnn_history", js=script)


def one_entry_a_step() -> None:
    """Let the browser's history have one entry for each thing that the user does, however often the URL changes."""
    _component()(key="acrnn_history")
