"""Train a network on the folds that are not held out (§3.4, §4.1). Imports without streamlit, plotly and librosa."""

from acrnn.training.corpus import Corpus, build_corpus
from acrnn.training.loop import Progress, Split, train
from acrnn.training.recipe import RECIPES, Recipe, recipe_for
from acrnn.training.runs import Run, RunConfig
from acrnn.training.start import Options, configure, prepare

__all__ = [
    "RECIPES",
    "Corpus",
    "Options",
    "Progress",
    "Recipe",
    "Run",
    "RunConfig",
    "Split",
    "build_corpus",
    "configure",
    "prepare",
    "recipe_for",
    "train",
]
