"""The documents of results/, a file a study, and the marked tables in README.md and docs/."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from acrnn.checkpoints import Checkpoint
from acrnn.data import TITLES, atomic_write_bytes
from acrnn.errors import RunError
from acrnn.labels import CLASSES
from acrnn.measures import localisation, robustness
from acrnn.measures.faithfulness.erasure import FILLS
from acrnn.measures.faithfulness.measures import MEASURES
from acrnn.measures.faithfulness.study import PROTOCOL as FAITHFULNESS_PROTOCOL
from acrnn.measures.intervals import N_RESAMPLES
from acrnn.measures.maps.study import PROTOCOL as MAPS_PROTOCOL
from acrnn.measures.open_set import study as open_set
from acrnn.paths import DEFAULT_CHECKPOINTS
from acrnn.report.table import Table
from acrnn.report.tables import accuracy, confusion, costs
from acrnn.report.tables import events as sounding
from acrnn.report.tables import faithfulness as faithful
from acrnn.report.tables import localisation as located
from acrnn.report.tables import maps as mapped
from acrnn.report.tables import open_set as strange
from acrnn.report.tables import robustness as robust
from acrnn.report.tables.ablation import ablation_table
from acrnn.report.tables.checkpoints import checkpoint_table
from acrnn.report.tables.pairing import pairing_table
from acrnn.report.texts import text
from acrnn.report.words import NOT_RUN, QUOTED
from acrnn.results import paper
from acrnn.results.collection import Results

COMMAND = "python -m acrnn tables --write --results results --readme README.md"
BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
PAPER_EPOCHS = 300
"""§4.1."""
FILL_TITLES = {"silence": "removed frames become silence", "mean": "removed frames become the training mean"}
TABLED = ("comprehensiveness", "sufficiency")


def intervals_text() -> str:
    """Say what the two intervals of an accuracy mean."""
    return text("intervals", n_resamples=N_RESAMPLES, epochs=PAPER_EPOCHS)


def blocks(results: Results, checkpoints: Sequence[Checkpoint]) -> dict[str, str]:
    """Tables that README.md and the files of docs/ may show, by the names of their markers."""
    tables = {f"table{table.number}": accuracy.short_table(table, results) for table in paper.ACCURACY_TABLES}
    tables |= {
        "table4-mixed": accuracy.short_table(paper.TABLE_4_MIXED, results),
        "table2": costs.cost_table(len(CLASSES["esc50"])),
        "pairs": pairing_table(results),
        "recipes": ablation_table(results),
        "checkpoints": checkpoint_table(checkpoints),
        "defaults": checkpoint_table(one for one in checkpoints if one.config.name in DEFAULT_CHECKPOINTS),
        "faithfulness": faithful.short_table(results.faithfulness),
        "maps": mapped.maps_table(results.maps),
        "robustness": robust.short_table(results.robustness),
        "localisation": located.short_table(results.localisation),
        "open-set": strange.unknown_table(results.open_set),
        "events": sounding.events_table(results.events),
        "calibration": strange.calibration_table(results.open_set),
    }
    return {name: table.to_markdown() for name, table in tables.items()}


def fill(content: str, tables: dict[str, str]) -> str:
    """Replace what stands between `<!-- table: NAME -->` and `<!-- end -->`.

    Raises
    ------
    RunError
        If a marker names no table.
    """

    def replaced(match: re.Match) -> str:
        name = match["name"]
        if name not in tables:
            raise RunError(f"The marker 'table: {name}' names no table; there are: {', '.join(sorted(tables))}.")
        return f"{match[1]}{tables[name]}\n{match[3]}"

    return BLOCK.sub(replaced, content)


def write(results: Results, checkpoints: Sequence[Checkpoint], folder: Path, readme: Path | None = None) -> list[Path]:
    """Regenerate the documents in a folder of results, and the marked tables in `readme` and in docs/ beside it.

    Nothing is written unless everything can be.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    RunError
        If `readme` cannot be read, or a file has a marker that names no table.
    """
    pages = {folder / name: content for name, content in documents(results, checkpoints).items()}
    tables = blocks(results, checkpoints)
    for path in () if readme is None else marked_files(readme):
        try:
            content = path.read_text(encoding="utf-8")
        except OSError as error:
            told = "its marked tables were to be replaced"
            raise RunError(f"{path} cannot be read ({error.strerror}); {told}.") from error
        if path == readme or BLOCK.search(content):
            pages[path] = fill(content, tables)
    for path, content in pages.items():
        atomic_write_bytes(path, content.encode())
    return list(pages)


def marked_files(readme: Path) -> list[Path]:
    """Files whose marked tables are kept up to date: `readme`, and every Markdown file in docs/ beside it."""
    return [readme, *sorted((readme.parent / "docs").rglob("*.md"))]


def documents(results: Results, checkpoints: Sequence[Checkpoint]) -> dict[str, str]:
    """All documents by their names in the folder of results: a summary, and a file a study."""
    made = {name: make(results, checkpoints) for name, (_, make) in PAGES.items()}
    return {name: "\n\n".join(parts) + "\n" for name, parts in {"README.md": _summary(results), **made}.items()}


def _summary(results: Results) -> list[str]:
    parts = [
        "# Results",
        f"`{COMMAND}` makes this page and those that it links to from the JSON files beside them.",
        text("protocol"),
        accuracy.headline_table(results).to_markdown(),
        " ".join(accuracy.tell_coverage(dataset, results) for dataset in CLASSES),
        "\n".join(f"- [{title}]({name})" for name, (title, _) in PAGES.items()),
        f'"{NOT_RUN.capitalize()}" lists what has no finished run; "{QUOTED}" marks figures of other authors in the '
        "paper's Table 1.",
    ]
    if results.damaged:
        parts.append("Left out, as they cannot be read:\n\n" + "\n".join(f"- {error}" for error in results.damaged))
    return parts


def _accuracy_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    parts = ["# Tables 1, 3 and 4: accuracy", text("protocol"), intervals_text()]
    for quoted in (*paper.ACCURACY_TABLES, paper.TABLE_4_MIXED):
        tables = {dataset: accuracy.accuracy_table(quoted, dataset, results) for dataset in CLASSES}
        parts += [f"## {quoted.title}", f"> {quoted.caption}"]
        for dataset, table in tables.items():
            parts += [f"### {TITLES[dataset]}", table.to_markdown()]
    return [*parts, *_section(pairing_table(results))]


def _costs_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    parts = [f"# {paper.TABLE_2_TITLE}", f"> {paper.TABLE_2_CAPTION}", text("counting")]
    for dataset, labels in CLASSES.items():
        table = costs.cost_table(len(labels))
        parts += [f"## {len(labels)} classes ({TITLES[dataset]})", table.to_markdown(), table.note]
    return parts


def _confusions_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    parts = [f"# {paper.FIGURE_4_TITLE}", f"> {paper.FIGURE_4_CAPTION}"]
    for dataset in reversed(CLASSES):
        setting = confusion.figure4_setting(results, dataset)
        parts.append(f"## {TITLES[dataset]}, `{setting.name if setting else paper.FIGURE_4_VARIANT}`")
        parts.append(confusion.statements_table(setting, dataset).to_markdown())
        if setting is not None:
            pairs = confusion.confusions_table(setting)
            parts += [f"Recall of each class ({accuracy.tell_run(setting)}):"]
            parts += [confusion.recall_table(setting).to_markdown(), pairs.note, pairs.to_markdown()]
    return parts


def _faithfulness_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    studies = results.faithfulness
    parts = [f"# {faithful.TITLE}", FAITHFULNESS_PROTOCOL, text("faithfulness")]
    for dataset in CLASSES:
        parts.append(f"## {TITLES[dataset]}")
        if not any(study.dataset == dataset for study in studies):
            parts.append(f"{NOT_RUN.capitalize()}.")
            continue
        for measure, removed in ((measure, removed) for measure in TABLED for removed in FILLS):
            parts.append(f"### {MEASURES[measure][0].capitalize()}, {FILL_TITLES[removed]}")
            parts.append(faithful.faithfulness_table(studies, dataset, removed, measure).to_markdown())
            sentences, note = faithful.verdict_sentences(studies, dataset, removed, measure)
            parts += ["\n".join(f"- {sentence}" for sentence in sentences), note]
        parts += ["### Layers re-initialised: rank correlation with the trained attention"]
        parts.append(faithful.randomisation_table(studies, dataset).to_markdown())
    return parts


def _maps_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    table = mapped.maps_table(results.maps)
    parts = [f"# {mapped.TITLE}", MAPS_PROTOCOL, table.note, table.to_markdown()]
    for study in results.maps:
        parts.append(f"## `{study.checkpoint}` ({study.n_clips} clips of {study.n_recordings} recordings)")
        parts.append("\n".join(f"- {sentence}" for sentence in mapped.sentences(study)))
        parts.append(text("maps_verdicts", n=len(study.comparisons)))
    return parts


def _robustness_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    studies = results.robustness
    parts = [f"# {robust.TITLE}", robustness.PROTOCOL]
    for dataset in CLASSES:
        parts += [f"## {TITLES[dataset]}", _runs(robust.tell_runs(studies, dataset))]
        if any(study.dataset == dataset for study in studies):
            parts += ["### Clips correct, with noise added"]
            parts.append(robust.accuracy_table(studies, dataset, tuple(robust.NOISES)).to_markdown())
            parts += ["### Clips correct after other damage", robust.damage_table(studies, dataset).to_markdown()]
            parts += ["### Where attention lies, and how alike it ranks the frames as before"]
            parts.append(robust.attention_table(studies, dataset).to_markdown())
    return parts


def _localisation_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    studies = results.localisation
    parts = [f"# {located.TITLE}", localisation.PROTOCOL, text("localisation")]
    for dataset in CLASSES:
        parts += [f"## {TITLES[dataset]}", _runs(located.tell_runs(studies, dataset))]
        if any(study.dataset == dataset for study in studies):
            parts.append(located.localisation_table(studies, dataset).to_markdown())
    return parts


def _open_set_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    studies = results.open_set
    calibration, unknown, scores = (
        make(studies) for make in (strange.calibration_table, strange.unknown_table, strange.scores_table)
    )
    parts = [f"# {unknown.title}", open_set.PROTOCOL, unknown.note, unknown.to_markdown()]
    parts += [*_section(calibration), *_section(scores)]
    for study in studies:
        if study.classes:
            table = strange.classes_table(study)
            parts += [f"## {table.title}: `{study.checkpoint}`", table.to_markdown()]
    return parts


def _events_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    parts = _section(sounding.events_table(results.events), level=1)
    for study in results.events:
        table = sounding.classes_table(study)
        parts += [f"## {table.title}: `{study.checkpoint}`", table.to_markdown()]
    return parts


def _recipes_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    return _section(ablation_table(results), level=1)


def _checkpoints_page(results: Results, checkpoints: Sequence[Checkpoint]) -> list[str]:
    return _section(checkpoint_table(checkpoints), level=1)


def _section(table: Table, level: int = 2) -> list[str]:
    return [part for part in (f"{'#' * level} {table.title}", table.note, table.to_markdown()) if part]


def _runs(told: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in told) or f"{NOT_RUN.capitalize()}."


PAGES: dict[str, tuple[str, Callable[[Results, Sequence[Checkpoint]], list[str]]]] = {
    "accuracy.md": ("Tables 1, 3 and 4: accuracy beside the paper's, and attention paired with none", _accuracy_page),
    "costs.md": ("Table 2: parameters and cost", _costs_page),
    "confusions.md": ("Figure 4: which classes are confused", _confusions_page),
    "recipes.md": ("Recipes, compared on training folds", _recipes_page),
    "faithfulness.md": ("Is the attention right? Removing the frames that it ranks first", _faithfulness_page),
    "maps.md": ("Where in frequency? Removing the tiles that maps rank first", _maps_page),
    "robustness.md": ("Noise and damage: what they cost, and where attention goes", _robustness_page),
    "localisation.md": ("Known events: does attention point at them?", _localisation_page),
    "open_set.md": ("None of these: calibration, and sounds of no class", _open_set_page),
    "events.md": (sounding.TITLE, _events_page),
    "checkpoints.md": ("Published checkpoints", _checkpoints_page),
}
"""Name of a document → what it is about, and what makes it."""
