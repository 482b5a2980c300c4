"""One's own classes from a folder to a published checkpoint, with a small network; and fine-tuning."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from acrnn.checkpoints import find
from acrnn.data import load
from acrnn.errors import CheckpointError, OptionError
from acrnn.inference import load as load_predictor
from acrnn.measures.crossval import score_fold
from acrnn.results.confusion import clip_table, compare, confusion_of
from acrnn.results.settings import load_settings, record
from acrnn.runs.finish import publish
from acrnn.runs.launch import command, options_of
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure, starting_network
from acrnn.runs.work import work
from acrnn.training import Recipe, Trainer, draw_epoch, recipe_for
from acrnn.training.transfer import take_over, tuned
from tests.command_line import run_command
from tests.conftest import OWN_LABELS as LABELS

RATE_HZ = 16_000


def test_labels_and_names_come_from_the_folder(own_root):
    config, dataset = configure(Options(own_root, "own", 1, recipe="plain", device="cpu"))
    assert dataset.labels == LABELS
    assert config.network.n_classes == 4
    assert config.front_end.rate_hz == RATE_HZ
    assert config.name == "own-odd-names-l10-plain-fold1"
    assert config.data_title == "odd-names (own classes) 16 kHz"


def test_a_checkpoint_knows_its_classes_and_gives_its_score_again(own_root, own_run, tmp_path):
    checkpoint = publish(own_run, tmp_path)
    assert checkpoint.config.labels == LABELS
    predictor = load_predictor(str(checkpoint.path), "cpu")
    scores = score_fold(predictor, load(own_root, checkpoint.config.dataset), 1)
    assert scores.summary() == checkpoint.config.scores
    card = (checkpoint.path / "README.md").read_text()
    assert "Trained on the folds other than 1 " in card
    assert "recordings of its maker's" in card
    assert "ESC" not in card


def test_out_of_fold_predictions_survive_names_that_look_like_gaps_and_numbers(own_run, tmp_path):
    name = record(own_run, tmp_path)
    (setting,) = load_settings(tmp_path)
    assert (setting.name, setting.labels, setting.dataset) == (name, LABELS, "own-odd-names")
    table = clip_table(setting)
    assert set(table["true"]) <= set(LABELS)
    assert set(table["group"]) == {"Other classes"}
    assert confusion_of(table, setting.labels).counts.sum() == own_run.summary["n_clips"]
    assert len(compare(setting, setting).clips) == len(table)
    lines = (own_run.path / "predictions.csv").read_text().splitlines()
    assert lines[0] == "filename,fold,label,predicted,<b>x,'=1+1,NA,predicted"
    assert not any(cell.startswith("=") for line in lines for cell in line.split(","))


@pytest.fixture
def run_cli(monkeypatch, capsys):
    return partial(run_command, monkeypatch, capsys)


def test_evaluate_and_predict_take_such_a_checkpoint(run_cli, own_root, own_run, tmp_path):
    path = publish(own_run, tmp_path).path
    code, out, _ = run_cli("evaluate", "--checkpoint", path, "--data", own_root, "--device", "cpu")
    assert (code, "its card says" in out) == (0, True)
    code, out, _ = run_cli("predict", own_root / "NA" / "0.wav", "--checkpoint", path, "--device", "cpu")
    assert code == 0
    assert all(label in out for label in LABELS)


def test_evaluate_of_a_folder_that_has_more_classes_names_the_first(run_cli, own_root, own_run, tmp_path, write_wav):
    path = publish(own_run, tmp_path / "checkpoints").path
    for i in range(5):
        (tmp_path / "more" / f"{i}").mkdir(parents=True)
        for j in range(5):
            noise = np.random.default_rng(5 * i + j).uniform(-0.1, 0.1, 4000)
            write_wav(tmp_path / "more" / f"{i}" / f"{j}.wav", noise, RATE_HZ)
    code, out, err = run_cli("evaluate", "--checkpoint", path, "--data", tmp_path / "more", "--device", "cpu")
    assert (code, out) == (2, "")
    assert "more · 5 own classes is not one of the 4 to choose from" in err


def test_check_says_what_is_there_and_exits_2_if_anything_is_wrong(run_cli, own_root, tmp_path):
    code, out, err = run_cli("check", "--data", own_root)
    assert (code, err.strip()) == (0, "")
    assert out.startswith("Odd names: 4 classes, 22 clips of 21 recordings")
    assert out.count("\n") <= 24
    (tmp_path / "bad" / "a").mkdir(parents=True)
    (tmp_path / "bad" / "a" / "x.wav").write_text("none")
    code, out, _ = run_cli("check", "--data", tmp_path / "bad")
    assert code == 2
    assert "wrong: 1 × cannot be read, and left out: a/x.wav is not audio that can be read\n" in out
    for i in range(9):
        (tmp_path / "bad" / "a" / f"{i}.wav").write_text("none")
    for options, n_named in ((), 5), (["--every"], 10):
        out = run_cli("check", "--data", tmp_path / "bad", *options)[1]
        assert sum(out.count(f"a/{name}.wav") for name in (*range(9), "x")) == n_named


def test_check_still_compares_the_release(run_cli, tiny_root):
    code, out, _ = run_cli("check", "--data", tiny_root)
    assert code == 2
    assert out.startswith("tiny · ESC-10 is not as the release has it (14 clips); not 8 clips:")
    assert "rates     16 kHz" in out


def test_a_class_that_no_network_would_hear_is_told(tmp_path, write_wav):
    for label, n in (("many", 8), ("one", 1)):
        (tmp_path / "few" / label).mkdir(parents=True)
        for i in range(n):
            noise = np.random.default_rng(i + n).uniform(-0.1, 0.1, 4000)
            write_wav(tmp_path / "few" / label / f"{i}.wav", noise, RATE_HZ)
    (fold,) = (clip.fold for clip in load(tmp_path / "few", "own").clips if clip.label == "one")
    with pytest.raises(OptionError, match=rf"Class 'one' has clips in fold {fold} alone, so no network would hear it"):
        configure(Options(tmp_path / "few", "own", fold, recipe="plain", device="cpu"))


def test_the_recipe_of_fine_tuning():
    recipe = tuned(recipe_for("best", "own-birds"))
    assert (recipe.name, recipe.frozen, recipe.learning_rate) == ("best-tuned", 0.25, pytest.approx(0.01))
    assert "the output layer alone for 25% of the epochs" in recipe.describe()


def test_all_but_the_output_layer_is_taken_over(make_model):
    source, network = make_model("l10", n_classes=10), make_model("l10", n_classes=3, seed=1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    take_over(network, source)
    for name, value in network.state_dict().items():
        wanted = before if name.startswith("output.") else source.state_dict()
        assert torch.equal(value, wanted[name]), name


def test_the_output_layer_alone_learns_first(make_model, tiny_run_config, tiny_corpus, tiny_split):
    recipe = Recipe("t", epochs=4, batch_size=4, n_copies=0, frozen=0.5, mixup_alpha=0)
    config = replace(tiny_run_config, recipe=recipe)
    trainer = Trainer(config, tiny_corpus, tiny_split, initial=make_model("l10"))
    for epoch in (0, 2):
        before = {name: value.clone() for name, value in trainer.model.named_parameters()}
        trainer.set_rate(0.1, epoch)
        trainer.step(draw_epoch(config, trainer.corpus, trainer.split, epoch).step(0))
        moved = {name for name, p in trainer.model.named_parameters() if not torch.equal(p, before[name])}
        assert "output.weight" in moved
        assert (moved == {"output.weight", "output.bias"}) == (epoch == 0)


def test_a_run_from_a_checkpoint_says_so_and_resumes(own_root, own_run, tmp_path):
    source = publish(own_run, tmp_path / "checkpoints")
    options = Options(own_root, "own", 1, recipe="plain", epochs=2, device="cpu", start_from=str(source.path))
    config, dataset = configure(options)
    assert config.network == source.config.network
    assert (config.name, config.initial) == ("own-odd-names-l10-plain-tuned-fold1", str(source.path))
    assert options_of(config) == replace(options, dataset="own-odd-names", data_root=own_root.resolve(), batch_size=64)
    assert command(options, tmp_path)[-2:] == ["--start-from", str(source.path)]
    run = Run.create(tmp_path, replace(config, precision="fp32"))
    work(run, dataset)
    config = find(str(run.path / run.config.name)).config
    assert f"from the weights of {source.name} but for the output layer," in config.protocol
    assert config.provenance["initial_sha256"] == source.config.weights_sha256
    assert f"| Started from | {source.name} |" in (run.path / run.config.name / "README.md").read_text()
    changed = replace(run.config, initial_sha256="0" * 64)
    with pytest.raises(CheckpointError, match="has other weights now than when this run began"):
        starting_network(changed)


def test_what_does_not_go_with_a_checkpoint_is_told(own_root, own_run, tmp_path):
    source = str(publish(own_run, tmp_path).path)
    wanted = Options(own_root, "own", 1, recipe="plain", device="cpu", start_from=source)
    for changes, told in (
        ({"placement": "none"}, "keeps the placement that it starts from"),
        ({"recipe": "mixed"}, "a recipe with as many is accepted"),
        ({"fold": 2}, "was trained on fold 2 of these very clips; fold 1"),
    ):
        with pytest.raises(OptionError, match=told):
            configure(replace(wanted, **changes))
