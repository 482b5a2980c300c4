"""The command that looks for label errors and near-duplicates of a dataset."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from acrnn.cli.measures import count_bar
from acrnn.cli.options import DataRoot, Device, errors, harmless, sheet, writable
from acrnn.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from acrnn.data import Dataset
    from acrnn.results.settings import Setting


def audit(
    data: DataRoot,
    setting: Annotated[
        str | None, typer.Option(help="Results to go by, such as esc50-l10-mixed-30; default: those of most clips.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for both lists as CSV.", callback=writable)] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows to print of each list.")] = 20,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of recordings to compare by their waveforms.")] = 2000,
    device: Device = "auto",
) -> None:
    """List clips whose label is likely wrong, and pairs of recordings that are nearly the same.

    Labels are judged by networks that never heard the clip (run `report` for those of your own). Pairs are found by a
    network's features and checked by their waveforms. Both are lists to listen to, not verdicts.
    """
    from acrnn.data import load as load_data
    from acrnn.results.label_errors import label_errors, tell_ranking

    chosen, dataset = _chosen(data, setting, load_data)
    ranked = label_errors(chosen, _recordings(chosen, dataset))
    print(f"{chosen.name}: {len(ranked)} of {len(dataset.clips)} clips of {dataset.title}")
    if len(chosen.folds) < len(dataset.folds):
        folds = ", ".join(map(str, chosen.folds))
        errors.print(f"note: only fold {folds} has a network that never heard it; the other clips are not ranked.")
    print(tell_ranking(ranked))
    _print_labels(ranked.head(top))
    found = _pairs(chosen, dataset, pairs, device)
    if found is not None:
        _print_pairs(found, top)
    _save(out, {"label-errors": ranked, "near-duplicates": found})


def _chosen(data: Path, name: str | None, load: Callable) -> "tuple[Setting, Dataset]":
    """Find results of a dataset: those that are named, else of its very files, and then those of the most clips.

    Raises
    ------
    OptionError
        If there are none.
    """
    from acrnn.data.names import OWN
    from acrnn.data.own import is_release
    from acrnn.results.settings import load_settings

    settings = {one.name: one for one in load_settings() if one.filenames and not one.is_classical}
    if name is not None:
        if name not in settings:
            raise OptionError(f"There are no results {name}; {', '.join(list(settings)[:5])} … are accepted.")
        return settings[name], load(data, settings[name].dataset)
    dataset = load(data, None if is_release(data) else OWN)
    fitting = [one for one in settings.values() if one.dataset == dataset.name]
    if not fitting:
        raise OptionError(
            f"No results hold predictions of {dataset.title}; train a network for each fold, then `report` writes them."
        )
    print_of = dataset.fingerprint()
    best = max(fitting, key=lambda one: (one.data_fingerprint == print_of, len(one.filenames), one.accuracy))
    return best, dataset


def _recordings(setting: "Setting", dataset: "Dataset") -> dict[str, str] | None:
    from acrnn.data import is_own
    from acrnn.results.confusion import stem_of

    return {stem_of(clip.filename): clip.source for clip in dataset.clips} if is_own(setting.dataset) else None


def _print_labels(ranked: "pd.DataFrame") -> None:
    table = Table("clip", "fold", "label", "its p", "the network says", "p", "suspected")
    for row in ranked.itertuples():
        suspected = {True: "yes", False: "no"}.get(row.suspected, "–")
        table.add_row(
            row.filename,
            str(row.fold),
            row.true,
            f"{row.p_true:.1%}",
            row.predicted,
            f"{row.confidence:.1%}",
            suspected,
        )
    sheet(140).print(table)


def _pairs(setting: "Setting", dataset: "Dataset", n: int, device: str) -> "pd.DataFrame | None":
    """Find pairs by the features of one of the setting's networks, and check their waveforms."""
    from acrnn.audio import Limits
    from acrnn.checkpoints import listed
    from acrnn.collection import Listener, Sound
    from acrnn.collection.duplicates import Member, check_waveforms, named_pairs, near_duplicates, waveform_of
    from acrnn.inference import Predictor
    from acrnn.results.published import checkpoints_of

    published = checkpoints_of(setting, listed()[0])
    if not published:
        errors.print(f"note: no network of {setting.name} is published, so no pairs are looked for.")
        return None
    listener = Listener(Predictor(published[0], device), Limits.of_environment())
    entries = []
    with count_bar("clips") as on_clip:
        for i, clip in enumerate(dataset.clips):
            entries.append(listener(Sound(clip.filename, clip.path, None, clip.label, clip.fold, clip.source)))
            on_clip(i + 1, len(dataset.clips))
    for entry in entries:
        if entry.error is not None:
            errors.print(f"error: {entry.error}", markup=False)
    heard = [entry for entry in entries if entry.features is not None]
    members = [Member.of(entry) for entry in heard]
    samples_of = lru_cache(maxsize=1000)(lambda i: waveform_of(heard[i].sound.path, members[i].name))
    with count_bar("pairs") as on_pair:
        found = near_duplicates(members, _stack(heard), n)
        return named_pairs(members, check_waveforms(found, samples_of, on_pair))


def _stack(entries: list) -> "np.ndarray":
    import numpy as np

    return np.stack([entry.features for entry in entries]) if entries else np.zeros((0, 1))


def _print_pairs(found: "pd.DataFrame", top: int) -> None:
    from acrnn.collection.duplicates import tell_pairs

    print(tell_pairs(found))
    table = Table("first", "label", "second", "label", "cosine", "waveforms", "folds", "same")
    for row in found.head(top).itertuples():
        names = map(harmless, (row.first, row.label_a, row.second, row.label_b))
        told = "recording" if row.same_source else "sound" if row.same_sound else "–"
        table.add_row(*names, f"{row.similarity:.3f}", f"{row.waveform:.2f}", f"{row.fold_a}, {row.fold_b}", told)
    sheet(160).print(table)


def _save(out: Path | None, tables: "dict[str, pd.DataFrame | None]") -> None:
    if out is None:
        return
    from acrnn.data import atomic_write_bytes
    from acrnn.report.table import csv_text

    for name, table in tables.items():
        if table is not None:
            atomic_write_bytes(out / f"{name}.csv", csv_text(table, float_format="%.6f").encode())
            print(out / f"{name}.csv")
