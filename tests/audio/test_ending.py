"""Complete files that look cut are read; cut files are refused, and used on request, with what is missing told."""

import io
import re
import struct

import av
import numpy as np
import pytest
import soundfile

from acrnn.audio import Limits, decode
from acrnn.audio.containers import ACCEPTED, SUFFIXES
from acrnn.audio.limits import SECONDS
from acrnn.errors import AcrnnError, AudioTooLargeError, NotAudioError, OptionError, TruncatedAudioError
from tests.audio.audio_files import av_bytes, noise, ogg_pages, sine, soundfile_bytes, wav_bytes

RATE_HZ = 48_000
TONE = sine(1000, RATE_HZ, 4.0)
PCM = (noise(8000) * 32767).astype(np.int16)


class TestComplete:
    @pytest.mark.parametrize("coding", ["VORBIS", "OPUS"])
    def test_an_ogg_without_its_end_mark_is_read_with_a_note(self, coding):
        whole = soundfile_bytes(TONE, RATE_HZ, "OGG", coding)
        pages = ogg_pages(whole)
        pages[-1].flags &= ~4
        audio = decode(b"".join(map(bytes, pages)), RATE_HZ)
        same = slice(0, 190_000)  # of Opus the mark also says where the last packet ends
        np.testing.assert_allclose(audio.samples[same], decode(whole, RATE_HZ).samples[same], atol=1e-5)
        assert len(audio.samples) == pytest.approx(len(TONE), abs=960)
        assert "not marked as the last" in audio.notes[0]

    @pytest.mark.parametrize("off_samples", [480, -480])
    def test_an_opus_whose_page_time_is_a_little_off_is_read(self, off_samples):
        whole = soundfile_bytes(TONE, RATE_HZ, "OGG", "OPUS")
        pages = ogg_pages(whole)
        assert len(pages) > 4
        pages[3].granule += off_samples
        audio = decode(b"".join(map(bytes, pages)), RATE_HZ)
        assert audio.duration_s == pytest.approx(4.0, abs=0.02)
        middle = audio.samples[2 * RATE_HZ : 3 * RATE_HZ]
        assert np.abs(middle).max() == pytest.approx(0.5, rel=0.05)  # no gap, no sample twice
        assert np.abs(np.diff(audio.samples)).max() < 0.1

    @pytest.mark.parametrize("extra", [8, 36, 44])
    def test_a_wav_that_counts_its_own_header_is_read_with_a_note(self, extra):
        audio = decode(wav_bytes(PCM.tobytes(), data_size=2 * len(PCM) + extra), 8000)
        np.testing.assert_array_equal(audio.samples, PCM / np.float32(32768))
        assert f"{extra} bytes more" in audio.notes[0]

    def test_a_whole_file_has_no_notes(self):
        for container in ("WAV", "FLAC", "OGG", "MP3", "AIFF"):
            assert decode(soundfile_bytes(TONE, RATE_HZ, container), RATE_HZ).notes == ()


class TestSeveral:
    @pytest.mark.parametrize("container", ["WAV", "FLAC", "AIFF", "AU", "CAF"])
    def test_that_another_file_follows_and_was_not_read_is_told(self, container):
        first, second = (soundfile_bytes(noise(2 * RATE_HZ, seed=seed), RATE_HZ, container) for seed in (1, 2))
        (note,) = decode(first + second, RATE_HZ).notes
        assert "bytes follow what its header announces as sound; they were not read" in note

    def test_an_ogg_with_the_same_serial_number_twice_is_a_chain(self):
        whole = soundfile_bytes(noise(2 * RATE_HZ), RATE_HZ, "OGG", "VORBIS")
        audio = decode(whole + whole, RATE_HZ)
        assert audio.duration_s == pytest.approx(4.0, abs=0.05)
        assert audio.notes == ("It holds several recordings, one after the other; they were used as one.",)

    @pytest.mark.parametrize("gains", [(1, 1), (1, 0), (0, 1)])
    def test_of_two_tracks_the_first_with_sound_is_used_and_that_is_told(self, gains):
        out = io.BytesIO()
        with av.open(out, "w", format="mov") as file:
            tracks = [file.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono") for _ in range(2)]
            for track, gain in zip(tracks, gains, strict=True):
                frame = av.AudioFrame.from_ndarray(gain * PCM[None, :4096], format="s16", layout="mono")
                frame.sample_rate, frame.pts = RATE_HZ, 0
                file.mux(track.encode(frame))
                file.mux(track.encode(None))
        audio = decode(out.getvalue(), RATE_HZ)
        assert audio.notes == (f"It has 2 audio tracks; track {1 if gains[0] else 2} was used.",)
        np.testing.assert_array_equal(audio.samples, PCM[:4096] / np.float32(32768))


class TestAfterTheEnd:
    @pytest.mark.parametrize("tail", [b"\n", b"\r\n\r\n", bytes(3), b"TAG" + 125 * b"x"])
    def test_an_mp4_may_have_a_tag(self, tail):
        whole = av_bytes(TONE, RATE_HZ, "mp4", "aac")
        audio = decode(whole + tail, RATE_HZ)
        same = slice(0, 190_000)  # FFmpeg keeps the encoder's padding then
        np.testing.assert_array_equal(audio.samples[same], decode(whole, RATE_HZ).samples[same])
        assert audio.notes == ()

    def test_an_mp4_that_is_cut_is_still_told(self):
        whole = av_bytes(TONE, RATE_HZ, "mp4", "aac")
        with pytest.raises(TruncatedAudioError):
            decode(whole[: 2 * len(whole) // 3], RATE_HZ)

    def test_an_mp3_is_read_on_from_block_to_block(self):
        clip = noise(6 * RATE_HZ)
        file = soundfile_bytes(clip, RATE_HZ, "MP3")
        whole, _ = soundfile.read(io.BytesIO(file), dtype="float32")
        np.testing.assert_allclose(decode(file, RATE_HZ).samples, whole, atol=1e-4)

    def test_an_mp3_without_a_tag_may_be_padded(self):
        whole = av_bytes(TONE, RATE_HZ, "mp3", "mp3", options={"write_xing": "0"})
        audio = decode(whole + bytes(20_000), RATE_HZ)
        assert audio.duration_s == pytest.approx(decode(whole, RATE_HZ).duration_s, abs=0.03)
        assert audio.notes == ()


class TestHoles:
    @pytest.mark.parametrize("xing", ["0", "1"])
    def test_an_mp3_with_a_hole_is_read_on_behind_it_with_a_note_on_where_it_is(self, xing):
        whole = bytearray(av_bytes(noise(4 * RATE_HZ), RATE_HZ, "mp3", "mp3", options={"write_xing": xing}))
        middle = len(whole) // 2
        whole[middle : middle + 300] = bytes(300)
        audio = decode(bytes(whole), RATE_HZ)
        assert audio.duration_s == pytest.approx(4.0, abs=0.15)
        assert re.search(r"damaged near (1\.9|2\.0|2\.1)\d s", audio.notes[0])
        assert np.abs(audio.samples).max() < 4  # a frame that is half one and half another is anything

    @pytest.mark.parametrize("coding", ["VORBIS", "OPUS"])
    def test_an_ogg_with_a_zeroed_middle_is_not_taken_for_whole(self, coding):
        whole = soundfile_bytes(noise(4 * RATE_HZ), RATE_HZ, "OGG", coding)
        third = len(whole) // 3
        damaged = whole[:third] + bytes(third) + whole[2 * third :]
        with pytest.raises(TruncatedAudioError, match=r"announces 4\.00 s and holds [12]\.\d\d s"):
            decode(damaged, RATE_HZ, name="a.ogg")
        audio = decode(damaged, RATE_HZ, name="a.ogg", partial=True)
        assert audio.duration_s < 3
        assert "of the 4.00 s that it announces are missing" in audio.notes[0]

    @pytest.mark.parametrize("coding", ["VORBIS", "OPUS"])
    def test_of_an_ogg_of_two_recordings_the_second_is_never_left_out_unsaid(self, coding):
        first, second = (soundfile_bytes(noise(2 * RATE_HZ, seed), RATE_HZ, "OGG", coding) for seed in (1, 2))
        sentence = r"holds several recordings.* what follows 2\.\d\d s cannot be decoded"
        with pytest.raises(TruncatedAudioError, match=sentence):  # what FFmpeg lacks
            decode(first + second, RATE_HZ)
        assert "cut short" in decode(first + second, RATE_HZ, partial=True).notes[0]

    @pytest.mark.parametrize("tag", [b"", b"ID3\x04\0\0\0\0\x01\0" + bytes(128)])
    def test_of_an_mp3_of_two_recordings_both_are_used_with_a_note(self, tag):
        first, second = (soundfile_bytes(sine(hz, RATE_HZ, 2.0), RATE_HZ, "MP3") for hz in (500, 3000))
        audio = decode(first + tag + second, RATE_HZ)
        assert audio.notes == ("It holds several recordings, one after the other; they were used as one.",)
        assert audio.duration_s == pytest.approx(4.0, abs=0.1)
        for part, hz in ((slice(0, RATE_HZ), 500), (slice(-RATE_HZ, None), 3000)):
            spectrum = np.abs(np.fft.rfft(audio.samples[part]))
            assert np.argmax(spectrum) == pytest.approx(hz, abs=2)

    @pytest.mark.parametrize("tail", [b"TAG" + bytes(125), b"APETAGEX" + bytes(2000), bytes(5000)])
    def test_what_follows_an_mp3_and_is_no_sound_is_no_second_recording(self, tail):
        whole = soundfile_bytes(TONE, RATE_HZ, "MP3")
        audio = decode(whole + tail, RATE_HZ)
        assert audio.notes == ()
        same = slice(0, 190_000)
        np.testing.assert_array_equal(audio.samples[same], decode(whole, RATE_HZ).samples[same])

    def test_a_wav_that_goes_on_beyond_its_size_is_read_to_there_with_a_note(self):
        audio = decode(wav_bytes(PCM.tobytes(), data_size=4000), 8000)
        assert len(audio.samples) == 2000
        assert audio.notes == ("12000 bytes follow what its header announces as sound; they were not read.",)

    def test_a_blank_size_before_a_silent_beginning_is_blank(self):
        assert len(decode(wav_bytes(bytes(800) + PCM.tobytes(), data_size=0), 8000).samples) == 8400


class TestPartial:
    def test_a_recorder_that_lost_power(self):
        data = wav_bytes(PCM.tobytes(), data_size=20 * len(PCM))
        with pytest.raises(TruncatedAudioError, match="complete file is needed"):
            decode(data, 8000)
        audio = decode(data, 8000, partial=True)
        np.testing.assert_array_equal(audio.samples, PCM / np.float32(32768))
        assert audio.notes == (
            "It is cut short: 9.00 s of the 10.00 s that it announces are missing (90%). "
            "The 1.00 s that are there were used.",
        )

    @pytest.mark.parametrize("container", ["WAV", "AIFF", "FLAC", "OGG", "MP3", "CAF", "AU", "RF64", "W64"])
    def test_what_is_there_is_used_and_what_is_missing_told(self, container):
        coding = None if container in ("OGG", "MP3") else "PCM_16"
        whole = soundfile_bytes(noise(4 * RATE_HZ), RATE_HZ, container, coding)
        cut = whole[: int(len(whole) * 0.6)]
        with pytest.raises(TruncatedAudioError):
            decode(cut, RATE_HZ)
        audio = decode(cut, RATE_HZ, partial=True)
        assert audio.duration_s == pytest.approx(2.4, abs=0.7 if container == "OGG" else 0.25)  # whole pages
        (note,) = [note for note in audio.notes if "cut short" in note]
        assert f"The {audio.duration_s:.2f} s that are there" in note
        if container != "OGG":
            assert "s of the 4.0" in note

    def test_a_whole_file_is_not_changed_by_the_request(self):
        data = soundfile_bytes(TONE, RATE_HZ, "FLAC")
        audio = decode(data, RATE_HZ, partial=True)
        np.testing.assert_array_equal(audio.samples, decode(data, RATE_HZ).samples)
        assert audio.notes == ()

    def test_where_nothing_is_there_the_request_changes_nothing(self):
        with pytest.raises(AcrnnError):
            decode(wav_bytes(b"", data_size=4000), 8000, partial=True)


class TestHeaders:
    @pytest.mark.parametrize("n_bytes", range(16))
    @pytest.mark.parametrize(
        "magic",
        [b"ID3\x04\0\0\x7f\x7f\x7f\x7f", b"ID3\x04\0\0\0\0\0\x02\xff", b"\xff\xfb\x90\x44Xing", b"OggS",
         b"fLaC\0\0\0\x22", b"RIFF\xff\xff\xff\xffWAVE", b"FORM\0\0\0\0AIFF", b"\0\0\0\x01ftyp\0\0\0\0",
         b"caff\0\1\0\0", b".snd\0\0\0\x18",
         b"riff" + b"\x2e" * 12, b"\x1aE\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe", b"\x1aE\xdf\xa3\x88\x18S\x80g"],
    )  # fmt: skip
    def test_a_file_of_a_few_bytes_is_refused_in_a_sentence(self, magic, n_bytes):
        with pytest.raises(AcrnnError, match=r"upload .*\."):
            decode(magic[:n_bytes], RATE_HZ, name="upload")

    def test_sizes_beyond_any_file_are_refused(self):
        webm = av_bytes(TONE, RATE_HZ, "webm", "libopus")
        assert webm[4] & 0x80 or webm[4] == 1
        huge_header = webm[:4] + b"\x01" + b"\xff" * 6 + b"\xfe" + webm[5:]
        caf = bytearray(soundfile_bytes(TONE, RATE_HZ, "CAF", "PCM_16"))
        caf[12:20] = struct.pack(">q", 2**63 - 1)
        for data in (huge_header, bytes(caf)):
            with pytest.raises(AcrnnError, match=r"upload .*\."):
                decode(data, RATE_HZ, name="upload")


class TestSettings:
    def test_the_limit_is_named_with_what_raises_it(self, monkeypatch):
        data = wav_bytes(PCM.tobytes())
        monkeypatch.setenv(SECONDS, "0.5")
        with pytest.raises(
            AudioTooLargeError, match=r"announces 1\.0 s.*up to 0\.5 s.*--max-seconds.*ACRNN_MAX_SECONDS"
        ):
            decode(data, 8000)
        monkeypatch.setenv(SECONDS, "1.5")
        assert decode(data, 8000).duration_s == 1.0
        assert decode(data, 8000, limits=Limits(max_duration_s=1.0)).duration_s == 1.0

    @pytest.mark.parametrize("text", ["an hour", "-1", "0", "nan", "inf"])
    def test_a_setting_that_is_no_positive_number_is_refused(self, monkeypatch, text):
        monkeypatch.setenv(SECONDS, text)
        with pytest.raises(OptionError, match=r"ACRNN_MAX_SECONDS is .*; a positive number is accepted\."):
            Limits.of_environment()

    def test_a_waveform_kept_whole_is_bounded_in_memory(self):
        with pytest.raises(AudioTooLargeError, match="ACRNN_MAX_MEMORY_GIB"):
            decode(wav_bytes(PCM.tobytes()), 48_000, limits=Limits(max_memory_bytes=48_000))

    def test_there_is_one_list_of_containers_and_the_message_gives_it(self):
        common = "wav flac ogg opus mp3 m4a aac webm 3gp wma caf mov mp4 amr mkv aiff"
        assert set(common.split()) <= set(SUFFIXES)
        assert len(set(SUFFIXES)) == len(SUFFIXES)
        with pytest.raises(NotAudioError) as caught:
            decode(b"no sound " * 99, RATE_HZ)
        assert ACCEPTED in str(caught.value)

    @pytest.mark.parametrize(
        ("container", "coding"),
        [("3gp", "aac"), ("mov", "aac"), ("asf", "mp2"), ("matroska", "flac"), ("caf", "alac"), ("avi", "mp3")],
    )
    def test_what_phones_and_cameras_write_is_read(self, container, coding):
        audio = decode(av_bytes(TONE, RATE_HZ, container, {"mp3": "libmp3lame"}.get(coding, coding)), RATE_HZ)
        assert audio.duration_s == pytest.approx(4.0, abs=0.1)
