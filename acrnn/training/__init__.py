"""Train a network on the folds that are not held out (§3.4, §4.1): recipe, features, steps. No run folder, no process.

Comes in: a `RunConfig` and a dataset. Goes out: a trained network and what each epoch measured. Imports features, data
and model; neither streamlit, plotly nor librosa.
"""

from acrnn.training.config import RunConfig
from acrnn.training.corpus import Corpus, build_corpus
from acrnn.training.recipe import RECIPES, Recipe, paper_optimisation, recipe_for
from acrnn.training.split import Split, prepare
from acrnn.training.trainer import Epoch, Trainer, components, draw_epoch

__all__ = [
    "RECIPES",
    "Corpus",
    "Epoch",
    "Recipe",
    "RunConfig",
    "Split",
    "Trainer",
    "build_corpus",
    "components",
    "draw_epoch",
    "paper_optimisation",
    "prepare",
    "recipe_for",
]
