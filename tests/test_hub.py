"""Checkpoints of the Hugging Face Hub, from a small server that answers as the Hub does."""

import hashlib
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

import acrnn
from acrnn.checkpoints import CONFIG, FILES, WEIGHTS, find, hub
from acrnn.errors import CheckpointError, OptionError
from acrnn.export import write_hub_folder
from acrnn.runs.start import _known_as
from tests.command_line import run_command

pytest.importorskip("huggingface_hub", reason="the extra acrnn[hub] is not installed")
NAME = "esc10-l10-paper-fold1"


class FakeHub(BaseHTTPRequestHandler):
    """Models in folders: name → (folder, commit). Gated ones answer with 403."""

    models: dict[str, tuple[Path, str]]
    gated: set[str]
    asked: list[str]

    def do_GET(self):
        self._answer(with_body=True)

    def do_HEAD(self):
        self._answer(with_body=False)

    def log_message(self, *arguments):
        pass

    def _answer(self, *, with_body):
        path = unquote(urlsplit(self.path).path).strip("/")
        self.server.asked.append(path)
        words = path.removeprefix("api/models/").split("/")
        repository = "/".join(words[:2])
        if repository in self.server.gated:
            return self._send(403, b"{}", {"X-Error-Code": "GatedRepo"}, with_body)
        if repository not in self.server.models:
            return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, with_body)
        folder, commit = self.server.models[repository]
        if len(words) > 3 and words[3] not in ("main", commit):
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, with_body)
        files = {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
        if not path.startswith("api/"):
            content = files[words[4]]
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            return self._send(200, content, {"X-Repo-Commit": commit, "ETag": etag}, with_body)
        if words[2:3] == ["tree"]:
            told = [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in files.items()
            ]
        else:
            told = {"id": repository, "sha": commit, "siblings": [{"rfilename": name} for name in files]}
        return self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"}, with_body)

    def _send(self, status, content, headers, with_body):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The server: `models`, `gated` and `asked` are the test's to fill and to read."""
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    server.models, server.gated, server.asked = {}, set(), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    close_session()
    yield server
    server.shutdown()
    server.server_close()
    close_session()


@pytest.fixture
def uploaded(served, tiny_checkpoints, tmp_path):
    """A model `me/dogs`, made by `write_hub_folder`, with a pickle beside it."""
    folder = tmp_path / "folder"
    write_hub_folder(find(str(tiny_checkpoints / NAME)), folder)
    (folder / "training_args.bin").write_bytes(b"a pickle")
    served.models["me/dogs"] = folder, "a" * 40
    return folder


@pytest.mark.parametrize("address", ["hf://me/dogs", "hf://me/dogs@main", f"hf://me/dogs@{'a' * 40}"])
def test_a_model_of_the_hub_predicts_what_the_exported_checkpoint_does(
    served, uploaded, tiny_checkpoints, tmp_path, address
):
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, 22_050)
    found = acrnn.load(address, "cpu")
    expected = acrnn.load(str(tiny_checkpoints / NAME), "cpu")(samples, 22_050)
    assert (found(samples, 22_050).probabilities == expected.probabilities).all()
    assert found.checkpoint.name == "dogs"
    downloaded = {path.name for path in (tmp_path / "cache").rglob("snapshots/*/*")}
    assert downloaded == {path.name for path in uploaded.iterdir()} & set(FILES)
    assert not any("training_args" in path for path in served.asked)
    served.asked.clear()
    find(address)
    assert not any("resolve" in path or "tree" in path for path in served.asked), "it is in the cache"


def test_what_is_in_the_cache_is_found_when_the_hub_is_out_of_reach(uploaded, monkeypatch):
    from huggingface_hub import constants

    kept = find("hf://me/dogs")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert find("hf://me/dogs") == kept
    with pytest.raises(CheckpointError, match="hf://me/cats is not in the cache, and the Hugging Face Hub cannot be"):
        find("hf://me/cats")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("hf://nobody/nothing", "There is no model nobody/nothing on the Hugging Face Hub, or it is private"),
        ("hf://me/dogs@v9", "me/dogs has no revision v9 on the Hugging Face Hub."),
        ("hf://me/gated", "hf://me/gated asks for its terms to be accepted on huggingface.co/me/gated"),
        ("hf://dogs", "hf://dogs is no address; hf://user/name and hf://user/name@revision are accepted."),
        ("hf://me/../dogs", "hf://me/../dogs is no address; "),
        ("hf://me/..", "hf://me/.. is no address"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(served, uploaded, address, sentence):
    served.gated.add("me/gated")
    with pytest.raises(CheckpointError) as caught:
        find(address)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_pickles_alone_are_no_checkpoint_and_are_not_downloaded(served, tmp_path):
    folder = tmp_path / "pickles"
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    (folder / CONFIG).write_text("{}")
    served.models["you/evil"] = folder, "b" * 40
    sentence = "you/evil is no checkpoint of this package: it has no model.safetensors; pytorch_model.bin is a pickle"
    with pytest.raises(CheckpointError, match=sentence):
        find("hf://you/evil")
    assert not any("resolve" in path for path in served.asked)


def test_a_model_too_large_is_refused_before_it_is_downloaded(served, uploaded, monkeypatch):
    monkeypatch.setattr(hub, "MAX_BYTES", 1000)
    with pytest.raises(CheckpointError, match="up to 0 are accepted"):
        find("hf://me/dogs")
    assert not any("resolve" in path for path in served.asked)


def test_a_strangers_config_and_weights_are_read_strictly(served, uploaded):
    (uploaded / WEIGHTS).write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(CheckpointError, match="damaged or not the one that was published"):
        acrnn.load("hf://me/dogs", "cpu")
    config = json.loads((uploaded / CONFIG).read_text())
    (uploaded / CONFIG).write_text(json.dumps(config | {"loader": "evil.py"}))
    served.models["me/dogs"] = uploaded, "c" * 40
    with pytest.raises(CheckpointError, match="loader is unknown"):
        find("hf://me/dogs")


def test_without_its_package_a_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    with pytest.raises(
        OptionError, match=r"hf://me/dogs needs the package huggingface_hub; pip install huggingface_hub"
    ):
        find("hf://me/dogs")


def test_a_folder_of_checkpoints_is_never_left_for_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "fetch", lambda *given, **more: pytest.fail("the Hub was asked"))
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        find("hf://me/dogs", tmp_path)


def test_a_run_keeps_the_address_that_it_starts_from():
    assert _known_as("hf://me/dogs@main") == "hf://me/dogs@main"


def test_the_command_writes_a_folder_whose_card_the_hub_reads(served, tmp_path, monkeypatch, capsys):
    from huggingface_hub import ModelCard

    out, shipped = tmp_path / "out", "esc10-l10-best-fold1"
    assert run_command(monkeypatch, capsys, "export", shipped, "--hub-folder", out) == (0, f"{out}\n", "")
    checkpoint = find(shipped)
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    for name in set(FILES) - {"README.md"}:
        assert (out / name).read_bytes() == (checkpoint.path / name).read_bytes()
    card = ModelCard.load(out / "README.md")
    assert (card.data.license, card.data.library_name) == ("cc-by-4.0", "acrnn")
    assert (card.data.pipeline_tag, card.data.datasets) == ("audio-classification", ["esc10"])
    (result,) = card.data.eval_results
    assert result.metric_value == checkpoint.config.scores["accuracy"]
    assert result.metric_name == "Accuracy, 70 of 80 clips, 95% interval 78.5% to 93.1%"
    assert "**87.5%**" in card.text
    assert f'acrnn.load("hf://USER/{shipped}")' in card.text

    code, _, err = run_command(monkeypatch, capsys, "export", shipped, "--hub-folder", out)
    assert (code, err) == (2, f"error: {out} is not empty; --force writes into it.\n")
    again = tmp_path / "again"
    write_hub_folder(find(str(out)), again)
    assert (again / "README.md").read_text().count("## Use") == 1
    served.models["me/best"] = shutil.copytree(out, tmp_path / "upload"), "d" * 40
    assert find("hf://me/best").load_statistics().keys() == checkpoint.load_statistics().keys()


def test_own_classes_have_no_licence_of_ours(save_checkpoint, tmp_path):
    from huggingface_hub import ModelCard

    saved = save_checkpoint(tmp_path, dataset="own-'q\": {x}", scores={})
    write_hub_folder(saved, tmp_path / "out")
    data = ModelCard.load(tmp_path / "out" / "README.md").data
    assert (data.license, data.datasets, data.eval_results) == ("other", None, None)


@pytest.mark.parametrize("options", [(), ("--out", "a.onnx", "--hub-folder", "b")])
def test_export_takes_a_file_or_a_folder(monkeypatch, capsys, options):
    code, _, err = run_command(monkeypatch, capsys, "export", NAME, *options)
    assert (code, err.count("\n")) == (2, 1)
    assert "one is accepted" in err
