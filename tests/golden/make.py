"""Golden predictions: what every published checkpoint says of three synthetic clips, as files that a test compares.

After checkpoints were trained anew, or the front end was changed on purpose:

    python -m tests.golden.make
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from acrnn.audio.scenes import render
from acrnn.checkpoints import names
from acrnn.inference import Prediction, Predictor, load

FOLDER = Path(__file__).parent
CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
CLIPS = ("dog", "rain", "clock_tick")
FRAMES_AT = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Where in a clip, as shares of its frames, the attention is written down."""


def summary(prediction: Prediction) -> dict[str, Any]:
    """Give the figures of a prediction that a drift of the front end or the network would move."""
    found = {"label": prediction.label, "probability": float(prediction.probabilities.max())}
    if prediction.attention is not None:
        weights = prediction.attention.weights
        found["attention"] = {
            "mean": float(weights.mean()),
            "argmax": int(weights.argmax()),
            "at": [float(weights[int(share * len(weights))]) for share in FRAMES_AT],
        }
    return found


def predictions(predictor: Predictor) -> dict[str, Prediction]:
    """Give what a checkpoint says of the three clips, by label."""
    scenes = {label: render(label) for label in CLIPS}
    return {label: predictor(scene.samples, scene.rate_hz) for label, scene in scenes.items()}


def rounded(value: Any) -> Any:
    """Round every number to six significant digits, so that files of two machines hardly differ."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(np.format_float_positional(value, 6, fractional=False)) if isinstance(value, float) else value


def main() -> None:
    """Write the file of every published checkpoint, and delete those of others."""
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for name in names(CHECKPOINTS):
        said = predictions(load(str(CHECKPOINTS / name), "cpu"))
        found = rounded({label: summary(prediction) for label, prediction in said.items()})
        (FOLDER / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
        print(name)


if __name__ == "__main__":
    main()
