"""What `python -m acrnn event-scores` found for one checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acrnn.results.result import StudyResult


@dataclass(frozen=True)
class EventsResult(StudyResult):
    """Events found in soundscapes of the held-out fold, beside the true ones.

    Attributes
    ----------
    training_fold : int
        The fold that the settings were chosen on.
    default, chosen : mapping
        `onset`, `offset` and `smoothing` of each.
    candidates : tuple of mapping
        What was tried: settings, `event_f1` and `segment_f1` on the training fold.
    scenes : tuple of mapping
        A soundscape each: under `default` and `chosen`, `events` and `segments` as (right, found, true).
    classes : tuple of mapping
        A class each, under the defaults.
    """

    training_fold: int = 0
    default: Mapping[str, float] = field(default_factory=dict)
    chosen: Mapping[str, float] = field(default_factory=dict)
    candidates: tuple[Mapping[str, float], ...] = ()
    scenes: tuple[Mapping[str, Any], ...] = ()
    classes: tuple[Mapping[str, Any], ...] = ()

    @property
    def checkpoint(self) -> str:
        """The one that was measured."""
        return self.checkpoints[0]

    def counts(self, settings: str, by: str) -> list[Sequence[int]]:
        """Give (right, found, true) of each soundscape, under `default` or `chosen`, by `events` or `segments`."""
        return [scene[settings][by] for scene in self.scenes]
