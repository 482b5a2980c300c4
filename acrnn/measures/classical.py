"""The classical methods of Table 1, trained here: k-NN, a linear SVM and a random forest on statistics of each clip.

As their author describes them (Piczak 2015, reference [21]): the first 12 MFCCs without the 0th, and the zero-crossing
rate, in frames of 11.6 ms, summarised by their means and standard deviations over the clip. What he does not say is
left at scikit-learn's defaults, and nothing is tuned.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from acrnn.audio import decode, open_audio
from acrnn.audio.librosa_modules import librosa_module
from acrnn.data import Clip, Dataset
from acrnn.measures.crossval import Scores

METHODS = {"knn": "k-nearest neighbours", "svm": "linear SVM", "forest": "random forest"}
"""Name of a method → for people."""
N_MFCC = 12
FRAME_S = 512 / 44_100
"""Hop of a frame; librosa's default at ESC-50's own rate."""
N_FEATURES = 2 * (N_MFCC + 1)


def statistics(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Summarise a clip: means, then standard deviations, over its frames.

    Parameters
    ----------
    samples : ndarray (n_samples,), float32
        In [-1, 1].
    rate_hz : int
        A window of the spectrum has four frames (2048 samples at 44.1 kHz), as librosa's default has.

    Returns
    -------
    ndarray (`N_FEATURES`,), float64
        Of MFCC 1 to 12, and of the zero-crossing rate (0 to 1).
    """
    feature = librosa_module("librosa.feature")
    hop = round(FRAME_S * rate_hz)
    mfcc = feature.mfcc(y=samples, sr=rate_hz, n_mfcc=N_MFCC + 1, n_fft=4 * hop, hop_length=hop)[1:]
    crossings = feature.zero_crossing_rate(samples, frame_length=hop, hop_length=hop)[:, : mfcc.shape[1]]
    rows = np.concatenate([mfcc, crossings]).astype(np.float64)
    return np.concatenate([rows.mean(axis=1), rows.std(axis=1)])


def dataset_statistics(dataset: Dataset, on_clip: Callable[[int, int], None] | None = None) -> np.ndarray:
    """`statistics` of every clip, at its own rate: (clip, `N_FEATURES`), float64; `on_clip` is told (done, in all).

    Raises
    ------
    AudioError
        If a clip cannot be used.
    """
    rows = []
    for done, clip in enumerate(dataset.clips, start=1):
        with open_audio(clip.path) as file:
            rate_hz = file.rate_hz
        rows.append(statistics(decode(clip.path, rate_hz).samples, rate_hz))
        if on_clip is not None:
            on_clip(done, len(dataset.clips))
    return np.stack(rows)


def score_method(dataset: Dataset, rows: np.ndarray, method: str, fold: int, seed: int = 0) -> Scores:
    """Train a method on the other folds and score it on one.

    Parameters
    ----------
    rows : ndarray (clip, `N_FEATURES`)
        Of `dataset.clips`, in their order; standardised by the training folds' mean and deviation.
    method : str
        One of `METHODS`.
    seed : int
        Of the forest; the others draw nothing.

    Returns
    -------
    Scores
        The SVM's `probabilities` are a softmax of its decision values: they rank the classes and are not calibrated.
    """
    from scipy.special import softmax
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    clips: Sequence[Clip] = dataset.clips
    held_out = np.array([clip.fold == fold for clip in clips])
    targets = dataset.targets(clips)
    model = make_pipeline(StandardScaler(), _classifier(method, seed, int((~held_out).sum()))).fit(
        rows[~held_out], targets[~held_out]
    )
    if method == "svm":
        found = softmax(model.decision_function(rows[held_out]).reshape(held_out.sum(), -1), axis=1)
    else:
        found = model.predict_proba(rows[held_out])
    probabilities = np.zeros((held_out.sum(), len(dataset.labels)), np.float32)
    probabilities[:, model.classes_] = found
    scored = tuple(clip for clip, out in zip(clips, held_out, strict=True) if out)
    return Scores(scored, dataset.labels, targets[held_out], probabilities)


def _classifier(method: str, seed: int, n_clips: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    if method == "knn":
        return KNeighborsClassifier(min(5, n_clips))
    if method == "svm":
        return SVC(kernel="linear", break_ties=True)  # so that the class named has the highest decision value
    return RandomForestClassifier(random_state=seed)
