"""The faithfulness of every placement as Markdown, for README.md and results/README.md."""

from collections.abc import Sequence

from acrnn.data import TITLES
from acrnn.labels import CLASSES
from acrnn.measures.faithfulness.erasure import FILLS
from acrnn.measures.faithfulness.measures import MEASURES
from acrnn.measures.faithfulness.study import PROTOCOL
from acrnn.report.markdown import markdown_table
from acrnn.report.tables import NOT_RUN
from acrnn.results.faithfulness import COLUMNS, StudyResult, cells, placement_rows, tell, tell_verdict

TITLE = "Is the attention right?"
FILL_TITLES = {"silence": "removed frames become silence", "mean": "removed frames become the training mean"}
TABLED = ("comprehensiveness", "sufficiency")
READING = (
    "Comprehensiveness is the probability lost without the first 1 to 50 % of the frames (higher is better), "
    "sufficiency what is lacking with them alone (lower is better). The columns with a minus are attention's measure "
    "less a control's on the same clips. Attention that does not beat loudness explains nothing that a level meter "
    "would not; attention that does not beat itself moved in time does not say when."
)


def section(studies: Sequence[StudyResult]) -> str:
    """Everything: protocol, a table a dataset, measure and fill, and the randomisation check."""
    parts = [f"## {TITLE}", PROTOCOL, READING]
    for dataset in CLASSES:
        parts.append(f"### {TITLES[dataset]}: faithfulness of attention")
        for measure in TABLED:
            for fill in FILLS:
                parts += [f"{MEASURES[measure][0].capitalize()}, {FILL_TITLES[fill]}:"]
                parts += [faithfulness_table(studies, dataset, fill, measure)]
        parts += [
            "Layers drawn anew, rank correlation with the trained attention:",
            randomisation_table(studies, dataset),
        ]
    return "\n\n".join(parts)


def faithfulness_table(studies: Sequence[StudyResult], dataset: str, fill: str, measure: str) -> str:
    """Lay out a row a placement and checkpoint: attention's measure and its paired differences from the controls."""
    head = ["attention", "checkpoint", "clips", MEASURES[measure][0], *COLUMNS.values(), "so it"]
    lines = []
    for row in placement_rows(studies, dataset):
        name = row.placement.replace("-", " ")
        if not row.studies:
            lines.append([name, NOT_RUN, *["–"] * (len(head) - 2)])
        for study in row.studies:
            figures = cells(study, fill, measure)
            lines.append(
                [name, f"`{study.checkpoint}`", str(study.n_clips), *figures, tell_verdict(study, fill, measure)]
            )
    return markdown_table(head, lines, right=(2,))


def randomisation_table(studies: Sequence[StudyResult], dataset: str) -> str:
    """Lay out a row a checkpoint: the correlation of an untrained network, and where the cascade falls below one."""
    head = ["attention", "checkpoint", "clips", "untrained network", "drawn anew from the output down to …"]
    lines = []
    for row in placement_rows(studies, dataset):
        for study in row.studies:
            stages = study.randomisation["stages"]
            told = ", ".join(
                f"{name} {tell({**found, 'interval': None})}" for name, found in stages.items() if name != "untrained"
            )
            n_clips = str(study.randomisation["n_clips"])
            lines.append(
                [row.placement.replace("-", " "), f"`{study.checkpoint}`", n_clips, tell(stages["untrained"]), told]
            )
    return markdown_table(head, lines, right=(2,)) if lines else f"{NOT_RUN.capitalize()}."


def short_table(studies: Sequence[StudyResult]) -> str:
    """Lay out README.md's table: comprehensiveness with silence, of the checkpoints that were run."""
    head = ["checkpoint", "clips", "attention", *COLUMNS.values()]
    lines = [
        [f"`{study.checkpoint}`", str(study.n_clips), *cells(study, "silence")]
        for dataset in CLASSES
        for row in placement_rows(studies, dataset)
        for study in row.studies
    ]
    return markdown_table(head, lines, right=(1,)) if lines else f"{NOT_RUN.capitalize()}."
