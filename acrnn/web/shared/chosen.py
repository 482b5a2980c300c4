"""A clip that a user chose: what the chooser gives and every page shows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChosenClip:
    """A clip that a user chose.

    Attributes
    ----------
    name : str
        What it is called on the page and in messages.
    content : bytes
        An audio file.
    key : str
        SHA-256 of the content.
    truth : str or None
        Its class, where known.
    fold : int or None
        Its fold, for a dataset's clip.
    fingerprint : str or None
        Of the dataset that it is from.
    dataset : str or None
        Its name.
    channel : int or None
        The channel to use, counted from 1; None for the mean of those with sound.
    partial : bool
        What is there of a file that is cut short is to be used.
    about : str or None
        What it is, in a sentence, of a bundled sample.
    """

    name: str
    content: bytes
    key: str
    truth: str | None = None
    fold: int | None = None
    fingerprint: str | None = None
    dataset: str | None = None
    channel: int | None = None
    partial: bool = False
    about: str | None = None
