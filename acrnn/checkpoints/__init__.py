"""Trained networks on disk: save, list, verify, load. Weights are safetensors; no pickle is ever read.

A checkpoint is a folder `<dataset>-<placement>-<recipe>-fold<k>` with `model.safetensors` (fp16), `config.json`
(what it is, how it came about, what it scored) and `README.md`, its card. It may come from a stranger: `schema` checks
every field of the config, `weights` every tensor, before anything is allocated.

Those that come with the project are read and never written; a user's are in a folder of the user's (`acrnn.paths` has
both). They are listed together, and their names differ: one that a user publishes is called like its run, with the
seed at the end (`esc10-l10-paper-fold1-seed0`), which no shipped one is. Should a folder of the user's have a shipped
one's name after all, the name means the shipped one; `hidden` tells of it, and its path still finds it.
"""

from acrnn.checkpoints.config import SCHEMA, CheckpointConfig
from acrnn.checkpoints.open_set import OpenSet, Scale
from acrnn.checkpoints.store import (
    CARD,
    CONFIG,
    FILES,
    Checkpoint,
    find,
    hidden,
    keep_open_set,
    listed,
    names,
    publish_copy,
    read_files,
    save,
    unpack,
)
from acrnn.checkpoints.weights import WEIGHTS

__all__ = [
    "CARD",
    "CONFIG",
    "FILES",
    "SCHEMA",
    "WEIGHTS",
    "Checkpoint",
    "CheckpointConfig",
    "OpenSet",
    "Scale",
    "find",
    "hidden",
    "keep_open_set",
    "listed",
    "names",
    "publish_copy",
    "read_files",
    "save",
    "unpack",
]
