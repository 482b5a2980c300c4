"""Everything that was measured beside the accuracies of the paper's tables, read from the folders of `results/`."""

from dataclasses import dataclass
from pathlib import Path

from acrnn.results.faithfulness import FOLDER as FAITHFULNESS
from acrnn.results.faithfulness import StudyResult, load_studies
from acrnn.results.settings import Setting, load_settings
from acrnn.results.studies import Probe, load_probes
from acrnn.results.summary import ABLATION

FOLDERS = (ABLATION, FAITHFULNESS, "robustness", "localisation")


@dataclass(frozen=True)
class Measured:
    """What the folders hold.

    Attributes
    ----------
    ablation : tuple of Setting
        Inner validations of recipes.
    faithfulness : tuple of StudyResult
        Sorted by checkpoint.
    robustness, localisation : tuple of Probe
        Sorted by dataset and placement.
    """

    ablation: tuple[Setting, ...] = ()
    faithfulness: tuple[StudyResult, ...] = ()
    robustness: tuple[Probe, ...] = ()
    localisation: tuple[Probe, ...] = ()


NOTHING = Measured()


def load_measured(folder: Path | None = None) -> Measured:
    """Read all of it from a folder of results, by default what comes with the project and what is the user's.

    Raises
    ------
    RunError
        If a file is not what the commands write.
    """
    return Measured(
        ablation=tuple(load_settings(folder, ABLATION)),
        faithfulness=tuple(load_studies(folder and folder / FAITHFULNESS)),
        robustness=tuple(load_probes("robustness", folder)),
        localisation=tuple(load_probes("localisation", folder)),
    )
