"""Events found in soundscapes beside the true ones, a checkpoint and setting a line."""

from collections.abc import Sequence

import pandas as pd

from acrnn.labels import pretty
from acrnn.measures.events import PROTOCOL, f1_with_interval
from acrnn.report.table import Column, Table, numbers
from acrnn.results.events import EventsResult

TITLE = "Events: are they found where they are?"
SETTINGS = {"default": "defaults", "chosen": "chosen on a training fold"}


def events_table(studies: Sequence[EventsResult]) -> Table:
    """Lay out F1 on soundscapes of the held-out fold, with intervals over soundscapes."""
    lines = []
    for study in studies:
        for settings, title in SETTINGS.items():
            line = {"checkpoint": study.checkpoint, "run": study.tell_run, "settings": title, "n": len(study.scenes)}
            line |= dict(getattr(study, settings))
            for by in ("events", "segments"):
                counts = study.counts(settings, by)
                f1, interval = f1_with_interval(counts)
                low, high = interval or (None, None)
                line |= {f"{by}_f1": f1, f"{by}_f1_low": low, f"{by}_f1_high": high}
            right, found, true = (sum(column) for column in zip(*study.counts(settings, "events"), strict=True))
            lines.append(line | {"right": right, "found": found, "true": true})
    columns = (
        Column("checkpoint", "checkpoint"),
        Column("data", "run"),
        Column("settings", "settings"),
        Column("onset", "onset", "number", "g"),
        Column("offset", "offset", "number", "g"),
        Column("soundscapes", "n", "number", ".0f"),
        Column("true events", "true", "number", ".0f"),
        Column("found", "found", "number", ".0f"),
        Column("of these right", "right", "number", ".0f"),
        numbers("event-based F1", "events_f1", ".1%"),
        numbers("segment-based F1", "segments_f1", ".1%"),
    )
    keys = [key for column in columns for key in (column.key, *(column.interval or ()))]
    return Table("Events", columns, pd.DataFrame(lines, columns=keys), TITLE, PROTOCOL)


def classes_table(study: EventsResult) -> Table:
    """Lay out one checkpoint's score class by class, the best first, under the defaults."""
    lines = [
        {"class": pretty(one["label"])}
        | dict(zip(("right", "found", "true"), one["events"], strict=True))
        | {"f1": 2 * one["events"][0] / max(sum(one["events"][1:]), 1)}
        for one in study.classes
    ]
    columns = (
        Column("class", "class"),
        Column("true events", "true", "number", ".0f"),
        Column("found", "found", "number", ".0f"),
        Column("of these right", "right", "number", ".0f"),
        Column("event-based F1", "f1", "number", ".0%"),
    )
    frame = pd.DataFrame(lines, columns=[column.key for column in columns])
    return Table("Events by class", columns, frame.sort_values("f1", ascending=False), "Class by class")
