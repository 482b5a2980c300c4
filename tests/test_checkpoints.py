import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from acrnn.checkpoints import CheckpointConfig, find, hidden, names, save
from acrnn.data import sha256_of
from acrnn.errors import CheckpointError
from acrnn.labels import ESC10
from acrnn.paths import shipped_checkpoints


@pytest.fixture
def checkpoint(tmp_path, save_checkpoint):
    return save_checkpoint(tmp_path)


def edit_config(checkpoint, change):
    """Let `change` alter the values of config.json in place."""
    path = checkpoint.path / "config.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def edit_weights(checkpoint, change):
    """Let `change` alter the tensors in place, and note the new file's hash in config.json."""
    path = checkpoint.path / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    edit_config(checkpoint, lambda values: values.update(weights_sha256=sha256_of(path)))
    return find(str(checkpoint.path))


def test_weights_come_back_as_the_fp16_values_they_are_saved_as(tmp_path, make_model, checkpoint):
    expected, found = make_model("l10").state_dict(), checkpoint.load_model().state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value.half().float() if value.is_floating_point() else value), name


def test_saving_a_loaded_network_again_changes_nothing(tmp_path, checkpoint):
    again = save(checkpoint.load_model(), checkpoint.config, "# card\n", root=tmp_path / "again")
    assert again.config == checkpoint.config  # the hash of the weights among it
    for name in ("model.safetensors", "config.json", "README.md"):
        assert (again.path / name).read_bytes() == (checkpoint.path / name).read_bytes()


def test_the_config_comes_back_as_it_was_saved(tmp_path, make_model, checkpoint_config):
    model = make_model("l4-sigmoid")
    config = checkpoint_config(model)
    found = save(model, config, "# card\n", root=tmp_path).config
    assert replace(found, weights_sha256="") == config
    assert (found.placement, found.labels, found.schema) == ("l4-sigmoid", ESC10, 1)
    assert found.weights_sha256 == sha256_of(tmp_path / config.name / "model.safetensors")


def test_weights_are_stored_as_fp16_without_pickle(checkpoint):
    tensors = load_file(checkpoint.path / "model.safetensors")
    assert {t.dtype for t in tensors.values() if t.is_floating_point()} == {torch.float16}
    assert checkpoint.n_bytes < 2.2 * sum(t.numel() for t in tensors.values())
    assert {path.name for path in checkpoint.path.iterdir()} == {"model.safetensors", "config.json", "README.md"}


def test_a_loaded_network_is_ready_to_predict(checkpoint):
    model = checkpoint.load_model()
    assert not model.training
    assert model.config == checkpoint.config.network


def test_checkpoints_are_listed_by_name(tiny_checkpoints):
    placements = ("l10", "l2-softmax", "l4-sigmoid", "none")
    assert names(tiny_checkpoints) == sorted(f"esc10-{placement}-paper-fold1" for placement in placements)
    assert names(tiny_checkpoints / "nowhere") == []


def test_a_folder_that_is_being_published_is_not_listed(tmp_path, save_checkpoint):
    save_checkpoint(tmp_path).path.rename(tmp_path / ".esc10-l10-paper-fold1.new")
    assert names(tmp_path) == []


def test_a_checkpoint_is_found_by_name_or_by_folder(tiny_checkpoints):
    name = "esc10-l10-paper-fold1"
    assert find(name, tiny_checkpoints).config == find(str(tiny_checkpoints / name)).config


def test_the_users_are_listed_after_the_shipped_ones(monkeypatch, tmp_path, save_checkpoint):
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path / "shipped"))
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tmp_path / "mine"))
    save_checkpoint(tmp_path / "shipped" / "checkpoints", name="b")
    save_checkpoint(tmp_path / "mine", name="a")
    assert names() == ["b", "a"]
    assert [find(name).is_shipped for name in names()] == [True, False]
    assert find("a").path == tmp_path / "mine" / "a"


def test_a_user_s_folder_never_hides_a_shipped_checkpoint(monkeypatch, tmp_path, save_checkpoint):
    monkeypatch.setenv("ACRNN_SHIPPED", str(tmp_path / "shipped"))
    monkeypatch.setenv("ACRNN_CHECKPOINTS", str(tmp_path / "mine"))
    save_checkpoint(tmp_path / "shipped" / "checkpoints", name="same")
    mine = save_checkpoint(tmp_path / "mine", "none", name="same")
    assert names() == ["same"]
    assert find("same").config.placement == "l10"
    assert hidden() == [mine.path]
    assert find(str(mine.path)).config.placement == "none"


def test_a_missing_checkpoint_lists_those_there_are(tiny_checkpoints):
    with pytest.raises(CheckpointError, match="no checkpoint 'best'; there are: esc10-l10-paper-fold1, esc10-l2"):
        find("best", tiny_checkpoints)


def test_a_missing_checkpoint_says_so_where_there_is_none_at_all(tmp_path):
    with pytest.raises(CheckpointError, match=f"there are: none in {tmp_path}"):
        find("best", tmp_path)


@pytest.mark.parametrize("text", ["", "{", "\N{REPLACEMENT CHARACTER}", "nul"])
def test_a_config_that_is_no_json_is_named(checkpoint, text):
    (checkpoint.path / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json is no readable JSON"):
        find(str(checkpoint.path))


def test_a_config_that_is_no_text_is_named(checkpoint):
    (checkpoint.path / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CheckpointError, match=r"config\.json is no readable JSON"):
        find(str(checkpoint.path))


@pytest.mark.parametrize("text", ["[]", "3", "null", "{}"])
def test_a_config_of_another_kind_is_of_no_schema(checkpoint, text):
    (checkpoint.path / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json: schema is None, this version reads 1"):
        find(str(checkpoint.path))


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_is_refused(checkpoint, schema):
    edit_config(checkpoint, lambda values: values.update(schema=schema))
    with pytest.raises(CheckpointError, match=rf"config\.json: schema is {schema}, this version reads 1"):
        find(str(checkpoint.path))


def test_an_unknown_field_is_named(checkpoint):
    edit_config(checkpoint, lambda values: values.update(pickle="yes"))
    with pytest.raises(CheckpointError, match=r"config\.json: field pickle is unknown"):
        find(str(checkpoint.path))


@pytest.mark.parametrize("field", [f for f in CheckpointConfig.__dataclass_fields__ if f not in ("schema", "open_set")])
def test_a_missing_field_is_named(checkpoint, field):
    edit_config(checkpoint, lambda values: values.pop(field))
    with pytest.raises(CheckpointError, match=rf"config\.json: field {field} is missing"):
        find(str(checkpoint.path))


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("network", {"n_classes": 10, "placement": "l3"}),
        ("network", {"n_classes": 10, "depth": 3}),
        ("network", {"placement": "l10"}),
        ("network", None),
        ("front_end", {"rate_hz": 1}),
        ("front_end", {"window": 3}),
        ("labels", 3),
    ],
)
def test_a_garbled_part_is_named(checkpoint, part, values):
    edit_config(checkpoint, lambda config: config.update({part: values}))
    with pytest.raises(CheckpointError, match=rf"config\.json: (field {part}|network or front_end is not as expected)"):
        find(str(checkpoint.path))


def test_another_number_of_labels_is_named(checkpoint):
    edit_config(checkpoint, lambda values: values["labels"].pop())
    with pytest.raises(CheckpointError, match=r"config\.json: labels has 9, n_classes is 10"):
        find(str(checkpoint.path))


def test_a_front_end_of_other_bands_than_the_network_is_named(checkpoint):
    edit_config(checkpoint, lambda values: values["front_end"].update(n_bands=64))
    with pytest.raises(CheckpointError, match=r"config\.json: front_end has 64 bands, network 32"):
        find(str(checkpoint.path))


def test_missing_weights_are_named(checkpoint):
    (checkpoint.path / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read \(No such file"):
        checkpoint.load_model()


def test_one_flipped_bit_is_found_by_the_hash(checkpoint):
    path = checkpoint.path / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors has the SHA-256 .*weights_sha256 in config\.json"):
        checkpoint.load_model()


@pytest.mark.parametrize("content", [b"", b"\x80\x04]q\x00.", b"not tensors at all"])
def test_a_file_of_another_format_is_refused_even_with_its_hash(checkpoint, content):
    path = checkpoint.path / "model.safetensors"
    path.write_bytes(content)
    edit_config(checkpoint, lambda values: values.update(weights_sha256=sha256_of(path)))
    with pytest.raises(CheckpointError, match=r"model\.safetensors is no safetensors file"):
        find(str(checkpoint.path)).load_model()


def test_a_missing_tensor_is_named(checkpoint):
    edited = edit_weights(checkpoint, lambda tensors: tensors.pop("output.bias"))
    with pytest.raises(CheckpointError, match=r"model\.safetensors: output\.bias is missing"):
        edited.load_model()


def test_an_unknown_tensor_is_named(checkpoint):
    edited = edit_weights(checkpoint, lambda tensors: tensors.update(extra=torch.zeros(1)))
    with pytest.raises(CheckpointError, match=r"model\.safetensors: extra is not a tensor of this network"):
        edited.load_model()


def test_a_tensor_of_another_shape_is_named_with_both_shapes(checkpoint):
    edited = edit_weights(checkpoint, lambda tensors: tensors.update({"output.bias": torch.zeros(50).half()}))
    with pytest.raises(CheckpointError, match=r"model\.safetensors: output\.bias is \(50,\), .* has \(10,\)"):
        edited.load_model()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_is_named(checkpoint, value):
    edited = edit_weights(checkpoint, lambda tensors: tensors["l9.weight_hh_l0"].view(-1)[3].fill_(value))
    with pytest.raises(CheckpointError, match=r"l9\.weight_hh_l0 holds values that are not finite"):
        edited.load_model()


def test_weights_of_another_placement_do_not_fit(checkpoint):
    edit_config(checkpoint, lambda values: values["network"].update(placement="none"))
    with pytest.raises(CheckpointError, match=r"attention\.score\.weight is not a tensor of this network"):
        find(str(checkpoint.path)).load_model()


@pytest.mark.parametrize("name", names(shipped_checkpoints()))
def test_what_a_published_config_says_of_its_network_and_front_end_is_what_is_written_for_them_today(name):
    """So a checkpoint of an older version is read in full, and one saved now can be read by it."""
    written = json.loads((shipped_checkpoints() / name / "config.json").read_text(encoding="utf-8"))
    config = find(name).config
    assert config.network.as_dict() == written["network"]
    assert config.front_end.as_dict() == written["front_end"]


def test_segments_of_another_length_than_the_networks_are_refused(checkpoint):
    edit_config(checkpoint, lambda values: values["front_end"].update(segment_frames=64, segment_hop=32))
    with pytest.raises(CheckpointError, match="front_end has segments of 64 frames, network 128"):
        find(str(checkpoint.path))


def test_a_network_of_an_unknown_kind_is_refused(checkpoint):
    edit_config(checkpoint, lambda values: values["network"].update(kind="resnet"))
    with pytest.raises(CheckpointError, match="network kind 'resnet' is not 'piczakcnn'"):
        find(str(checkpoint.path))
