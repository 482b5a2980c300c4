"""Events that were found beside the true ones: event-based and segment-based F1, by sed_eval."""

import warnings
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from acrnn.errors import OptionError
from acrnn.events.detect import Event

COLLAR_S = 0.2
SHARE_OF_LENGTH = 0.2
"""An offset may be off by the collar or by this share of the true event's length, whichever is more."""
SEGMENT_S = 1.0


@dataclass(frozen=True)
class Counts:
    """What F1 is made of.

    Attributes
    ----------
    right, found, true : int
        Events, or segments of a second, that are right, that were found, and that there are.
    """

    right: int = 0
    found: int = 0
    true: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.right + other.right, self.found + other.found, self.true + other.true)

    @property
    def f1(self) -> float | None:
        """Twice what is right by what was found and what is true, 0 to 1; None if there is neither."""
        both = self.found + self.true
        return 2 * self.right / both if both else None


@dataclass(frozen=True)
class Score:
    """One recording's, or one class's: by events with a collar, and by segments of a second."""

    events: Counts = Counts()
    segments: Counts = Counts()

    def __add__(self, other: "Score") -> "Score":
        return Score(self.events + other.events, self.segments + other.segments)


def score_events(found: Sequence[Event], true: Sequence[Event]) -> dict[str, Score]:
    """Score one recording, class by class: those that were found, or are true.

    An event is right if the class is, its onset is within `COLLAR_S`, and its offset within that or a fifth of the
    true event's length; each true event is matched once.

    Raises
    ------
    OptionError
        If sed_eval is not installed.
    """
    sed_eval = _sed_eval()
    labels = sorted({event.label for event in (*found, *true)})
    if not labels:
        return {}
    lists = [_as_list(true), _as_list(found)]
    by_event = sed_eval.sound_event.EventBasedMetrics(
        labels, t_collar=COLLAR_S, percentage_of_length=SHARE_OF_LENGTH, event_matching_type="optimal"
    )
    by_segment = sed_eval.sound_event.SegmentBasedMetrics(labels, time_resolution=SEGMENT_S)
    for metrics in (by_event, by_segment):
        metrics.evaluate(*lists)
    return {
        label: Score(_counts(by_event.class_wise[label]), _counts(by_segment.class_wise[label])) for label in labels
    }


def total(scores: dict[str, Score]) -> Score:
    """All classes together."""
    return sum(scores.values(), Score())


def overlapping(found: Sequence[Event], true: Sequence[Event]) -> tuple[list[Event], list[Event]]:
    """Tell which true events no event of their class overlaps, and which found ones overlap no true one."""
    return _unmet(true, found), _unmet(found, true)


def tell_found(n_found: int, n_true: int, n_false: int) -> str:
    """Say how it came out: `4 of 5 true events found, 1 false alarm`."""
    return f"{n_found} of {n_true} true events found, {n_false} false alarm{'' if n_false == 1 else 's'}"


def _unmet(events: Sequence[Event], others: Sequence[Event]) -> list[Event]:
    """Events that none of the others, of their class, overlaps; in their own order, in n log n steps."""
    of_class: dict[str, list[Event]] = {}
    for other in sorted(others, key=lambda other: other.start_s):
        of_class.setdefault(other.label, []).append(other)
    starts = {label: [other.start_s for other in of_it] for label, of_it in of_class.items()}
    latest = {label: list(accumulate((other.end_s for other in of_it), max)) for label, of_it in of_class.items()}

    def is_met(event: Event) -> bool:
        n_before = bisect_left(starts.get(event.label, []), event.end_s)  # those that start before it ends
        return n_before > 0 and latest[event.label][n_before - 1] > event.start_s

    return [event for event in events if not is_met(event)]


def _sed_eval():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks for pkg_resources
            import sed_eval  # slow to load, and only scores need it
    except ImportError as error:
        raise OptionError(
            f"Scores need sed_eval, which is not installed ({error}); requirements-dev.txt lists it."
        ) from error
    return sed_eval


def _as_list(events: Sequence[Event]):
    from dcase_util.containers import MetaDataContainer

    rows = [{"event_label": e.label, "onset": e.start_s, "offset": e.end_s, "filename": "recording"} for e in events]
    return MetaDataContainer(rows)


def _counts(told: dict[str, Any]) -> Counts:
    return Counts(int(told["Ntp"]), int(told["Nsys"]), int(told["Nref"]))
