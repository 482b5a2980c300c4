"""What `python -m acrnn open-set` found for one checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from acrnn.results.result import StudyResult


@dataclass(frozen=True)
class OpenSetResult(StudyResult):
    """Calibration and strangeness, fitted on an inner split and measured on the held-out fold.

    Attributes
    ----------
    fit : mapping
        `inner`, `inner_fold`, `n_clips`, `n_others`, `score`, and `candidates` (score → `auroc`, `false_known`).
    own : mapping
        Clips of the held-out fold: `n`, `n_right`, `n_known`, `n_right_known`.
    same_rate : mapping or None
        The same for clips of the checkpoint's classes at the rate of the other classes' clips.
    reliability : mapping
        `before` and `after` → `ece` and `bins`.
    groups : tuple of mapping
        A kind of unknown sounds each: `kind`, `n`, `n_refused`, `n_known`, `auroc`, `interval`, `false_known`,
        `taken_for`.
    classes : tuple of mapping
        A class each that the network does not have: `label`, `n`, `n_known`, `taken_for`.
    """

    fit: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, int] = field(default_factory=dict)
    same_rate: Mapping[str, int] | None = None
    reliability: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[Mapping[str, Any], ...] = ()
    classes: tuple[Mapping[str, Any], ...] = ()

    @property
    def checkpoint(self) -> str:
        """The one that was measured."""
        return self.checkpoints[0]
