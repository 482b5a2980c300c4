"""Checkpoints to be exported, small ones: one calibrated, one with mel bands; and a file that the command wrote."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from typer.testing import CliRunner

from acrnn.checkpoints import OpenSet, Scale, save
from acrnn.cli import main as cli
from acrnn.features import mel_front_end
from acrnn.model import PiczakConfig, build


@pytest.fixture(scope="session")
def calibrated(tmp_path_factory, save_checkpoint):
    """A checkpoint at l10 whose segments vote by their sound, with a temperature of 0.5."""
    scale = Scale(0.5, (0.0, 1.0))
    open_set = OpenSet("logit", scale, scale, 0.95, "nothing", (-60.0, 0.0))
    recipe = {"name": "best", "epochs": 1, "vote": "sounding"}
    return save_checkpoint(tmp_path_factory.mktemp("calibrated"), open_set=open_set, recipe=recipe)


@pytest.fixture(scope="session")
def piczak(tmp_path_factory, checkpoint_config):
    """A small PiczakCNN on mel bands."""
    model = build(PiczakConfig(10, n_filters=4, n_hidden=8))
    model.initialise(torch.Generator().manual_seed(0))
    model.standardise_by(torch.tensor([-60.0, 0.0]), torch.tensor([15.0, 1.5]))
    config = checkpoint_config(model, front_end=mel_front_end(16_000))
    return save(model.eval(), config, "# card\n", tmp_path_factory.mktemp("piczak"))


SHIPPED = "esc10-l10-best-fold1"
"""A checkpoint that comes with the project: calibrated, and its segments vote by their sound."""


@dataclass(frozen=True)
class Exported:
    """The file that the command wrote, and what it said."""

    path: Path
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Exported:
    """`python -m acrnn export` of SHIPPED over an older file: once for all workers, since it takes long."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if folder.name.startswith("popen-") else folder
    path, said = folder / "exported.onnx", folder / "exported.json"
    with FileLock(folder / "exported.lock"):
        if not said.exists():
            path.write_bytes(b"of before")
            done = CliRunner().invoke(cli.app, ["export", SHIPPED, "--out", str(path), "--force"])
            said.write_text(json.dumps([done.exit_code, done.stdout, done.stderr]))
    return Exported(path, *json.loads(said.read_text()))
