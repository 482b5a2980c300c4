import numpy as np

from acrnn.checkpoints import save
from acrnn.features import mel_front_end
from acrnn.inference import Predictor
from acrnn.model import PiczakConfig, build
from acrnn.web.shared.words import describe_attention, describe_figure


def test_a_network_without_attention_is_told_from_one_whose_attention_is_off(
    tmp_path, checkpoint_config, save_checkpoint
):
    model = build(PiczakConfig(10, n_filters=2, n_hidden=4)).eval()
    config = checkpoint_config(model, front_end=mel_front_end(16_000))
    piczak, none = save(model, config, "# card\n", root=tmp_path), save_checkpoint(tmp_path, "none")
    sound = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    told = {c.config.placement: describe_attention(Predictor(c, "cpu")(sound, 16_000), c) for c in (piczak, none)}
    assert told["piczakcnn"] == (
        "PiczakCNN, the baseline of §4.2, has no attention. It sees this spectrogram of 60 mel bands in segments of "
        "0.95 s."
    )
    assert told["none"].startswith("This network has no attention: the last Bi-GRU")


def test_a_figure_is_described_as_what_it_shows(tmp_path, checkpoint_config, save_checkpoint):
    model = build(PiczakConfig(10, n_filters=2, n_hidden=4)).eval()
    piczak = save(model, checkpoint_config(model, front_end=mel_front_end(16_000)), "# card\n", root=tmp_path)
    assert (
        describe_figure("a.wav", piczak) == "Segment predictions, waveform and log-mel spectrogram of a.wav over time"
    )
    assert describe_figure("a.wav", save_checkpoint(tmp_path, "none")).endswith(
        "waveform and log-gammatone spectrogram of a.wav over time"
    )
    assert describe_figure("a.wav", save_checkpoint(tmp_path, "l10")).endswith(
        "waveform, log-gammatone spectrogram and attention of a.wav over time"
    )
