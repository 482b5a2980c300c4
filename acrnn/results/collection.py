"""All that a folder of results holds, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from acrnn.errors import RunError
from acrnn.results.events import EventsResult
from acrnn.results.faithfulness import FaithfulnessResult
from acrnn.results.files import Found
from acrnn.results.maps import MapsResult
from acrnn.results.open_set import OpenSetResult
from acrnn.results.settings import Setting, read_settings
from acrnn.results.studies import KINDS, LocalisationResult, RobustnessResult, read_studies
from acrnn.results.summary import ABLATION

PARTS: dict[str, str] = {"settings": "", "ablation": ABLATION, **{kind: kind for kind in KINDS}}
"""Attribute of `Results` → folder of its files, below that of results."""


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
    maps : tuple of MapsResult
        Both by checkpoint.
    robustness : tuple of RobustnessResult
    localisation : tuple of LocalisationResult
        Both by dataset and placement.
    open_set : tuple of OpenSetResult
    events : tuple of EventsResult
        Both by checkpoint.
    damaged : tuple of RunError
        An error for each file that could not be read.
    """

    settings: tuple[Setting, ...] = ()
    ablation: tuple[Setting, ...] = ()
    faithfulness: tuple[FaithfulnessResult, ...] = ()
    maps: tuple[MapsResult, ...] = ()
    robustness: tuple[RobustnessResult, ...] = ()
    localisation: tuple[LocalisationResult, ...] = ()
    open_set: tuple[OpenSetResult, ...] = ()
    events: tuple[EventsResult, ...] = ()
    damaged: tuple[RunError, ...] = ()


def read_part(part: str, folder: Path | None = None) -> Found:
    """Read one of `PARTS`, of a folder or of the project and the user; damaged files are told, not raised."""
    if part in KINDS:
        return read_studies(part, folder)
    return read_settings(folder, PARTS[part])


def assemble(parts: Mapping[str, Found]) -> Results:
    """Put together what was read of every one of `PARTS`."""
    items = {part: found.items for part, found in parts.items()}
    items["settings"] = tuple(setting for setting in items["settings"] if setting.filenames)
    return Results(**items, damaged=tuple(error for found in parts.values() for error in found.damaged))


def load_results(folder: Path | None = None) -> Results:
    """Read all of it, of a folder of results or of the project and the user; damaged files are named in `damaged`."""
    return assemble({part: read_part(part, folder) for part in PARTS})
