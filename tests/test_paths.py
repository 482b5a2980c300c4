"""Where things are: shipped and read only, or the user's; and what is told where nothing can be written."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from acrnn import paths
from acrnn.errors import FolderError
from acrnn.paths import (
    cache_dir,
    code_revision,
    data_root,
    is_shipped,
    make_writable,
    result_files,
    runs_root,
    shipped_checkpoints,
    shipped_results,
    user_checkpoints,
    user_results,
)

ROOT = Path(__file__).resolve().parents[1]
UNWRITABLE = Path("/proc/acrnn")  # not even root can make a folder there
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")


@pytest.fixture
def user(monkeypatch, tmp_path):
    """A user with an empty home, temporary folders of its own and no variable set; gives the home."""
    for name in ("CACHE", "CHECKPOINTS", "RESULTS", "RUNS", "DATA", "SHIPPED"):
        monkeypatch.delenv(f"ACRNN_{name}", raising=False)
    for name in ("CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", "")
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    for function in (paths._temporary, paths._usable_cache):
        function.cache_clear()
    yield home
    for function in (paths._temporary, paths._usable_cache):
        function.cache_clear()


@pytest.fixture
def no_home(user, monkeypatch):
    """A user whose number has no entry among the users, as in a container: nothing tells of a home."""
    pwd = pytest.importorskip("pwd")

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)


def test_a_users_folders_are_the_platforms(user):
    assert user_checkpoints() == platformdirs.user_data_path("acrnn", appauthor=False) / "checkpoints"
    assert user_results() == platformdirs.user_data_path("acrnn", appauthor=False) / "results"
    assert cache_dir() == platformdirs.user_cache_path("acrnn", appauthor=False)
    assert (runs_root(), data_root()) == (Path("runs"), Path("data"))


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("CHECKPOINTS", user_checkpoints), ("RESULTS", user_results), ("RUNS", runs_root), ("DATA", data_root),
        ("CACHE", cache_dir),
    ],
)  # fmt: skip
def test_a_variable_names_another_folder_which_is_not_made_before_it_is_needed(user, monkeypatch, name, function):
    monkeypatch.setenv(f"ACRNN_{name}", "~/elsewhere")
    assert function() == user / "elsewhere"
    assert not function().exists()


def test_a_home_that_is_not_there_is_told(user, monkeypatch):
    monkeypatch.setenv("ACRNN_RUNS", "~nobody-of-this-name/runs")
    with pytest.raises(FolderError, match="ACRNN_RUNS is '~nobody-of-this-name/runs', but there is no such home"):
        runs_root()


def test_a_checkout_ships_what_is_at_its_top(user, monkeypatch, tmp_path):
    assert shipped_checkpoints() == ROOT / "checkpoints"
    assert shipped_results() == ROOT / "results"
    assert is_shipped(ROOT / "results" / "robustness" / "x.json")
    assert not is_shipped(ROOT / "runs" / "x")
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path))
    assert shipped_checkpoints() == tmp_path / "checkpoints"


def test_the_default_checkpoints_are_shipped():
    for name in paths.DEFAULT_CHECKPOINTS:
        assert (ROOT / "checkpoints" / name / "model.safetensors").is_file()


def test_the_users_results_are_listed_after_the_shipped_ones_and_hide_none(user, monkeypatch, tmp_path):
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path / "shipped"))
    for folder, names in ((shipped_results() / "robustness", "bc"), (user_results() / "robustness", "ab")):
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.json").write_text("{}")
    assert [(path.stem, is_shipped(path)) for path in result_files("robustness")] == [
        ("b", True), ("c", True), ("a", False)
    ]  # fmt: skip
    assert [path.stem for path in result_files("robustness", user_results())] == ["a", "b"]
    assert result_files("localisation") == []


def test_a_folder_is_made_to_write_into_and_nothing_is_left_in_it(tmp_path):
    assert list(make_writable(tmp_path / "a" / "b", "--out").iterdir()) == []


@needs_proc
def test_a_folder_that_cannot_be_written_is_told_with_what_names_another():
    with pytest.raises(FolderError, match=r"/proc/acrnn cannot be written \(.+\); name another folder with --out"):
        make_writable(UNWRITABLE, "--out")


@needs_proc
def test_an_unwritable_cache_is_replaced_by_a_temporary_one_and_a_named_one_is_not(user, monkeypatch, caplog):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: UNWRITABLE)
    with caplog.at_level(logging.WARNING):
        folder = cache_dir()
        assert cache_dir() == folder
    assert folder.parent.parent == user.parent / "tmp"
    (note,) = caplog.messages
    assert str(folder) in note
    assert "/proc/acrnn cannot be written" in note
    assert "ACRNN_CACHE" in note
    monkeypatch.setenv("ACRNN_CACHE", str(UNWRITABLE))
    assert cache_dir() == UNWRITABLE


def test_without_a_home_reading_is_silent_and_writing_goes_to_a_temporary_folder_that_is_told(no_home, user, caplog):
    with caplog.at_level(logging.WARNING):
        folder = user_checkpoints()
        assert folder.parent.parent == user.parent / "tmp"
        assert caplog.messages == []
        make_writable(folder, "ACRNN_CHECKPOINTS")
    (note,) = caplog.messages
    assert "No home folder can be used" in note
    assert str(folder) in note


def test_without_a_home_the_cache_is_a_temporary_folder_and_that_is_told(no_home, user, caplog):
    with caplog.at_level(logging.WARNING):
        assert cache_dir().parent.parent == user.parent / "tmp"
    assert "there is no home folder" in caplog.messages[0]


def test_a_home_that_may_not_be_looked_into_is_none(user, monkeypatch):
    def barred(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", barred)
    assert user_checkpoints().parent.parent == user.parent / "tmp"


def test_a_temporary_folder_that_is_a_link_of_somebody_else_is_not_taken(no_home, user):
    temporary = user.parent / "tmp"
    (temporary / f"acrnn-{os.getuid()}").symlink_to(user)
    folder = user_results().parent
    assert folder.parent == temporary
    assert folder.name != f"acrnn-{os.getuid()}"


def test_where_not_even_a_temporary_folder_is_reading_finds_nothing_and_writing_is_told(no_home, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert not user_results().exists()
    with pytest.raises(FolderError, match="cannot be written"):
        make_writable(user_results(), "ACRNN_RESULTS")
    with pytest.raises(FolderError, match="not even a temporary one"):
        cache_dir()


def test_the_code_is_known_by_its_commit(monkeypatch, tmp_path):
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode == 0:
        assert code_revision().removesuffix("+changes") == head.stdout.strip()
    # a package that is installed somewhere in another repository is not of that repository's commit
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "lib" / "acrnn")
    assert "+" not in code_revision()
    assert len(code_revision()) < 40


@needs_proc
@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (["report", "RUNS"], {"ACRNN_RESULTS": "/proc/x"}, "error: /proc/x cannot be written"),
        (["report", "RUNS", "--out", "/proc/x"], {}, "error: /proc/x cannot be written"),
        (["tables", "--write"], {"ACRNN_RESULTS": "/proc/x"}, "error: /proc/x cannot be written"),
        (["publish", "RUN"], {"ACRNN_CHECKPOINTS": "/proc/x"}, "error: /proc/x cannot be written"),
        (["publish", "RUN", "--into", "/proc/x"], {}, "error: /proc/x cannot be written"),
        (["download", "esc10"], {"ACRNN_DATA": "/proc/x"}, "error: /proc/x"),
        (
            ["train", "--data", "DATA", "--dataset", "esc10", "--fold", "2", "--epochs", "1", "--device", "cpu"],
            {"ACRNN_RUNS": "/proc/x"}, "error: /proc/x",
        ),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_written_ends_in_one_line(
    monkeypatch, capsys, finished, tiny_root, arguments, variables, told
):
    from acrnn.cli import main as cli

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    places = {"RUNS": finished.path.parent, "RUN": finished.path, "DATA": tiny_root}
    monkeypatch.setattr(sys, "argv", ["acrnn", *(str(places.get(part, part)) for part in arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(told)


@needs_proc
def test_a_training_with_an_unwritable_cache_says_so(monkeypatch, capsys, tmp_path, tiny_root):
    from acrnn.cli import main as cli

    monkeypatch.setenv("ACRNN_CACHE", "/proc/x")
    options = ["--dataset", "esc10", "--fold", "2", "--recipe", "plain", "--epochs", "1", "--device", "cpu"]
    command = ["acrnn", "train", "--data", str(tiny_root), *options, "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "/proc/x" in capsys.readouterr().err.splitlines()[-1]


def test_what_a_user_makes_lies_in_the_users_folders_and_is_read_with_the_shipped(finished, user, monkeypatch, capsys):
    """Through the command line, as a user does it: nothing in the checkout changes."""
    from acrnn.checkpoints import find, names
    from acrnn.cli import main as cli
    from acrnn.results.settings import load_settings, record

    def run(*arguments) -> str:
        monkeypatch.setattr(sys, "argv", ["acrnn", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code == 0
        return capsys.readouterr().out

    def tracked() -> str:
        return subprocess.run(
            ["git", "-C", ROOT, "status", "--porcelain", "--", "checkpoints", "results", "README.md"],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip

    before = tracked()
    runs = finished.path.parent
    name = f"esc10-l10-paper-1-{runs.name}"
    assert run("report", runs).splitlines()[-1] == str(user_results() / f"{name}.json")
    assert record(finished) == name
    assert name in [setting.name for setting in load_settings()]
    assert run("publish", finished.path).strip() == str(user_checkpoints() / "esc10-l10-paper-fold2-seed0")
    assert names()[-1] == "esc10-l10-paper-fold2-seed0"
    assert find("esc10-l10-paper-fold1").is_shipped
    rows = {row["name"]: row["is_shipped"] for row in json.loads(run("checkpoints", "--json"))}
    assert rows["esc10-l10-paper-fold2-seed0"] is False
    assert rows["esc10-l10-paper-fold1"] is True
    written = run("tables", "--write").splitlines()
    assert written[0] == str(user_results() / "README.md")
    assert {Path(path).parent for path in written} == {user_results()}
    assert tracked() == before
