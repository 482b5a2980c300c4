import numpy as np
import pytest

from acrnn.events import Event
from acrnn.figures import ClipView, clip_figure, envelope, top_figure
from acrnn.figures.reduction import MAX_COLUMNS
from acrnn.inference import Attention, Prediction
from acrnn.labels import ESC10


def prediction_of(n_frames: int = 300, placement: str | None = "l10") -> Prediction:
    """Three segments of a clip with a loud frame and the highest weight at frame 200."""
    hop_s = 512 / 44_100
    times_s = np.arange(n_frames) * hop_s
    spectrogram = np.full((128, n_frames), -80.0, np.float32)
    spectrogram[40, 200] = -3.4
    weights = np.full(n_frames, 0.1)
    weights[200] = 0.4
    probabilities = np.eye(10, dtype=np.float32)[[0, 1, 0]]
    return Prediction(
        name="clip.wav",
        duration_s=n_frames * hop_s,
        checkpoint="c",
        labels=ESC10,
        probabilities=probabilities.mean(0),
        segment_votes=np.full(len(probabilities), 1 / len(probabilities)),
        segment_probabilities=probabilities,
        segment_starts_s=np.array([0, 64, 128]) * hop_s,
        segment_ends_s=np.array([128, 192, 256]) * hop_s,
        attention=placement and Attention(placement, times_s, weights, np.full((3, 7), 1 / 7), 18 * hop_s),
        spectrogram=spectrogram,
        times_s=times_s,
        centres_hz=np.geomspace(50, 20_000, 128),
        n_known_bands=128,
    )


def traces(figure, kind: str):
    return [trace for trace in figure.data if trace.type == kind]


def test_spectrogram_and_attention_peak_at_the_same_second():
    prediction = prediction_of()
    figure = clip_figure(prediction, np.zeros(44_100, np.float32), 44_100)
    heatmap = traces(figure, "heatmap")[0]
    attention = traces(figure, "scatter")[1]
    band, column = np.unravel_index(np.argmax(heatmap.z), np.shape(heatmap.z))
    assert (band, heatmap.z[band][column]) == (40, -3)
    assert heatmap.x[column] == attention.x[np.argmax(attention.y)] == pytest.approx(200 * 512 / 44_100)


def test_all_rows_share_one_time_axis_that_ends_with_the_clip():
    prediction = prediction_of()
    figure = clip_figure(prediction, np.zeros(44_100, np.float32), 44_100)
    axes = [figure.layout[name] for name in ("xaxis", "xaxis2", "xaxis3", "xaxis4")]
    assert {tuple(axis.range) for axis in axes} == {(0, prediction.duration_s)}
    assert [axis.matches for axis in axes] == ["x4", "x4", "x4", None]


def test_clips_of_different_lengths_can_share_one_time_axis():
    figure = clip_figure(prediction_of(), np.zeros(44_100, np.float32), 44_100, ClipView(until_s=7.5))
    assert tuple(figure.layout.xaxis4.range) == (0, 7.5)


def test_segments_lie_at_their_times():
    bars = traces(clip_figure(prediction_of(), np.zeros(100, np.float32), 44_100), "bar")[0]
    assert np.allclose(np.add(bars.base, bars.x), np.array([128, 192, 256]) * 512 / 44_100)
    assert bars.y == (0, 1, 0)


def test_a_network_without_attention_has_no_attention_row():
    figure = clip_figure(prediction_of(placement=None), np.zeros(100, np.float32), 44_100, ClipView(overlay=True))
    assert len(traces(figure, "heatmap")) == 1
    assert "yaxis4" not in figure.layout


def test_the_veil_is_clear_where_attention_is_highest():
    figure = clip_figure(prediction_of(), np.zeros(100, np.float32), 44_100, ClipView(overlay=True))
    veil = traces(figure, "heatmap")[1]
    assert (veil.z[0][200], veil.z[0][0]) == (100, 25)


def test_a_long_clip_is_drawn_with_as_many_columns_as_a_screen_has_and_keeps_its_peak():
    prediction = prediction_of(n_frames=9 * MAX_COLUMNS + 5)
    heatmap = traces(clip_figure(prediction, np.zeros(100, np.float32), 44_100), "heatmap")[0]
    assert np.shape(heatmap.z)[1] <= MAX_COLUMNS
    assert np.max(heatmap.z) == -3


def test_the_envelope_holds_every_extreme():
    samples = np.zeros(100_000, np.float32)
    samples[12_345], samples[54_321] = 0.9, -0.7
    times_s, low, high = envelope(samples, 1000)
    assert len(times_s) <= MAX_COLUMNS
    assert (low.min(), high.max()) == (np.float32(-0.7), np.float32(0.9))
    assert times_s[high.argmax()] <= 12.345 < times_s[high.argmax() + 1]


def test_top_bars_ascend_so_that_the_most_probable_is_on_top_and_the_true_one_is_marked():
    bars = top_figure(prediction_of(), k=3, truth="rooster").data[0]
    assert list(bars.x) == sorted(bars.x)
    assert [label for label in bars.y if "✓" in label] == ["<b>rooster ✓</b>"]


def test_events_stand_in_place_of_segments_in_lanes_that_keep_them_apart():
    events = (Event(0.1, 0.5, "dog", 0.9, 0.8), Event(0.4, 0.9, "rain", 0.9, 0.8), Event(0.6, 0.7, "dog", 0.9, 0.8))
    figure = clip_figure(prediction_of(), np.zeros(44_100, np.float32), 44_100, ClipView(events=events))
    (bars,) = traces(figure, "bar")
    assert bars.y == (0, 1, 0)
    assert bars.base == (0.1, 0.4, 0.6)
    assert figure.layout.yaxis.title.text == "events"


def test_a_stretch_is_drawn_alone_and_as_finely_as_it_is_known():
    prediction = prediction_of(n_frames=9 * MAX_COLUMNS)
    hop_s = prediction.times_s[1] - prediction.times_s[0]
    span_s = (100 * hop_s, 200 * hop_s)
    samples = np.zeros(round(prediction.duration_s * 1000), np.float32)
    figure = clip_figure(prediction, samples, 1000, ClipView(span_s=span_s))
    heatmap = traces(figure, "heatmap")[0]
    assert 100 <= np.shape(heatmap.z)[1] <= 103
    assert figure.layout.xaxis.range == span_s
    waveform = traces(figure, "scatter")[0]
    assert span_s[0] - 0.01 <= min(waveform.x) <= max(waveform.x) <= span_s[1]
