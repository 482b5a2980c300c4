"""What goes into an exported model and what comes out: names, axes and units, and the metadata of its file."""

import json
from dataclasses import dataclass

from acrnn.checkpoints import CheckpointConfig


@dataclass(frozen=True)
class Port:
    """One input or output, float32.

    Attributes
    ----------
    name : str
    axes : tuple of str
        One word an axis.
    meaning : str
        What it is, its unit and its range.
    """

    name: str
    axes: tuple[str, ...]
    meaning: str

    def sentence(self) -> str:
        """Axes and meaning on one line, as the metadata have them."""
        return f"({', '.join(self.axes)}) {self.meaning}"


def input_of(config: CheckpointConfig) -> Port:
    """Give the one input."""
    rate_hz = config.front_end.rate_hz
    return Port("waveform", ("batch", "sample"), f"mono samples at {rate_hz} Hz in [-1, 1], clips of one length")


def outputs_of(config: CheckpointConfig) -> list[Port]:
    """Give the outputs in order: `calibrated` only if the checkpoint is calibrated, attention only if it has any."""
    ports = [Port("probabilities", ("batch", "class"), "of the clip, sum to one; NaN if the clip is silent")]
    if config.open_set is not None:
        ports.append(Port("calibrated", ("batch", "class"), "the same after the temperature, sum to one"))
    ports.append(Port("segment_probabilities", ("batch", "segment", "class"), "of each segment, sum to one"))
    if config.has_attention:
        of_frame = "weight of the step that each frame lies in, mean over overlapping segments, in [0, 1]"
        of_step = f"weights of {config.placement} as the network gives them, in [0, 1]"
        ports.append(Port("attention", ("batch", "frame"), of_frame))
        ports.append(Port("segment_attention", ("batch", "segment", "step"), of_step))
    return ports


def metadata_of(config: CheckpointConfig) -> dict[str, str]:
    """Give what a file says of itself; `labels`, `inputs` and `outputs` are JSON, durations are in seconds."""
    front_end = config.front_end
    waveform = input_of(config)
    values = {
        "checkpoint": config.name,
        "weights_sha256": config.weights_sha256,
        "placement": config.placement,
        "rate_hz": front_end.rate_hz,
        "hop_s": front_end.hop_s,
        "segment_s": front_end.segment_frames * front_end.hop_s,
        "segment_hop_s": front_end.segment_hop * front_end.hop_s,
        "labels": json.dumps(config.labels),
        "inputs": json.dumps({waveform.name: waveform.sentence()}),
        "outputs": json.dumps({port.name: port.sentence() for port in outputs_of(config)}),
    }
    return {name: str(value) for name, value in values.items()}
