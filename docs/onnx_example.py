"""Classify a recording with an exported model. All it needs is numpy, soundfile and onnxruntime.

python docs/onnx_example.py model.onnx clip.wav
"""

import json
import sys

import numpy as np
import onnxruntime
import soundfile


def main(model_path: str, clip_path: str) -> None:
    """Print the three most probable classes, and when the attention is largest."""
    model = onnxruntime.InferenceSession(model_path)
    metadata = model.get_modelmeta().custom_metadata_map
    samples, rate_hz = soundfile.read(clip_path, dtype="float32", always_2d=True)  # (sample, channel)
    if rate_hz != int(metadata["rate_hz"]):
        sys.exit(f"{clip_path} is at {rate_hz} Hz; this model takes {metadata['rate_hz']} Hz.")
    waveform = samples.mean(axis=1)[None]  # (batch, sample)
    names = [output.name for output in model.get_outputs()]
    found = dict(zip(names, model.run(names, {"waveform": waveform}), strict=True))
    probabilities = found.get("calibrated", found["probabilities"])[0]  # (class,)
    if np.isnan(probabilities).any():
        sys.exit(f"{clip_path} is silent.")
    labels = json.loads(metadata["labels"])
    for index in np.argsort(-probabilities)[:3]:
        print(f"{probabilities[index]:6.1%}  {labels[index]}")
    if "attention" in found:
        print(f"largest attention at {found['attention'][0].argmax() * float(metadata['hop_s']):.2f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
