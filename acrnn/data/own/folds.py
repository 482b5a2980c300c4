"""Folds by group, drawn once and kept in the user's folder: a clip that is known keeps its fold when others come."""

import json
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from acrnn.data.cache import atomic_write_bytes, sha256_of
from acrnn.errors import DatasetError
from acrnn.paths import glob, make_writable, user_datasets
from acrnn.untrusted import read_json, require_model

N_FOLDS = 5
SCHEMA = 1
MAX_BYTES = 2**28
SEED = 0


@dataclass(frozen=True)
class Member:
    """What decides a clip's fold.

    Attributes
    ----------
    key : str
        Hash of its content, by which it is known again.
    label, group : str
    """

    key: str
    label: str
    group: str


@dataclass(frozen=True)
class Kept:
    """The folds of a dataset as they are kept.

    Attributes
    ----------
    name, root, fingerprint : str
        Of the dataset when they were kept last.
    n_folds : int
    group_pattern : str
        Regular expression over file names that gave the groups; "" for none.
    folds : mapping
        Key of a clip → its fold.
    """

    name: str
    root: str
    n_folds: int = 0
    group_pattern: str = ""
    fingerprint: str = ""
    folds: Mapping[str, int] = field(default_factory=dict)


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    schema_: int = Field(alias="schema")
    name: str
    root: str
    n_folds: int = Field(ge=2, le=100)
    group_pattern: str
    fingerprint: str
    folds: dict[str, Annotated[int, Field(ge=1, le=100)]]


def place_of(root: Path, name: str) -> Path:
    """Give the file in the user's folder where a dataset's folds are kept."""
    return user_datasets() / f"{name}-{sha256_of(bytes(root.resolve()))[:8]}.json"


def read_kept(root: Path, name: str) -> Kept:
    """Read a dataset's folds; empty if none were kept.

    Raises
    ------
    DatasetError
        If the file is damaged: new folds would put clips of a training into its test.
    """
    path = place_of(root, name)
    try:
        return _parsed(path)
    except FileNotFoundError:
        return Kept(name, str(root.resolve()))
    except (OSError, ValueError) as error:
        told = " ".join(str(error).split())[:300]
        raise DatasetError(f"{path} is damaged ({told}); delete it to draw the folds of {root} anew.") from error


def keep(root: Path, kept: Kept) -> Path:
    """Write a dataset's folds, if they changed; raises FolderError if the user's folder cannot be written."""
    path = place_of(root, kept.name)
    try:
        if _parsed(path) == kept:
            return path
    except (OSError, ValueError):
        pass  # there is none yet
    make_writable(path.parent, "ACRNN_DATASETS")
    values = {"schema": SCHEMA, **vars(kept), "folds": dict(kept.folds)}
    atomic_write_bytes(path, (json.dumps(values, indent=1) + "\n").encode())
    return path


def known_roots() -> list[tuple[Path, str]]:
    """List the folders and tables whose folds are kept and that are still there, each with its dataset's name."""
    found = []
    for path in glob(user_datasets(), "*.json"):
        try:
            kept = _parsed(path)
            if Path(kept.root).exists():
                found.append((Path(kept.root), kept.name))
        except (OSError, ValueError):
            continue  # which reading the dataset tells
    return found


def assign(members: Sequence[Member], kept: Mapping[str, int], n_folds: int = 0) -> dict[str, int]:
    """Give each clip a fold, 1 to `n_folds`; clips of one group share one.

    Without kept folds they are scikit-learn's StratifiedGroupKFold of the clips in the order of their keys, so that
    the same clips always get the same folds. With kept folds a group that is known keeps the fold that most of its
    clips have, and each new one goes where its class has fewest clips.

    Parameters
    ----------
    n_folds : int
        0 for 5, or fewer if no class has so many groups.

    Returns
    -------
    dict
        Key → fold.
    """
    groups: dict[str, list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda member: member.key):
        groups[member.group].append(member)
    fold_of = {}
    for group, inside in groups.items():
        votes = Counter(kept[member.key] for member in inside if member.key in kept)
        if votes:
            fold_of[group] = min(votes, key=lambda fold: (-votes[fold], fold))
    n_folds = n_folds or most_folds(members)
    largest = max(Counter(member.label for member in members).values(), default=0)
    if fold_of or largest < n_folds:  # scikit-learn refuses to divide classes that are all so small
        _add(groups, fold_of, n_folds)
    else:
        fold_of = _drawn(groups, n_folds)
    return {member.key: fold_of[member.group] for member in members}


def most_folds(members: Sequence[Member]) -> int:
    """Count the folds that make sense: `N_FOLDS`, or the groups of the class that has most, but at least 2."""
    groups_of = defaultdict(set)
    for member in members:
        groups_of[member.label].add(member.group)
    return max(2, min(N_FOLDS, max(map(len, groups_of.values()), default=2)))


def _drawn(groups: Mapping[str, list[Member]], n_folds: int) -> dict[str, int]:
    from sklearn.model_selection import StratifiedGroupKFold  # which training does not need to load

    members = sorted((member for inside in groups.values() for member in inside), key=lambda member: member.key)
    labels, names = [member.label for member in members], [member.group for member in members]
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=SEED)
    fold_of = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are smaller than the folds are many: `check` names them
        for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels, names), start=1):
            fold_of |= {names[i]: fold for i in held_out}
    return fold_of


def _add(groups: Mapping[str, list[Member]], fold_of: dict[str, int], n_folds: int) -> None:
    """Give the groups that have none a fold, the largest first."""
    counts = Counter((fold_of[group], member.label) for group in fold_of for member in groups[group])
    new = sorted((group for group in groups if group not in fold_of), key=lambda group: (-len(groups[group]), group))
    for group in new:
        labels = Counter(member.label for member in groups[group])

        def crowd(fold: int, labels: Counter = labels) -> tuple[int, int, int]:
            of_these = sum(n * counts[fold, label] for label, n in labels.items())
            return of_these, sum(n for (other, _), n in counts.items() if other == fold), fold

        fold_of[group] = min(range(1, n_folds + 1), key=crowd)
        for label, n in labels.items():
            counts[fold_of[group], label] += n


def _parsed(path: Path) -> Kept:
    values: Any = read_json(path, MAX_BYTES)
    require_model(_File, values)
    if values.pop("schema") != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    return Kept(**values)
