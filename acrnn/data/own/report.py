"""What `check` prints of a folder: one screen, whatever the folder holds."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from acrnn.data.own.facts import MAX_RATE_HZ, Facts
from acrnn.data.own.folds import N_FOLDS, place_of
from acrnn.data.own.inspection import Inspection, clips_a_class
from acrnn.data.own.listing import shown

MOST_CLASSES, MOST_NAMES, MOST_CHARACTERS = 10, 5, 300
UNBALANCED = 5
"""So many times as many clips as the smallest class has are worth a note."""
FULL_SCALE_DB = -0.01

_WRONG = {
    "unreadable": "cannot be read, and left out",
    "silent": "silent, and left out",
    "missing": "named in the table, and not there",
    "outside": "leads out of the folder, and was not followed",
    "beyond": "begins after the recording's end, and left out",
    "contradictory": "the same sound under two classes, and left out",
    "repeated": "the same sound several times; one is used",
    "split": "in two folds, so that a test fold is not unseen",
    "lost": "a class without a usable clip",
}


def describe(made: Inspection, *, every: bool = False) -> list[str]:
    """Say in lines what is there, and what is wrong with which.

    Parameters
    ----------
    every : bool
        Name all that is wrong, a line each, instead of so many as fit on one screen.
    """
    seconds = sum(piece.duration_s for piece in made.pieces)
    n_files = len({piece.entry.path for piece in made.pieces})
    windows = "" if n_files == len(made.pieces) else f" of {_count(n_files, 'recording')}"
    head = (
        f"{made.root.resolve().name}: {_count(len(made.labels), 'class')}, "
        f"{_count(len(made.pieces), 'clip')}{windows}, "
        f"{seconds / 3600:.2f} h, {made.listing.layout}; dataset {made.name}"
    )
    used = list({piece.entry.path: piece.facts for piece in made.pieces}.values())
    return [
        head,
        *_classes(made),
        *describe_sounds(used),
        *_hearing(made),
        *_folds(made),
        *(_each_wrong(made) if every else _wrong(made)),
        *(f"note: {n}" for n in notes(made)),
    ]


def describe_sounds(files: Sequence[Facts]) -> list[str]:
    """Say in lines what files are: sampling rates, channels, containers, lengths and levels."""
    if not files:
        return []
    levels = sorted(facts.rms_db for facts in files)
    lengths = sorted(facts.duration_s for facts in files)
    n_full = sum(facts.peak_db >= FULL_SCALE_DB for facts in files)
    full = f"; {n_full} reach full scale" if n_full else ""
    rows = {
        "rates": _tally(f"{facts.rate_hz / 1000:g} kHz" for facts in files),
        "channels": _tally(f"{facts.n_channels}" for facts in files),
        "formats": _tally(facts.format for facts in files),
        "length": f"{lengths[0]:.2f} to {lengths[-1]:.2f} s, median {statistics.median(lengths):.2f} s, in all "
        f"{sum(lengths) / 3600:.2f} h",
        "level": f"{levels[0]:.0f} to {levels[-1]:.0f} dB of full scale (RMS), median "
        f"{statistics.median(levels):.0f} dB{full}",
    }
    return [f"  {what:10}{told}" for what, told in rows.items()]


def notes(made: Inspection) -> list[str]:
    """Say what is not wrong and yet may mislead."""
    found = []
    classes = clips_a_class(made)
    if len(classes) == 1:
        found.append(f"{next(iter(classes))} is the only class; two or more are needed to train on.")
    if made.has_given_folds and len(set(made.folds.values())) == 1:
        found.append("all clips are in one fold; two or more are needed to train on.")
    most, fewest = next(iter(classes), ""), next(reversed(classes), "")
    if classes and classes[most][0] >= UNBALANCED * classes[fewest][0]:
        found.append(
            f"the classes are unbalanced: {classes[most][0]} clips of {most}, {classes[fewest][0]} of {fewest}. "
            "Accuracy counts clips, so it says little about the small ones; look at each class's recall."
        )
    if not made.has_groups and not made.has_given_folds and len(made.labels) >= 2:
        found.append(
            "no groups are known, so files that were cut from one recording may stand on both sides of a test, which "
            "then flatters the network. A column group, or --group-pattern, says what belongs together."
        )
    n_folds = max(made.folds.values(), default=N_FOLDS)
    few = [label for label, (_, _, n_groups) in classes.items() if n_groups < n_folds]
    if few and len(classes) >= 2:
        found.append(
            f"classes of fewer groups than there are folds, so that some folds have none of them: {_named(few)}."
        )
    found += _shortcuts(made)
    if made.n_silent_windows:
        found.append(f"{_count(made.n_silent_windows, 'silent window')} of long recordings left out.")
    if made.moved:
        found.append(
            f"{_count(made.moved, 'clip')} changed folds with their groups; networks trained before saw others."
        )
    if made.listing.ignored:
        ignored = made.listing.ignored
        found.append(
            f"{len(ignored)} other files in no class's folder, or no sounds by their suffix: {_named(ignored)}."
        )
    return found


def _shortcuts(made: Inspection) -> list[str]:
    """Say by what a network could tell classes without listening to what they are."""
    rates, alike = defaultdict(Counter), defaultdict(set)
    for piece in made.pieces:
        rates[piece.entry.label][piece.facts.rate_hz] += 1
        alike[piece.entry.label.casefold()].add(piece.entry.label)
    usual = {label: max(of_label, key=of_label.__getitem__) for label, of_label in rates.items()}
    found = []
    if low := [f"{label} ({rate / 1000:g} kHz)" for label, rate in usual.items() if rate < made.rate_hz]:
        found.append(
            f"classes have lower sampling rates than the others, by which a network can tell them: {_named(low)}."
        )
    if same := [" and ".join(sorted(names)) for names in alike.values() if len(names) > 1]:
        found.append(f"classes whose names differ in capitals only: {_named(same)}.")
    return found


def _classes(made: Inspection) -> list[str]:
    classes = clips_a_class(made)
    if not classes:
        return []
    listed = list(classes)
    if len(classes) > MOST_CLASSES:
        listed = [*listed[: MOST_CLASSES - 2], listed[-1]]
    width = min(max(len(label) for label in (*listed, "class")), 40)
    rows = [f"  {'class':{width}}  {'clips':>6}  {'hours':>6}  {'groups':>6}"]
    for label in listed:
        n, seconds, n_groups = classes[label]
        cut = label if len(label) <= width else f"{label[: width - 1]}…"
        rows.append(f"  {cut:{width}}  {n:6}  {seconds / 3600:6.2f}  {n_groups:6}")
    if len(listed) < len(classes):
        rows.insert(-1, f"  … {len(classes) - len(listed)} more")
    return rows


def _hearing(made: Inspection) -> list[str]:
    if not made.pieces:
        return []
    how = "the highest rate that 95% of the clips have" if made.rate_hz < MAX_RATE_HZ else "the highest that is used"
    return [f"  {'network':10}hears at {made.rate_hz / 1000:g} kHz, {how}"]


def _folds(made: Inspection) -> list[str]:
    if not made.folds:
        return []
    counts = Counter(made.folds[piece.key] for piece in made.pieces)
    sizes = ", ".join(f"{counts[fold]}" for fold in sorted(counts))
    if made.has_given_folds:
        return [f"  {'folds':10}{len(counts)}, as the table has them, of {sizes} clips"]
    by = "group" if made.has_groups else "file"
    pattern = f" (pattern {shown(made.group_pattern)})" if made.group_pattern else ""
    kept = place_of(made.root, made.name)
    return [f"  {'folds':10}{len(counts)} by {by}{pattern}, of {sizes} clips, kept in {kept}"]


def _wrong(made: Inspection) -> list[str]:
    found = {what: _names_of(made, field) for field, what in _WRONG.items()}
    return [f"wrong: {len(names)} × {what}: {_named(names)}" for what, names in found.items() if names]


def _each_wrong(made: Inspection) -> list[str]:
    return [f"wrong: {name} ({what})" for field, what in _WRONG.items() for name in _names_of(made, field)]


def _names_of(made: Inspection, field: str) -> list[str]:
    """Names of what is wrong in one way; of a sentence, what is wrong, and not what would be accepted."""
    names = getattr(made.findings, field)
    return [name.rpartition("; ")[0] or name for name in names] if field == "unreadable" else list(names)


def _tally(values: Iterable[str]) -> str:
    counts = Counter(values).most_common()
    first = ", ".join(f"{value} ({n})" if len(counts) > 1 else value for value, n in counts[:MOST_NAMES])
    return first + (f" and {len(counts) - MOST_NAMES} more" if len(counts) > MOST_NAMES else "")


def _named(names: Iterable[str]) -> str:
    names = list(names)
    short = [name if len(name) <= MOST_CHARACTERS else f"{name[: MOST_CHARACTERS - 1]}…" for name in names[:MOST_NAMES]]
    return ", ".join(short) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _count(n: int, what: str) -> str:
    if n == 1:
        return f"1 {what}"
    return f"{n} {what}{'es' if what.endswith('s') else 's'}"
