"""The windows of a recording → its events, by two thresholds on a grid of one window hop.

Two windows lie over each cell of the grid, as they overlap by half. An event begins with a cell where their mean is
high, and goes on over the cells beside it as long as both agree on the class: there the geometric mean counts, which a
window beside the sound brings down. Where it begins and ends exactly, the level of the signal tells.
"""

from dataclasses import dataclass

import numpy as np

from acrnn.errors import OptionError
from acrnn.events.level import Level
from acrnn.inference import Prediction
from acrnn.inference.predictor import WINDOWED_FROM_S

LEAST_S = WINDOWED_FROM_S
"""A shorter recording has a class, and no events."""
NO_EVENT = "none"
"""A class of this name stands for nothing that sounds."""
LEAST = 1e-12
"""For logarithms and quotients."""


@dataclass(frozen=True)
class Event:
    """A stretch of a recording in which a class sounds.

    Attributes
    ----------
    start_s, end_s : float
        Seconds from the recording's beginning.
    label : str
    peak, mean : float
        The largest and the mean probability of its cells, 0 to 1: calibrated if the checkpoint has an open set. NaN
        for an event of a file that tells none.
    """

    start_s: float
    end_s: float
    label: str
    peak: float = float("nan")
    mean: float = float("nan")


@dataclass(frozen=True)
class EventSettings:
    """What makes an event.

    Parameters
    ----------
    onset : float
        Mean probability of the windows over some cell of an event, above 0 and at most 1.
    offset : float
        Geometric mean of those over each of its cells, above 0 and at most `onset`.
    smoothing : int
        Cells of the running median over each class, odd; 1 is none.
    min_length_s : float
        Events shorter than this are dropped.
    min_gap_s : float
        Pauses shorter than this are closed.
    classes : tuple of str, optional
        Only these; by default all.

    Raises
    ------
    OptionError
        If one is out of range.
    """

    onset: float = 0.5
    offset: float = 0.2
    smoothing: int = 1
    min_length_s: float = 0.1
    min_gap_s: float = 1.0
    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.offset <= self.onset <= 1:
            raise OptionError(
                f"onset {self.onset:g} and offset {self.offset:g} are no two thresholds: above 0, at most 1, and the "
                "offset at most the onset are accepted."
            )
        if self.smoothing < 1 or self.smoothing % 2 == 0:
            raise OptionError(f"smoothing over {self.smoothing} cells is not accepted; an odd number from 1 is.")
        if not (0 <= self.min_length_s < np.inf and 0 <= self.min_gap_s < np.inf):
            raise OptionError("the shortest length and gap are 0 seconds or more.")


def find_events(prediction: Prediction, settings: EventSettings | None = None) -> list[Event]:
    """Find the events of a recording, in order of time; those of different classes may overlap.

    Parameters
    ----------
    prediction : Prediction
    settings : EventSettings, optional

    Raises
    ------
    OptionError
        If a class is none of the checkpoint's.
    """
    settings = settings or EventSettings()
    labels = wanted_classes(prediction.labels, settings.classes)
    level = Level.of(prediction)
    grid = Grid.of(prediction, level)
    found: list[Event] = []
    for label in labels:
        found += _of_class(label, grid.of_class(prediction.labels.index(label), settings.smoothing), level, settings)
    return sorted(found, key=lambda event: (event.start_s, event.end_s, event.label))


@dataclass(frozen=True)
class Grid:
    """Probabilities of overlapping windows on one grid of time.

    Attributes
    ----------
    edges_s : ndarray (cell + 1,)
        Where the cells begin and end: one hop each, the last one up to the recording's end.
    mean, agreed : ndarray (cell, class)
        Arithmetic and geometric mean of the windows over each cell, weighed by how much of it they cover.
    """

    edges_s: np.ndarray
    mean: np.ndarray
    agreed: np.ndarray

    @classmethod
    def of(cls, prediction: Prediction, level: Level) -> "Grid":
        """Lay the grid; windows that are silent, a pause, or not like the training classes count with 0."""
        starts_s, ends_s = prediction.segment_starts_s, prediction.segment_ends_s
        trusted = _trusted(prediction, level)
        if len(starts_s) == 1:
            return cls(np.array([starts_s[0], ends_s[0]]), trusted, trusted)
        hop_s, end_s = starts_s[1] - starts_s[0], ends_s[-1]
        n_cells = max(len(starts_s), int(np.ceil((end_s - starts_s[0]) / hop_s - 1e-6)))
        edges_s = np.append(starts_s[0] + hop_s * np.arange(n_cells), end_s)
        logs = np.log(np.maximum(trusted, LEAST))
        total, total_log = np.zeros((n_cells, trusted.shape[1])), np.zeros((n_cells, trusted.shape[1]))
        covered = np.zeros((n_cells, 1))
        for later in range(int(np.ceil((ends_s - starts_s).max() / hop_s - 1e-6))):  # cells that a window reaches
            window = np.arange(max(0, min(len(starts_s), n_cells - later)))
            cell = window + later
            shared_s = np.minimum(ends_s[window], edges_s[cell + 1]) - np.maximum(starts_s[window], edges_s[cell])
            shared_s = np.maximum(shared_s, 0)[:, None]
            total[cell] += shared_s * trusted[window]
            total_log[cell] += shared_s * logs[window]
            covered[cell] += shared_s
        covered = np.maximum(covered, LEAST)
        return cls(edges_s, total / covered, np.exp(total_log / covered))

    def of_class(self, index: int, smoothing: int) -> "Grid":
        """Give one class, (cell,), after a running median over `smoothing` cells."""
        values = self.mean[:, index], self.agreed[:, index]
        if smoothing > 1:
            from scipy import ndimage

            values = (ndimage.median_filter(column, smoothing, mode="nearest") for column in values)
        return Grid(self.edges_s, *values)


def _trusted(prediction: Prediction, level: Level) -> np.ndarray:
    """(window, class) probabilities, 0 where a window is not to give an event."""
    calibrated = prediction.segment_calibrated
    values = (prediction.segment_probabilities if calibrated is None else calibrated).astype(np.float64)
    if prediction.segment_is_silent is not None:
        values[prediction.segment_is_silent] = 0
    values[level.is_pause(prediction.segment_starts_s, prediction.segment_ends_s)] = 0
    if prediction.segment_known is not None:
        values[~prediction.segment_known] = 0
    return values


def wanted_classes(labels: tuple[str, ...], classes: tuple[str, ...] | None) -> list[str]:
    """Give the classes that events are looked for of; raises OptionError if one is none of `labels`."""
    for label in classes or ():
        if label not in labels:
            raise OptionError(f"There is no class {label!r}; {', '.join(labels)} are accepted.")
    return [label for label in labels if label != NO_EVENT and (classes is None or label in classes)]


def _of_class(label: str, grid: Grid, level: Level, settings: EventSettings) -> list[Event]:
    from scipy import ndimage  # slow to load, and most clips have no events

    runs, _ = ndimage.label((grid.agreed >= settings.offset) | (grid.mean >= settings.onset))
    found: list[Event] = []
    for (cells,) in ndimage.find_objects(runs):
        inside = grid.mean[cells]
        if inside.max() < settings.onset:
            continue
        start_s, end_s = level.sharpen(float(grid.edges_s[cells.start]), float(grid.edges_s[cells.stop]))
        found.append(Event(start_s, end_s, label, float(inside.max()), float(inside.mean())))
    merged = _merged(found, settings.min_gap_s)
    return [event for event in merged if event.end_s - event.start_s >= settings.min_length_s]


def _merged(events: list[Event], min_gap_s: float) -> list[Event]:
    """Join events of one class, in order, whose gap is shorter than `min_gap_s`; the mean is by their lengths."""
    kept: list[Event] = []
    for event in events:
        if kept and event.start_s - kept[-1].end_s < min_gap_s:
            last = kept.pop()
            lengths = (last.end_s - last.start_s, event.end_s - event.start_s)
            mean = float(np.average([last.mean, event.mean], weights=lengths))
            event = Event(last.start_s, max(last.end_s, event.end_s), event.label, max(last.peak, event.peak), mean)
        kept.append(event)
    return kept
