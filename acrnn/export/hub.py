"""A checkpoint as a folder to be uploaded to the Hugging Face Hub as it is: its files, and a card with front matter."""

import json
import re
from pathlib import Path
from typing import Any

from acrnn.checkpoints import CARD, Checkpoint, CheckpointConfig, read_files
from acrnn.data import atomic_write_bytes

_LICENCE = {"esc10": "cc-by-4.0", "esc50": "cc-by-nc-4.0"}
"""Of the weights, by the data that they were trained on."""
_TAGS = ("audio-classification", "environmental-sound-classification", "acrnn")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_USE_BEGINS = "## Use\n"
_USE = f"""\
{_USE_BEGINS}
This folder was made by [acrnn](https://arxiv.org/abs/2007.07241)'s `python -m acrnn export {{name}} --hub-folder`. With
the package and its extra `hub` installed, and USER the account that it was uploaded to:

```python
import acrnn

predictor = acrnn.load("hf://USER/{{name}}")
prediction = predictor("clip.wav")
prediction.top(3), prediction.attention
```

    python -m acrnn predict clip.wav --checkpoint hf://USER/{{name}}

The weights are safetensors, and no code is run: `config.json` is data of a fixed schema.
"""


def write_hub_folder(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint's files, and a README.md with the front matter that the Hub reads.

    Upload it with `hf upload USER/NAME folder`.

    Raises
    ------
    CheckpointError
        If the weights are missing or damaged, or do not fit the config.
    OSError
        If the folder cannot be written.
    """
    files = read_files(checkpoint)
    files[CARD] = _card(checkpoint.config, files.get(CARD, b"").decode("utf-8", "replace")).encode()
    for name, content in files.items():
        atomic_write_bytes(folder / name, content)


def _card(config: CheckpointConfig, told: str) -> str:
    """Put the front matter before a checkpoint's own card, and after it how to use it."""
    front = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in _front_matter(config).items())
    told = _FRONT_MATTER.sub("", told).partition(_USE_BEGINS)[0]  # as such a folder may be exported again
    body = told.strip() or f"# {config.name}\n\n{config.protocol}"
    return f"---\n{front}\n---\n\n{body}\n\n{_USE.format(name=config.name)}"


def _front_matter(config: CheckpointConfig) -> dict[str, Any]:
    """Give what the Hub indexes, as values of JSON, which is YAML too."""
    licence, datasets = {"license": "other", "license_name": "terms-of-the-recordings"}, {}
    if config.dataset in _LICENCE:
        licence, datasets = {"license": _LICENCE[config.dataset]}, {"datasets": [config.dataset]}
    return licence | {
        "library_name": "acrnn",
        "pipeline_tag": "audio-classification",
        "tags": [*_TAGS, *([f"attention-{config.placement}"] if config.has_attention else [])],
        **datasets,
        **({"metrics": ["accuracy"], "model-index": [_results(config)]} if config.scores else {}),
    }


def _results(config: CheckpointConfig) -> dict[str, Any]:
    """Give the accuracy on the held-out fold as the Hub's `model-index` has it; the interval is in its name."""
    scores = config.scores
    low, high = scores["interval"]
    told = f"Accuracy, {scores['n_correct']} of {scores['n_clips']} clips, 95% interval {low:.1%} to {high:.1%}"
    dataset = {"name": config.data_title, "type": config.dataset, "split": f"fold {config.fold}, held out"}
    metric = {"type": "accuracy", "name": told, "value": scores["accuracy"]}
    task = {"type": "audio-classification", "name": "Audio classification"}
    return {"name": config.name, "results": [{"task": task, "dataset": dataset, "metrics": [metric]}]}
