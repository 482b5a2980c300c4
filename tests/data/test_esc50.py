import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from acrnn.data import check, discover, load
from acrnn.data.esc50 import COLUMNS
from acrnn.data.release import RELEASE_LEAKS
from acrnn.errors import DatasetError, OptionError
from acrnn.labels import ESC10, ESC50


def test_the_package_imports_on_a_bare_machine():
    heavy = "{'requests', 'filelock', 'pandas', 'streamlit', 'plotly', 'librosa', 'torch'}"
    code = f"import sys, acrnn.data; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_clips_are_read_in_the_order_of_the_csv(make_dataset, make_rows):
    rows = make_rows(n_clips=1)
    dataset = load(make_dataset(rows, suffix=None))
    assert [clip.filename for clip in dataset.clips] == [row["filename"] for row in rows]
    clip = dataset.clips[1]
    assert (clip.fold, clip.label, clip.source, clip.take, clip.in_esc10) == (1, "rooster", "1010", "A", True)
    assert clip.path == dataset.root / "audio" / clip.filename
    assert (dataset.name, dataset.title, dataset.labels) == ("esc10", "tiny · ESC-10", ESC10)


@pytest.mark.parametrize("suffix", [".ogg", ".flac", ".MP3", ".opus"])
def test_audio_of_any_extension_is_found_by_stem(make_dataset, make_rows, suffix):
    root = make_dataset(make_rows(n_clips=1), suffix=suffix)
    assert all(clip.path.suffix == suffix and clip.path.is_file() for clip in load(root).clips)


def test_the_named_file_comes_before_another_of_its_stem(make_dataset, make_rows):
    root = make_dataset(make_rows(n_clips=1))
    for path in list((root / "audio").iterdir()):
        path.with_suffix(".flac").write_bytes(b"other")
    assert all(clip.path.name == clip.filename for clip in load(root).clips)


def test_esc10_is_the_subset_of_an_esc50_folder(make_dataset, make_rows):
    root = make_dataset(make_rows(ESC50, n_clips=1), suffix=None)
    whole, subset = load(root), load(root, "esc10")
    assert (whole.name, len(whole.clips), whole.labels) == ("esc50", 250, ESC50)
    assert subset.clips == tuple(clip for clip in whole.clips if clip.in_esc10)
    assert (subset.name, len(subset.clips), subset.labels) == ("esc10", 50, ESC10)


def test_targets_are_positions_in_the_labels(make_dataset, make_rows):
    root = make_dataset(make_rows(ESC50, n_folds=1, n_clips=1), suffix=None)
    whole, subset = load(root, "esc50"), load(root, "esc10")
    np.testing.assert_array_equal(whole.targets(whole.clips), np.arange(50))
    np.testing.assert_array_equal(subset.targets(subset.clips), np.arange(10))
    assert whole.targets(whole.clips).dtype == np.int64
    assert whole.targets([]).shape == (0,)
    with pytest.raises(OptionError, match="'pig' of tiny · ESC-10 is not one of the 10 to choose from"):
        subset.targets(whole.clips)


def test_a_fold_and_its_training_clips_make_up_the_whole(make_dataset, make_rows):
    dataset = load(make_dataset(make_rows(n_clips=2), suffix=None))
    assert dataset.folds == (1, 2, 3, 4, 5)
    for k in dataset.folds:
        assert {clip.fold for clip in dataset.fold(k)} == {k}
        assert set(dataset.fold(k)) | set(dataset.training(k)) == set(dataset.clips)
        assert not set(dataset.fold(k)) & set(dataset.training(k))


@pytest.mark.parametrize("k", [0, 6, -1])
@pytest.mark.parametrize("method", ["fold", "training"])
def test_a_fold_that_is_not_there(make_dataset, make_rows, method, k):
    dataset = load(make_dataset(make_rows(n_clips=1), suffix=None))
    with pytest.raises(OptionError, match=f"tiny · ESC-10 has no fold {k}; its folds are 1, 2, 3, 4, 5"):
        getattr(dataset, method)(k)


def test_fingerprint_names_content_not_place(make_dataset, make_rows):
    rows = make_rows(n_clips=1)
    first = load(make_dataset(rows)).fingerprint()
    assert load(make_dataset(rows[::-1], suffix=".ogg", name="elsewhere")).fingerprint() == first
    root = make_dataset(rows, name="changed")
    (root / "audio" / rows[0]["filename"]).write_bytes(b"another sound")
    dataset = load(root)
    changed = dataset.fingerprint()
    assert changed != first
    (root / "audio" / rows[0]["filename"]).unlink()
    assert dataset.fingerprint() == changed, "computed once"
    with pytest.raises(DatasetError, match=rows[0]["filename"]):
        load(root).fingerprint()


def test_fingerprint_by_hand(make_dataset, make_rows):
    rows = make_rows(n_clips=1)
    lines = sorted(f"{r['filename'][:-4]},{r['fold']},{r['category']},5\n" for r in rows)
    assert load(make_dataset(rows)).fingerprint() == hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("filename", "../../etc/passwd.wav", "filename is .* the bare name of a file in audio/ is expected"),
        ("filename", "..", "filename is .* the bare name"),
        ("filename", "", "filename is ''; a value is expected"),
        ("fold", "6", "fold is '6'; 1 to 5 is expected"),
        ("fold", "one", "fold is 'one'; 1 to 5"),
        ("fold", "1.0", "fold is '1.0'"),
        ("category", "unicorn", "category is 'unicorn'; one of ESC-50's 50 classes"),
        ("target", "7", "target is '7'; 0, the number of dog, is expected"),
        ("esc10", "False", "esc10 is 'False'; True, as dog is in the release, is expected"),
        ("src_file", "", "src_file is ''"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(make_dataset, make_rows, column, value, message):
    rows = make_rows(n_clips=1)
    root = make_dataset(rows, suffix=None)
    table = root / "meta" / "esc50.csv"
    lines = table.read_text().splitlines()
    cells = lines[1].split(",")
    cells[COLUMNS.index(column)] = value
    table.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]))
    with pytest.raises(DatasetError, match=f"esc50.csv, line 2: {message}"):
        load(root)


def test_a_clip_listed_twice(make_dataset, make_rows):
    rows = make_rows(n_clips=1)
    with pytest.raises(DatasetError, match=r"line 52: 1-1000-A-0.wav is already in line 2"):
        load(make_dataset([*rows, rows[0]], suffix=None))
    with pytest.raises(DatasetError, match=r"line 52: 1-1000-A-0.ogg is already in line 2"):
        load(make_dataset([*rows, rows[0] | {"filename": "1-1000-A-0.ogg"}], suffix=None))


def test_a_row_cut_short(make_dataset, make_rows):
    root = make_dataset(make_rows(n_clips=1), suffix=None)
    with (root / "meta" / "esc50.csv").open("a") as file:
        file.write("5-9-A-0.wav,5")
    with pytest.raises(DatasetError, match="line 52: target is None; a value is expected"):
        load(root)


def test_columns_that_are_not_there(make_dataset, make_rows):
    root = make_dataset(make_rows(n_clips=1), columns=COLUMNS[:4], suffix=None)
    with pytest.raises(DatasetError, match=r"esc50.csv has no column esc10, src_file, take; a header with filename,"):
        load(root)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "has no column"), (",".join(COLUMNS).encode(), "lists no clips"), (b"\xff\xfe\x00filename", "no csv text")],
)
def test_a_csv_that_is_none(tmp_path, content, message):
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        load(tmp_path)


def test_a_byte_order_mark_and_a_spreadsheets_true_are_read(make_dataset, make_rows):
    root = make_dataset(make_rows(n_clips=1), suffix=None)
    table = root / "meta" / "esc50.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"True", b"TRUE"))
    assert len(load(root).clips) == 50


def test_a_folder_that_is_no_dataset(tmp_path, make_dataset, make_rows):
    with pytest.raises(DatasetError, match=r"meta/esc50.csv is not there; a folder in ESC-50's layout has it"):
        load(tmp_path)
    root = make_dataset(make_rows(n_clips=1), suffix=None)
    for path in (root / "audio").iterdir():
        path.unlink()
    (root / "audio").rmdir()
    with pytest.raises(DatasetError, match="audio is not there"):
        load(root)


def test_a_dataset_that_lacks_classes(make_dataset, make_rows):
    root = make_dataset(make_rows(n_clips=1), suffix=None)
    with pytest.raises(DatasetError, match=r"holds ESC-10 only; ESC-50 has 50 classes"):
        load(root, "esc50")
    with pytest.raises(DatasetError, match=r"has no clip of rain, sea_waves, .* and 3 more; ESC-10 has 10"):
        load(make_dataset(make_rows(("dog", "rooster"), n_clips=1), name="two", suffix=None))
    with pytest.raises(OptionError, match=r"'urbansound' is not known; accepted are esc10, esc50"):
        load(root, "urbansound")


def test_discover_at_and_directly_under_a_root(tmp_path, make_dataset, make_rows, monkeypatch):
    rows = make_rows(n_clips=1)
    b, a = make_dataset(rows, name="b", suffix=None), make_dataset(rows, name="a", suffix=None)
    make_dataset(rows, name=".hidden", suffix=None)
    make_dataset(rows, name="deep/er", suffix=None)
    (tmp_path / "file").write_text("")
    assert discover(tmp_path) == [a, b]
    assert discover(a) == [a]
    assert discover(tmp_path / "nowhere") == discover(tmp_path / "file") == []
    monkeypatch.setenv("ACRNN_DATA", str(tmp_path))
    assert discover() == [a, b]
    monkeypatch.delenv("ACRNN_DATA")
    monkeypatch.chdir(tmp_path)
    assert discover() == []
    (tmp_path / "data").mkdir()
    a.rename(tmp_path / "data" / "a")
    assert [path.name for path in discover()] == ["a"]


def test_a_complete_dataset_is_ok(make_dataset, make_rows):
    report = check(make_dataset(make_rows()))
    assert report.ok
    assert str(report) == report.sentence() == "tiny · ESC-10 is complete (400 clips)."


def test_every_finding_is_named(make_dataset, make_rows):
    rows = make_rows()
    rows[-1] |= {"src_file": rows[0]["src_file"]}
    root = make_dataset([*rows, *make_rows(("dog",), 1, 9)[8:]])
    audio = root / "audio"
    missing = [row["filename"] for row in rows[:7]]
    for filename in missing:
        (audio / filename).unlink()
    (audio / rows[8]["filename"]).write_bytes(b"")
    (audio / "stray.wav").write_bytes(b"sound")
    (audio / "notes.txt").write_bytes(b"no audio")
    report = check(root)
    assert not report.ok
    assert report.missing == tuple(missing)
    assert report.empty == (rows[8]["filename"],)
    assert report.extra == ("stray.wav",)
    assert [(c.fold, c.label, c.n_clips) for c in report.wrong_counts] == [(1, "dog", 9)]
    assert [(leak.source, leak.folds) for leak in report.leaks] == [("1000", (1, 5))]
    assert f"missing from audio/: {', '.join(missing[:5])} and 2 more; empty: " in str(report)
    assert "dog in fold 1 (9); in two folds: 1000 (folds 1, 5); not in the csv: stray.wav." in str(report)


def test_an_extra_file_is_told_but_harmless(make_dataset, make_rows):
    root = make_dataset(make_rows())
    (root / "audio" / "stray.wav").write_bytes(b"sound")
    assert check(root).ok
    assert "stray.wav" in str(check(root))


def test_check_asks_for_what_was_named(make_dataset, make_rows):
    root = make_dataset(make_rows())
    report = check(root, "esc50")
    assert not report.ok
    assert len(report.wrong_counts) == 5 * 40
    with pytest.raises(DatasetError, match="not there"):
        check(root / "nowhere")


@pytest.mark.parametrize(("name", "n_clips"), [("esc10", 400), ("esc50", 2000)])
def test_the_real_datasets(real_data, name, n_clips):
    roots = [root for root in discover(real_data) if load(root).name == name]
    if not roots:
        pytest.skip(f"ACRNN_DATA holds no {name}")
    for root in roots:
        dataset, report = load(root), check(root)
        assert len(dataset.clips) == n_clips
        assert report.ok, str(report)
        assert not report.extra
        for k in dataset.folds:
            assert len(dataset.fold(k)) == n_clips // 5
            assert len(dataset.training(k)) == n_clips * 4 // 5
            assert set(np.bincount(dataset.targets(dataset.fold(k)))) == {8}
        # of the release itself: four recordings are cut into two classes each, and those stand in two folds
        assert set(report.leaks) == (RELEASE_LEAKS if name == "esc50" else set())
        shared = {(clip.source, clip.label, clip.fold) for clip in dataset.clips}
        assert len(shared) == len({key[:2] for key in shared}), "a recording of one class is in two folds"


def test_the_real_esc50_has_an_esc10_without_leaks(real_data):
    for root in discover(real_data):
        assert check(root, "esc10").ok
        assert not check(root, "esc10").leaks
        assert len(load(root, "esc10").clips) == 400


def test_every_clip_is_decoded_where_that_is_asked_for(tiny_root, tmp_path):
    root = shutil.copytree(tiny_root, tmp_path / "copy")
    cut, *_ = paths = sorted((root / "audio").iterdir())
    cut.write_bytes(cut.read_bytes()[:-1000])
    told = []
    report = check(root, decode=True, on_clip=lambda done, total: told.append((done, total)))
    assert report.damaged == (cut.name,)
    assert not report.ok
    assert f"damaged: {cut.name}" in str(report)
    assert told[-1] == (len(paths), len(paths))
    assert check(root).damaged == ()


@pytest.mark.parametrize("what", ["a pipe", "a device", "a million rows"])
def test_a_table_without_end_is_refused_at_once(make_dataset, make_rows, what):
    root = make_dataset(make_rows())
    table = root / "meta" / "esc50.csv"
    if what == "a million rows":
        table.write_bytes(table.read_bytes() + b"9-1-A-0.wav,5,0,dog,True,1,A\n" * 10**6)
    else:
        table.unlink()
        os.mkfifo(table) if what == "a pipe" else table.symlink_to("/dev/zero")
    with pytest.raises(DatasetError, match=r"not an ordinary file|more than 4194304 bytes"):
        load(root)
