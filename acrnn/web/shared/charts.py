"""How the pages draw charts."""

NO_BAR = {"displayModeBar": False}
"""Settings of a Plotly chart without its tool bar."""
