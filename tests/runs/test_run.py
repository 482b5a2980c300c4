import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from acrnn.errors import RunError
from acrnn.model import NetworkConfig
from acrnn.runs.run import Run
from acrnn.training import Recipe
from acrnn.training.config import RunConfig


@pytest.fixture
def run(tmp_path, tiny_run_config):
    return Run.create(tmp_path, tiny_run_config)


def row(epoch: int, loss: float = 2.0) -> dict[str, float]:
    return {"epoch": epoch, "loss": loss, "accuracy": 0.5, "learning_rate": 0.01, "segments_per_s": 80.0}


def keep(run: Run, epochs_done: int) -> None:
    """Save a state, so that so many epochs count."""
    run.save_state({"a": torch.zeros(1)}, epochs_done)


SUMMARY = {"n_clips": 10, "n_correct": 5, "accuracy": 0.5, "interval": [0.2, 0.8]}


def test_a_run_is_a_folder_named_after_what_it_trains(tmp_path, tiny_run_config):
    run = Run.create(tmp_path, tiny_run_config)
    assert run.path == tmp_path / "esc10-l10-paper-fold2-seed0"
    assert run.config == tiny_run_config
    assert Run(run.path).config == tiny_run_config
    assert (run.metrics(), run.load_state(), run.summary, run.stop_requested) == ([], None, None, False)


def test_a_config_survives_its_file(tiny_run_config):
    assert RunConfig.from_dict(json.loads(json.dumps(tiny_run_config.as_dict()))) == tiny_run_config


def test_the_folder_of_runs_is_made(tmp_path, tiny_run_config):
    assert Run.create(tmp_path / "new" / "runs", tiny_run_config).path.is_dir()


def test_seeds_and_folds_have_folders_of_their_own(tmp_path, tiny_run_config):
    configs = [tiny_run_config, replace(tiny_run_config, seed=1), replace(tiny_run_config, fold=1)]
    assert len({Run.create(tmp_path, config).path for config in configs}) == 3


def test_a_run_that_is_there_is_not_begun_anew(tmp_path, run):
    with pytest.raises(RunError, match=r"fold2-seed0 is there already; --resume goes on with it"):
        Run.create(tmp_path, run.config)


def test_resume_goes_on_with_the_run_that_is_there(tmp_path, run):
    run.append_metrics(row(0))
    keep(run, 1)
    again = Run.create(tmp_path, run.config, resume=True)
    assert again.path == run.path
    assert again.metrics() == [row(0)]


def test_resume_begins_a_run_that_is_not_there(tmp_path, tiny_run_config):
    assert Run.create(tmp_path, tiny_run_config, resume=True).load_state() is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recipe": Recipe("paper", epochs=9, batch_size=4, n_copies=0)}, r"epochs \(\d there, 9 asked for\)"),
        ({"network": NetworkConfig(10, "l10", n_bands=32, n_hidden=16)}, "network"),
        ({"data_fingerprint": "f" * 64}, "data_fingerprint"),
        ({"precision": "bf16"}, r"precision \(fp32 there, bf16 asked for\)"),
        ({"device": "cuda"}, r"device \(cpu there, cuda asked for\)"),
    ],
)
def test_resume_refuses_a_run_of_something_else_and_names_it(tmp_path, run, changes, told):
    with pytest.raises(RunError, match=rf"trains something else: {told}"):
        Run.create(tmp_path, replace(run.config, **changes), resume=True)


@pytest.mark.parametrize("changes", [{"code": "later"}, {"data_root": "moved"}, {"data_title": "renamed"}])
def test_resume_accepts_newer_code_and_moved_data(tmp_path, run, changes):
    assert Run.create(tmp_path, replace(run.config, **changes), resume=True).config == run.config


def test_a_folder_without_config_is_no_run(tmp_path):
    with pytest.raises(RunError, match=r"is no run: it has no config\.json"):
        Run(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"dataset": "esc10"}'])
def test_a_damaged_config_is_named(run, text):
    (run.path / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"config\.json is not the configuration of a run"):
        Run(run.path)


@pytest.mark.parametrize(("part", "field"), [("recipe", "epochs"), ("front_end", "rate_hz"), ("network", "n_classes")])
def test_a_config_with_a_number_out_of_range_is_named(run, part, field):
    values = run.config.as_dict()
    values[part][field] = 0
    (run.path / "config.json").write_text(json.dumps(values))
    with pytest.raises(RunError, match=r"config\.json is not the configuration of a run"):
        Run(run.path)


def test_metrics_come_in_order_of_epochs(run):
    for epoch in (0, 1, 2):
        run.append_metrics(row(epoch))
    keep(run, 3)
    assert [one["epoch"] for one in run.metrics()] == [0, 1, 2]


def test_of_two_lines_of_one_epoch_the_later_counts(run):
    for epoch, loss in ((0, 2.0), (1, 1.5), (1, 1.25), (2, 1.0)):
        run.append_metrics(row(epoch, loss))
    keep(run, 3)
    assert [one["loss"] for one in run.metrics()] == [2.0, 1.25, 1.0]


def test_a_line_after_one_cut_short_is_not_lost(run):
    """What a resumed run writes after a kill in the middle of a line."""
    run.append_metrics(row(0))
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 1, "lo')
    keep(run, 2)
    assert run.metrics() == [row(0)]
    run.append_metrics(row(1))
    assert run.metrics() == [row(0), row(1)]


def test_an_epoch_whose_weights_were_not_kept_does_not_count_and_is_taken_back(run):
    """After a kill between the line and the state: the view says what the resumed run does."""
    run.append_metrics(row(0))
    keep(run, 1)
    run.append_metrics(row(1))
    (run.path / ".ab12.tmp.safetensors").write_bytes(b"half a state")
    assert run.metrics() == [row(0)]
    run.take_back(1)
    assert len((run.path / "metrics.jsonl").read_text().splitlines()) == 1
    assert not list(run.path.glob(".*"))


@pytest.mark.parametrize(
    "line", ["5", "null", "[]", "{}", '{"epoch": "x"}', '{"epoch": -1}', '{"epoch": 0}', "NaN", "\x00", "[" * 5000]
)
def test_a_damaged_line_is_passed_over(run, line):
    run.append_metrics(row(0))
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    run.append_metrics(row(1))
    keep(run, 2)
    assert run.metrics() == [row(0), row(1)]


@pytest.mark.parametrize("damage", ["null", '{"epoch": 0, "loss": "x"}', "", None])
def test_a_line_that_is_damaged_or_lost_comes_back_from_the_state(run, damage):
    for epoch in (0, 1):
        run.append_metrics(row(epoch))
        keep(run, epoch + 1)
    path = run.path / "metrics.jsonl"
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage + "\n" + path.read_text().splitlines()[1] + "\n")
    assert run.metrics() == [row(0), row(1)]
    run.take_back(2)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [row(0), row(1)]


@pytest.mark.parametrize("lines", ["5", "{", "[" * 100_000, '{"epoch": "x"}', "\x00"])
def test_lines_in_a_state_that_are_none_are_passed_over(run, lines):
    run.append_metrics(row(0))
    save_file({"a": torch.zeros(1)}, run.path / "state.safetensors", {"epochs_done": "1", "metrics": lines})
    assert run.metrics() == [row(0)]


def test_a_state_that_was_damaged_meanwhile_is_replaced(run):
    run.append_metrics(row(0))
    (run.path / "state.safetensors").write_bytes(b"")
    keep(run, 1)
    assert run.metrics() == [row(0)]


def test_metrics_that_are_not_text_are_passed_over(run):
    (run.path / "metrics.jsonl").write_bytes(b"\xff\xfe\n" + json.dumps(row(0)).encode() + b"\n")
    keep(run, 1)
    assert run.metrics() == [row(0)]


def test_a_state_comes_back_as_it_was_saved(run):
    tensors = {"a": torch.randn(3, 4), "b": torch.arange(5)}
    run.save_state(tensors, 7)
    found, epochs_done = run.load_state()
    assert epochs_done == 7
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_a_state_replaces_the_one_before_and_leaves_no_other_file(run):
    before = set(run.path.iterdir())
    for epochs_done in (1, 2):
        run.save_state({"a": torch.full((2,), epochs_done)}, epochs_done)
    found, epochs_done = run.load_state()
    assert (epochs_done, found["a"].tolist()) == (2, [2, 2])
    assert {path.name for path in set(run.path.iterdir()) - before} == {"state.safetensors"}


def test_a_damaged_state_is_named_with_what_to_do(run):
    run.save_state({"a": torch.zeros(1000)}, 1)
    path = run.path / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"state\.safetensors is damaged .*delete it to begin this run anew"):
        run.load_state()
    path.write_bytes(b"")
    with pytest.raises(RunError, match="is damaged"):
        run.load_state()


@pytest.mark.parametrize("noted", [None, {"epochs_done": "-1"}, {"epochs_done": "0"}, {"epochs_done": "x"}])
def test_a_state_without_its_epoch_is_damaged(run, noted):
    save_file({"a": torch.zeros(1)}, run.path / "state.safetensors", noted)
    with pytest.raises(RunError, match="is damaged"):
        run.load_state()


def test_a_flipped_bit_in_the_state_is_noticed(run):
    run.save_state({"a": torch.zeros(1000)}, 1)
    path = run.path / "state.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match="its checksum is not that of its content"):
        run.load_state()


HOLD = """
import sys
from acrnn.runs.run import Run
with Run(sys.argv[1]).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_cannot_train_one_run(run):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="is being trained by another process"), run.locked():
            pass
        other.kill()  # however the other one ends, its lock goes with it
    with run.locked():
        pass


def test_a_lock_is_let_go_when_the_block_fails(run):
    with pytest.raises(KeyError), run.locked():
        raise KeyError
    with run.locked():
        pass


def test_a_stop_can_be_asked_for_and_taken_back(run):
    run.request_stop()
    assert Run(run.path).stop_requested
    run.clear_stop()
    run.clear_stop()
    assert not Run(run.path).stop_requested


def test_the_summary_is_there_when_the_run_is_finished(run):
    run.finish(SUMMARY)
    assert Run(run.path).summary == SUMMARY


@pytest.mark.parametrize("text", ["", "{", "5", "null", "{}", '{"accuracy": 2}', json.dumps(SUMMARY)[:-9]])
def test_a_damaged_summary_is_named(run, text):
    (run.path / "summary.json").write_text(text)
    with pytest.raises(RunError, match=r"summary\.json is damaged"):
        _ = run.summary


def test_the_log_has_a_dated_line_a_message(run):
    run.log("training from epoch 0 of 3")
    run.log("trained")
    lines = (run.path / "log.txt").read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == ["training from epoch 0 of 3", "trained"]
