"""Claim: the log-gammatone spectrogram is at least 8 times faster than the gammatone package's own `fft_gtgram`.

    python -m benchmarks.features [DATASET]

Both analyse the same clips in one process, in rounds of all clips by one and all clips by the other (clip by clip, the
thread pools of torch and numpy would wait for each other): 128 bands from 50 Hz, window 23.22 ms, hop half of it. Ours
adds the decibel scale and the delta. DATASET is a folder in ESC-50's layout; without one the ten bundled scenes are
used.
"""

import statistics
import sys

from gammatone.fftweight import fft_gtgram

from acrnn import data
from acrnn.audio import decode
from acrnn.audio.scenes import SCENES, render
from acrnn.features import FrontEnd, delta, log_spectrogram
from benchmarks.machine import describe_machine, spread, timed

N_CLIPS = 40
N_ROUNDS = 7


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
        return delta(log_spectrogram(waveform, front_end))

    def theirs(waveform):
        return fft_gtgram(waveform, front_end.rate_hz, window_s, hop_s, front_end.n_bands, front_end.min_hz)

    def round_of(analyse) -> float:
        for waveform in waveforms:  # untimed: the other library's threads go to sleep, ours wake up
            analyse(waveform)
        return timed(lambda: [analyse(w) for w in waveforms]) / len(waveforms)

    mine, reference = zip(*((round_of(ours), round_of(theirs)) for _ in range(N_ROUNDS)), strict=True)
    clip_s = sum(len(w) for w in waveforms) / front_end.rate_hz / len(waveforms)
    print(describe_machine())
    print(f"{len(waveforms)} clips of {clip_s:.1f} s at {front_end.rate_hz} Hz; the mean a clip in {N_ROUNDS} rounds")
    print(f"acrnn.features        {spread(mine)}, {clip_s / statistics.median(mine):.0f} × real time")
    print(f"gammatone.fft_gtgram  {spread(reference)}, {clip_s / statistics.median(reference):.0f} × real time")
    ratios = [b / a for a, b in zip(mine, reference, strict=True)]
    print(f"ratio                 median {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")


if __name__ == "__main__":
    main()
