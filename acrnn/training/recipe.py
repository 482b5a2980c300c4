"""How a network is trained: the numbers of §3.4 and §4.1, frozen, and what was found to score more."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from acrnn.errors import OptionError

SCHEDULES = ("steps", "one-cycle")
OPTIMISERS = ("sgd", "adamw")
MIXTURES = ("decibels", "power", "equal-power")
VOTES = ("mean", "sounding")
LOW_RATES_HZ = (8000, 11_025, 16_000, 22_050)
TILT_POINTS = 5


@dataclass(frozen=True)
class Recipe:
    """Everything of a training that is neither network nor data.

    Parameters
    ----------
    name : str
    epochs : int
        Fixed beforehand; the last one's weights are the result. An epoch sees every clip once, as the original or as
        one of its copies.
    batch_size : int
        Segments of one step.
    segment_frames : int
        Frames of a segment; the next begins half a segment later. 128 (§3.1), or 432, which holds a whole clip of 5 s.
    training_frames : int
        Frames of a segment in training, where that is shorter than the ones that are scored; 0 for the same.
    optimiser : str
        `sgd` with Nesterov's momentum (§4.1), or `adamw`.
    clip_norm : float
        Gradients are scaled down to this norm where theirs is larger; 0 for never.
    learning_rate : float
        Of the first third of the epochs; each third divides it by 10.
    momentum : float
        Nesterov's.
    weight_decay : float
        On kernels alone. Keras' L2 of 1e-4 adds 1e-4 · ‖w‖² to the loss, whose gradient is 2e-4 · w. With `adamw` it is
        the decoupled decay of that optimiser.
    mixup_alpha : float
        λ ~ Beta(α, α) (eq. 5); 0 for no mixup.
    mixture : str
        What eq. 5 mixes: `decibels` (the text), `power` (as sounds add), or `equal-power`: power, once both segments
        are at one level, so that λ is the share that is heard.
    n_copies : int
        Stretched or shifted copies of each training clip.
    schedule : str
        `steps` (§4.1: divided by 10 at each third of the epochs), or `one-cycle`: up along a cosine from a 25th of the
        learning rate over the first steps, then down along another to a ten thousandth.
    warm_up : float
        Share of the steps in which `one-cycle` goes up.
    random_crops : bool
        Segments begin at any frame, drawn anew each epoch, instead of at every 64th (§3.1). As many as before.
    shortest_crop : int
        Above 0, each clip gives one segment an epoch: a random cut of this many frames up to `longest_crop`, continued
        by silence as a short clip is.
    longest_crop : int
        Frames that the network is given in training where there are cuts; 0 for a whole segment. It takes any number,
        and fewer cost less.
    whole_from : float
        Share of the epochs after which cuts are from half a segment up to a whole one, whatever they were before.
    roll : bool
        Such a cut may run over the clip's end and go on at its beginning.
    gain_db, tilt_db : float
        Each segment is made louder or quieter by up to `gain_db`, and its bands by up to `tilt_db` more or less, along
        straight lines between `TILT_POINTS` places (FilterAugment).
    mean_one : bool
        See `NetworkConfig.mean_one`.
    min_sounding : float
        Segments of which a smaller share of frames is above the front end's floor are left out of training, unless a
        clip has no others; 0 for none.
    mask_bands, mask_frames : int
        SpecAugment: of each segment, up to so many neighbouring bands and frames get the training mean; 0 for none.
    low_rates : float
        Share of the segments that are heard as a recording at one of `LOW_RATES_HZ` would be: what it lacks is
        estimated from what it has (`acrnn.features.bandwidth`).
    label_smoothing : float
        Share of each target that is spread evenly over the classes.
    average_epochs : float
        The result is an exponential average of the weights, with this horizon in epochs; 0 for the last weights.
    frozen : float
        Share of the epochs, from the first, in which the output layer alone learns; for weights that are trained
        already (`acrnn.training.transfer`).
    vote : str
        How segments make a clip's probabilities: `mean` (§4.1), or `sounding`: each by its share of frames above the
        floor.
    """

    name: str
    epochs: int = 300
    batch_size: int = 64
    segment_frames: int = 128
    training_frames: int = 0
    optimiser: str = "sgd"
    clip_norm: float = 0.0
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 2e-4
    mixup_alpha: float = 0.2
    mixture: str = "decibels"
    n_copies: int = 10
    schedule: str = "steps"
    warm_up: float = 0.3
    random_crops: bool = False
    shortest_crop: int = 0
    longest_crop: int = 0
    whole_from: float = 1.0
    roll: bool = False
    gain_db: float = 0.0
    tilt_db: float = 0.0
    mean_one: bool = False
    min_sounding: float = 0.0
    mask_bands: int = 0
    mask_frames: int = 0
    low_rates: float = 0.0
    label_smoothing: float = 0.0
    average_epochs: float = 0.0
    frozen: float = 0.0
    vote: str = "mean"

    def __post_init__(self) -> None:
        whole = self.epochs >= 1 and self.batch_size >= 2 and self.n_copies >= 0
        real = self.learning_rate > 0 and 0 <= self.momentum < 1 and self.weight_decay >= 0 and self.mixup_alpha >= 0
        if not (whole and real):
            raise OptionError(
                f"{self.epochs} epochs in batches of {self.batch_size} cannot be trained: epochs is at least 1, "
                "batch_size at least 2, learning_rate above 0, momentum in [0, 1), and weight_decay, mixup_alpha and "
                "n_copies are not negative"
            )
        named = self.schedule in SCHEDULES and self.vote in VOTES
        named = named and self.optimiser in OPTIMISERS and self.mixture in MIXTURES
        shares = 0 <= self.min_sounding <= 1 and 0 <= self.low_rates <= 1 and 0 <= self.label_smoothing < 1
        sizes = self.mask_bands, self.mask_frames, self.average_epochs, self.clip_norm, self.gain_db, self.tilt_db
        lengths = self.segment_frames >= 2 and 0 <= self.shortest_crop <= self.cut_frames <= self.segment_frames
        lengths = lengths and 0 <= self.whole_from <= 1 and 0 <= self.warm_up < 1 and 0 <= self.frozen < 1
        lengths = lengths and (self.training_frames == 0 or 2 <= self.training_frames <= self.segment_frames)
        if not (named and shares and lengths and min(sizes) >= 0):
            raise OptionError(
                f"recipe {self.name} cannot be trained: schedule is one of {', '.join(SCHEDULES)}, vote one of "
                f"{', '.join(VOTES)}, "
                f"optimiser one of {', '.join(OPTIMISERS)}, mixture one of {', '.join(MIXTURES)}, min_sounding and "
                "low_rates in [0, 1], label_smoothing in [0, 1), segment_frames at least 2, training_frames from 2 to "
                "segment_frames or 0, shortest_crop at most longest_crop and that at most segment_frames, whole_from "
                "in [0, 1], warm_up and frozen in [0, 1), mask_bands, mask_frames, average_epochs, clip_norm, "
                "gain_db and tilt_db are not negative"
            )

    @property
    def cut_frames(self) -> int:
        """Frames of a cut with its padding: `longest_crop`, or a whole segment."""
        return self.longest_crop or self.segment_frames

    def cut_range_at(self, epoch: int) -> tuple[int, int]:
        """Shortest and longest cut of an epoch, in frames."""
        if epoch < self.whole_from * self.epochs:
            return self.shortest_crop, self.cut_frames
        return self.segment_frames // 2, self.segment_frames

    def learning_rate_at(self, epoch: int, share: float = 0.0) -> float:
        """Learning rate of a step.

        Parameters
        ----------
        epoch : int
            0 to epochs − 1. With `steps` it is divided by 10 at each third of them (§4.1: every 100 of 300).
        share : float
            How much of the epoch is done, [0, 1).
        """
        if self.schedule == "steps":
            return self.learning_rate / 10 ** (3 * epoch // self.epochs)
        done = (epoch + share) / self.epochs
        if done < self.warm_up:
            return _cosine(self.learning_rate / 25, self.learning_rate, done / self.warm_up)
        left = (done - self.warm_up) / (1 - self.warm_up)
        return _cosine(self.learning_rate, self.learning_rate / 10_000, left)

    def describe(self) -> str:
        """Say what it does in one line, such as a card has."""
        rate = "AdamW, " if self.optimiser == "adamw" else ""
        rate += f"learning rate {self.learning_rate:g} "
        rate += "divided by 10 at each third" if self.schedule == "steps" else "at the height of one cycle"
        parts = [
            f"batch {self.batch_size}",
            rate,
            f"mixup α {self.mixup_alpha:g}{_MIXED[self.mixture]}" if self.mixup_alpha else "no mixup",
            f"{self.n_copies} stretched or shifted copies a clip" if self.n_copies else "no copies of clips",
        ]
        if self.segment_frames != Recipe.segment_frames:
            parts.insert(0, f"segments of {self.segment_frames} frames")
        if self.training_frames:
            parts[0] += f", of {self.training_frames} in training"
        if self.clip_norm:
            parts.append(f"gradients clipped at a norm of {self.clip_norm:g}")
        if self.random_crops:
            parts.append("segments cut at random frames")
        if self.shortest_crop:
            rolled = ", rolled in time" if self.roll else ""
            grown = f", longer ones after {self.whole_from:.0%} of the epochs" if self.whole_from < 1 else ""
            parts.append(f"random crops of {self.shortest_crop} to {self.cut_frames} frames{grown}{rolled}")
        if self.gain_db:
            parts.append(f"gain of ±{self.gain_db:g} dB")
        if self.tilt_db:
            parts.append(f"FilterAugment of ±{self.tilt_db:g} dB")
        if self.mean_one:
            parts.append("softmax attention with a mean of one at l2 to l8")
        if self.min_sounding:
            parts.append(f"no segments with sound in less than {self.min_sounding:.0%} of their frames")
        if self.mask_bands or self.mask_frames:
            parts.append(f"SpecAugment of up to {self.mask_bands} bands and {self.mask_frames} frames")
        if self.low_rates:
            parts.append(f"{self.low_rates:.0%} of the segments as at a low sampling rate")
        if self.label_smoothing:
            parts.append(f"label smoothing {self.label_smoothing:g}")
        if self.average_epochs:
            parts.append(f"weights averaged over {self.average_epochs:g} epochs")
        if self.frozen:
            parts.append(f"the output layer alone for {self.frozen:.0%} of the epochs")
        if self.vote == "sounding":
            parts.append("segments vote by their share of sound")
        return ", ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a config file."""
        return asdict(self)


_MIXED = {"decibels": "", "power": " of powers", "equal-power": " of powers at one level"}


def _cosine(start: float, stop: float, share: float) -> float:
    """Half a cosine from `start` to `stop`, at a share in [0, 1] of the way."""
    return stop + (start - stop) * (1 + math.cos(math.pi * share)) / 2


N_COPIES = {"esc10": 10, "esc50": 4}
"""Dataset → copies a clip; of any other, as many as of ESC-50."""
INGREDIENTS: dict[str, dict[str, Any]] = {
    "cycle": {"schedule": "one-cycle", "learning_rate": 0.05},
    "crops": {"random_crops": True},
    "sounding": {"min_sounding": 0.1},
    "masks": {"mask_bands": 15, "mask_frames": 15},
    "rates": {"low_rates": 0.2},
    "smoothing": {"label_smoothing": 0.1},
    "average": {"average_epochs": 3.0},
    "vote": {"vote": "sounding"},
}
"""What `best` has beyond `paper`, by name: each can be left out, to see what it does."""
WITHOUT = "best_without_"
RECIPES: dict[str, dict[str, Any]] = {
    "paper": {},
    "plain": {"mixup_alpha": 0.0, "n_copies": 0},
    "best": {key: value for values in INGREDIENTS.values() for key, value in values.items()},
}
"""Name → what differs from the defaults of `Recipe`. `plain` is Table 3 without 'augment'; `best` has all of
`INGREDIENTS`; `mixed` is added below."""
ABLATIONS: dict[str, dict[str, Any]] = {
    WITHOUT + left_out: {k: v for name, values in INGREDIENTS.items() if name != left_out for k, v in values.items()}
    for left_out in INGREDIENTS
}
"""Name → `best` with one of its ingredients left out."""
WHOLE: dict[str, Any] = {
    "segment_frames": 432,
    "batch_size": 16,
    "shortest_crop": 216,
    "roll": True,
    "min_sounding": 0.1,
    "optimiser": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "clip_norm": 5.0,
    "schedule": "one-cycle",
    "warm_up": 0.1,
    "gain_db": 6.0,
    "tilt_db": 6.0,
    "mask_bands": 15,
    "mask_frames": 40,
    "low_rates": 0.2,
    "average_epochs": 2.0,
    "mean_one": True,
    "mixup_alpha": 0.0,
}
"""A candidate to follow `best`: whole clips as segments, and an optimiser that moves every layer."""
SHORT: dict[str, Any] = RECIPES["best"] | {"segment_frames": 432, "training_frames": 128, "mean_one": True}
"""Another candidate: `best`, trained on segments of §3.1's length and scored on whole clips."""
RECIPES["mixed"] = SHORT | {"mixup_alpha": 1.0, "mixture": "equal-power"}
"""What `best` was followed by: on fold 5 of ESC-50 it was ahead of it, as the candidate `short_mixed_powers`."""
PROBES: dict[str, dict[str, Any]] = {
    name: SHORT | values
    for name, values in {
        "short": {},
        "short_adamw": {"optimiser": "adamw", "learning_rate": 2e-3, "weight_decay": 0.05, "clip_norm": 5.0},
        "short_level": {"gain_db": 6.0, "tilt_db": 6.0},
        "short_mixed_powers": RECIPES["mixed"],
    }.items()
} | {
    name: WHOLE | values
    for name, values in {
        "whole": {},
        "whole_with_mixup": {"mixup_alpha": 0.2},
        "whole_with_mixed_powers": {"mixup_alpha": 1.0, "mixture": "equal-power"},
        "whole_sgd": {"optimiser": "sgd", "learning_rate": 0.03, "weight_decay": 5e-4},
        "whole_half_crops": {
            "shortest_crop": 160,
            "longest_crop": 216,
            "warm_up": 0.3,
            "mask_frames": 25,
            "mixup_alpha": 0.2,
        },
        "whole_higher_rate": {"learning_rate": 2e-3},
        "whole_small_batches": {"batch_size": 8},
        "whole_growing_crops": {"shortest_crop": 96, "longest_crop": 128, "whole_from": 0.75},
        "whole_without_level": {"gain_db": 0.0, "tilt_db": 0.0},
        "whole_without_masks": {"mask_bands": 0, "mask_frames": 0},
        "whole_without_copies": {"n_copies": 0},
    }.items()
}
"""Name → `SHORT` or `WHOLE` with something else in one place: compared on training folds, before one is chosen."""


def recipe_for(name: str, dataset: str, *, epochs: int | None = None, batch_size: int | None = None) -> Recipe:
    """Give the recipe `name` for a dataset, with another number of epochs or batch size if given.

    Raises
    ------
    OptionError
        If the recipe is unknown or a number is out of range.
    """
    known = RECIPES | ABLATIONS | PROBES
    if name not in known:
        raise OptionError(f"recipe {name!r} is not one of {', '.join(RECIPES)}, nor an ablation or a probe of them")
    given = {"epochs": epochs, "batch_size": batch_size}
    values = {"n_copies": N_COPIES.get(dataset, N_COPIES["esc50"])} | known[name]
    return replace(Recipe(name, **values), **{k: v for k, v in given.items() if v is not None})


TRAINING_CLIPS = {"esc10": 320, "esc50": 1600}
SEGMENTS_A_CLIP = 6
"""Of 5 s at 44.1 kHz: five whole ones, and a padded one."""


def paper_optimisation(dataset: str) -> dict[str, tuple[int, float]]:
    """Count what §4.1's 300 epochs of batches of 64 segments are, by its two readings.

    Returns
    -------
    dict
        `clips` (an epoch sees each training clip once) and `copies` (each with all its augmented copies) → steps, and
        the sum of their learning rates.
    """
    paper = recipe_for("paper", dataset)
    a_version = TRAINING_CLIPS[dataset] * SEGMENTS_A_CLIP // paper.batch_size
    mean_rate = sum(paper.learning_rate_at(epoch) for epoch in range(paper.epochs)) / paper.epochs
    steps = {"clips": a_version * paper.epochs, "copies": a_version * (1 + paper.n_copies) * paper.epochs}
    return {reading: (n, n * mean_rate) for reading, n in steps.items()}
