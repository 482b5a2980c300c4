"""Claim: the log-gammatone spectrogram is at least 8 times faster than the gammatone package's own `fft_gtgram`.

    python -m benchmarks.features [DATASET]

Both analyse the same clips in one process, turn about: 128 bands from 50 Hz, window 23.22 ms, hop half of it. Ours
adds the decibel scale and the delta. DATASET is a folder in ESC-50's layout; without one the ten bundled scenes are
used.
"""

import statistics
import sys

from gammatone.fftweight import fft_gtgram

from acrnn import data
from acrnn.audio import decode
from acrnn.audio.scenes import SCENES, render
from acrnn.features import FrontEnd, delta, log_gammatone
from benchmarks.machine import describe_machine, spread, timed

N_CLIPS = 40


def main() -> None:
    """Print both medians, their ratio and times real time."""
    front_end = FrontEnd()
    if len(sys.argv) > 1:
        clips = data.load(sys.argv[1]).clips
        waveforms = [decode(clip.path, front_end.rate_hz).samples for clip in clips[:: max(1, len(clips) // N_CLIPS)]]
    else:
        waveforms = [render(label, front_end.rate_hz).samples for label in SCENES]
    window_s, hop_s = front_end.window_samples / front_end.rate_hz, front_end.hop_s

    def ours(waveform):
        return delta(log_gammatone(waveform, front_end))

    def theirs(waveform):
        return fft_gtgram(waveform, front_end.rate_hz, window_s, hop_s, front_end.n_bands, front_end.min_hz)

    ours(waveforms[0]), theirs(waveforms[0])  # imports and tables
    pairs = [(timed(lambda w=w: ours(w)), timed(lambda w=w: theirs(w))) for w in waveforms]
    mine, reference = zip(*pairs, strict=True)
    duration_s = sum(len(w) for w in waveforms) / front_end.rate_hz
    print(describe_machine())
    print(f"{len(waveforms)} clips, {duration_s:.0f} s of sound at {front_end.rate_hz} Hz")
    print(f"acrnn.features            {spread(mine)}, {duration_s / sum(mine):.0f} × real time")
    print(f"gammatone.fft_gtgram      {spread(reference)}, {duration_s / sum(reference):.0f} × real time")
    ratios = [b / a for a, b in pairs]
    print(f"ratio a clip              median {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main()
