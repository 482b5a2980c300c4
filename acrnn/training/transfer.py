"""Fine-tuning: the weights of a trained network are taken over, but for its output layer, which knows other classes."""

from dataclasses import replace

import torch

from acrnn.model import Network
from acrnn.training.recipe import Recipe

SUFFIX = "-tuned"
"""Of the recipe's name."""
FROZEN = 0.25
RATE_SHARE = 0.2
OUTPUT = "output."
"""Prefix of the output layer's parameters."""


def tuned(recipe: Recipe) -> Recipe:
    """Give a recipe for weights that are trained already.

    The output layer alone learns for `FROZEN` of the epochs, and the learning rate is `RATE_SHARE` of the recipe's.
    """
    return replace(recipe, name=recipe.name + SUFFIX, frozen=FROZEN, learning_rate=recipe.learning_rate * RATE_SHARE)


@torch.no_grad()
def take_over(network: Network, source: Network) -> None:
    """Copy all weights and statistics of `source` into a network of the same shape, but for the output layer."""
    kept = {name: value for name, value in source.state_dict().items() if not name.startswith(OUTPUT)}
    network.load_state_dict(network.state_dict() | kept)
