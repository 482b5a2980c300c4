"""Sound in, `Prediction` out: class probabilities, one row a segment, and attention on the clip's time axis."""

from acrnn.inference.prediction import Attention, Prediction, SegmentPrediction
from acrnn.inference.predictor import DEVICES, Predictor, describe_device, load, pick_device

__all__ = [
    "DEVICES",
    "Attention",
    "Prediction",
    "Predictor",
    "SegmentPrediction",
    "describe_device",
    "load",
    "pick_device",
]
