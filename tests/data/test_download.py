import contextlib
import csv
import errno
import io
import json
import stat
import threading
import zipfile

import numpy as np
import pytest
from filelock import FileLock

from acrnn.data import _archive, _fetch, check, discover, load, sha256_of
from acrnn.data.download import download
from acrnn.errors import DownloadError, OptionError
from acrnn.labels import ESC50
from tests.data.archive_server import Answer, Server
from tests.data.socks_server import SocksServer

CHUNK = 1000


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(_fetch, "BACKOFF_S", 0.001)
    monkeypatch.setattr(_fetch, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(_fetch, "TIMEOUT_S", (2, 2))


@pytest.fixture
def server(archive):
    with Server(archive) as running:
        yield running


@pytest.fixture
def fails(tmp_path):
    """fails(server, match): the download fails with one sentence, and the data root holds no dataset."""

    def attempt(server, match):
        with pytest.raises(DownloadError, match=match) as caught:
            download("esc10", tmp_path, url=server.url)
        assert "\n" not in str(caught.value)
        assert discover(tmp_path) == []
        assert not (tmp_path / ".esc10.unpacking").exists()

    return attempt


def fetched(server, folder):
    """Fetch the archive alone, without unpacking it."""
    _fetch.fetch(server.url, folder / "esc10.zip")
    return (folder / "esc10.zip").read_bytes()


def left_in(folder):
    return {path.name for path in folder.iterdir()}


def test_a_plain_download(server, archive, tmp_path):
    seen = []
    root = download(
        "esc10", tmp_path / "new", url=server.url, on_progress=lambda done, total: seen.append((done, total))
    )
    assert root == tmp_path / "new" / "esc10"
    assert discover(tmp_path / "new") == [root]
    assert check(root).ok
    assert left_in(root) == {"audio", "meta", "LICENSE", "download.json"}
    assert left_in(tmp_path / "new") - {".esc10.lock"} == {"esc10"}
    assert (seen[0], seen[-1]) == ((0, len(archive)), (len(archive), len(archive)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    note = json.loads((root / "download.json").read_text())
    assert (note["name"], note["url"]) == ("esc10", server.url)
    assert (note["sha256"], note["bytes"]) == (sha256_of(archive), len(archive))
    assert note["date"].endswith("+00:00")


def test_all_of_esc50_and_its_subset(pack, tmp_path):
    with Server(pack(ESC50)) as server:
        whole = download("esc50", tmp_path, url=server.url)
        subset = download("esc10", tmp_path, url=server.url)
    assert len(load(whole).clips) == 2000
    assert len(load(subset).clips) == len(list((subset / "audio").iterdir())) == 400
    assert [clip.filename for clip in load(whole, "esc10").clips] == [clip.filename for clip in load(subset).clips]
    with (subset / "meta/esc50.csv").open(newline="") as kept, (whole / "meta/esc50.csv").open(newline="") as full:
        assert list(csv.DictReader(kept)) == [row for row in csv.DictReader(full) if row["esc10"] == "True"]


def test_a_complete_dataset_is_left_alone(server, tmp_path):
    download("esc10", tmp_path, url=server.url)
    download("esc10", tmp_path, url=server.url)
    assert len(server.ranges_asked) == 1


def test_a_partial_dataset_is_completed(server, tmp_path):
    root = download("esc10", tmp_path, url=server.url)
    files = sorted((root / "audio").iterdir())
    files[0].unlink()
    files[1].write_bytes(b"")
    (root / "audio" / "mine.wav").write_bytes(b"sound")
    assert download("esc10", tmp_path, url=server.url) == root
    assert check(root).ok
    assert (root / "audio" / "mine.wav").exists()
    (root / "meta" / "esc50.csv").unlink()
    download("esc10", tmp_path, url=server.url)
    assert check(root).ok


def test_a_length_that_is_not_told(server, archive, tmp_path):
    server.answers = [Answer(length=None)]
    seen = []
    _fetch.fetch(server.url, tmp_path / "esc10.zip", lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(archive), None)
    assert (tmp_path / "esc10.zip").read_bytes() == archive


def test_a_connection_cut_again_and_again_goes_on_where_it_was(server, archive, tmp_path):
    server.answers = [Answer(cut_after=10_000) for _ in range(7)]
    assert check(download("esc10", tmp_path, url=server.url)).ok
    starts = [int(asked[6:-1]) for asked in server.ranges_asked[1:]]
    assert len(starts) == 7, "attempts that bring something are not counted"
    assert starts == sorted(set(starts))
    assert all(10_000 * i - CHUNK * i <= start <= 10_000 * i for i, start in enumerate(starts, 1))


def test_a_connection_cut_without_ranges_starts_anew(server, archive, tmp_path):
    server.answers = [Answer(cut_after=30_000, ranges=False) for _ in range(4)]
    assert fetched(server, tmp_path) == archive


def test_without_ranges_giving_up_is_bounded(server, fails):
    server.answers = [Answer(cut_after=30_000 - 1000 * i, ranges=False) for i in range(30)]
    fails(server, r"in 5 tries \(the connection was cut\); check the network and start again")
    assert len(server.ranges_asked) == 6


def test_a_part_without_a_validator_is_not_continued(server, archive, tmp_path):
    server.answers = [Answer(cut_after=30_000, etag='W/"weak"'), Answer(etag='W/"weak"')]
    assert fetched(server, tmp_path) == archive
    assert server.ranges_asked == [None, None]


def test_last_modified_serves_where_there_is_no_strong_etag(server, archive, tmp_path):
    date = "Mon, 01 Jan 2024 00:00:00 GMT"
    server.answers = [Answer(cut_after=30_000, etag=None, last_modified=date), Answer(etag=None, last_modified=date)]
    assert fetched(server, tmp_path) == archive
    assert server.ranges_asked == [None, "bytes=30000-"]


class Killed(BaseException):
    pass


@pytest.fixture
def kill(tmp_path):
    """kill(server, at): a download that dies after `at` bytes."""

    def die(server, at):
        def on_progress(done, total):
            if done >= at:
                raise Killed

        with pytest.raises(Killed):
            download("esc10", tmp_path, url=server.url, on_progress=on_progress)

    return die


def test_a_killed_download_asks_only_for_the_rest(server, archive, kill, tmp_path):
    kill(server, 20_000)
    have = (tmp_path / "esc10.zip.part").stat().st_size
    assert 20_000 <= have < len(archive)
    seen = []
    root = download("esc10", tmp_path, url=server.url, on_progress=lambda done, total: seen.append((done, total)))
    assert server.ranges_asked == [None, f"bytes={have}-"]
    assert seen[0] == (have, len(archive))
    assert check(root).ok
    assert json.loads((root / "download.json").read_text())["sha256"] == sha256_of(archive)


def test_a_part_that_is_whole_already(server, archive, kill, tmp_path):
    kill(server, len(archive))
    assert fetched(server, tmp_path) == archive
    assert server.ranges_asked == [None, f"bytes={len(archive)}-"]


def test_a_part_that_is_longer_than_the_file(server, archive, kill, tmp_path):
    kill(server, 20_000)
    with (tmp_path / "esc10.zip.part").open("ab") as part:
        part.write(bytes(len(archive)))
    assert fetched(server, tmp_path) == archive
    assert server.ranges_asked[2] is None


@pytest.mark.parametrize(
    "changed",
    [Answer(etag='"two"'), Answer(etag='"two"', if_range=False), Answer(wrong_start=True)],
    ids=["If-Range honoured", "If-Range ignored", "a range that was not asked for"],
)
def test_a_file_that_changed_meanwhile_starts_anew(server, pack, kill, tmp_path, changed):
    kill(server, 20_000)
    server.body = pack(more=[("ESC-50-master/README.md", "another release")])
    server.answers = [changed, Answer(etag='"two"')]
    assert fetched(server, tmp_path) == server.body


def test_a_part_of_another_address_is_thrown_away(server, archive, kill, tmp_path):
    kill(server, 20_000)
    server.url += "?other"
    assert fetched(server, tmp_path) == archive
    assert server.ranges_asked == [None, None]


def test_a_part_whose_note_is_damaged_is_thrown_away(server, archive, kill, tmp_path):
    kill(server, 20_000)
    (tmp_path / "esc10.zip.part.json").write_text("{")
    assert fetched(server, tmp_path) == archive
    assert server.ranges_asked == [None, None]


def test_passing_trouble_is_waited_out(server, archive, tmp_path):
    server.answers = [Answer(503), Answer(429), Answer(500)]
    assert fetched(server, tmp_path) == archive


def test_refusals(server, fails):
    server.answers = [Answer(404)]
    fails(server, "answered 404 Not Found; check the address")
    assert len(server.ranges_asked) == 1
    server.answers = [Answer(503)] * 9
    fails(server, r"in 5 tries \(it answered 503 Service Unavailable\)")


def test_nobody_is_there(archive, fails):
    with Server(archive) as server:
        pass
    fails(server, r"in 5 tries \(no connection\)")


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/file.zip", "http://"])
def test_an_address_that_is_none(tmp_path, url):
    with pytest.raises(DownloadError, match="check the address"):
        download("esc10", tmp_path, url=url)


def test_a_length_above_the_truth(server, archive, tmp_path):
    server.answers = [Answer(length=len(archive) + 500)]
    assert fetched(server, tmp_path) == archive
    assert server.ranges_asked[1:] in ([f"bytes={len(archive)}-"], [f"bytes={len(archive) - len(archive) % CHUNK}-"])


def test_a_length_below_the_truth(server, archive, fails, tmp_path):
    server.answers = [Answer(length=len(archive) - 500)]
    fails(server, "esc10.zip arrived damaged or cut short")
    assert left_in(tmp_path) <= {".esc10.lock"}, "what cannot be used is thrown away"
    assert check(download("esc10", tmp_path, url=server.url)).ok


@pytest.mark.parametrize("drips", ["head", "body", "sizes"])
def test_a_server_that_drips_is_given_up(server, fails, monkeypatch, tmp_path, drips):
    monkeypatch.setattr(_fetch, "SLOW_S", 0.2)
    server.answers = [Answer(pause_s=0.01, drips=drips, length=None if drips == "sizes" else "true")] * 9
    fails(server, r"in 5 tries \(it sent \d+ bytes in \d+ s\)")
    assert len(server.ranges_asked) == 5
    server.answers = []
    assert check(download("esc10", tmp_path, url=server.url)).ok  # the lock is free, and what came is kept
    assert (server.ranges_asked[-1] is not None) == (drips == "body")
    assert not [thread for thread in threading.enumerate() if thread.name == "download" and thread.is_alive()]


def test_what_was_cut_for_its_slowness_is_not_taken_for_whole(server, fails, monkeypatch):
    """Without a length, and without pieces, the end of the connection is the end of the file."""
    monkeypatch.setattr(_fetch, "SLOW_S", 0.2)
    server.answers = [Answer(pause_s=0.01, length="none")] * 9
    fails(server, r"in 5 tries \(it sent \d+ bytes in \d+ s\)")


def test_a_file_without_end(server, fails, monkeypatch):
    monkeypatch.setattr(_fetch, "MAX_BYTES", 20_000)
    server.answers = [Answer(length=None)]
    fails(server, "no ESC-50 archive is")


@pytest.mark.parametrize("body", [b"", b"<html>Not a zip</html>", b"PK\x03\x04" + bytes(100)])
def test_what_arrives_is_no_zip(fails, body):
    with Server(body) as server:
        fails(server, "esc10.zip arrived damaged or cut short")


def test_one_wrong_byte_in_a_clip(archive, tiny_wav, fails, tmp_path):
    at = archive.rindex(tiny_wav) + len(tiny_wav) - 1
    with Server(archive[:at] + b"\x01" + archive[at + 1 :]) as server:
        fails(server, "wrong checksum of ESC-50-master/audio/5-")
    assert left_in(tmp_path) <= {".esc10.lock"}


def _link(name):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "member",
    [
        "../escaped-member.wav",
        "ESC-50-master/audio/../../../escaped-member.wav",
        "/escaped-member.wav",
        "C:/escaped-member.wav",
        "ESC-50-master\\audio\\..\\..\\escaped-member.wav",
        _link("ESC-50-master/audio/escaped-member.wav"),
        _link("ESC-50-master/audio"),
    ],
    ids=str,
)
def test_a_member_that_would_leave_the_folder(pack, fails, tmp_path, member):
    with Server(pack(more=[(member, "/etc/passwd")])) as server:
        fails(server, "nothing was unpacked")
    assert left_in(tmp_path) <= {".esc10.lock"}
    assert not list(tmp_path.parent.rglob("escaped-member*"))


def test_bombs(pack, fails, monkeypatch, archive):
    with Server(archive) as server:
        monkeypatch.setattr(_archive, "MAX_MEMBER_BYTES", 40)
        fails(server, "no clip of ESC-50 is so large")
        monkeypatch.setattr(_archive, "MAX_TOTAL_BYTES", 10_000)
        fails(server, "larger than any ESC-50")
    monkeypatch.undo()
    monkeypatch.setattr(_archive, "MAX_MEMBERS", 100)
    with Server(archive) as server:
        fails(server, r"larger than any ESC-50 \(405 members\)")


def test_a_member_longer_than_declared(archive, tiny_wav, fails):
    # the sizes in the central directory say one byte less than the local header and the data
    at = archive.rindex(b"ESC-50-master/audio/") - 46
    n_bytes = len(tiny_wav)
    sizes = n_bytes.to_bytes(4, "little") * 2
    assert archive[at + 20 : at + 28] == sizes
    with Server(archive[: at + 20] + (n_bytes - 1).to_bytes(4, "little") * 2 + archive[at + 28 :]) as server:
        fails(server, "arrived damaged")


def test_any_damage_is_told_as_damage(archive, tmp_path):
    # the last bytes are the central directory: sizes, offsets, names, flags
    draw = np.random.default_rng(0)
    path = tmp_path / "esc10.zip"
    for _ in range(60):
        damaged = bytearray(archive)
        for at in draw.integers(len(archive) - 120, len(archive), size=3):
            damaged[at] = draw.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(DownloadError):
            _archive.unpack(path, "esc10", tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_of_something_else(pack, fails):
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w"):
        pass
    with Server(empty.getvalue()) as server:
        fails(server, "holds no meta/esc50.csv")
    with Server(pack(drop=7)) as server:
        fails(server, r"not the whole ESC-50 release: .* missing from audio/: 1-1000-A-0.wav, .* and 2 more")
    with Server(pack(more=[("other/audio/1-1000-A-0.wav", "x")])) as server:
        fails(server, r"holds audio/1-1000-A-0.wav twice")


def test_two_at_once(server, tmp_path):
    with (
        FileLock(tmp_path / ".esc10.lock"),
        pytest.raises(DownloadError, match=r"Another download of esc10 .* is running"),
    ):
        download("esc10", tmp_path, url=server.url)
    assert server.ranges_asked == []


def test_a_full_disk_keeps_the_archive(server, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_archive.shutil, "copyfileobj", full)
    with pytest.raises(DownloadError, match=r"The disk of .* is full; free 1.5 GB and start again"):
        download("esc10", tmp_path, url=server.url)
    monkeypatch.undo()
    assert check(download("esc10", tmp_path, url=server.url)).ok
    assert len(server.ranges_asked) == 1, "the whole archive need not be fetched again"


def test_places_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match=r"file cannot be written .* choose another folder"):
        download("esc10", tmp_path / "file", url=server.url)
    (tmp_path / "esc10").write_text("")
    with pytest.raises(DownloadError, match="esc10 is a file"):
        download("esc10", tmp_path, url=server.url)
    assert server.ranges_asked == []


def test_an_unknown_dataset(tmp_path):
    with pytest.raises(OptionError, match="'esc100' is not known; accepted are esc10, esc50"):
        download("esc100", tmp_path)


def test_a_proxy_of_the_socks_kind_is_used(server, tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with SocksServer() as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert check(download("esc10", tmp_path, url=server.url)).ok
    assert {host for host, _ in proxy.asked} == {"127.0.0.1"}
