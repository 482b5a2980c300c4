"""ACRNN: environmental sound classification with learned frame-level attention, and what the attention shows.

    import acrnn
    predictor = acrnn.load("esc10-l10-paper-fold1")
    prediction = predictor("dog.wav")
    prediction.label, prediction.attention.times_s, prediction.attention.weights

The way of the data, each stage usable by itself:

    acrnn.audio        bytes, path or array → mono waveform
    acrnn.features     waveform → log-gammatone spectrogram and delta → overlapping segments ⇄ one time axis
    acrnn.data         ESC-50's layout and folds, its download
    acrnn.model        segments → logits and attention
    acrnn.checkpoints  trained networks on disk
    acrnn.training     recipe, corpus, optimisation
    acrnn.inference    the whole path for one clip
    acrnn.measures     scores on held-out folds, and what the attention is worth
    acrnn.runs         trainings as folders and processes
    acrnn.results      result files, read and compared
    acrnn.figures      Plotly figures of all of it
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acrnn.checkpoints import names
    from acrnn.errors import AcrnnError
    from acrnn.inference import Attention, Prediction, Predictor, load

__all__ = ["AcrnnError", "Attention", "Prediction", "Predictor", "load", "names"]

_MODULE_OF = {"AcrnnError": "errors", "names": "checkpoints"}


def __getattr__(name: str) -> Any:
    # Loaded when first used: a stage that is imported by itself must not bring all the others (and torch) with it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF.get(name, 'inference')}"), name)
