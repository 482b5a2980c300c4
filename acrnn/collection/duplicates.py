"""Recordings that are nearly the same: found by a network's features, checked by their waveforms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.fft import irfft, next_fast_len, rfft
from sklearn.metrics.pairwise import cosine_similarity

from acrnn.audio import Limits, Source, open_audio
from acrnn.collection.entries import Entry

RATE_HZ = 8000
"""Of the waveforms that are compared."""
EDGES_HZ = (100.0, 500.0, 1500.0, 3600.0)
"""Of the three bands in which they are compared."""
COMPARED_S = 60
"""Seconds of each recording that are compared, from its beginning."""
SAME, SAME_PHASES = 0.55, 0.25
"""From this correlation and this agreement of phases on, two recordings hold the same sound.

Set on ESC-50, where none of 7005 pairs of different classes reaches the first.
"""
N_NEAREST = 10
"""Neighbours of each recording that make pairs."""


@dataclass(frozen=True)
class Member:
    """A recording as pairs name it.

    Attributes
    ----------
    key : str
        SHA-256 of its file.
    name : str
    label : str or None
        Its class, where a dataset says so.
    fold : int or None
    source : str or None
        The recording that it was cut from, where that is known.
    """

    key: str
    name: str
    label: str | None = None
    fold: int | None = None
    source: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> "Member":
        """Make a member of a collection's entry."""
        sound = entry.sound
        return cls(entry.key, sound.name, sound.truth, sound.fold, sound.source)


def near_duplicates(members: Sequence[Member], features: np.ndarray, n: int = 200) -> pd.DataFrame:
    """Pair each recording with those nearest to it that are not known to be cut from the same recording.

    Two cuts of one recording are a pair only if they stand in different folds, where they are a leak; such pairs are
    listed however little they are alike.

    Parameters
    ----------
    members : sequence of Member
    features : ndarray (member, feature)
        Of one network, which need not have held any of them out.
    n : int
        How many pairs of different recordings at most.

    Returns
    -------
    DataFrame
        A row a pair, the most similar first: `a` and `b` (positions in `members`), `similarity` (cosine, at most 1),
        `same_source`, `across_folds`, `same_label` (missing where not known) and `copies` (one content).
    """
    sources, folds = _codes([one.source for one in members]), _codes([one.fold for one in members])
    similarity = cosine_similarity(np.asarray(features, np.float32)) if len(members) > 1 else np.zeros((1, 1))
    same_source = np.equal.outer(sources, sources)
    others = np.where(same_source, -np.inf, similarity)
    nearest = np.argsort(-others, axis=1, kind="stable")[:, :N_NEAREST]
    rows = np.repeat(np.arange(len(members)), nearest.shape[1])
    near = np.unique(np.sort(np.stack([rows, nearest.ravel()], axis=1), axis=1), axis=0)
    near = near[np.isfinite(others[near[:, 0], near[:, 1]])]
    near = near[np.argsort(-others[near[:, 0], near[:, 1]], kind="stable")][:n]
    leaks = np.argwhere(np.triu(same_source & np.not_equal.outer(folds, folds), 1))
    pairs = np.concatenate([near, leaks])
    pairs = pairs[np.argsort(-similarity[pairs[:, 0], pairs[:, 1]], kind="stable")]
    return _described(members, pairs, similarity[pairs[:, 0], pairs[:, 1]])


def _codes(values: Sequence[object]) -> np.ndarray:
    """(member,) a number a value; each None has one of its own."""
    codes = pd.factorize(pd.Series(values, dtype=object))[0]
    return np.where(codes < 0, -1 - np.arange(len(codes)), codes)


def _described(members: Sequence[Member], pairs: np.ndarray, similarity: np.ndarray) -> pd.DataFrame:
    sides = [(members[a], members[b]) for a, b in pairs]
    return pd.DataFrame(
        {
            "a": pairs[:, 0],
            "b": pairs[:, 1],
            "similarity": similarity,
            "same_source": np.array([a.source is not None and a.source == b.source for a, b in sides], bool),
            "across_folds": pd.array([_known(a.fold, b.fold, a.fold != b.fold) for a, b in sides], "boolean"),
            "same_label": pd.array([_known(a.label, b.label, a.label == b.label) for a, b in sides], "boolean"),
            "copies": np.array([a.key == b.key for a, b in sides], bool),
        }
    )


def _known(one: object, other: object, value: bool) -> bool | None:
    return None if one is None or other is None else value


@dataclass(frozen=True)
class Agreement:
    """How far two waveforms hold the same sound.

    Attributes
    ----------
    correlation : float
        0 to 1, whatever the levels: of the three bands, the middle one's.
    phases : float
        0 to 1: how far the phases of all frequencies agree.
    lag_s : float
        How much later the sound comes in the other one.
    """

    correlation: float
    phases: float
    lag_s: float

    @property
    def is_same(self) -> bool:
        """Whether it is the same sound: both measures must say so, as each is fooled by some sounds."""
        return self.correlation >= SAME and self.phases >= SAME_PHASES


def agreement(one: np.ndarray, other: np.ndarray) -> Agreement:
    """Say how far two waveforms hold the same sound, wherever it begins in each.

    They are laid over each other where their generalised cross-correlation with phase transform (Knapp and Carter 1976)
    is largest, and are then correlated in three bands. A hum that is common to both fills one band, and counts little
    among the phases; two clicks have phases that agree, and waveforms that do not.

    Parameters
    ----------
    one, other : ndarray (n_samples,)
        At `RATE_HZ`.
    """
    lag, phases = _lag(one, other)
    x, y = (one, other[lag:]) if lag >= 0 else (one[-lag:], other)
    n = min(len(x), len(y))
    return Agreement(float(np.median(_correlations(x[:n], y[:n]))), phases, lag / RATE_HZ)


def _lag(one: np.ndarray, other: np.ndarray) -> tuple[int, float]:
    """Give the lag in samples at which the phases agree most, and how far: 0 to 1.

    A second of both overlaps there, or all of the shorter one.
    """
    n = next_fast_len(len(one) + len(other), real=True)
    cross = np.conj(_whitened(one, n)) * _whitened(other, n)
    correlation = np.abs(irfft(cross, n))
    lags = np.concatenate([np.arange(len(other)), np.arange(len(other) - n, 0)])
    overlap = np.minimum(len(one), len(other) - lags) - np.maximum(0, -lags)
    correlation[overlap < min(RATE_HZ, len(one), len(other))] = 0
    at = int(correlation.argmax())
    return int(lags[at]), float(correlation[at] * n / (2 * max(np.count_nonzero(cross), 1)))


def _whitened(samples: np.ndarray, n: int) -> np.ndarray:
    """Give the phases alone of what is compared: no hum, and nothing that resampling has cut."""
    spectrum = rfft(np.asarray(samples, np.float32), n)
    frequencies = np.arange(len(spectrum)) * RATE_HZ / n
    size = np.abs(spectrum)
    keep = (frequencies >= EDGES_HZ[0]) & (frequencies <= EDGES_HZ[-1]) & (size > 0)
    return np.where(keep, spectrum / np.where(keep, size, 1), 0)


def _correlations(one: np.ndarray, other: np.ndarray) -> list[float]:
    """Correlate two stretches of one length in each band."""
    spectra = [rfft(np.asarray(samples, np.float32)) for samples in (one, other)]
    edges = np.searchsorted(np.arange(len(spectra[0])) * RATE_HZ / len(one), EDGES_HZ)
    found = []
    for band in (slice(*ends) for ends in pairwise(edges)):
        x, y = (spectrum[band] for spectrum in spectra)
        size = np.sqrt(np.vdot(x, x).real * np.vdot(y, y).real)
        found.append(float(abs(np.vdot(x, y).real) / size) if size > 0 else 0.0)
    return found


def waveform_of(source: Source, name: str, limits: Limits | None = None) -> np.ndarray:
    """Give a recording's first minute at `RATE_HZ`: float32 (n_samples,); raises AudioError as `decode` does."""
    blocks, n_samples = [], 0
    with open_audio(source, limits=limits, name=name) as file:
        for block in file.blocks(RATE_HZ):
            blocks.append(block)
            n_samples += len(block)
            if n_samples >= COMPARED_S * RATE_HZ:
                break
    return np.concatenate(blocks)[: COMPARED_S * RATE_HZ]


def check_waveforms(
    pairs: pd.DataFrame, samples_of: Callable[[int], np.ndarray], on_pair: Callable[[int, int], object] | None = None
) -> pd.DataFrame:
    """Add to pairs what their waveforms say, as `Agreement` has it: `waveform`, `phases`, `lag_s` and `same_sound`.

    Those that hold the same sound come first, then cuts of one recording in different folds, then the others.

    Parameters
    ----------
    samples_of : callable
        Gives a member's waveform at `RATE_HZ`.
    on_pair : callable, optional
        Told how many pairs are done, and of how many.
    """
    found = []
    for i, row in enumerate(pairs.itertuples()):
        found.append(agreement(samples_of(row.a), samples_of(row.b)))
        if on_pair is not None:
            on_pair(i + 1, len(pairs))
    checked = pairs.assign(
        waveform=np.array([one.correlation for one in found], float),
        phases=np.array([one.phases for one in found], float),
        lag_s=np.array([one.lag_s for one in found], float),
        same_sound=np.array([one.is_same for one in found], bool),
    )
    return checked.sort_values(["same_sound", "same_source"], ascending=False, kind="stable", ignore_index=True)


def named_pairs(members: Sequence[Member], pairs: pd.DataFrame) -> pd.DataFrame:
    """Put names in place of positions: `first`, `second`, and of each its label and fold, then the rest."""
    a, b = ([members[i] for i in pairs[side]] for side in "ab")
    named = pd.DataFrame(
        {
            "first": [one.name for one in a], "second": [one.name for one in b],
            "label_a": [one.label for one in a], "label_b": [one.label for one in b],
            "fold_a": pd.array([one.fold for one in a], "Int64"), "fold_b": pd.array([one.fold for one in b], "Int64"),
        }
    )  # fmt: skip
    return pd.concat([named, pairs.drop(columns=["a", "b"]).reset_index(drop=True)], axis=1)


def tell_pairs(pairs: pd.DataFrame) -> str:
    """Say how pairs were found, how many hold, and how many of these stand on both sides of a fold's border."""
    strangers, leaks = pairs[~pairs["same_source"]], pairs[pairs["same_source"]]
    told = (
        f"{len(strangers)} pairs of different recordings, the most alike by the network's features, were compared by "
        f"their waveforms; {int(strangers['same_sound'].sum())} hold the same sound"
    )
    if (n := int((strangers["same_sound"] & strangers["across_folds"].fillna(False)).sum())) > 0:
        told += f", {n} of these in different folds"
    if len(leaks):
        told += f". {len(leaks)} pairs are cuts of one recording in different folds"
    return f"{told}. The others are alike to the network alone."
