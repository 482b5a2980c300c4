"""The curves as they are drawn."""

import numpy as np

from acrnn.figures.faithfulness import LINES, curves_figure
from acrnn.measures.faithfulness import MAPS, SHARES, Curve


def test_each_map_is_drawn_once_in_each_panel_and_named_once():
    shares = np.array(SHARES)
    curves = {name: Curve(shares, (1 - shares) ** i, shares**i) for i, name in enumerate(MAPS, start=1)}
    figure = curves_figure(curves, "dog")
    assert len(figure.data) == 2 * len(MAPS)
    assert [trace.name for trace in figure.data if trace.showlegend] == list(MAPS.values())
    by_name = {(trace.legendgroup, trace.xaxis): trace for trace in figure.data}
    for name, curve in curves.items():
        assert np.array_equal(by_name[name, "x"].y, curve.deletion)
        assert np.array_equal(by_name[name, "x2"].y, curve.insertion)
        assert np.array_equal(by_name[name, "x"].x, 100 * shares)
    assert figure.layout.yaxis.title.text == "probability of dog"


def test_no_two_lines_are_told_apart_by_colour_alone():
    assert set(LINES) == set(MAPS)
    assert len({(dash, symbol) for _, dash, symbol, _ in LINES.values()}) == len(LINES)
