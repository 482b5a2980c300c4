"""How a network is trained: the numbers of §3.4 and §4.1, frozen."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from acrnn.errors import OptionError


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
    learning_rate : float
        Of the first third of the epochs; each third divides it by 10.
    momentum : float
        Nesterov's.
    weight_decay : float
        On kernels alone. Keras' L2 of 1e-4 adds 1e-4 · ‖w‖² to the loss, whose gradient is 2e-4 · w.
    mixup_alpha : float
        λ ~ Beta(α, α) (eq. 5); 0 for no mixup.
    n_copies : int
        Stretched or shifted copies of each training clip.
    """

    name: str
    epochs: int = 300
    batch_size: int = 64
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 2e-4
    mixup_alpha: float = 0.2
    n_copies: int = 10

    def __post_init__(self) -> None:
        whole = self.epochs >= 1 and self.batch_size >= 2 and self.n_copies >= 0
        real = self.learning_rate > 0 and 0 <= self.momentum < 1 and self.weight_decay >= 0 and self.mixup_alpha >= 0
        if not (whole and real):
            raise OptionError(
                f"{self} cannot be trained: epochs is at least 1, batch_size at least 2, learning_rate above 0, "
                "momentum in [0, 1), and weight_decay, mixup_alpha and n_copies are not negative"
            )

    def learning_rate_at(self, epoch: int) -> float:
        """Learning rate of an epoch (0 to epochs − 1): divided by 10 at each third (§4.1: every 100 of 300)."""
        return self.learning_rate / 10 ** (3 * epoch // self.epochs)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a config file."""
        return asdict(self)


N_COPIES = {"esc10": 10, "esc50": 4}
RECIPES: dict[str, dict[str, Any]] = {
    "paper": {},
    "plain": {"mixup_alpha": 0.0, "n_copies": 0},
}
"""Name → what differs from the defaults of `Recipe`. `plain` is Table 3 without 'augment'."""


def recipe_for(name: str, dataset: str, *, epochs: int | None = None, batch_size: int | None = None) -> Recipe:
    """Give the recipe `name` for a dataset, with another number of epochs or batch size if given.

    Raises
    ------
    OptionError
        If the recipe is unknown or a number is out of range.
    """
    if name not in RECIPES:
        raise OptionError(f"recipe {name!r} is not one of {', '.join(RECIPES)}")
    given = {"epochs": epochs, "batch_size": batch_size}
    values = {"n_copies": N_COPIES[dataset]} | RECIPES[name]
    return replace(Recipe(name, **values), **{k: v for k, v in given.items() if v is not None})
