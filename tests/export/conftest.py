"""Checkpoints to be exported: small ones, one of them calibrated, and one with mel bands."""

import pytest
import torch

from acrnn.checkpoints import OpenSet, Scale, save
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
