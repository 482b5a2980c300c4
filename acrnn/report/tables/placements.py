"""Results of studies by the rows of the paper's Table 4."""

from collections.abc import Sequence
from typing import Any, TypeVar

from acrnn.labels import CLASSES
from acrnn.model import PICZAK, PLACEMENTS
from acrnn.results.result import StudyResult

Result = TypeVar("Result", bound=StudyResult)


def by_placement(
    studies: Sequence[Result], dataset: str, placements: Sequence[str] = (*PLACEMENTS, PICZAK)
) -> dict[str, list[Result]]:
    """Give what was measured of every placement on a dataset; PiczakCNN is left out if nothing was."""
    of_dataset = [study for study in studies if study.dataset == dataset]
    found = {placement: [s for s in of_dataset if s.placement == placement] for placement in placements}
    return {placement: of_it for placement, of_it in found.items() if of_it or placement != PICZAK}


def ordered(studies: Sequence[Result]) -> list[Result]:
    """Sort by dataset and placement, as tables are."""
    return [study for dataset in CLASSES for found in by_placement(studies, dataset).values() for study in found]


def cells(key: str, found: dict[str, Any] | None, mean: str = "mean") -> dict[str, float | None]:
    """Spread a mean with its interval over three columns of a frame: `key`, `key_low`, `key_high`."""
    found = found or {}
    low, high = found.get("interval") or (None, None)
    return {key: found.get(mean), f"{key}_low": low, f"{key}_high": high}


def setting_cells(study: StudyResult) -> dict[str, Any]:
    """Say in a frame which setting was measured, and on what."""
    return {
        "dataset": study.dataset,
        "data": study.data_title,
        "placement": study.placement,
        "recipe": study.recipe,
        "epochs": study.epochs,
        "folds": " ".join(map(str, study.folds)),
    }
