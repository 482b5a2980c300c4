"""Two checkpoints side by side: in what their trainings differ, and what was measured of both on the held-out fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from acrnn.checkpoints import CheckpointConfig
from acrnn.errors import OptionError
from acrnn.measures.faithfulness.measures import MEASURES
from acrnn.measures.intervals import mean_with_interval
from acrnn.measures.localisation import SCORES
from acrnn.results.collection import Results
from acrnn.results.confusion import Comparison, compare
from acrnn.results.faithfulness import FaithfulnessResult
from acrnn.results.published import mismatch
from acrnn.results.result import StudyResult
from acrnn.results.settings import Setting
from acrnn.results.studies import LocalisationResult
from acrnn.training import Recipe

FILL, MEASURE, CONTROL = "silence", "comprehensiveness", "shifted"
"""Of faithfulness: what a removed frame becomes, the measure, and the fairest control."""
SCENE, LEVEL = "background=0", "level at its steps"
"""Of localisation: events before another class at 0 dB, and loudness averaged as attention is."""
Study = TypeVar("Study", bound=StudyResult)
Configs = tuple[CheckpointConfig | None, CheckpointConfig | None]
"""Of the two networks; None for one that is not trained."""


@dataclass(frozen=True)
class Difference:
    """One thing in which two trainings differ, and what it was in each, for people."""

    what: str
    a: str
    b: str


@dataclass(frozen=True)
class Estimate:
    """One measure of two networks on one held-out fold.

    Attributes
    ----------
    a, b : mapping or None
        `mean` and `interval` (95%) of each; None where it was not measured.
    gain : mapping or None
        `mean` and `interval` (95%, bootstrap) of the first less the second, paired by clip or scene, and their number
        `n`; None where either is lacking, or both were not measured on the same ones.
    """

    a: Mapping[str, Any] | None
    b: Mapping[str, Any] | None
    gain: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class PairResult:
    """What was measured of two networks on the fold that both never saw.

    Attributes
    ----------
    accuracy : Estimate
        0 to 1; Wilson's intervals.
    comparison : Comparison or None
        Clip by clip; None where the results lack either run.
    comprehensiveness, beyond_shifted : Estimate
        Of attention, and less that of the same attention moved in time; -1 to 1.
    auc, beyond_level : Estimate
        Of attention in scenes with known events, and less that of loudness at its steps; 0 to 1, and -1 to 1. At one
        layer the steps are as long, so the second has no gain: it is the first's.
    """

    accuracy: Estimate
    comparison: Comparison | None
    comprehensiveness: Estimate
    beyond_shifted: Estimate
    auc: Estimate
    beyond_level: Estimate


def training_differences(a: CheckpointConfig, b: CheckpointConfig) -> list[Difference]:
    """Find what two trainings have different, but for the network: data, recipe, epochs, seed; empty if nothing."""
    found = []
    if a.data_fingerprint != b.data_fingerprint:
        titles = [config.data_title for config in (a, b)]
        if titles[0] == titles[1]:
            titles = [f"{config.data_title}, files {config.data_fingerprint[:8]}" for config in (a, b)]
        found.append(Difference("data", *titles))
    if a.fold != b.fold:
        found.append(Difference("held-out fold", str(a.fold), str(b.fold)))
    found += _recipe_differences(a.recipe, b.recipe)
    if a.seed != b.seed:
        found.append(Difference("seed", str(a.seed), str(b.seed)))
    return found


def _recipe_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Compare the recipes' numbers, of which an older recipe lacks those that it did without."""
    ours, theirs = (vars(Recipe("paper")) | dict(recipe) for recipe in (a, b))
    titles = {"name": "recipe"}
    keys = sorted(ours.keys() | theirs.keys(), key=lambda key: (key != "name", key != "epochs", key))
    return [
        Difference(titles.get(key, key.replace("_", " ")), str(ours.get(key, "–")), str(theirs.get(key, "–")))
        for key in keys
        if ours.get(key) != theirs.get(key)
    ]


def pair_result(configs: Configs, results: Results) -> PairResult:
    """Gather what the results and the checkpoints themselves say of two networks with attention."""
    comparison = _comparison(configs, results.settings)
    faithful = [_study_of(config, results.faithfulness) for config in configs]
    located = [_study_of(config, results.localisation) for config in configs]
    scenes = [_by_scene(config, study) for config, study in zip(configs, located, strict=True)]
    return PairResult(
        accuracy=Estimate(*map(_accuracy, configs), None if comparison is None else _accuracy_gain(comparison)),
        comparison=comparison,
        comprehensiveness=_faithfulness(faithful, None),
        beyond_shifted=_faithfulness(faithful, CONTROL),
        auc=_paired([of_network.get("attention", {}) for of_network in scenes]),
        beyond_level=replace(_paired([_less(of_network) for of_network in scenes]), gain=None),
    )


def _accuracy(config: CheckpointConfig | None) -> dict[str, Any] | None:
    if config is None or not config.scores:
        return None
    scores = config.scores
    return {"mean": scores["accuracy"], "interval": scores["interval"], "n": scores["n_clips"]}


def _comparison(configs: Configs, settings: Sequence[Setting]) -> Comparison | None:
    """Pair the clips of the fold that both held out; None unless the results have what each predicted by itself."""
    a, b = (_setting_of(config, settings) for config in configs)
    if a is None or b is None or configs[0].fold != configs[1].fold:
        return None
    try:
        both = compare(a, b)
    except OptionError:  # other classes, or other clips
        return None
    clips = both.clips[both.clips["fold"] == configs[0].fold]
    return None if clips.empty else Comparison(both.labels, clips)


def _setting_of(config: CheckpointConfig | None, settings: Sequence[Setting]) -> Setting | None:
    """Find the setting that a checkpoint is the only run of on its fold: with several seeds, clips have their mean."""
    for setting in settings if config is not None else ():
        if mismatch(config, setting) is None and [run["fold"] for run in setting.runs].count(config.fold) == 1:
            return setting
    return None


def _accuracy_gain(comparison: Comparison) -> dict[str, Any] | None:
    clips = comparison.clips
    return mean_with_interval(clips["right_a"].astype(float) - clips["right_b"].astype(float))


def _study_of(config: CheckpointConfig | None, studies: Sequence[Study]) -> Study | None:
    """Find the study that measured a checkpoint, of this recipe and number of epochs."""
    for study in studies if config is not None else ():
        same = study.recipe == config.recipe["name"] and study.epochs == config.recipe["epochs"]
        if config.name in study.checkpoints and same:
            return study
    return None


def _faithfulness(studies: Sequence[FaithfulnessResult | None], control: str | None) -> Estimate:
    """Estimate the measure of both, or by how much it is above that of a control."""
    values = [_by_clip(study, control) for study in studies]
    told = [
        study and (study.difference(FILL, control, MEASURE) if control else study.estimate(FILL, "attention", MEASURE))
        for study in studies
    ]
    return Estimate(*told, _paired(values).gain)


def _by_clip(study: FaithfulnessResult | None, control: str | None) -> dict[str, float]:
    """Clip → the measure of attention, less that of a control; empty if there is no study, or it kept no clips."""
    place = list(MEASURES).index(MEASURE)
    of_clips = {clip["filename"]: clip["measures"][FILL] for clip in study.clips} if study else {}
    return {
        name: maps["attention"][place] - (maps[control][place] if control else 0) for name, maps in of_clips.items()
    }


def _by_scene(config: CheckpointConfig | None, study: LocalisationResult | None) -> dict[str, dict[str, float]]:
    """Map (`attention`, `LEVEL`) → clip that the event is from → AUC, in the scenes of this checkpoint."""
    rows = (
        [row for row in study.rows if row["placement"] == SCENE and row["checkpoint"] == config.name] if study else []
    )
    place = SCORES.index("auc")
    return {name: {row["source"]: row["maps"][name][place] for row in rows} for name in ("attention", LEVEL)}


def _less(maps: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Scene → attention's value less that of loudness."""
    return {name: value - maps[LEVEL][name] for name, value in maps["attention"].items()}


def _paired(values: Sequence[Mapping[str, float]]) -> Estimate:
    """Estimate both means, and the first less the second over the same clips or scenes, if they are the same."""
    a, b = values
    same = bool(a) and a.keys() == b.keys()
    gain = mean_with_interval(a[name] - b[name] for name in a) if same else None
    return Estimate(mean_with_interval(a.values()), mean_with_interval(b.values()), gain)
