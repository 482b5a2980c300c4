"""What the README and docs/ promise is there, and what they say of the checkpoints is what their cards say."""

import json
import re
from pathlib import Path

import pytest

from acrnn.audio import render
from acrnn.cli import main as cli
from docs import network

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CONFIGS = sorted((ROOT / "checkpoints").glob("*/config.json"))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors_of(path: Path) -> set[str]:
    """Addresses that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_documents_name_every_command_and_no_other():
    named = {name for path in DOCUMENTS for name in re.findall(r"python -m acrnn ([a-z][a-z-]*)", text_of(path))}
    assert named == {command.callback.__name__.replace("_", "-") for command in cli.app.registered_commands}
    assert {"predict", "train", "evaluate", "download", "checkpoints"} <= set(
        re.findall(r"python -m acrnn ([a-z]+)", README)
    )


def test_the_documents_name_every_script_and_no_other():
    named = {m for path in DOCUMENTS for m in re.findall(r"python -m ((?:benchmarks|docs)\.[a-z_]+)", text_of(path))}
    for module in named:
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module
    scripts = {f"benchmarks.{path.stem}" for path in (ROOT / "benchmarks").glob("*.py") if path.stem[0] != "_"}
    helpers = {"benchmarks.machine", "benchmarks.visitor"}
    assert scripts - helpers <= named


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_the_repository_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)]+)\)", text_of(path)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), target
        assert not anchor or anchor in anchors_of(there), target


def test_the_readme_is_a_page_and_its_pictures_are_light():
    assert len(README.splitlines()) <= 150
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert {"docs/listen.gif", "docs/network.svg"} <= set(pictures)
    for picture in pictures:
        assert (ROOT / picture).stat().st_size < 1.5e6, picture


def test_the_drawn_network_is_the_one_of_the_code():
    assert network.PATH.read_text(encoding="utf-8") == network.drawing(), "run `python -m docs.network`"


def test_the_python_example_runs(tmp_path, monkeypatch, write_wav):
    example = re.search(r"```python\n(.+?)```", README, re.DOTALL)[1]
    write_wav(tmp_path / "clip.wav", render("dog").samples, 44_100)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(example, names)
    prediction = names["prediction"]
    assert len(prediction.top(3)) == 3
    assert len(prediction.attention.times_s) == len(prediction.attention.weights)


def test_a_checkpoint_is_there():
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.parent.name)
def test_the_table_says_of_a_checkpoint_what_its_config_says(path):
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
    table = (ROOT / "results" / "checkpoints.md").read_text(encoding="utf-8").splitlines()
    assert f"| {' | '.join(map(str, cells))} |" in table


def test_checkpoints_together_stay_under_230_mb():
    assert sum(path.stat().st_size for path in (ROOT / "checkpoints").rglob("*") if path.is_file()) < 230e6
