"""One's own classes: what is read, what is named as wrong, and which fold a clip gets."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from acrnn.data import CSV, load
from acrnn.data.names import NAME_PATTERN, dataset_title, is_own, own_name
from acrnn.data.own import describe, inspect, is_release, known_roots
from acrnn.data.own.folds import Member, assign, most_folds, place_of
from acrnn.data.own.windows import spans_of
from acrnn.errors import DatasetError, OptionError

RATE_HZ = 8000
ODD = ("<b>x</b>", "=1+1", "../../etc", "[a](b)", "NA", "1", "Ünïcode 鳥", "$(reboot)")
"""Names that are HTML, a formula, a path, Markdown, a gap, a number, text and a command elsewhere."""


def sound(seed: int, duration_s: float = 0.5, rate_hz: int = RATE_HZ) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, round(duration_s * rate_hz)).astype(np.float32)


def write(path: Path, seed: int, duration_s: float = 0.5, **how) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = sound(seed, duration_s) if how.get("samples") is None else how["samples"]
    sf.write(path, samples, how.get("rate_hz", RATE_HZ), format=how.get("format"))
    return path


@pytest.fixture
def birds(tmp_path):
    """Two classes of six files."""
    root = tmp_path / "Birds"
    for i in range(6):
        write(root / "wren" / f"a{i}-1.wav", i)
        write(root / "robin" / f"a{i}-2.wav", 100 + i)
    return root


def table(root: Path, text: str, name: str = "clips.csv") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")
    return root / name


def found(made, kind: str) -> str:
    return " | ".join(getattr(made.findings, kind))


def test_a_folder_a_class_is_a_dataset(birds):
    dataset = load(birds, "own")
    assert (dataset.name, dataset.labels, len(dataset.clips)) == ("own-birds", ("robin", "wren"), 12)
    assert dataset.title == "Birds · 2 own classes"
    assert [clip.filename for clip in dataset.clips] == sorted(clip.filename for clip in dataset.clips)
    assert all(clip.path.is_file() for clip in dataset.clips)
    assert dataset.folds == (1, 2, 3, 4, 5)
    assert dataset.rate_hz == RATE_HZ


def test_without_groups_it_is_told_that_cuts_of_a_recording_may_be_on_both_sides(birds):
    assert "may stand on both sides of a test" in "\n".join(describe(inspect(birds)))
    assert "both sides" not in "\n".join(describe(inspect(birds, group_pattern="^a[0-9]")))


@pytest.mark.parametrize("name", [name for name in ODD if "/" not in name] + ["<b>x"])
def test_any_name_of_a_folder_is_a_class_and_nothing_else(birds, name):
    (birds / "wren").rename(birds / name)
    dataset = load(birds, "own")
    assert dataset.labels == tuple(sorted(("robin", name)))
    assert dataset.name == "own-birds"


def test_any_name_in_a_table_is_a_class_and_nothing_else(tmp_path):
    root = tmp_path / "odd"
    rows = [f'{i}.wav,"{name}"' for i, name in enumerate(ODD)]
    for i in range(len(ODD)):
        write(root / f"{i}.wav", i)
    table(root, "path,label\n" + "\n".join(rows))
    assert load(root, "own").labels == tuple(sorted(ODD))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["odd"]


@pytest.mark.parametrize("name", ["\x1b[31mred", "x" * 201, "a\nb"])
def test_what_is_no_name_of_a_class_is_told(tmp_path, name):
    write(tmp_path / "a.wav", 0)
    table(tmp_path, f'path,label\na.wav,"{name}"\n')
    with pytest.raises(DatasetError, match=r"line \d names a class .*; 1 to 200 characters without control characters"):
        load(tmp_path, "own")


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3", ".aiff"])
def test_other_containers_and_several_channels_are_read(birds, suffix):
    stereo = np.stack([sound(7), sound(8)], axis=1)
    write(birds / "wren" / f"b{suffix}", 0, samples=np.tile(stereo, (4, 1)), rate_hz=16_000)
    made = inspect(birds)
    facts = next(facts for path, facts in made.facts.items() if path.suffix == suffix)
    assert (facts.n_channels, facts.rate_hz) == (2, 16_000)
    assert made.is_clean


def test_unreadable_and_silent_files_are_named_and_the_rest_is_used(birds):
    (birds / "wren" / "text.wav").write_text("no sound")
    (birds / "wren" / "empty.wav").touch()
    write(birds / "robin" / "still.wav", 0, samples=np.zeros(4000, np.float32))
    made = inspect(birds)
    assert "wren/text.wav" in found(made, "unreadable")
    assert "wren/empty.wav" in found(made, "unreadable")
    assert found(made, "silent") == "robin/still.wav"
    assert not made.is_clean
    assert len(made.dataset().clips) == 12


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(birds):
    os.mkfifo(birds / "wren" / "pipe.wav")
    assert "wren/pipe.wav cannot be read (it is not an ordinary file)" in found(inspect(birds), "unreadable")


@pytest.mark.skipif(sys.platform == "win32", reason="needs the right to make links")
def test_links_that_leave_the_folder_are_named_and_not_followed(birds, tmp_path):
    outside = write(tmp_path / "secret.wav", 50)
    (birds / "wren" / "link.wav").symlink_to(outside)
    (birds / "owl").symlink_to(tmp_path)
    (birds / "wren" / "inside.wav").symlink_to(birds / "robin" / "a0-2.wav")
    (birds / "wren" / "circle.wav").symlink_to("circle.wav")
    made = inspect(birds)
    assert set(made.findings.outside) >= {"owl (a link)", "wren/link.wav"}
    assert not any("secret" in str(clip.path) for clip in made.dataset().clips)
    assert "wren/inside.wav" in found(made, "contradictory")


@pytest.mark.parametrize("path", ["../out.wav", "/etc/passwd", "wren/../../out.wav"])
def test_paths_that_leave_the_tables_folder_are_named_and_not_followed(birds, tmp_path, path):
    write(tmp_path / "out.wav", 9)
    table(birds, f"path,label\nwren/a0-1.wav,wren\nrobin/a0-2.wav,robin\n{path},owl\n")
    made = inspect(birds)
    assert len(made.findings.outside) == 1
    assert made.labels == ("robin", "wren")


def test_the_same_sound_under_two_classes_is_named_and_left_out(birds):
    (birds / "robin" / "copy.wav").write_bytes((birds / "wren" / "a0-1.wav").read_bytes())
    made = inspect(birds)
    assert found(made, "contradictory") == "robin/copy.wav = wren/a0-1.wav (robin, wren)"
    assert len(made.pieces) == 11


def test_the_same_sound_twice_is_used_once(birds):
    (birds / "wren" / "copy.wav").write_bytes((birds / "wren" / "a0-1.wav").read_bytes())
    made = inspect(birds)
    assert found(made, "repeated") == "wren/a0-1.wav = wren/copy.wav"
    assert len(made.pieces) == 12


def test_the_same_sound_in_two_folds_is_named(birds):
    (birds / "wren" / "copy.wav").write_bytes((birds / "wren" / "a0-1.wav").read_bytes())
    table(birds, "path,label,fold\nwren/a0-1.wav,wren,1\nwren/copy.wav,wren,2\nrobin/a0-2.wav,robin,1\n")
    assert found(inspect(birds), "split") == "wren/a0-1.wav = wren/copy.wav"


def test_a_table_has_groups_folds_and_parts(tmp_path):
    root = tmp_path / "field"
    write(root / "long.wav", 1, 4.0)
    write(root / "b.wav", 2)
    lines = ["path,label,group,fold,start_s,end_s", "long.wav,owl,night,1,0,1.5", "long.wav,fox,night,1,2,9"]
    table(root, "\n".join([*lines, "b.wav,fox,day,2,,", "long.wav,owl,night,1,7,8"]))
    made = inspect(root)
    clips = {clip.filename: clip for clip in made.dataset().clips}
    assert set(clips) == {"long@0-1.5s.wav", "long@2-4s.wav", "b.wav"}
    assert [clips[name].fold for name in sorted(clips)] == [2, 1, 1]
    assert clips["b.wav"].source == "day"
    assert "long@7-7s.wav (it lasts 4.00 s)" in found(made, "beyond")
    samples, rate_hz = sf.read(clips["long@2-4s.wav"].path)
    np.testing.assert_allclose(samples, sound(1, 4.0)[16_000:], atol=2e-4)  # 16 bits
    assert rate_hz == RATE_HZ


def test_a_group_in_two_folds_of_a_table_is_named(birds):
    table(birds, "path,label,group,fold\nwren/a0-1.wav,wren,g,1\nrobin/a0-2.wav,robin,g,2\n")
    assert found(inspect(birds), "split") == "g (folds 1, 2)"


def test_esc50s_layout_with_other_classes(birds):
    (birds / "meta").mkdir()
    (birds / "audio").mkdir()
    write(birds / "audio" / "x.flac", 1)
    write(birds / "audio" / "y.flac", 2)
    (birds / CSV).write_text("filename,fold,category,src_file\nx.wav,1,owl,7\ny.wav,2,fox,8\n")
    dataset = load(birds, "own")
    assert (dataset.labels, [clip.fold for clip in dataset.clips]) == (("fox", "owl"), [1, 2])
    assert not is_release(birds)


def test_labels_of_a_collection_with_a_class_beside_esc50s_are_ones_own(make_dataset, make_rows):
    rows = make_rows(n_clips=2)
    assert is_release(make_dataset(rows, suffix=None))
    for row in rows[-2:]:
        row["category"] = "goose"
    assert not is_release(make_dataset(rows, suffix=None))


def test_a_misspelt_class_of_esc50_is_still_for_the_official_reader(make_dataset, make_rows):
    rows = make_rows(n_clips=1)
    rows[0]["category"] = "dogg"
    assert is_release(make_dataset(rows, suffix=None))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file,label\n", r"has no column path; path,label and"),
        ("path,label\n", r"lists no clips"),
        ("path,label,fold\nwren/a0-1.wav,wren,\n", r"line 2: fold is ''; a whole number from 1"),
        ("path,label,start_s,end_s\nwren/a0-1.wav,wren,2,1\n", r"start_s is '2' and end_s '1'; seconds with"),
        ("path,label\n,wren\n", r"line 2: path is ''"),
        ("path,label\nwren/a0-1.wav,\n", r"line 2 names a class ''"),
    ],
)
def test_a_table_that_is_not_as_expected_is_told_by_line(birds, text, told):
    with pytest.raises(DatasetError, match=told):
        inspect(table(birds, text))


def test_what_the_table_names_and_is_not_there(birds):
    table(birds, "path,label\nwren/a0-1.wav,wren\nrobin/a0-2.wav,robin\nwren/gone.wav,wren\n")
    assert found(inspect(birds), "missing") == "wren/gone.wav"


def test_folders_of_a_split_are_no_classes(birds):
    (birds / "wren").rename(birds / "train")
    (birds / "robin").rename(birds / "test")
    with pytest.raises(DatasetError, match=r"test, train, which are parts of a dataset and no classes"):
        inspect(birds)


def test_fewer_than_two_classes_cannot_be_trained_on(birds):
    for path in (birds / "wren").iterdir():
        path.write_bytes(b"")
    made = inspect(birds)
    assert made.findings.lost == ("wren",)
    assert describe(made)
    with pytest.raises(DatasetError, match="usable clips of 'robin' alone; two classes or more are needed"):
        made.dataset()


@pytest.mark.parametrize("root", ["nowhere", "."])
def test_no_layout_is_told_with_what_is_accepted(tmp_path, root):
    with pytest.raises(DatasetError, match="a folder a class, a table with the columns path and label"):
        inspect(tmp_path / root)


def test_long_recordings_are_cut_into_equal_windows_of_one_fold(birds):
    samples = sound(3, 23.0)
    samples[: 6 * RATE_HZ] = 0  # the first window, and a second of the next
    write(birds / "wren" / "long.wav", 0, samples=samples)
    made = inspect(birds)
    windows = [clip for clip in made.dataset().clips if clip.filename.startswith("wren/long@")]
    assert len(windows) == 4
    assert made.n_silent_windows == 1
    assert len({clip.fold for clip in windows}) == 1
    assert sum(sf.info(clip.path).frames for clip in windows) == round(23.0 * RATE_HZ * 4 / 5)
    assert spans_of(10.0) == []
    table(birds, "path,label,start_s,end_s\nwren/long.wav,wren,7.5,22.5\nrobin/a0-2.wav,robin,,\n")
    assert [clip.filename for clip in load(birds, "own").clips][1:] == [
        f"wren/long@{start:g}-{start + 5:g}s.wav" for start in (7.5, 12.5, 17.5)
    ]
    assert spans_of(12.0) == [(0.0, 6.0), (6.0, 12.0)]


def test_files_are_read_once(birds, monkeypatch):
    inspect(birds)
    monkeypatch.setattr("acrnn.data.own.facts.open_audio", None)
    inspect(birds)
    write(birds / "wren" / "a0-1.wav", 77)
    with pytest.raises(TypeError):
        inspect(birds)


def test_groups_share_a_fold_and_classes_are_spread(birds):
    dataset = load(birds, "own", group_pattern=r"^(a\d)-")
    folds = {}
    for clip in dataset.clips:
        folds.setdefault(clip.source, set()).add(clip.fold)
    assert {len(found) for found in folds.values()} == {1}
    assert set(folds) == {f"a{i}" for i in range(6)}
    assert all({clip.label for clip in dataset.fold(k)} == {"robin", "wren"} for k in dataset.folds)


def test_known_clips_keep_their_folds_when_others_come_or_are_renamed(birds):
    before = {clip.key: clip.fold for clip in load(birds, "own", group_pattern=r"^a\d+").clips}
    for i in range(40):
        write(birds / "wren" / f"a{i}-new.wav", 1000 + i)
    (birds / "wren" / "a0-1.wav").rename(birds / "wren" / "renamed.wav")
    after = load(birds, "own").clips  # by the pattern that is kept
    assert {clip.key: clip.fold for clip in after if clip.key in before} == before
    of_group = {clip.source: clip.fold for clip in after}
    assert all(clip.fold == of_group[clip.source] for clip in after)
    counts = np.bincount([clip.fold for clip in after])[1:]
    assert counts.max() - counts.min() <= 4


def test_the_same_clips_get_the_same_folds_anywhere(birds, tmp_path):
    one = load(birds, "own")
    birds.rename(tmp_path / "moved")
    two = load(tmp_path / "moved", "own-birds")
    assert [clip.fold for clip in one.clips] == [clip.fold for clip in two.clips]
    assert one.fingerprint() == two.fingerprint()
    assert (two.root, "own-birds") in [(root, name) for root, name in known_roots()]


def test_folds_are_kept_beside_the_fingerprint(birds):
    dataset = load(birds, "own")
    kept = json.loads(place_of(birds, "own-birds").read_text())
    assert kept["fingerprint"] == dataset.fingerprint()
    assert kept["folds"] == {clip.key: clip.fold for clip in dataset.clips}
    place_of(birds, "own-birds").write_text("{")
    with pytest.raises(DatasetError, match=r"is damaged .*; delete it to draw the folds"):
        load(birds, "own")


def test_a_pattern_that_is_none(birds):
    with pytest.raises(OptionError, match=r"--group-pattern '\(' is no regular expression"):
        inspect(birds, group_pattern="(")


def test_folds_are_as_many_as_the_largest_class_has_groups():
    members = [Member(f"{label}{i}", label, f"{label}{i}") for label, n in (("a", 3), ("b", 2)) for i in range(n)]
    assert most_folds(members) == 3
    assert set(assign(members, {}).values()) == {1, 2, 3}
    assert assign(members, {}) == assign(members[::-1], {})


def test_groups_that_become_one_move_to_the_fold_of_most():
    members = [Member(str(i), "a", "g") for i in range(3)] + [Member("x", "b", "x"), Member("y", "b", "y")]
    folds = assign(members, {"0": 1, "1": 2, "2": 2, "x": 1, "y": 2}, 2)
    assert {folds[str(i)] for i in range(3)} == {2}


def test_notes_on_balance_rates_and_capitals(birds):
    for i in range(240):
        write(birds / "Wren" / f"{i}.wav", 500 + i, 0.1, rate_hz=16_000)
    text = "\n".join(describe(inspect(birds)))
    assert "unbalanced: 240 clips of Wren, 6 of " in text
    assert "hears at 16 kHz, the highest rate that 95% of the clips have" in text
    assert "by which a network can tell them: robin (8 kHz), wren (8 kHz)" in text
    assert "differ in capitals only: Wren and wren" in text


def test_the_report_is_one_screen_whatever_is_there(tmp_path):
    for i in range(60):
        write(tmp_path / f"class {i:02}" / "a.wav", i, 0.1)
        (tmp_path / f"class {i:02}" / "b.wav").write_text("broken")
    lines = describe(inspect(tmp_path))
    assert len(lines) <= 24
    assert any("51 more" in line for line in lines)
    assert all(len(line) < 1000 for line in lines)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Night birds", "own-night-birds"),
        ("Night/clips.csv", "own-night-clips"),
        ("鳥", "own"),
        ("a" * 99, f"own-{'a' * 40}"),
    ],
)
def test_a_dataset_is_called_after_its_folder(tmp_path, folder, name):
    assert own_name(tmp_path / folder) == name
    assert is_own(name)


@pytest.mark.parametrize("name", ["esc10", "esc9", "own/x", "own-", "Own", "own\n", None])
def test_what_is_no_name_of_ones_own(name):
    assert not is_own(name)


def test_titles():
    assert NAME_PATTERN.startswith("^")
    assert [dataset_title(name) for name in ("esc10", "own-birds")] == ["ESC-10", "birds (own classes)"]


def test_real_clips_in_a_folder_a_class(real_data, tmp_path):
    roots = [root for root in real_data.iterdir() if (root / CSV).is_file()]
    if not roots:
        pytest.skip("ACRNN_DATA holds no dataset in ESC-50's layout")
    for clip in load(roots[0], "esc10").clips:
        if clip.label in ("dog", "rain") and clip.fold < 3:
            target = tmp_path / "real" / clip.label / clip.path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(clip.path.read_bytes())
    made = inspect(tmp_path / "real", group_pattern=r"^\d+-(\d+)-")
    assert made.is_clean
    assert len(made.dataset().clips) == 32
