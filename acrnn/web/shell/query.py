"""What of a URL's query no widget can take."""

import math

from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx


def forget_unusable() -> None:
    """Take empty values and numbers that are not finite out of the query, before a widget reads them as None.

    A bound widget reads the query that the page was opened with, which is private to Streamlit: its version is pinned,
    and tests open pages with such queries.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    with context.session_state.query_params() as query:
        opened_with = query._initial_query_params
        for key in [key for key, values in opened_with.items() if not all(map(_is_usable, values))]:
            del opened_with[key]
            query.discard_param_no_forward_msg(key)


def _is_usable(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return bool(value.strip())
