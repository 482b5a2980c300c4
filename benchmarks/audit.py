"""What `python -m acrnn audit` finds of what is known: labels that were changed, and sounds that are doubled.

    python -m benchmarks.audit DATASET SETTING

SETTING is of the results, such as esc50-l10-mixed-30. First a twentieth of its labels is changed at random, five times,
and the list is searched for them. The networks were trained with the right labels, so this is more than they would find
of errors that they had learnt. Then the waveforms of every two clips of one class, cut from different recordings, are
compared, whatever a network makes of them.
"""

import sys
from collections import defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np

from acrnn.collection.duplicates import agreement, waveform_of
from acrnn.data import Dataset, load
from acrnn.results.label_errors import label_errors
from acrnn.results.settings import Setting, load_settings

SHARE, DRAWS = 0.05, 5


def main() -> None:
    """Print what is found of the changed labels, then each pair that holds the same sound."""
    setting = next(one for one in load_settings() if one.name == sys.argv[2])
    found = np.mean([_found(setting, seed) for seed in range(DRAWS)], axis=0)
    n = round(SHARE * len(setting.filenames))
    print(
        f"of {n} changed labels, mean of {DRAWS} draws: {found[0]:.0f} among the first {n}, {found[1]:.0f} among the "
        f"first {2 * n}, {found[2]:.0f} among the {found[3]:.0f} suspected"
    )
    _search(load(sys.argv[1], setting.dataset))


def _found(setting: Setting, seed: int) -> tuple[int, int, int, int]:
    rng = np.random.default_rng(seed)
    n, n_classes = round(SHARE * len(setting.filenames)), len(setting.labels)
    changed = rng.choice(len(setting.filenames), n, replace=False)
    targets = setting.targets.copy()
    targets[changed] = (targets[changed] + rng.integers(1, n_classes, n)) % n_classes
    ranked = label_errors(replace(setting, targets=targets))
    is_changed = ranked["filename"].isin([setting.filenames[i] for i in changed])
    suspected = ranked["suspected"].fillna(False).astype(bool)
    return is_changed[:n].sum(), is_changed[: 2 * n].sum(), is_changed[suspected].sum(), suspected.sum()


def _search(dataset: Dataset) -> None:
    by_class = defaultdict(list)
    for clip in dataset.clips:
        by_class[clip.label].append(clip)
    n_pairs = 0
    for label, clips in by_class.items():
        sounds = {clip.filename: waveform_of(clip.path, clip.filename) for clip in clips}
        pairs = [(a, b) for a, b in combinations(clips, 2) if a.source != b.source]
        n_pairs += len(pairs)
        for a, b in pairs:
            found = agreement(sounds[a.filename], sounds[b.filename])
            if found.is_same:
                print(f"{label}: {a.filename} and {b.filename}, {found.correlation:.2f}")
    print(f"{n_pairs} pairs of clips of one class and of different recordings")


if __name__ == "__main__":
    main()
