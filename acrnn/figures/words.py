"""Names in figures, where plotly takes some HTML for its own."""

from html import escape

from acrnn.labels import pretty


def shown(label: str) -> str:
    """Give a class by its name for people, escaped: no tag and no link comes of it."""
    return escape(pretty(label), quote=False)
