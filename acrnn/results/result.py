"""What the results of all studies of a checkpoint have in common."""

from dataclasses import dataclass

from acrnn.model import WITH_ATTENTION


@dataclass(frozen=True)
class StudyResult:
    """What was measured on checkpoints that differ in their held-out fold alone, read from files.

    Attributes
    ----------
    dataset, data_title, placement, recipe : str
    epochs : int
    checkpoints : tuple of str
    folds : tuple of int
        Held-out ones, whose clips were measured, each by the checkpoint that never saw it.
    n_clips : int
        Of all folds.
    is_shipped : bool
        Whether it comes with the project; the user's own is not pooled with such.
    """

    dataset: str
    data_title: str
    placement: str
    recipe: str
    epochs: int
    checkpoints: tuple[str, ...]
    folds: tuple[int, ...]
    n_clips: int
    is_shipped: bool

    @property
    def has_attention(self) -> bool:
        """Whether the network attends to any layer."""
        return self.placement in WITH_ATTENTION

    @property
    def title(self) -> str:
        """For people: `l10, 60 epochs`, the recipe if it is not the paper's, and whether it is the user's own."""
        told = "" if self.recipe == "paper" else f", recipe {self.recipe}"
        told += "" if self.is_shipped else ", yours"
        return f"{self.placement}, {self.epochs} epochs{told}"

    @property
    def tell_run(self) -> str:
        """Data and folds: `ESC-10 44.1 kHz, held-out folds 1, 2`."""
        named = ", ".join(map(str, self.folds))
        return f"{self.data_title}, held-out fold{'s' if len(self.folds) > 1 else ''} {named}"
