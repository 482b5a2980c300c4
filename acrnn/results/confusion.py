"""Where a setting errs: its confusion matrix, its clips, its calibration, and how it differs from another setting.

Everything is made from out-of-fold predictions alone, so it needs no audio and no network. A clip's confidence is the
probability of its predicted class, which is the highest after the vote of the segments (§4.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from scipy.stats import binomtest

from acrnn.errors import OptionError
from acrnn.labels import CLASSES, GROUPS, OTHER, group_or_other
from acrnn.measures.crossval import wilson_interval
from acrnn.results.settings import Setting, recording_of

GROUP_ORDER = [*GROUPS, OTHER]
ORDERS = ("class", "group", "clustering")
"""By name, by ESC-50's five groups, and so that classes that are mistaken for each other stand side by side."""


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each.

    Attributes
    ----------
    labels : tuple of str
        Class names by index.
    counts : ndarray (class, class), int64
        Clips of the row's class that were predicted as the column's.
    recordings : ndarray (class, class), int64, or None
        How many recordings these were cut from; None if that is not known.
    """

    labels: tuple[str, ...]
    counts: np.ndarray
    recordings: np.ndarray | None = None

    @property
    def recall(self) -> np.ndarray:
        """(class, class) `counts` as shares of their row, 0 to 1; a class without clips has zeros."""
        n_clips = self.counts.sum(axis=1, keepdims=True)
        return self.counts / np.maximum(n_clips, 1)

    def order(self, by: str) -> list[int]:
        """Give class indices in one of `ORDERS`; raises OptionError for another."""
        if by not in ORDERS:
            raise OptionError(f"Order {by!r} is not one of {', '.join(ORDERS)}.")
        if by == "class":
            return sorted(range(len(self.labels)), key=self.labels.__getitem__)
        if by == "group":
            return sorted(range(len(self.labels)), key=lambda i: GROUP_ORDER.index(group_or_other(self.labels[i])))
        return self._clustered()

    def _clustered(self) -> list[int]:
        """Leaves of an average-linkage tree; near are classes with a high mean of recall there and back."""
        if len(self.labels) < 2:
            return list(range(len(self.labels)))
        recall = self.recall
        distance = 1 - (recall + recall.T) / 2
        np.fill_diagonal(distance, 0)
        tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
        return leaves_list(tree).tolist()

    def pairs(self) -> pd.DataFrame:
        """Mistakes, the most frequent first.

        Returns
        -------
        DataFrame
            A row a non-empty cell off the diagonal: `true`, `predicted`, `clips`, `share` of the true class' clips,
            `reverse`, the clips mistaken the other way round, and `recordings`, where these are known.
        """
        true, predicted = np.nonzero(self.counts * ~np.eye(len(self.labels), dtype=bool))
        table = pd.DataFrame(
            {
                "true": [self.labels[i] for i in true],
                "predicted": [self.labels[i] for i in predicted],
                "clips": self.counts[true, predicted],
                "share": self.recall[true, predicted],
                "reverse": self.counts[predicted, true],
            }
            | ({} if self.recordings is None else {"recordings": self.recordings[true, predicted]})
        )
        return table.sort_values(["clips", "share", "reverse"], ascending=False, kind="stable", ignore_index=True)

    def per_class(self) -> pd.DataFrame:
        """Recall of each class that has clips, in the labels' order.

        Returns
        -------
        DataFrame
            `label`, `group`, `clips`, `correct`, `recall`, `low` and `high` (95% Wilson interval over clips),
            `precision` (missing for a class that is never predicted), and `taken_for`, its most frequent mistake.
        """
        rows = []
        for i, label in enumerate(self.labels):
            n_clips, correct, n_predicted = self.counts[i].sum(), self.counts[i, i], self.counts[:, i].sum()
            if n_clips == 0:
                continue
            low, high = wilson_interval(int(correct), int(n_clips))
            mistakes = np.where(np.arange(len(self.labels)) == i, 0, self.counts[i])
            rows.append(
                {
                    "label": label,
                    "group": group_or_other(label),
                    "clips": int(n_clips),
                    "correct": int(correct),
                    "recall": correct / n_clips,
                    "low": low,
                    "high": high,
                    "precision": correct / n_predicted if n_predicted else np.nan,
                    "taken_for": self.labels[int(mistakes.argmax())] if mistakes.any() else None,
                }
            )
        return pd.DataFrame(rows)


def confusion_of(clips: pd.DataFrame, labels: Sequence[str]) -> Confusion:
    """Count a table of clips (`clip_table`) into a matrix over `labels`."""
    counts = _counted(clips, labels)
    if "recording" not in clips or clips["recording"].isna().any():
        return Confusion(tuple(labels), counts)
    return Confusion(tuple(labels), counts, _counted(clips.drop_duplicates(["true", "predicted", "recording"]), labels))


def _counted(clips: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
    index = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(counts, (clips["true"].map(index).to_numpy(int), clips["predicted"].map(index).to_numpy(int)), 1)
    return counts


def clip_table(setting: Setting, recordings: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One row a clip of a setting, each scored by the model that never saw its fold.

    Parameters
    ----------
    recordings : mapping, optional
        Stem of a clip (`stem_of`) → the recording it was cut from. By default that is read from the names of ESC-50's
        clips, and not known of any other.

    Returns
    -------
    DataFrame
        `filename`, `fold`, `true`, `group` (of the true class), `predicted`, `right`, `confidence` (probability of the
        predicted class), `p_true` (of the true one) and `recording` (None where it is not known).
    """
    n_clips = len(setting.filenames)
    predicted = setting.predicted
    groups = [group_or_other(label) for label in setting.labels]
    return pd.DataFrame(
        {
            "filename": setting.filenames,
            "fold": setting.clip_folds,
            "true": [setting.labels[i] for i in setting.targets],
            "group": [groups[i] for i in setting.targets],
            "predicted": [setting.labels[i] for i in predicted],
            "right": predicted == setting.targets,
            "confidence": setting.probabilities[np.arange(n_clips), predicted].astype(float),
            "p_true": setting.probabilities[np.arange(n_clips), setting.targets].astype(float),
            "recording": _recordings(setting, recordings),
        }
    )


def _recordings(setting: Setting, known: Mapping[str, str] | None) -> list[str | None]:
    if known is not None:
        return [known.get(stem_of(name)) for name in setting.filenames]
    if setting.dataset in CLASSES:
        return [recording_of(name) for name in setting.filenames]
    return [None] * len(setting.filenames)


@dataclass(frozen=True)
class ClipFilter:
    """Which clips of a table are kept; what is empty or None keeps all.

    Attributes
    ----------
    folds : tuple of int
    labels, groups : tuple of str
        Of the true class; with both, a clip must be of one of each.
    right : bool or None
    confidence : tuple of float
        Lowest and highest that are kept, ends included.
    """

    folds: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    right: bool | None = None
    confidence: tuple[float, float] = (0.0, 1.0)

    def subset(self, clips: pd.DataFrame) -> pd.DataFrame:
        """Keep the rows of the wanted folds, classes and groups, whatever was predicted of them."""
        for column, wanted in (("fold", self.folds), ("true", self.labels), ("group", self.groups)):
            if wanted:
                clips = clips[clips[column].isin(wanted)]
        return clips

    def apply(self, clips: pd.DataFrame) -> pd.DataFrame:
        """Keep the matching rows of a table that `clip_table` made, in their order."""
        clips = self.subset(clips)
        clips = clips[clips["confidence"].between(*self.confidence)]
        return clips if self.right is None else clips[clips["right"] == self.right]


def cell(clips: pd.DataFrame, true: str | None = None, predicted: str | None = None) -> pd.DataFrame:
    """Clips of one class that were taken for one, the most confident first; None is any class."""
    if true is not None:
        clips = clips[clips["true"] == true]
    if predicted is not None:
        clips = clips[clips["predicted"] == predicted]
    return clips.sort_values("confidence", ascending=False, kind="stable")


def by_recording(clips: pd.DataFrame) -> pd.DataFrame:
    """Put the clips of a recording together, where the first of them stands."""
    first = clips["recording"].map({name: i for i, name in reversed([*enumerate(clips["recording"])])})
    return clips.iloc[np.argsort(first.to_numpy(float), kind="stable")]


def hardest(clips: pd.DataFrame) -> pd.DataFrame:
    """Order clips by the probability that their true class was given, the lowest first."""
    return clips.sort_values("p_true", kind="stable")


def confidently_wrong(clips: pd.DataFrame) -> pd.DataFrame:
    """Keep the mistakes, the most confident first."""
    return clips[~clips["right"]].sort_values("confidence", ascending=False, kind="stable")


def right_example(clips: pd.DataFrame, row: pd.Series, label: str) -> pd.Series | None:
    """Find the clip that shows best what a class is to the model that a clip was scored by.

    Parameters
    ----------
    clips : DataFrame
        Of `clip_table`.
    row : Series
        One of its rows.
    label : str
        The class: what the clip was taken for, or what it is.

    Returns
    -------
    Series or None
        The most confident right clip of the class and of the row's fold, but for the row itself, if any.
    """
    same = clips[
        clips["right"]
        & (clips["true"] == label)
        & (clips["fold"] == row["fold"])
        & (clips["filename"] != row["filename"])
    ]
    return None if same.empty else same.loc[same["confidence"].idxmax()]


@dataclass(frozen=True)
class Reliability:
    """How often a confidence is right, in bins of equal width.

    Attributes
    ----------
    table : DataFrame
        A row a bin: `low` and `high` edge, `clips`, and over them the mean `confidence`, the `accuracy` and its 95%
        Wilson interval (`accuracy_low`, `accuracy_high`); missing in a bin without clips.
    ece : float
        Expected calibration error: the distance between confidence and accuracy, weighed by clips.
    """

    table: pd.DataFrame
    ece: float


def reliability(clips: pd.DataFrame, n_bins: int = 10) -> Reliability:
    """Bin a table of at least one clip by confidence; a bin includes its upper edge, the first one also 0."""
    confidence, right = clips["confidence"].to_numpy(float), clips["right"].to_numpy(bool)
    # multiplied and rounded, so that a confidence of 0.3 is in the bin that ends there, whatever floats make of it
    bins = np.clip(np.ceil((confidence * n_bins).round(9)).astype(int) - 1, 0, n_bins - 1)
    rows, ece = [], 0.0
    for i in range(n_bins):
        inside = bins == i
        row = {"low": i / n_bins, "high": (i + 1) / n_bins, "clips": int(inside.sum())}
        if inside.any():
            low, high = wilson_interval(int(right[inside].sum()), row["clips"])
            row |= {"confidence": confidence[inside].mean(), "accuracy": right[inside].mean()}
            row |= {"accuracy_low": low, "accuracy_high": high}
            ece += row["clips"] / len(clips) * abs(row["accuracy"] - row["confidence"])
        rows.append(row)
    columns = ["low", "high", "clips", "confidence", "accuracy", "accuracy_low", "accuracy_high"]
    return Reliability(pd.DataFrame(rows, columns=columns), float(ece))


@dataclass(frozen=True)
class Comparison:
    """Two settings on the clips that both have scored.

    Attributes
    ----------
    labels : tuple of str
        Class names by index.
    clips : DataFrame
        A row a common clip: `filename`, `fold`, `true`, `group`, `recording`, and of each setting `predicted_a`,
        `right_a`, `confidence_a`, `p_true_a` and the same with `_b`.
    """

    labels: tuple[str, ...]
    clips: pd.DataFrame

    @property
    def difference(self) -> np.ndarray:
        """(class, class) counts of `b` less those of `a`; rows sum to zero."""
        a, b = (confusion_of(self.clips.rename(columns={f"predicted_{x}": "predicted"}), self.labels) for x in "ab")
        return b.counts - a.counts

    @property
    def only_a(self) -> pd.DataFrame:
        """Clips that `a` gets right and `b` wrong, those first that `b` is most confident of."""
        table = self.clips[self.clips["right_a"] & ~self.clips["right_b"]]
        return table.sort_values("confidence_b", ascending=False, kind="stable")

    @property
    def only_b(self) -> pd.DataFrame:
        """Clips that `b` gets right and `a` wrong, those first that `a` is most confident of."""
        table = self.clips[self.clips["right_b"] & ~self.clips["right_a"]]
        return table.sort_values("confidence_a", ascending=False, kind="stable")

    @property
    def p_value(self) -> float:
        """McNemar's exact test, two-sided: how likely a split as uneven as this is if both err alike; 1 without one."""
        n_a, n_b = len(self.only_a), len(self.only_b)
        return float(binomtest(n_a, n_a + n_b).pvalue) if n_a + n_b else 1.0


def stem_of(filename: str) -> str:
    """Name of a clip without its extension, by which the same clip in another format is known."""
    path = PurePosixPath(filename)
    return str(path.parent / path.stem)


def compare(a: Setting, b: Setting, recordings: Mapping[str, str] | None = None) -> Comparison:
    """Pair two settings' clips by name without extension; `recordings` as in `clip_table`.

    Raises
    ------
    OptionError
        If they know different classes, or have no clip in common.
    """
    if a.labels != b.labels:
        raise OptionError(
            f"{a.name} knows {len(a.labels)} classes and {b.name} {len(b.labels)}; they must know the same."
        )
    left, right = (clip_table(s, recordings).assign(stem=[stem_of(name) for name in s.filenames]) for s in (a, b))
    both = left.merge(
        right[["stem", "predicted", "right", "confidence", "p_true"]], on="stem", suffixes=("_a", "_b")
    ).drop(columns="stem")
    if both.empty:
        raise OptionError(f"{a.name} and {b.name} have no clip in common; settings with a common fold compare.")
    return Comparison(a.labels, both)
