"""Claim: an exported model gives the package's probabilities within 1e-4, on every clip of the held-out fold.

    python -m benchmarks.export DATASET [CHECKPOINT]

The clips of the checkpoint's held-out fold, decoded beforehand, go through the package, the ONNX file in float32, the
one in int8, and the float32 one after onnxruntime's dynamic quantiser (convolutions and the output layer; it has no
GRU). Each clip is timed in all four before the next. An accuracy takes the class of the highest probability.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

import acrnn
from acrnn import data
from acrnn.audio import Audio, decode
from acrnn.checkpoints import Checkpoint
from acrnn.export import write_model
from acrnn.measures.crossval import wilson_interval
from benchmarks.machine import describe_machine, spread

DEFAULT = "esc10-l10-best-fold1"
Answer = tuple[np.ndarray, np.ndarray]  # probabilities (class,), attention (frame,)


def main() -> None:
    """Print size, speed, difference and accuracy of each."""
    predictor = acrnn.load(sys.argv[2] if len(sys.argv) > 2 else DEFAULT, "cpu")
    config = predictor.checkpoint.config
    clips = data.load(sys.argv[1], config.dataset).fold(config.fold)
    targets = np.array([config.labels.index(clip.label) for clip in clips])
    with tempfile.TemporaryDirectory() as folder:
        paths = _files(predictor.checkpoint, Path(folder))
        models = {"package": _package(predictor)} | {name: _session(path) for name, path in paths.items()}
        sizes = {name: f"{path.stat().st_size / 1e6:.1f} MB" for name, path in paths.items()}
        answers, seconds = _run(models, [decode(clip.path, config.front_end.rate_hz) for clip in clips])
    print(describe_machine())
    print(f"{config.name}, {len(clips)} clips of fold {config.fold}")
    for name, found in answers.items():
        right = int((np.array([p.argmax() for p, _ in found]) == targets).sum())
        low, high = wilson_interval(right, len(clips))
        print(f"{name:16} {sizes.get(name, ''):8} {spread(seconds[name])}")
        print(f"{'':16} {right} of {len(clips)} right ({low:.1%} to {high:.1%})")
        print(f"{'':16} {_compare(answers['package'], found)}")


def _files(checkpoint: Checkpoint, folder: Path) -> dict[str, Path]:
    paths = {name: folder / f"{name.split()[0]}.onnx" for name in ("float32", "int8", "dynamic quantiser")}
    write_model(checkpoint, paths["float32"])
    write_model(checkpoint, paths["int8"], int8=True)
    kinds = ["Conv", "Gemm"]
    quantize_dynamic(
        paths["float32"], paths["dynamic quantiser"], op_types_to_quantize=kinds, weight_type=QuantType.QUInt8
    )
    return paths


def _package(predictor: acrnn.Predictor) -> Callable[..., Answer]:
    def call(audio: Audio) -> Answer:
        prediction = predictor(audio)
        return prediction.probabilities, prediction.attention.weights

    return call


def _session(path: Path) -> Callable[..., Answer]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options)

    def call(audio: Audio) -> Answer:
        probabilities, attention = session.run(["probabilities", "attention"], {"waveform": audio.samples[None]})
        return probabilities[0], attention[0]

    return call


def _run(models: dict[str, Callable[..., Answer]], sounds: list) -> tuple[dict[str, list], dict[str, list[float]]]:
    for call in models.values():
        call(sounds[0])
    answers, seconds = ({name: [] for name in models} for _ in range(2))
    for audio in sounds:
        for name, call in models.items():
            began = perf_counter()
            answers[name].append(call(audio))
            seconds[name].append(perf_counter() - began)
    return answers, seconds


def _compare(ours: list[Answer], found: list[Answer]) -> str:
    """Compare probabilities and attention, clip by clip."""
    same = sum(a[0].argmax() == b[0].argmax() for a, b in zip(ours, found, strict=True))
    in_p, in_weight = (max(float(np.abs(a[i] - b[i]).max()) for a, b in zip(ours, found, strict=True)) for i in (0, 1))
    return f"{same} with the package's class; largest difference {in_p:.1e} in probability, {in_weight:.1e} in weight"


if __name__ == "__main__":
    main()
