"""All that a folder of results holds, in one value."""

from dataclasses import dataclass
from pathlib import Path

from acrnn.errors import RunError
from acrnn.results.faithfulness import FaithfulnessResult
from acrnn.results.settings import Setting, read_settings, results_root
from acrnn.results.studies import KINDS, LocalisationResult, RobustnessResult, read_studies
from acrnn.results.summary import ABLATION

FOLDERS = ("", ABLATION, *KINDS)
"""Below the folder of results, where files are."""


@dataclass(frozen=True)
class Results:
    """What was measured, as far as it could be read.

    Attributes
    ----------
    settings : tuple of Setting
        Networks under recipes, with at least one clip, by name.
    ablation : tuple of Setting
        Inner validations of recipes.
    faithfulness : tuple of FaithfulnessResult
        By checkpoint.
    robustness : tuple of RobustnessResult
    localisation : tuple of LocalisationResult
        Both by dataset and placement.
    damaged : tuple of RunError
        An error for each file that could not be read.
    """

    settings: tuple[Setting, ...] = ()
    ablation: tuple[Setting, ...] = ()
    faithfulness: tuple[FaithfulnessResult, ...] = ()
    robustness: tuple[RobustnessResult, ...] = ()
    localisation: tuple[LocalisationResult, ...] = ()
    damaged: tuple[RunError, ...] = ()


def load_results(folder: Path | None = None) -> Results:
    """Read all of it from a folder of results (default `results_root()`); damaged files are named in `damaged`."""
    folder = folder or results_root()
    settings, ablation = read_settings(folder), read_settings(folder / ABLATION)
    studies = {kind: read_studies(kind, folder) for kind in KINDS}
    damaged = [error for found in (settings, ablation, *studies.values()) for error in found.damaged]
    return Results(
        settings=tuple(setting for setting in settings.items if setting.filenames),
        ablation=ablation.items,
        **{kind: found.items for kind, found in studies.items()},
        damaged=tuple(damaged),
    )
