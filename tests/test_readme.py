"""What the README promises is there, and what it says of the checkpoints is what their cards say."""

import json
import re
from pathlib import Path

import pytest

from acrnn.cli import main as cli

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIGS = sorted((ROOT / "checkpoints").glob("*/config.json"))


def test_every_command_of_the_readme_exists():
    named = set(re.findall(r"python -m acrnn ([a-z]+)", README))
    assert {"predict", "train", "evaluate", "download", "complexity", "checkpoints", "publish"} <= named
    assert named <= {command.callback.__name__ for command in cli.app.registered_commands}


def test_every_script_and_picture_of_the_readme_exists():
    for module in re.findall(r"python -m ((?:benchmarks|docs)\.[a-z_]+)", README):
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module
    for picture in re.findall(r"\]\((docs/[^)]+)\)", README):
        assert (ROOT / picture).is_file(), picture


def test_a_checkpoint_is_there():
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_the_readme_says_of_a_checkpoint_what_its_config_says(path):
    config = json.loads(path.read_text(encoding="utf-8"))
    scores = config["scores"]
    low, high = scores["interval"]
    cells = (
        f"`{config['name']}`",
        config["data_title"],
        config["fold"],
        config["recipe"]["epochs"],
        config["seed"],
        f"{scores['accuracy']:.1%} ({scores['n_correct']} of {scores['n_clips']})",
        f"{low:.1%} to {high:.1%}",
    )
    assert f"| {' | '.join(map(str, cells))} |" in README.splitlines()


def test_checkpoints_together_stay_under_150_mb():
    assert sum(path.stat().st_size for path in (ROOT / "checkpoints").rglob("*") if path.is_file()) < 150e6
