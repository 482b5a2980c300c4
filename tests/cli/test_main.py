import io
import json
import os
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import soundfile as sf

from acrnn.data import load as load_data
from acrnn.inference import load
from acrnn.model import NetworkConfig
from acrnn.model import complexity as count
from acrnn.results.files import write_file
from tests.command_line import run_command

NAME = "esc10-l10-paper-fold1"


@pytest.fixture
def run(monkeypatch, capsys, tiny_checkpoints, nothing_shipped):
    """run(argument, …) → exit code, stdout, stderr of the command line, with the tiny checkpoints."""
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tiny_checkpoints))

    return partial(run_command, monkeypatch, capsys)


@pytest.fixture(scope="module")
def clips(tmp_path_factory, write_wav):
    """Two sounds of 1 and 2.5 s."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    seconds = (1, 2.5)
    return [write_wav(folder / f"{s} s.wav", rng.uniform(-0.3, 0.3, int(s * 22_050)), 22_050) for s in seconds]


def one_line(text):
    """Whether it is one line of ordinary text: no traceback, no box."""
    return text.count("\n") == 1 and "Traceback" not in text and "╭" not in text


def test_json_of_a_file_is_what_the_library_says_bit_for_bit(run, clips, tiny_checkpoints):
    code, out, err = run("predict", *clips, "--checkpoint", NAME, "--json", "--top", "3", "--device", "cpu")
    assert code == 0
    predictor = load(str(tiny_checkpoints / NAME), "cpu")
    assert json.loads(out) == [predictor(path).as_dict(3) for path in clips]
    assert one_line(err)  # which checkpoint, on which device
    assert err.startswith(f"{NAME} on CPU")


def test_json_alone_stands_on_stdout(run, clips):
    _, out, _ = run("predict", clips[0], "--checkpoint", NAME, "--json", "--device", "cpu")
    assert out.count("\n") == 2  # an object a line, and the end of the list: a reader of lines need not wait for it
    (row,) = json.loads(out)
    keys = ["path", "duration_s", "notes", "checkpoint", "known", "strangeness", "top", "segments", "attention"]
    assert list(row) == keys
    assert row["path"] == str(clips[0])
    assert len(row["top"]) == 5


def test_a_person_is_told_class_and_moment(run, clips, tiny_checkpoints):
    code, out, _ = run("predict", clips[1], "--checkpoint", NAME, "--top", "2", "--device", "cpu")
    prediction = load(str(tiny_checkpoints / NAME), "cpu")(clips[1])
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"{clips[1]}  (2.50 s)"
    assert [line.split()[1] for line in lines[1:3]] == [label for label, _ in prediction.top(2)]
    assert f"around {prediction.attention.most_at_s:.2f} s" in lines[3]


def test_a_checkpoint_without_attention_claims_no_moment(run, clips):
    code, out, _ = run("predict", clips[0], "--checkpoint", "esc10-none-paper-fold1", "--device", "cpu")
    assert code == 0
    assert "attends" not in out


def test_notes_stand_on_stderr_and_in_the_json(run, tmp_path, write_wav):
    path = write_wav(tmp_path / "shifted.wav", np.random.default_rng(0).uniform(-0.3, 0.3, 22_050) + 0.2, 22_050)
    code, out, err = run("predict", path, "--checkpoint", NAME, "--json", "--device", "cpu")
    assert code == 0
    (row,) = json.loads(out)
    (note,) = row["notes"]
    assert "offset" in note
    assert f"note: {path}: {note}" in err.splitlines()


def test_a_pipe_is_read_from_standard_input(run, clips, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(clips[0].read_bytes())))
    code, out, _ = run("predict", "-", "--checkpoint", NAME, "--json", "--device", "cpu")
    _, expected, _ = run("predict", clips[0], "--checkpoint", NAME, "--json", "--device", "cpu")
    assert code == 0
    (row,), (of_file,) = json.loads(out), json.loads(expected)
    assert row == of_file | {"path": "standard input"}


def test_a_channel_is_chosen(run, tmp_path):
    path = tmp_path / "stereo.wav"
    frames = np.random.default_rng(0).uniform(-0.3, 0.3, (22_050, 2))
    sf.write(path, frames, 22_050, subtype="FLOAT")
    sf.write(tmp_path / "right.wav", frames[:, 1], 22_050, subtype="FLOAT")
    rows = [
        json.loads(run("predict", *arguments, "--checkpoint", NAME, "--json", "--device", "cpu")[1])[0]["top"]
        for arguments in ([path, "--channel", 2], [tmp_path / "right.wav"], [path])
    ]
    assert rows[0] == rows[1] != rows[2]
    code, _, err = run("predict", path, "--channel", 3, "--checkpoint", NAME, "--device", "cpu")
    assert code == 2
    assert f"error: {path} has no channel 3; 1 to 2 are accepted." in err


def test_what_is_there_of_a_cut_file_is_used_on_request(run, tmp_path, clips):
    path = tmp_path / "cut.wav"
    path.write_bytes(clips[1].read_bytes()[:60_000])
    code, out, err = run("predict", path, "--checkpoint", NAME, "--device", "cpu")
    assert (code, out) == (2, "")
    assert "cut short" in err
    assert "--partial uses what is there." in err
    code, out, err = run("predict", path, "--partial", "--checkpoint", NAME, "--device", "cpu")
    assert code == 0
    assert "(1.36 s)" in out
    assert "It is cut short: 1.14 s of the 2.50 s" in err


def test_the_longest_recording_is_a_setting(run, clips, monkeypatch):
    code, out, err = run("predict", *clips, "--max-seconds", 2, "--checkpoint", NAME, "--device", "cpu")
    assert code == 2
    assert out.startswith(str(clips[0]))
    assert "announces 2.5 s" in err
    assert "--max-seconds" in err
    monkeypatch.setenv("ACRNN_MAX_SECONDS", "soon")
    code, _, err = run("predict", clips[0], "--checkpoint", NAME, "--device", "cpu")
    assert (code, one_line(err)) == (2, True)


def test_files_that_cannot_be_used_are_named_and_the_others_done(run, tmp_path, clips, write_wav):
    bad = {
        "absent": tmp_path / "absent.wav",
        "text": tmp_path / "notes.txt",
        "empty": tmp_path / "empty.wav",
        "silent": write_wav(tmp_path / "silent.wav", np.zeros(22_050), 22_050),
    }
    bad["text"].write_text("no sound " * 100)
    bad["empty"].touch()
    paths = [clips[0], *bad.values(), clips[1]]
    code, out, err = run("predict", *paths, "--checkpoint", NAME, "--json", "--device", "cpu")
    assert code == 2
    assert [row["path"] for row in json.loads(out)] == [str(path) for path in clips]
    told = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(told) == 4
    assert len(err.splitlines()) == 5
    for path, line in zip(bad.values(), told, strict=True):
        assert str(path) in line


def test_json_is_a_list_even_if_no_file_can_be_used(run, tmp_path):
    code, out, _ = run("predict", tmp_path / "absent.wav", "--checkpoint", NAME, "--json", "--device", "cpu")
    assert (code, json.loads(out)) == (2, [])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["predict", "x.wav", "--checkpoint", "best"], "error: There is no checkpoint 'best'; there are: esc10-l10"),
        (["predict", "x.wav", "--checkpoint", NAME, "--device", "tpu"], "error: device 'tpu' is not to be had here"),
        (["publish", "nowhere"], "error: nowhere is no run"),
        (["evaluate", "--checkpoint", NAME, "--data", "nowhere"], "error: nowhere/meta/esc50.csv is not there"),
        (["train", "--data", "nowhere", "--dataset", "esc10", "--fold", "1"], "error: nowhere/meta/esc50.csv is not"),
        (["train", "--data", "x", "--dataset", "esc9", "--fold", "1"], "error: Dataset 'esc9' is not known"),
        (["train", "--data", "x", "--dataset", "esc10", "--fold", "1", "--placement", "l3"], "error: placement 'l3'"),
        (
            ["train", "--data", "x", "--dataset", "esc10", "--fold", "1", "--seed", "-1"],
            "error: seed -1 is out of range",
        ),
        (["train", "--data", "x", "--dataset", "esc10", "--fold", "1", "--network", "vgg"], "error: network 'vgg'"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(run, monkeypatch, tmp_path, arguments, told):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert err.startswith(told)


def test_the_folds_number_and_the_recipe_are_checked_before_anything_is_made(run, tmp_path, tiny_root):
    options = ["train", "--data", tiny_root, "--dataset", "esc10", "--out", tmp_path / "runs", "--device", "cpu"]
    for more in (["--fold", "3"], ["--fold", "1", "--epochs", "0"], ["--fold", "1", "--recipe", "fast"]):
        code, _, err = run(*options, *more)
        assert code == 2
        assert one_line(err)
    assert not (tmp_path / "runs").exists()


def test_checkpoints_are_listed_as_json(run):
    code, out, err = run("checkpoints", "--json")
    assert (code, err) == (0, "")
    rows = {row["name"]: row for row in json.loads(out)}
    assert sorted(rows) == sorted(f"esc10-{p}-paper-fold1" for p in ("l10", "l2-softmax", "l4-sigmoid", "none"))
    row = rows[NAME]
    assert (row["dataset"], row["placement"], row["fold"], row["seed"]) == ("esc10", "l10", 1, 0)
    assert row["scores"]["n_clips"] == 10
    assert row["n_bytes"] > 1_000_000


def test_checkpoints_are_listed_for_people(run):
    code, out, _ = run("checkpoints")
    assert code == 0
    assert all(f"esc10-{p}-paper-fold1" in out for p in ("l10", "l2-softmax", "l4-sigmoid", "none"))
    assert "10.0%" in out


def test_an_empty_folder_lists_no_checkpoint(run, monkeypatch, tmp_path):
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tmp_path))
    assert run("checkpoints", "--json")[:2] == (0, "[]\n")


def test_a_damaged_checkpoint_is_named_and_the_others_are_listed(
    run, monkeypatch, tmp_path, save_checkpoint, nothing_shipped
):
    save_checkpoint(tmp_path, "l10")
    damaged = save_checkpoint(tmp_path, "none")
    (damaged.path / "config.json").write_text("{")
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tmp_path))
    code, out, err = run("checkpoints", "--json")
    assert code == 2
    assert [row["name"] for row in json.loads(out)] == [NAME]
    assert one_line(err)
    assert err.startswith(f"error: {damaged.path / 'config.json'}")
    code, out, err = run("checkpoints")
    assert (code, one_line(err), NAME in out) == (2, True, True)


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--dataset", "esc10", "--fold", "1"],
        ["sweep", "table4", "--dataset", "esc10"],
        ["report"],
        ["faithfulness", "--checkpoint", NAME],
        ["robustness", "--checkpoint", NAME],
        ["localisation", "--checkpoint", NAME],
        ["scenes", "--fold", "1"],
    ],
    ids=lambda command: command[0],
)
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_done(run, tmp_path, tiny_root, command):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "runs"
    data = [] if command[0] == "report" else ["--data", tiny_root]
    code, printed, err = run(*command, *data, "--out", out)
    assert (code, printed) == (2, "")
    assert err == f"error: {out} cannot be made: {tmp_path / 'file'} is a file; a folder is accepted.\n"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told_before_anything_is_done(run, tmp_path, tiny_root):
    tmp_path.chmod(0o500)
    code, _, err = run("train", "--data", tiny_root, "--dataset", "esc10", "--fold", "1", "--out", tmp_path / "runs")
    tmp_path.chmod(0o700)
    assert code == 2
    assert f"{tmp_path} is read-only" in err


def test_evaluate_gives_the_fold_that_was_held_out(run, tiny_root):
    code, out, err = run("evaluate", "--checkpoint", NAME, "--data", tiny_root, "--device", "cpu")
    assert code == 0
    assert "of 10 clips)" in out
    assert "its card says 10.00% (1 of 10)" in out
    assert "not the very files" in err  # the fingerprint in the tiny checkpoint is another one


def test_complexity_counts_what_the_library_counts(run):
    code, out, _ = run("complexity")
    assert code == 0
    cost = count(NetworkConfig(50, "l10"))
    assert any(f"{cost.parameters:{form}}" in out for form in ("d", ",", "_"))


def test_complexity_has_table_2_as_it_is_printed(run):
    _, out, _ = run("complexity", "--classes", 10)
    (row,) = [line for line in out.splitlines() if "│ piczakcnn" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "piczakcnn", "31,534,090", "40,097,680", "63,269,600"
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["predict", "train", "evaluate", "publish", "checkpoints"])
def test_every_command_explains_itself(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Usage:" in out


def test_the_module_runs_as_a_program(tmp_path, clips, tiny_checkpoints):
    options = ["--checkpoint", str(tiny_checkpoints / NAME), "--json", "--device", "cpu"]
    command = [sys.executable, "-m", "acrnn", "predict", str(clips[0]), str(tmp_path / "absent.wav"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout) == [load(str(tiny_checkpoints / NAME), "cpu")(clips[0]).as_dict()]
    assert "absent.wav" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_faithfulness_of_a_held_out_fold_is_printed_and_written(run, tiny_root, tmp_path):
    asked = (
        "faithfulness", "--checkpoint", NAME, "--data", tiny_root, "--clips", 2, "--out", tmp_path, "--device", "cpu",
    )  # fmt: skip
    code, out, err = run(*asked)
    assert code == 0
    assert "integrated gradients" in out
    assert out.rstrip().endswith(f"{NAME}.json")
    assert json.loads((tmp_path / f"{NAME}.json").read_text())["n_clips"] == 2
    assert "note: these are not the very files" in err
    before = json.loads((tmp_path / f"{NAME}.json").read_text())
    code, _, err = run(*asked, "--randomisation")
    assert code == 0
    assert json.loads((tmp_path / f"{NAME}.json").read_text()) == before  # the same draws
    code, _, err = run(*asked, "--randomisation", "--seed", 1)
    assert code == 2
    assert "has other clips, weights or settings" in err


def test_faithfulness_says_in_one_line_what_is_accepted(run, tiny_root, tmp_path):
    asked = ("faithfulness", "--checkpoint", NAME, "--data", tiny_root, "--out", tmp_path, "--device", "cpu")
    code, _, err = run(*asked, "--clips", 11)
    assert code == 2
    assert err.splitlines()[-1] == "error: 11 clips cannot be drawn from the held-out fold; 2 to 10 are accepted."
    there = {
        "checkpoint": NAME, "weights_sha256": "0", "dataset": "esc10", "data_title": "ESC-10", "placement": "l10",
        "recipe": "paper", "epochs": 1, "fold": 1, "n_clips": 10, "code": "", "summary": {}, "randomisation": None,
    }  # fmt: skip
    write_file(tmp_path / f"{NAME}.json", there, "faithfulness")
    code, _, err = run(*asked, "--clips", 2)
    assert code == 2
    assert err.splitlines()[-1].endswith(
        "json is of 10 clips, this would be of 2 clips; give another folder with --out."
    )


def test_an_option_that_is_none_is_told(run, clips):
    code, out, err = run("predict", clips[0], "--jsn", "--checkpoint", NAME)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert err.startswith("error: There is no option --jsn")


def test_a_damaged_clip_is_told_and_not_counted(run, tiny_root, tmp_path):
    root = shutil.copytree(tiny_root, tmp_path / "copy")
    command = "evaluate", "--checkpoint", NAME, "--data", root, "--device", "cpu"
    assert run(*command)[0] == 0
    clips = load_data(root).fold(1)
    damaged = clips[0].path
    damaged.write_bytes(damaged.read_bytes()[:-1000])
    code, out, err = run(*command)
    assert code == 2
    assert f"of {len(clips) - 1} clips" in out
    assert f"error: {damaged} is cut short" in err
    assert f"1 of the fold's {len(clips)} clips could not be used" in err
    code, out, _ = run("check", "--data", root)
    assert (code, f"damaged: {damaged.name}" in out) == (2, True)


def test_names_are_printed_as_they_are(run, tiny_root, tmp_path):
    root = shutil.copytree(tiny_root, tmp_path / "[bold] [")
    code, _, err = run("evaluate", "--checkpoint", NAME, "--data", root, "--device", "cpu")
    assert code == 0
    assert "[bold] [ · ESC-10" in err
