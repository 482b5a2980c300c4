import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import acrnn
from acrnn.audio import Limits, decode, encode_flac, encode_wav, from_array, open_audio, stream
from acrnn.errors import (
    AudioTooLargeError,
    BadSamplesError,
    EmptyAudioError,
    NotAudioError,
    OptionError,
    TruncatedAudioError,
)
from tests.audio.audio_files import (
    av_bytes,
    flac_with_length,
    noise,
    picture_bytes,
    sine,
    soundfile_bytes,
    wav_bytes,
)

TONE = sine(1000, 48_000, 1.0)
CONTAINERS = {
    "wav": lambda: soundfile_bytes(TONE, 48_000, "WAV"),
    "aiff": lambda: soundfile_bytes(TONE, 48_000, "AIFF"),
    "flac": lambda: soundfile_bytes(TONE, 48_000, "FLAC"),
    "ogg": lambda: soundfile_bytes(TONE, 48_000, "OGG", "VORBIS"),
    "opus": lambda: soundfile_bytes(TONE, 48_000, "OGG", "OPUS"),
    "mp3": lambda: soundfile_bytes(TONE, 48_000, "MP3"),
    "mp3 without a count": lambda: av_bytes(TONE, 48_000, "mp3", "libmp3lame", options={"write_xing": "0"}),
    "m4a": lambda: av_bytes(TONE, 48_000, "ipod", "aac"),
    "aac": lambda: av_bytes(TONE, 48_000, "adts", "aac"),
    "webm": lambda: av_bytes(TONE, 48_000, "webm", "libopus"),
    "live webm": lambda: av_bytes(TONE, 48_000, "webm", "libopus", options={"live": "1"}),
    "mp4 video": lambda: av_bytes(TONE, 48_000, "mp4", "aac", video=True),
    "mkv video": lambda: av_bytes(TONE, 48_000, "matroska", "flac", video=True),
}


def peak_of(samples: np.ndarray, rate_hz: int) -> tuple[float, float]:
    """Frequency in Hz and amplitude of the strongest sine in the middle of a clip."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    window = np.hanning(len(middle))
    spectrum = np.abs(np.fft.rfft(middle * window))
    peak = int(np.argmax(spectrum))
    return peak * rate_hz / len(middle), float(spectrum[peak] * 2 / window.sum())


class TestClosedForms:
    def test_a_sine_keeps_its_frequency_amplitude_and_length(self):
        audio = decode(soundfile_bytes(TONE, 48_000, "WAV", "FLOAT"), 44_100)
        assert audio.samples.shape == (44_100,)
        assert audio.samples.dtype == np.float32
        assert (audio.rate_hz, audio.source_rate_hz, audio.n_channels) == (44_100, 48_000, 1)
        assert audio.format == "WAV FLOAT"
        assert audio.duration_s == 1.0
        freq_hz, amplitude = peak_of(audio.samples, 44_100)
        assert freq_hz == pytest.approx(1000, abs=2)
        assert amplitude == pytest.approx(0.5, rel=0.002)

    @pytest.mark.parametrize("coding", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
    def test_every_bit_depth_is_the_same_within_its_step(self, coding):
        bits = {"PCM_U8": 8, "PCM_16": 16}.get(coding, 24)
        audio = decode(soundfile_bytes(TONE, 48_000, "WAV", coding), 48_000)
        np.testing.assert_allclose(audio.samples, TONE, atol=2.0 ** (1 - bits))

    def test_mu_law(self):
        audio = decode(soundfile_bytes(TONE, 48_000, "WAV", "ULAW"), 48_000)
        np.testing.assert_allclose(audio.samples, TONE, atol=0.02)

    @pytest.mark.parametrize("n_channels", [1, 2, 6])
    def test_channels_are_mixed_by_their_mean(self, n_channels):
        samples = noise(1000, n_channels)
        audio = decode(soundfile_bytes(samples, 44_100, "WAV", "FLOAT"), 44_100)
        assert audio.n_channels == n_channels
        np.testing.assert_allclose(audio.samples, samples.mean(axis=1, dtype=np.float64), atol=1e-7)

    @given(st.integers(4_000, 384_000), st.integers(4_000, 384_000), st.integers(100, 5000))
    def test_the_length_is_rounded_from_the_ratio(self, source_hz, rate_hz, n_samples):
        audio = from_array(noise(n_samples), source_hz, rate_hz)
        assert len(audio.samples) == pytest.approx(n_samples * rate_hz / source_hz, abs=0.501)

    @pytest.mark.parametrize("rate_hz", [4_000, 384_000])
    def test_the_extreme_rates_are_read(self, rate_hz):
        clip = sine(500, rate_hz, 0.5)
        audio = decode(soundfile_bytes(clip, rate_hz, "WAV", "FLOAT"), 16_000)
        assert peak_of(audio.samples, 16_000)[0] == pytest.approx(500, abs=5)


class TestContainers:
    @pytest.mark.parametrize("kind", CONTAINERS)
    def test_every_container_gives_the_tone(self, kind):
        audio = decode(CONTAINERS[kind](), 44_100, name=kind)
        freq_hz, amplitude = peak_of(audio.samples, 44_100)
        assert audio.source_rate_hz == 48_000
        assert freq_hz == pytest.approx(1000, abs=3)
        assert amplitude == pytest.approx(0.5, rel=0.1)
        assert audio.duration_s == pytest.approx(1.0, abs=0.08)  # a lossy coder's delay and padding

    def test_formats_are_named(self):
        named = {kind: decode(CONTAINERS[kind](), 48_000).format for kind in ("flac", "opus", "m4a", "webm")}
        assert named == {"flac": "FLAC PCM_16", "opus": "OGG OPUS", "m4a": "mp4 aac", "webm": "webm opus"}

    def test_a_variable_rate_mp3_without_a_count_is_read_to_its_end(self):
        # libsndfile guesses the length from the first frame's bit rate and stops there.
        clip = np.concatenate([np.zeros(48_000, np.float32), noise(96_000)])
        options = {"write_xing": "0"}
        audio = decode(av_bytes(clip, 48_000, "mp3", "libmp3lame", options=options), 48_000)
        assert audio.duration_s == pytest.approx(3.0, abs=0.1)

    @pytest.mark.parametrize(
        ("riff_size", "data_size"),
        [(2**32 - 1, 2**32 - 1), (8, 0), (0, 0), (2**32 - 1, 0), (0x7FFFF024, 0x7FFFF000), (0x80000024, 0x80000000)],
    )
    def test_a_wav_whose_writer_left_the_size_blank_is_read(self, riff_size, data_size):
        pcm = np.arange(-4000, 4000, dtype=np.int16)
        audio = decode(wav_bytes(pcm.tobytes(), riff_size=riff_size, data_size=data_size), 8000)
        np.testing.assert_array_equal(audio.samples, pcm / np.float32(32768))

    def test_a_flac_whose_length_is_blank_is_read(self):
        flac = flac_with_length(soundfile_bytes(TONE, 48_000, "FLAC"), 0)
        np.testing.assert_allclose(decode(flac, 48_000).samples, TONE, atol=2**-15)

    def test_the_name_of_a_file_does_not_choose_its_format(self, tmp_path):
        path = tmp_path / "tone.raw"
        path.write_bytes(CONTAINERS["flac"]())
        assert decode(path, 48_000).format == "FLAC PCM_16"

    def test_tags_in_another_encoding_do_not_matter(self):
        file = CONTAINERS["mp3 without a count"]()
        at = file.index(b"Lavf")  # the encoder's name, in the ID3 tag
        audio = decode(file[:at] + b"\xe9\xff\xfe\xe8" + file[at + 4 :], 48_000)
        assert audio.duration_s == pytest.approx(1.0, abs=0.08)

    def test_a_playlist_opens_nothing(self, tmp_path):
        (tmp_path / "secret.wav").write_bytes(CONTAINERS["wav"]())
        lists = {
            "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n",
            "a.ffconcat": f"ffconcat version 1.0\nfile {tmp_path}/secret.wav\n",
        }
        for name, text in lists.items():
            with pytest.raises(NotAudioError, match=name):
                decode(text.encode(), 44_100, name=name)


class TestSameBits:
    SAMPLES = noise(150_001, 2)

    @pytest.mark.parametrize("rate_hz", [44_100, 16_000, 48_000])
    @pytest.mark.parametrize("coding", ["FLOAT", "PCM_16"])
    def test_a_file_equals_its_array(self, rate_hz, coding, tmp_path):
        samples = self.SAMPLES if coding == "FLOAT" else (self.SAMPLES * 32767).astype(np.int16)
        path = tmp_path / "noise.wav"
        path.write_bytes(soundfile_bytes(samples, 44_100, "WAV", coding))
        from_file = decode(path, rate_hz).samples
        np.testing.assert_array_equal(from_file, from_array(samples, 44_100, rate_hz).samples)
        np.testing.assert_array_equal(from_file, decode(path.read_bytes(), rate_hz).samples)
        np.testing.assert_array_equal(from_file, decode(str(path), rate_hz).samples)

    @pytest.mark.parametrize("kind", ["flac", "ogg", "mp3", "m4a", "webm"])
    @pytest.mark.parametrize("rate_hz", [48_000, 22_050])
    def test_the_blocks_joined_equal_the_whole(self, kind, rate_hz):
        file = CONTAINERS[kind]()
        blocks = list(stream(file, rate_hz))
        assert all(block.ndim == 1 and block.dtype == np.float32 for block in blocks)
        np.testing.assert_array_equal(np.concatenate(blocks), decode(file, rate_hz).samples)

    def test_the_array_is_left_as_it_was(self):
        samples = noise(1000)
        before = samples.copy()
        from_array(samples, 8000, 8000).samples[:] = 0
        np.testing.assert_array_equal(samples, before)

    def test_integers_are_scaled_by_their_full_scale(self):
        for dtype, values in ((np.int16, [-32768, 16384]), (np.uint8, [0, 192]), (np.int32, [-(2**31), 2**30])):
            samples = from_array(np.array(values * 4, dtype), 8000, 8000).samples
            np.testing.assert_array_equal(samples, np.array([-1.0, 0.5] * 4, np.float32))

    def test_a_written_wav_comes_back_and_loud_samples_do_not_wrap(self):
        samples = np.array([0.0, 0.25, -0.25, 1.0, -1.0, 7.0, -7.0], np.float32)
        flac, back = (decode(encode(samples, 8000), 8000) for encode in (encode_flac, encode_wav))
        np.testing.assert_array_equal(flac.samples, back.samples)
        assert back.format == "WAV PCM_16"
        np.testing.assert_allclose(back.samples, np.clip(samples, -1, 1), atol=2**-15)


def _cut(data: bytes, share: float = 0.6) -> bytes:
    return data[: int(len(data) * share)]


def _stored(value: float) -> bytes:
    samples = noise(1000)
    samples[500] = value
    return soundfile_bytes(samples, 8000, "WAV", "FLOAT")


PCM = np.zeros(4000, np.int16).tobytes()
REFUSED = {
    "an empty file": (b"", EmptyAudioError),
    "a WAV without samples": (wav_bytes(b""), EmptyAudioError),
    "a FLAC without samples": (soundfile_bytes(np.zeros(0, np.float32), 8000, "FLAC"), EmptyAudioError),
    "a text": (b"the quick brown fox jumps over the lazy dog\n" * 200, NotAudioError),
    "random bytes": (np.random.default_rng(0).bytes(20_000), NotAudioError),
    "random bytes after an MP3 sync": (b"\xff\xfb" + np.random.default_rng(1).bytes(20_000), NotAudioError),
    "a JPEG": (picture_bytes("image2pipe", "mjpeg", "yuvj420p"), NotAudioError),
    "a silent film": (picture_bytes(), NotAudioError),
    "zeros": (bytes(5000), NotAudioError),
    "one byte": (b"R", NotAudioError),
    "no channels": (wav_bytes(PCM, n_channels=0), NotAudioError),
    "a cut WAV": (CONTAINERS["wav"]()[:-100], TruncatedAudioError),
    "a WAV cut in its header": (CONTAINERS["wav"]()[:30], TruncatedAudioError),
    "a cut WAV of floats": (_cut(soundfile_bytes(TONE, 48_000, "WAV", "FLOAT")), TruncatedAudioError),
    "a cut RF64": (_cut(soundfile_bytes(TONE, 48_000, "RF64", "PCM_16")), TruncatedAudioError),
    "a cut W64": (_cut(soundfile_bytes(TONE, 48_000, "W64", "PCM_16")), TruncatedAudioError),
    "a cut CAF": (_cut(soundfile_bytes(TONE, 48_000, "CAF", "PCM_16")), TruncatedAudioError),
    "a cut AU": (_cut(soundfile_bytes(TONE, 48_000, "AU", "PCM_16")), TruncatedAudioError),
    "a cut AIFF": (_cut(CONTAINERS["aiff"]()), TruncatedAudioError),
    "a cut FLAC": (_cut(CONTAINERS["flac"]()), TruncatedAudioError),
    "a FLAC cut in its header": (CONTAINERS["flac"]()[:30], TruncatedAudioError),
    "a FLAC that promises twice": (flac_with_length(CONTAINERS["flac"](), 96_000), TruncatedAudioError),
    "a cut ogg": (_cut(CONTAINERS["ogg"]()), TruncatedAudioError),
    "a cut opus": (_cut(CONTAINERS["opus"]()), TruncatedAudioError),
    "a cut mp3": (_cut(CONTAINERS["mp3"]()), TruncatedAudioError),
    "a cut m4a": (_cut(CONTAINERS["m4a"]()), TruncatedAudioError),
    "a cut webm": (_cut(CONTAINERS["webm"]()), TruncatedAudioError),
    "a cut film": (_cut(CONTAINERS["mp4 video"]()), TruncatedAudioError),
    "a NaN": (_stored(np.nan), BadSamplesError),
    "an infinity": (_stored(-np.inf), BadSamplesError),
    "a rate of zero": (wav_bytes(PCM, rate_hz=0), AudioTooLargeError),
    "a rate of 4 GHz": (wav_bytes(PCM, rate_hz=4_000_000_000), AudioTooLargeError),
    "a rate of 2 GHz": (wav_bytes(PCM, rate_hz=2_000_000_000), AudioTooLargeError),
    "a rate of 3 kHz": (wav_bytes(PCM, rate_hz=3000), AudioTooLargeError),
    "65535 channels": (wav_bytes(PCM, n_channels=65_535), AudioTooLargeError),
    "16 days of FLAC": (flac_with_length(CONTAINERS["flac"](), 2**36 - 1), AudioTooLargeError),
}


class TestErrors:
    @pytest.mark.parametrize("kind", REFUSED)
    def test_what_is_no_sound_is_refused_by_name_in_one_sentence(self, kind, tmp_path):
        data, error_type = REFUSED[kind]
        with pytest.raises(error_type) as caught:
            decode(data, 44_100, name="upload 7")
        message = str(caught.value)
        assert message.startswith("upload 7 ")
        assert message.endswith(".")
        assert "\n" not in message
        assert "accepted" in message or "needed" in message
        path = tmp_path / "file.bin"
        path.write_bytes(data)
        with pytest.raises(error_type, match=r"file\.bin"):
            decode(path, 44_100)

    def test_a_frame_count_of_2_to_the_60_is_refused(self):
        data = bytearray(soundfile_bytes(TONE, 48_000, "RF64", "PCM_16"))
        at = data.index(b"ds64") + 8 + 8  # the size of the data chunk follows that of the file
        data[at : at + 8] = (2**60).to_bytes(8, "little")
        with pytest.raises((AudioTooLargeError, TruncatedAudioError), match="upload"):
            decode(bytes(data), 48_000, name="upload")

    def test_missing_files_and_folders(self, tmp_path):
        with pytest.raises(NotAudioError, match=r"nowhere\.wav does not exist"):
            decode(tmp_path / "nowhere.wav", 44_100)
        with pytest.raises(NotAudioError, match="is a folder"):
            decode(str(tmp_path), 44_100)

    @pytest.mark.parametrize("kind", ["aac", "live webm", "mp3 without a count"])
    def test_where_nothing_is_promised_a_cut_gives_what_is_there_or_an_error_of_ours(self, kind):
        try:
            audio = decode(_cut(CONTAINERS[kind]()), 48_000)
        except TruncatedAudioError:
            return
        assert 0.3 < audio.duration_s < 0.8

    @pytest.mark.parametrize("rate_hz", [0, 3999, 384_001, -44_100, 44_100.5])
    def test_a_rate_that_is_asked_for_has_to_be_one(self, rate_hz):
        with pytest.raises(OptionError, match="384000"):
            decode(CONTAINERS["wav"](), rate_hz)

    @pytest.mark.parametrize(
        ("samples", "error_type"),
        [
            (np.zeros((2, 3, 4)), BadSamplesError),
            (np.float32(1.0), BadSamplesError),
            (noise(2, 1000), BadSamplesError),  # channels first
            (np.array([0.0, np.nan]), BadSamplesError),
            (np.array([0.0, np.inf]), BadSamplesError),
            (np.array([1e39] * 9), BadSamplesError),  # beyond float32
            (np.array([1j, 2j]), BadSamplesError),
            (np.array(["a"]), BadSamplesError),
            (np.array([True, False]), BadSamplesError),
            (np.zeros(0), EmptyAudioError),
            (np.zeros((0, 2)), EmptyAudioError),
        ],
    )
    def test_arrays_that_are_no_waveform(self, samples, error_type):
        with pytest.raises(error_type, match="the array"):
            from_array(samples, 8000, 8000)

    @pytest.mark.parametrize("rate_hz", [0, -1, 4e9, float("nan")])
    def test_an_array_needs_a_rate(self, rate_hz):
        with pytest.raises(BadSamplesError, match="384000"):
            from_array(noise(10), rate_hz, 8000)

    def test_only_sound_can_be_written(self):
        for bad in (np.array([np.nan]), np.zeros(4, np.int16)):
            with pytest.raises(BadSamplesError, match="accepted"):
                encode_wav(bad, 8000)


class TestLimits:
    def test_the_defaults_pass_an_hour_of_24_bit_stereo_at_96_khz(self):
        assert Limits().max_duration_s >= 3600
        assert Limits().max_bytes > 3600 * 96_000 * 2 * 3

    def test_duration_and_bytes(self):
        file = CONTAINERS["wav"]()
        assert decode(file, 48_000, limits=Limits(max_duration_s=1.0)).duration_s == 1.0
        with pytest.raises(AudioTooLargeError, match=r"up to 0\.9 s"):
            decode(file, 48_000, limits=Limits(max_duration_s=0.9))
        with pytest.raises(AudioTooLargeError, match="upload"):
            decode(file, 48_000, limits=Limits(max_bytes=1000), name="upload")

    @given(st.integers(1, 4000), st.integers(1, 4000), st.booleans())
    def test_a_clip_is_accepted_up_to_the_very_sample_of_the_limit(self, n_samples, n_accepted, is_announced):
        file = soundfile_bytes(noise(n_samples), 8000, "FLAC")
        file = file if is_announced else flac_with_length(file, 0)
        limits = Limits(max_duration_s=n_accepted / 8000)
        if n_samples <= n_accepted:
            assert len(decode(file, 8000, limits=limits).samples) == n_samples
        else:
            with pytest.raises(AudioTooLargeError, match="accepted"):
                decode(file, 8000, limits=limits)

    @given(st.integers(0, 3000), st.integers(-3, 3))
    def test_a_file_is_accepted_up_to_the_very_byte_of_the_limit(self, n_samples, spare):
        file = wav_bytes(np.zeros(n_samples + 1, np.int16).tobytes())
        limits = Limits(max_bytes=len(file) + spare)
        if spare >= 0:
            assert len(decode(file, 8000, limits=limits).samples) == n_samples + 1
        else:
            with pytest.raises(AudioTooLargeError, match="MiB"):
                decode(file, 8000, limits=limits)

    def test_a_bomb_whose_length_is_blank_stops_at_the_limit(self):
        hours = np.broadcast_to(np.int16(0), (2 * 3600 * 4000,))
        bomb = flac_with_length(soundfile_bytes(hours, 4000, "FLAC"), 0)
        assert len(bomb) < 200_000
        decode(CONTAINERS["aac"](), 48_000)  # so that the library's own memory is not counted
        tracemalloc.start()
        try:
            with pytest.raises(AudioTooLargeError, match="up to 60 s"):
                decode(bomb, 44_100, limits=Limits(max_duration_s=60.0))
            peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak_bytes < 24 * 2**20  # a minute is 10.6 MB, two hours 1.3 GB

    def test_streaming_needs_memory_for_blocks_only(self):
        file = soundfile_bytes(np.broadcast_to(np.int16(1000), (1200 * 8000,)), 8000, "FLAC")  # 20 minutes
        tracemalloc.start()
        try:
            n_samples = sum(map(len, stream(file, 16_000)))
            peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert n_samples == 1200 * 16_000  # 77 MB as float32
        assert peak_bytes < 12 * 2**20

    def test_the_header_is_known_before_anything_is_decoded(self):
        with open_audio(CONTAINERS["ogg"](), name="tone") as file:
            assert (file.name, file.rate_hz, file.n_channels, file.format) == ("tone", 48_000, 1, "OGG VORBIS")
            assert file.announced_s == pytest.approx(1.0)


def test_the_package_imports_none_of_the_audio_libraries():
    code = (
        "import sys, acrnn.audio; "
        "sys.exit(any(m in sys.modules for m in ('librosa', 'av', 'soundfile', 'soxr', 'torch', 'streamlit')))"
    )
    root = Path(acrnn.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
