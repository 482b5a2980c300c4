"""A folder of one's own sounds → the dataset that is trained on, and what is wrong with which file."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from acrnn.data.dataset import Clip, Dataset
from acrnn.data.names import OWN, own_name
from acrnn.data.own import folds as folding
from acrnn.data.own.facts import MAX_RATE_HZ, Facts, survey
from acrnn.data.own.listing import Entry, Listing, list_clips
from acrnn.data.own.windows import Span, cut, spans_of
from acrnn.errors import DatasetError, OptionError
from acrnn.labels import MAX_CLASSES

SHARE_AT_RATE = 0.95
"""A network hears at the highest rate that so many of the clips have."""
_ATOM_S = 0.02  # the shortest clip that a network takes


@dataclass(frozen=True)
class Piece:
    """A clip that can be used: a file, or a window of one.

    Attributes
    ----------
    entry : Entry
    facts : Facts
    span_s : tuple of float, or None for the whole file
    group : str
        What it must share a fold with; of a file without a group, its content.
    path : Path
        Where its audio is: of a window, in the cache.
    """

    entry: Entry
    facts: Facts
    span_s: Span | None
    group: str
    path: Path

    @property
    def key(self) -> str:
        """Hash of its content, with the window."""
        if self.span_s is None:
            return self.facts.sha256
        return f"{self.facts.sha256}:{self.span_s[0]:.3f}-{self.span_s[1]:.3f}"

    @property
    def name(self) -> str:
        """Name of the file, with the window before its suffix."""
        if self.span_s is None:
            return self.entry.name
        path = PurePosixPath(self.entry.name)
        return str(path.with_name(f"{path.stem}@{self.span_s[0]:g}-{self.span_s[1]:g}s{path.suffix}"))

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.facts.duration_s if self.span_s is None else self.span_s[1] - self.span_s[0]


@dataclass(frozen=True)
class Findings:
    """What is wrong, each as the names of what it is wrong with; all that is named was left out, unless said."""

    outside: tuple[str, ...] = ()
    """Links and paths that lead out of the folder."""
    missing: tuple[str, ...] = ()
    """Files that the table names and that are not there."""
    unreadable: tuple[str, ...] = ()
    """A sentence each."""
    silent: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    """Parts of a table that begin after their recording's end."""
    contradictory: tuple[str, ...] = ()
    """Files of one content under two classes."""
    repeated: tuple[str, ...] = ()
    """Files whose content is there already, under the same class."""
    split: tuple[str, ...] = ()
    """Groups and contents that the table puts into two folds; they are used."""
    lost: tuple[str, ...] = ()
    """Classes without a usable clip."""


@dataclass(frozen=True)
class Inspection:
    """What a folder holds.

    Attributes
    ----------
    root : Path
    name : str
        Of the dataset, such as `own-birds`.
    listing : Listing
    facts : mapping
        File → what it is.
    pieces : tuple of Piece
        What is used, in the order of names.
    folds : mapping
        Key of a piece → its fold; empty if there are fewer than two classes.
    findings : Findings
    n_silent_windows : int
        Windows of recordings that were left out as silent.
    group_pattern : str
        What made groups of the file names; "" for none.
    moved : int
        Clips whose fold was another before: their groups have changed.
    """

    root: Path
    name: str
    listing: Listing
    facts: Mapping[Path, Facts]
    pieces: tuple[Piece, ...]
    folds: Mapping[str, int]
    findings: Findings
    n_silent_windows: int = 0
    group_pattern: str = ""
    moved: int = 0

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Classes that have clips, sorted."""
        return tuple(sorted({piece.entry.label for piece in self.pieces}))

    @property
    def has_groups(self) -> bool:
        """Whether a table or a pattern says which clips belong together."""
        return any(piece.group != piece.facts.sha256 for piece in self.pieces)

    @property
    def has_given_folds(self) -> bool:
        """Whether the table has a column of folds."""
        return any(piece.entry.fold is not None for piece in self.pieces)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong with any file."""
        return not any(vars(self.findings).values()) and len(self.labels) >= 2

    @cached_property
    def rate_hz(self) -> int:
        """Rate that a network should hear at: the highest that most clips have, 44.1 kHz at most."""
        rates = sorted(piece.facts.rate_hz for piece in self.pieces)
        return min(rates[int((1 - SHARE_AT_RATE) * len(rates))], MAX_RATE_HZ) if rates else MAX_RATE_HZ

    def dataset(self) -> Dataset:
        """Give what is trained on.

        Raises
        ------
        DatasetError
            If fewer than two classes have a usable clip, or more than a network can know.
        """
        if len(self.labels) > MAX_CLASSES:
            raise DatasetError(f"{self.root} has {len(self.labels)} classes; up to {MAX_CLASSES} are accepted.")
        if len(self.labels) < 2:
            has = f"of {self.labels[0]!r} alone" if self.labels else "of no class"
            raise DatasetError(
                f"{self.root} has usable clips {has}; two classes or more are needed. `check --data {self.root}` says "
                "what is wrong with its files."
            )
        clips = tuple(
            Clip(
                filename=piece.name,
                path=piece.path,
                fold=self.folds[piece.key],
                label=piece.entry.label,
                source=piece.entry.name if piece.group == piece.facts.sha256 else piece.group,
                take="",
                in_esc10=False,
                key=piece.key,
            )
            for piece in self.pieces
        )
        title = f"{self.root.resolve().name} · {len(self.labels)} own classes"
        return Dataset(self.root, self.name, title, clips, self.labels, self.rate_hz)


def inspect(
    root: Path | str,
    name: str | None = None,
    *,
    group_pattern: str | None = None,
    keep: bool = True,
    on_file: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Read every file of a folder, cut long recordings, and divide the clips into folds.

    Parameters
    ----------
    root : Path or str
        A folder with a folder a class, a folder with a table or in ESC-50's layout, or a table.
    name : str, optional
        Of the dataset; by default, or for `own`, after the folder.
    group_pattern : str, optional
        Regular expression that is searched for in the file names, without folders: what it finds, or its first
        group, is the clip's group. By default the pattern that the kept folds were drawn with.
    keep : bool
        Keep the folds in the user's folder.
    on_file : callable, optional
        Told (files read, files in all).

    Raises
    ------
    DatasetError
        If the folder or table cannot be read, or is in none of the layouts.
    OptionError
        If the pattern is no regular expression.
    FolderError
        If the folds cannot be kept.
    """
    root = Path(root).expanduser()
    listing = list_clips(root)
    name = own_name(root) if name in (None, OWN) else name
    kept = folding.read_kept(root, name)
    pattern = _compiled(kept.group_pattern if group_pattern is None else group_pattern)
    facts = survey(root, ((entry.path, entry.name) for entry in listing.entries), on_file)
    usable, findings = _usable(listing, facts)
    pieces, findings = _distinct(_pieces(usable, pattern), findings)
    findings = replace(
        findings, lost=tuple(sorted({e.label for e in listing.entries} - {piece.entry.label for piece in pieces}))
    )
    made = Inspection(
        root, name, listing, facts, pieces, {}, findings, group_pattern=pattern.pattern if pattern else ""
    )
    pieces, n_silent = _cut(pieces)
    made = replace(made, pieces=pieces, n_silent_windows=n_silent)
    return _with_folds(made, kept, keep=keep) if len(made.labels) >= 2 else made


def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern) if pattern else None
    except re.error as error:
        raise OptionError(
            f"--group-pattern {pattern!r} is no regular expression ({error}); one such as '^[^-]+' is accepted."
        ) from error


def _usable(listing: Listing, facts: Mapping[Path, Facts]) -> tuple[list[tuple[Entry, Facts]], Findings]:
    usable, unreadable, silent = [], {}, {}
    for entry in listing.entries:
        of_file = facts[entry.path]
        if of_file.problem:
            unreadable[of_file.problem] = None
        elif of_file.silent:
            silent[entry.name] = None
        else:
            usable.append((entry, of_file))
    return usable, Findings(listing.outside, listing.missing, tuple(unreadable), tuple(silent))


def _pieces(usable: Iterable[tuple[Entry, Facts]], pattern: re.Pattern[str] | None) -> Iterator[Piece]:
    """Give files and their windows; a window's audio is not cut yet. What begins beyond the end has an empty span."""
    for entry, facts in usable:
        group = entry.group or _group_of(entry, pattern) or facts.sha256
        spans: Sequence[Span | None] = spans_of(facts.duration_s) or [None]
        if entry.span_s is not None:
            start_s, end_s = entry.span_s
            end_s = max(min(end_s, facts.duration_s), start_s)
            windows = spans_of(end_s - start_s) or [(0.0, end_s - start_s)]
            spans = [(round(start_s + first, 3), round(start_s + last, 3)) for first, last in windows]
        for span in spans:
            yield Piece(entry, facts, span, group, entry.path)


def _group_of(entry: Entry, pattern: re.Pattern[str] | None) -> str | None:
    found = pattern and pattern.search(PurePosixPath(entry.name).name)
    return (found[1] if pattern.groups else found[0]) if found else None


def _distinct(pieces: Iterable[Piece], findings: Findings) -> tuple[tuple[Piece, ...], Findings]:
    """Leave out contents under two classes, repetitions, and parts beyond the end; name them."""
    by_key: dict[str, list[Piece]] = defaultdict(list)
    beyond = {}
    for piece in pieces:
        if piece.duration_s < _ATOM_S and piece.span_s is not None:
            beyond[f"{piece.name} (it lasts {piece.facts.duration_s:.2f} s)"] = None
        else:
            by_key[piece.key].append(piece)
    kept, contradictory, repeated, split = [], {}, {}, {}
    for same in by_key.values():
        names = " = ".join(dict.fromkeys(piece.entry.name for piece in same))
        if len({piece.entry.label for piece in same}) > 1:
            labels = ", ".join(sorted({piece.entry.label for piece in same}))
            contradictory[f"{names} ({labels})"] = None
            continue
        kept.append(same[0])
        if len(same) > 1:
            repeated[names] = None
        if len({piece.entry.fold for piece in same}) > 1:
            split[names] = None
    split |= dict.fromkeys(_split_groups(kept))
    kept.sort(key=lambda piece: (piece.entry.name, piece.span_s or ()))
    return tuple(kept), replace(
        findings, beyond=tuple(beyond), contradictory=tuple(contradictory), repeated=tuple(repeated), split=tuple(split)
    )


def _split_groups(pieces: Iterable[Piece]) -> list[str]:
    folds_of: dict[str, set[int]] = defaultdict(set)
    name_of = {}
    for piece in pieces:
        if piece.entry.fold is not None:
            folds_of[piece.group].add(piece.entry.fold)
            name_of[piece.group] = piece.entry.name if piece.group == piece.facts.sha256 else piece.group
    return [
        f"{name_of[group]} (folds {', '.join(map(str, sorted(found)))})"
        for group, found in folds_of.items()
        if len(found) > 1
    ]


def _cut(pieces: Sequence[Piece]) -> tuple[tuple[Piece, ...], int]:
    """Cut the windows out of their recordings; silent ones are left out and counted."""
    spans_by_file: dict[Path, list[Span]] = defaultdict(list)
    for piece in pieces:
        if piece.span_s is not None:
            spans_by_file[piece.entry.path].append(piece.span_s)
    digest_of = {piece.entry.path: piece.facts.sha256 for piece in pieces}
    files = {path: cut(path, digest_of[path], spans) for path, spans in spans_by_file.items()}
    used = []
    for piece in pieces:
        path = piece.path if piece.span_s is None else files[piece.entry.path][piece.span_s]
        if path is not None:
            used.append(replace(piece, path=path))
    return tuple(used), len(pieces) - len(used)


def _with_folds(made: Inspection, kept: folding.Kept, *, keep: bool) -> Inspection:
    """Take the table's folds, or divide the clips into folds and keep these."""
    if made.has_given_folds:
        folds = {piece.key: piece.entry.fold for piece in made.pieces}
        n_folds, moved = max(2, *folds.values()), 0
    else:
        members = [folding.Member(piece.key, piece.entry.label, piece.group) for piece in made.pieces]
        n_folds = kept.n_folds or folding.most_folds(members)
        folds = folding.assign(members, kept.folds, n_folds)
        moved = sum(folds[key] != fold for key, fold in kept.folds.items() if key in folds)
    made = replace(made, folds=folds, moved=moved)
    if keep:
        all_folds = {} if made.has_given_folds else {**kept.folds, **folds}
        root, fingerprint = str(made.root.resolve()), made.dataset().fingerprint()
        folding.keep(made.root, folding.Kept(made.name, root, n_folds, made.group_pattern, fingerprint, all_folds))
    return made


def clips_a_class(made: Inspection) -> dict[str, tuple[int, float, int]]:
    """Count each class, those with most clips first: clips, seconds and groups."""
    n_clips = Counter(piece.entry.label for piece in made.pieces)
    seconds, groups = defaultdict(float), defaultdict(set)
    for piece in made.pieces:
        seconds[piece.entry.label] += piece.duration_s
        groups[piece.entry.label].add(piece.group)
    return {label: (n, seconds[label], len(groups[label])) for label, n in n_clips.most_common()}
