import pytest

from acrnn.audio.degradations import NOISES, SNRS_DB
from acrnn.figures.robustness import LEVELS, MARKS, snr_figure
from acrnn.measures.crossval import wilson_interval
from acrnn.results.studies import RobustnessResult


def result(placement: str, n_correct_at: dict[str, int], n: int = 10) -> RobustnessResult:
    """A setting with `n` clips, of which so many are right under each condition."""
    rows = tuple(
        {
            "target": 0,
            "sounds": 1.0,
            "outcomes": {key: {"predicted": 0 if i < n_ok else 1} for key, n_ok in n_correct_at.items()},
        }
        for i in range(n)
    )
    return RobustnessResult("esc10", "ESC-10 44.1 kHz", placement, "paper", 60, ("x",), (1,), n, True, rows)


FALLING = {"clean": 9} | {f"{kind}={snr}": 8 - i for kind in NOISES for i, snr in enumerate(SNRS_DB)}


def test_each_noise_has_a_panel_and_each_setting_a_line_in_it():
    figure = snr_figure([result("l10", FALLING), result("none", FALLING)])
    assert len(figure.data) == 2 * len(NOISES)
    assert [trace.name for trace in figure.data if trace.showlegend] == ["l10, 60 epochs", "none, 60 epochs"]
    for trace in figure.data:
        assert list(trace.y) == [90, 80, 70, 60, 50, 40]
    titles = [annotation.text.replace("<br>", " ") for annotation in figure.layout.annotations]
    assert titles == list(NOISES.values())


def test_a_mark_has_wilsons_interval_and_says_its_clips():
    trace = snr_figure([result("l10", FALLING)]).data[0]
    low, high = wilson_interval(9, 10)
    assert trace.y[0] + trace.error_y.array[0] == pytest.approx(100 * high)
    assert trace.y[0] - trace.error_y.arrayminus[0] == pytest.approx(100 * low)
    assert trace.customdata[0] == f"clean: 90.0% (9 of 10; {low:.1%} to {high:.1%})"
    assert LEVELS == ("clean", "20 dB", "10 dB", "5 dB", "0 dB", "−5 dB")


def test_what_was_not_measured_is_not_drawn():
    some = {key: n for key, n in FALLING.items() if key in ("clean", "white=0")}
    white, pink, *_ = snr_figure([result("l10", some)]).data
    assert list(white.x) == [0, 4]
    assert list(pink.x) == [0]


def test_settings_differ_in_colour_and_in_shape_and_do_not_hide_each_other():
    many = [result(f"l{i}", FALLING) for i in range(8)]
    traces = snr_figure(many).data[:8]
    marks = {(t.marker.color, t.marker.symbol, t.line.dash) for t in traces}
    assert len(marks) == 8
    assert len({t.marker.symbol for t in traces[: len(MARKS)]}) == len(MARKS)
    assert len({t.x[0] for t in traces}) == 8
