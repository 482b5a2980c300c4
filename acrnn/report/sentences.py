"""Sentences about a prediction and its network, the same on the pages and in files."""

from collections.abc import Callable

from acrnn.checkpoints import Checkpoint
from acrnn.data import share_folds
from acrnn.inference import Prediction
from acrnn.labels import pretty


def tell_class(name: str, known: bool | None, n_classes: int) -> str:
    """Give the most probable class's name, or say that the sound is taken for none and that it is the nearest."""
    return f"None of its {n_classes} classes; nearest: {name}" if known is False else name


def tell_verdict(prediction: Prediction, name: Callable[[str], str] = pretty) -> str:
    """Say in a few words what was heard: a class with its probability, that it is unsure, or none of its classes.

    Parameters
    ----------
    name : callable
        Gives a class's name as it is shown; `words.named` where Markdown is read.
    """
    label, probability = prediction.top(1)[0]
    told = tell_class(name(label), prediction.known, len(prediction.labels))
    if prediction.known is False:
        return f"{told} ({probability:.0%})"
    if prediction.unsure:
        return f"Unsure; most likely {told} ({prediction.calibrated.max():.0%})"
    return f"{told}, {probability:.0%}"


def tell_accuracy(checkpoint: Checkpoint, quote: Callable[[str], str] = str) -> str:
    """One line: accuracy on the held-out fold, interval, data, fold and epochs.

    Parameters
    ----------
    quote : callable
        Escapes what is not ours; `words.plain` where Markdown is read.
    """
    config = checkpoint.config
    if not config.scores:
        return "Not scored."
    low, high = config.scores["interval"]
    return (
        f"{config.scores['accuracy']:.1%} correct on held-out fold {config.fold} "
        f"({config.scores['n_clips']} clips, 95% interval {low:.0%} to {high:.0%}); {quote(config.data_title)}, "
        f"recipe {quote(config.recipe['name'])}, {config.recipe['epochs']} epochs, seed {config.seed}"
    )


def tell_seen(fold: int | None, fingerprint: str | None, checkpoint: Checkpoint, dataset: str | None = None) -> str:
    """Say whether a network was trained on a clip of a dataset; nothing of any other clip.

    Parameters
    ----------
    fold : int or None
        The clip's fold; None if it is of no dataset.
    fingerprint : str or None
        The dataset's, where that is known.
    dataset : str or None
        Its name, where that is known: folds of one's own classes are not those of ESC-50.
    """
    config = checkpoint.config
    if fold is None:
        return ""
    if dataset is not None and not share_folds(dataset, config.dataset):
        return "Whether the network was trained on this clip is not known."
    if fold != config.fold:
        return f"Fold {fold} was in its training set, so this says little about how good it is."
    if fingerprint is None:
        return f"Fold {fold}: held out of its training."
    if fingerprint == config.data_fingerprint:
        return f"Fold {fold}: never seen in training."
    return f"Held out of training (fold {fold}); these are other copies of the same clips."
