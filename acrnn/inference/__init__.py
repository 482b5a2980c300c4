"""Sound in, `Prediction` out: class probabilities, one row a segment, and attention on the clip's time axis."""

from acrnn.inference.predictor import (
    DEVICES,
    Attention,
    Prediction,
    Predictor,
    SegmentPrediction,
    describe_device,
    load,
    pick_device,
)

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
