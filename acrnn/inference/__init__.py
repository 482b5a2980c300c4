"""Sound in, `Prediction` out: class probabilities, one row a segment, and attention on the clip's time axis."""

from acrnn.inference.prediction import Attention, Prediction, SegmentPrediction
from acrnn.inference.predictor import Predictor, load

__all__ = [
    "Attention",
    "Prediction",
    "Predictor",
    "SegmentPrediction",
    "load",
]
