"""One clip analysed by one checkpoint, computed once a process and shared by all sessions."""

import io
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import streamlit as st

from acrnn.audio import AudioFile, Encoder, Limits, decode, encode_wav, open_audio
from acrnn.audio.effects import scale_frames
from acrnn.audio.limits import positive
from acrnn.checkpoints import Checkpoint
from acrnn.figures import ClipView, Figure, clip_figure
from acrnn.inference import Prediction, Predictor
from acrnn.inference.prediction import KEPT_SPECTROGRAM_S
from acrnn.web.shared.chosen import ChosenClip
from acrnn.web.shared.player import STEERING
from acrnn.web.shell.public import Turns, is_public, long_turns, spend, turns

PAGE_SECONDS = "ACRNN_PAGE_SECONDS"
VALUES_A_SECOND = 4 * 96_000
"""Samples over all channels, on average over the longest clip of a page: four channels at 96 kHz."""
DECODING = 0.1
"""Share of the work on a clip that is decoding, for the progress."""


def page_limits() -> Limits:
    """Read the longest clip of a page: an hour and a half (public: ten minutes), or what ACRNN_PAGE_SECONDS says.

    A page keeps the sound and the spectrogram, some 300 MB an hour at 44.1 kHz and no more than two hours; the command
    line streams. Over all channels a clip may have `VALUES_A_SECOND` times as many samples.

    Raises
    ------
    OptionError
        If ACRNN_PAGE_SECONDS is no positive number.
    """
    seconds = min(positive(PAGE_SECONDS, 600.0 if is_public() else 5400.0), KEPT_SPECTROGRAM_S)
    return replace(
        Limits.of_environment(),
        max_duration_s=seconds,
        max_values=seconds * VALUES_A_SECOND,
        raised_by=f"{PAGE_SECONDS}, or the command line,",
    )


LONG_S = 600.0
"""From here on a recording waits for those as long, is streamed, and is kept as FLAC with an outline to draw."""
KEPT_SECONDS = 3600.0
"""Seconds of sound whose analyses are kept for everybody, some 300 MB; besides, what a page still shows is there."""
SPANS_A_SECOND = 500
"""Lowest and highest samples in the outline of a long recording: more than are drawn of a stretch of 4 s or more."""


@dataclass(frozen=True)
class Analysis:
    """A clip as the model hears it, and what it says of it.

    Attributes
    ----------
    prediction : Prediction
    rate_hz : int
        The model's rate.
    sound : bytes
        The clip for a player, a file: mono, 16-bit, at `rate_hz`; WAV, of a long one FLAC.
    key : tuple
        What it was found of: clip and weights.
    outline : tuple of ndarray and float, optional
        Of a long one: the lowest and highest sample of each short span, one after the other, and their rate in Hz.
    """

    prediction: Prediction
    rate_hz: int
    sound: bytes
    key: tuple
    outline: tuple[np.ndarray, float] | None = None

    @property
    def samples(self) -> np.ndarray:
        """The clip, float32 (n_samples,) in [-1, 1]: what is played, of which alone one copy is kept."""
        import soundfile as sf

        return sf.read(io.BytesIO(self.sound), dtype="float32")[0]


class Kept:
    """What was most recently found of clips, together no more than `limit_s` seconds of sound."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._entries: OrderedDict[Any, tuple[Any, float]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any) -> Any | None:
        """Give what was put under this key, or None."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: Any, found: Any, duration_s: float) -> None:
        """Keep something of a clip of this duration, and let go of the least recently used."""
        with self._lock:
            self._entries[key] = found, duration_s
            while len(self._entries) > 1 and sum(seconds for _, seconds in self._entries.values()) > self._limit_s:
                self._entries.popitem(last=False)


@st.cache_resource(show_spinner=False)
def _kept() -> Kept:
    return Kept(KEPT_SECONDS)


@st.cache_resource(show_spinner=False)
def _in_use() -> "WeakValueDictionary[tuple, Analysis]":
    """Give the analyses that some page still refers to."""
    return WeakValueDictionary()


@st.cache_resource(show_spinner="Loading the network …", max_entries=12)
def _predictor(_checkpoint: Checkpoint, key: str) -> Predictor:
    return Predictor(_checkpoint)


def predictor_of(checkpoint: Checkpoint) -> Predictor:
    """Load a checkpoint once a process, keyed by its whole config."""
    return _predictor(checkpoint, checkpoint.config.key)


def analyse(clip: ChosenClip, checkpoint: Checkpoint, on_progress: Callable[[float], None]) -> Analysis:
    """Decode and predict a clip, or give what was found before.

    Parameters
    ----------
    on_progress : callable
        Told the share done, 0 to 1; what it raises, as when the visitor leaves, ends the work.

    Raises
    ------
    AudioError
        If the sound cannot be used, or the server has given this visitor what it gives.
    """
    key = (clip.key, clip.name, checkpoint.config.key)
    known = _kept().get(key) or _in_use().get(key)
    if known is not None:
        return known
    with my_turn():
        analysis = _short(clip, checkpoint, key, on_progress)
    if analysis is None:
        with my_turn(long_turns()):
            analysis = _long(clip, checkpoint, key, on_progress)
    _kept().put(key, analysis, analysis.prediction.duration_s)
    _in_use()[key] = analysis
    return analysis


class _IsLong(Exception):  # noqa: N818 - not an error
    """A recording turned out to be longer than it may be in this turn."""


def _how(clip: ChosenClip) -> dict[str, Any]:
    """Give what `open_audio` and `decode` are to know of a clip."""
    return {"limits": page_limits(), "name": clip.name, "channel": clip.channel, "partial": clip.partial}


def _open(clip: ChosenClip) -> AudioFile:
    return open_audio(clip.content, **_how(clip))


def _short(
    clip: ChosenClip, checkpoint: Checkpoint, key: tuple, on_progress: Callable[[float], None]
) -> Analysis | None:
    """Decode a clip and analyse it; None if it is longer than `LONG_S`."""

    def on_decoded(done_s: float) -> None:
        if done_s > LONG_S:
            raise _IsLong
        on_progress(DECODING * done_s / (done_s + 60.0))  # of an unknown length

    on_progress(0.0)
    predictor_of(checkpoint)  # a damaged one is told before the sound is decoded
    rate_hz = checkpoint.config.front_end.rate_hz
    with _open(clip) as file:
        if file.announced_s is not None and file.announced_s > LONG_S:
            return None
    try:
        audio = decode(clip.content, rate_hz, on_progress=on_decoded, **_how(clip))
    except _IsLong:
        return None
    spend(audio.duration_s)
    prediction = predictor_of(checkpoint)(
        audio, name=clip.name, on_progress=lambda share: on_progress(DECODING + (1 - DECODING) * share)
    )
    return Analysis(prediction, rate_hz, encode_wav(audio.samples, rate_hz), key)


def _long(clip: ChosenClip, checkpoint: Checkpoint, key: tuple, on_progress: Callable[[float], None]) -> Analysis:
    """Analyse a clip while it is decoded; of its samples only what a player needs is kept."""
    predictor = predictor_of(checkpoint)
    rate_hz = checkpoint.config.front_end.rate_hz
    encoder = Encoder(rate_hz, "FLAC")
    done_s = 0.0
    with _open(clip) as file:

        def on_block(block: np.ndarray) -> None:
            nonlocal done_s
            spend(len(block) / rate_hz)
            encoder.write(block)
            done_s += len(block) / rate_hz
            on_progress(min(done_s / (file.announced_s or done_s + LONG_S), 0.999))

        prediction = predictor(file, on_block=on_block)
    sound = encoder.content()
    return Analysis(prediction, rate_hz, sound, key, _outline(sound))


def _outline(sound: bytes) -> tuple[np.ndarray, float]:
    """Lowest and highest sample of each short span of a sound, float32 (2 · n_spans,), and how many a second."""
    import soundfile as sf

    with sf.SoundFile(io.BytesIO(sound)) as file:
        span = max(1, file.samplerate // SPANS_A_SECOND)
        parts = []
        for block in file.blocks(4096 * span, dtype="float32"):
            starts = np.arange(0, len(block), span)
            parts.append(np.stack([ufunc.reduceat(block, starts) for ufunc in (np.minimum, np.maximum)], axis=1))
        return np.concatenate(parts).ravel(), 2 * file.samplerate / span


@contextmanager
def my_turn(queue: Turns | None = None) -> Iterator[None]:
    """Wait until the server has time for an analysis, and say how many are ahead."""
    place = st.empty()

    def tell(ahead: int) -> None:
        others = "One analysis is" if ahead == 1 else f"{ahead} analyses are"
        place.info(f"{others} ahead of yours …", icon=":material/hourglass_top:")

    try:
        with (queue or turns()).take(tell):
            place.empty()
            yield
    finally:
        place.empty()


def figure_of(analysis: Analysis, view: ClipView, *, steered: bool = False) -> Figure:
    """Draw a clip and its analysis, or give what was drawn before; not to be changed.

    Parameters
    ----------
    steered : bool
        Whether a player's controls change how it looks.
    """
    return _figure(analysis, analysis.key, view, steered)


@st.cache_resource(show_spinner=False, max_entries=32)
def _figure(_analysis: Analysis, key: tuple, view: ClipView, steered: bool) -> Figure:
    samples, rate_hz = _analysis.outline or (_analysis.samples, _analysis.rate_hz)
    figure = clip_figure(_analysis.prediction, samples, rate_hz, view)
    return figure.update_layout(updatemenus=[STEERING]) if steered else figure


def attended_sound(analysis: Analysis) -> bytes:
    """Scale each frame of a clip by its attention, for a player, or give what was scaled before."""
    key = (analysis.key, "attended")
    if (known := _kept_attended().get(key)) is not None:
        return known
    sound = _attended(analysis)
    _kept_attended().put(key, sound, analysis.prediction.duration_s)
    return sound


@st.cache_resource(show_spinner=False)
def _kept_attended() -> Kept:
    return Kept(KEPT_SECONDS / 2)


def _attended(analysis: Analysis) -> bytes:
    import soundfile as sf

    attention, rate_hz = analysis.prediction.attention, analysis.rate_hz
    encoder = Encoder(rate_hz, "WAV" if analysis.outline is None else "FLAC")
    done = 0
    with sf.SoundFile(io.BytesIO(analysis.sound)) as file:
        for block in file.blocks(60 * rate_hz, dtype="float32"):  # an hour at once would take a gigabyte
            encoder.write(scale_frames(block, rate_hz, attention.times_s - done / rate_hz, attention.relative))
            done += len(block)
    return encoder.content()
