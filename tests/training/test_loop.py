from dataclasses import replace

import numpy as np
import pytest
import torch

from acrnn.audio import decode
from acrnn.errors import RunError
from acrnn.features import FrontEnd, delta, fill_missing_bands, log_spectrogram, n_known_bands
from acrnn.model import NetworkConfig
from acrnn.runs.loop import train
from acrnn.runs.run import Run
from acrnn.training import Corpus, Recipe, Split, Trainer, draw_epoch, recipe_for
from acrnn.training.augment import at_a_low_rate, mask, mix


@pytest.fixture(scope="module")
def spectrograms():
    """Of five clips of 1, 1, 2, 3 and 6 segments, in 32 bands."""
    rng = torch.Generator().manual_seed(0)
    return [-40 + 10 * torch.randn(32, n, generator=rng) for n in (100, 128, 190, 200, 431)]


@pytest.fixture(scope="module")
def noise_corpus(corpus_of, spectrograms):
    return corpus_of(spectrograms)


@pytest.fixture(scope="module")
def split():
    return Split(np.arange(5), np.array([3, 1, 4, 1, 5]))


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_mixing_dog_bark_and_rain_at_07_gives_the_papers_target():
    dog, rain = torch.eye(10)[0], torch.eye(10)[1]
    mixed = mix(torch.stack([dog, rain]), torch.tensor([1, 0]), torch.tensor([0.7, 0.4]))
    torch.testing.assert_close(mixed[0], torch.tensor([0.7, 0.3] + [0.0] * 8))
    torch.testing.assert_close(mixed[1], torch.tensor([0.6, 0.4] + [0.0] * 8))


def test_mixing_is_equation_5_on_features_too():
    x = torch.randn(6, 2, 4, 8, generator=torch.Generator().manual_seed(0))
    partners, shares = torch.tensor([3, 1, 0, 5, 2, 4]), torch.rand(6, generator=torch.Generator().manual_seed(1))
    mixed = mix(x, partners, shares)
    for i in range(6):
        share = shares[i].item()
        torch.testing.assert_close(mixed[i], share * x[i] + (1 - share) * x[partners[i]])


def test_a_share_of_one_leaves_every_sample_as_it_is():
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mix(x, torch.tensor([1, 2, 3, 0]), torch.ones(4)), x)


def test_an_epoch_is_drawn_from_seed_and_number_alone(tiny_run_config, noise_corpus, split):
    def drawn(seed, epoch):
        return draw_epoch(replace(tiny_run_config, seed=seed), noise_corpus, split, epoch)

    def same(a, b):
        fields = ("rows", "targets", "partners", "shares")
        return all(np.array_equal(getattr(a, field), getattr(b, field)) for field in fields)

    # what stands in the global generators must not matter
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    first = drawn(0, 0)
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert same(first, drawn(0, 0))
    assert not same(first, drawn(0, 1))
    assert not same(first, drawn(1, 0))


def test_an_epoch_holds_every_segment_of_every_clip_once(tiny_run_config, noise_corpus, split):
    config = replace(tiny_run_config, recipe=Recipe("paper", batch_size=13))
    drawn = draw_epoch(config, noise_corpus, split, 0)
    expected, owners = noise_corpus.segment_rows(split.clips, np.zeros(5, int))
    assert drawn.rows.shape == (1, 13)
    rows = drawn.rows.ravel().tolist()
    assert sorted(rows) == sorted(expected)
    target_of_row = dict(zip(expected, split.targets[owners], strict=True))
    assert [target_of_row[row] for row in rows] == drawn.targets.ravel().tolist()


def test_an_epoch_repeats_nothing_and_leaves_out_less_than_a_batch(tiny_run_config, noise_corpus, split):
    config = replace(tiny_run_config, recipe=Recipe("paper", batch_size=4))
    left_out = set()
    for epoch in range(20):
        rows = draw_epoch(config, noise_corpus, split, epoch).rows
        assert rows.shape == (3, 4)
        assert len(np.unique(rows)) == 12
        left_out |= set(noise_corpus.segment_rows(split.clips, np.zeros(5, int))[0]) - set(rows.ravel().tolist())
    assert len(left_out) > 5  # another one each time


def test_an_epoch_takes_one_version_of_each_clip_and_all_versions_in_time(tiny_run_config, split):
    n_frames = np.full((5, 3), 128)
    first_row = 128 * np.arange(15).reshape(5, 3)
    corpus = Corpus(torch.zeros(128 * 15, 2, 32).half(), first_row, n_frames)
    config = replace(tiny_run_config, recipe=Recipe("paper", batch_size=5))
    seen = set()
    for epoch in range(40):
        rows = draw_epoch(config, corpus, split, epoch).rows.ravel()
        clips, versions = np.divmod(rows // 128, 3)
        assert sorted(clips) == [0, 1, 2, 3, 4]
        seen |= set(zip(clips.tolist(), versions.tolist(), strict=True))
    assert len(seen) == 15


def test_clips_held_out_are_never_drawn(tiny_run_config, noise_corpus):
    split = Split(np.array([0, 3]), np.array([3, 1]))
    for epoch in range(5):
        drawn = draw_epoch(tiny_run_config, noise_corpus, split, epoch)
        owner = np.searchsorted(noise_corpus.first_row[:, 0], drawn.rows, side="right") - 1
        assert set(owner.ravel()) <= {0, 3}


def test_partners_are_a_permutation_and_shares_a_beta_distribution(tiny_run_config, split):
    corpus = Corpus(torch.zeros(128, 2, 32).half(), np.zeros((4000, 1), int), np.full((4000, 1), 128))
    many = Split(np.arange(4000), np.zeros(4000, int))
    config = replace(tiny_run_config, recipe=Recipe("paper", batch_size=50, mixup_alpha=0.2))
    drawn = draw_epoch(config, corpus, many, 0)
    assert (np.sort(drawn.partners, axis=1) == np.arange(50)).all()
    assert ((drawn.shares >= 0) & (drawn.shares <= 1)).all()
    assert drawn.shares.mean() == pytest.approx(0.5, abs=0.03)
    assert drawn.shares.var() == pytest.approx(0.25 / (2 * 0.2 + 1), abs=0.01)  # of Beta(α, α)


def test_without_mixup_every_share_is_one(tiny_run_config, noise_corpus, split):
    config = replace(tiny_run_config, recipe=Recipe("paper", batch_size=4, mixup_alpha=0))
    assert (draw_epoch(config, noise_corpus, split, 0).shares == 1).all()


def test_masks_hide_one_strip_of_bands_and_one_of_frames_at_the_mean():
    torch.manual_seed(0)
    segments = torch.zeros(4000, 2, 32, 128)
    masked = mask(segments, 15, 20, torch.tensor([1.0, 2.0]))
    assert torch.equal(masked[:, 1], 2 * masked[:, 0])  # both channels alike
    hidden = masked[:, 0] == 1
    bands, frames = hidden.all(dim=2), hidden.all(dim=1)  # (segment, band), (segment, frame)
    assert torch.equal(hidden, bands[:, :, None] | frames[:, None, :])
    for strips, widest in ((bands, 15), (frames, 20)):
        widths = strips.sum(dim=1)
        assert set(widths.tolist()) == set(range(widest + 1))
        assert widths.float().mean().item() == pytest.approx(widest / 2, abs=0.3)
        edges = (strips[:, 1:] != strips[:, :-1]).sum(dim=1) + strips[:, 0] + strips[:, -1]
        assert edges.max() <= 2  # one strip each
        assert strips.any(dim=0).all()  # anywhere


def test_segments_at_a_low_rate_keep_what_they_have_and_get_the_estimate_of_the_rest(
    tiny_run_config, noise_corpus, split, monkeypatch
):
    monkeypatch.setattr("acrnn.training.augment.LOW_RATES_HZ", (8000,))
    front_end = tiny_run_config.front_end
    bands = noise_corpus.band_statistics(split.clips, split.targets)
    segments = noise_corpus.gather(torch.tensor([0, 128, 256]))
    low = at_a_low_rate(segments, front_end, bands)
    n_known = n_known_bands(front_end, 8000)
    assert 0 < n_known < 32
    for before, after in zip(segments, low, strict=True):
        filled = fill_missing_bands(before[0], n_known, bands, front_end.floor_db)
        torch.testing.assert_close(after[0], filled)
        torch.testing.assert_close(after[1, n_known:], delta(filled)[n_known:])
        assert torch.equal(after[:, :n_known], before[:, :n_known])
        assert not torch.equal(after[0, n_known:], before[0, n_known:])


def test_averaged_weights_are_the_mean_of_the_first_steps_and_then_forget(tiny_run_config, noise_corpus, split):
    recipe = Recipe("best", epochs=1, batch_size=4, average_epochs=1.0)
    trainer = Trainer(replace(tiny_run_config, recipe=recipe), noise_corpus, split)
    bias = trainer.model.state_dict()["output.bias"]
    for value in (1.0, 2.0, 3.0):
        bias.fill_(value)
        trainer.average(100)
    bias.fill_(10)
    trainer.average(2)
    # (1 + 2 + 3) / 3, and then half of it and half of the 10
    assert trainer.result().state_dict()["output.bias"].unique().tolist() == pytest.approx([6])


def test_statistics_are_those_of_the_frames_without_padding(noise_corpus, spectrograms):
    mean, std = noise_corpus.statistics(np.array([0, 3]))
    channels = [torch.stack([clip, delta(clip)]).flatten(1) for clip in (spectrograms[0], spectrograms[3])]
    values = torch.cat(channels, dim=1).half().double()  # (channel, value), in the precision that they are kept in
    torch.testing.assert_close(mean, values.mean(dim=1).float())
    torch.testing.assert_close(std, values.std(dim=1, unbiased=False).float())


def test_the_network_is_standardised_by_its_training_clips_alone(tiny_run_config, noise_corpus):
    split = Split(np.array([0, 3]), np.array([3, 1]))
    trainer = Trainer(tiny_run_config, noise_corpus, split)
    mean, std = noise_corpus.statistics(split.clips)
    assert torch.equal(trainer.model.mean, mean)
    assert torch.equal(trainer.model.std, std)


def test_decay_shrinks_kernels_and_nothing_else(tiny_run_config, noise_corpus, split):
    """With zero gradients the first Nesterov step is w − η (1 + μ) · 2λ · w for a kernel, and none for the others."""
    trainer = Trainer(tiny_run_config, noise_corpus, split)
    kernels = {id(kernel) for kernel in trainer.model.kernels()}
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.5)
                parameter.grad = torch.zeros_like(parameter)
    before = {name: p.clone() for name, p in trainer.model.named_parameters()}
    trainer.optimiser.step()
    shrunk = 1 - 0.01 * (1 + 0.9) * 2e-4
    n_shrunk = 0
    for name, parameter in trainer.model.named_parameters():
        if id(parameter) in kernels:
            torch.testing.assert_close(parameter, before[name] * shrunk, rtol=1e-6, atol=0)
            n_shrunk += not torch.equal(parameter, before[name])
        else:
            assert torch.equal(parameter, before[name]), name
    assert n_shrunk == len(kernels)


def test_a_step_moves_every_trained_parameter(tiny_run_config, noise_corpus, split):
    trainer = Trainer(tiny_run_config, noise_corpus, split)
    before = weights(trainer.model)
    trainer.step(draw_epoch(tiny_run_config, noise_corpus, split, 0).to(torch.device("cpu")).step(0))
    trained = {name: value for name, value in trainer.model.named_parameters() if value.requires_grad}
    assert [name for name, value in trained.items() if torch.equal(value, before[name])] == []


@pytest.mark.parametrize("recipe", ["paper", "best"])
def test_a_run_that_was_stopped_and_resumed_ends_with_the_very_weights_of_an_unbroken_one(
    tmp_path, tiny_run_config, tiny_corpus, tiny_split, recipe
):
    recipe = replace(recipe_for(recipe, "esc10", epochs=3, batch_size=4), n_copies=0)
    config = replace(tiny_run_config, recipe=recipe)
    unbroken = Run.create(tmp_path / "unbroken", config)
    expected = weights(train(unbroken, tiny_corpus, tiny_split))

    broken = Run.create(tmp_path / "broken", config)

    def stop_in_the_second_epoch(progress):
        if (progress.epoch, progress.step) == (1, 1):
            broken.request_stop()

    assert train(broken, tiny_corpus, tiny_split, on_step=stop_in_the_second_epoch) is None
    assert broken.load_state()[1] == 1
    torch.manual_seed(99)  # another process begins with other global generators
    resumed = Run.create(tmp_path / "broken", config, resume=True)
    found = weights(train(resumed, tiny_corpus, tiny_split))

    assert found.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(found[name], expected[name])] == []
    losses = [[row["loss"] for row in run.metrics()] for run in (unbroken, resumed)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 3


def test_training_uses_cudnn(tmp_path, tiny_run_config, tiny_corpus, tiny_split):
    """`torch.backends.cudnn.flags` turns it off unless it is told otherwise."""
    config = replace(tiny_run_config, recipe=Recipe("paper", epochs=1, batch_size=5, n_copies=0))
    told = []

    def note(progress):
        told.append((torch.backends.cudnn.enabled, torch.backends.cudnn.deterministic))

    train(Run.create(tmp_path, config), tiny_corpus, tiny_split, on_step=note)
    assert set(told) == {(True, True)}


def test_training_tells_where_it_stands_and_writes_a_line_an_epoch(tmp_path, tiny_run_config, tiny_corpus, tiny_split):
    config = replace(tiny_run_config, recipe=Recipe("paper", epochs=2, batch_size=5, n_copies=0))
    run, told = Run.create(tmp_path, config), []
    model = train(run, tiny_corpus, tiny_split, on_step=told.append)
    assert not model.training
    assert [(now.epoch, now.step, now.n_steps) for now in told] == [(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 2)]
    assert all(now.loss > 0 and now.segments_per_s > 0 and now.seconds_left >= 0 for now in told)
    assert told[-1].seconds_left == 0
    rows = run.metrics()
    assert [row["epoch"] for row in rows] == [0, 1]
    assert [row["learning_rate"] for row in rows] == [config.recipe.learning_rate_at(epoch) for epoch in (0, 1)]
    assert rows[1]["loss"] == pytest.approx(told[-1].loss)


def test_training_leaves_the_global_generator_alone(tmp_path, tiny_run_config, tiny_corpus, tiny_split):
    config = replace(tiny_run_config, recipe=Recipe("paper", epochs=1, batch_size=10, n_copies=0))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(Run.create(tmp_path, config), tiny_corpus, tiny_split)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_damaged_state_is_not_trained_on(tmp_path, tiny_run_config, tiny_corpus, tiny_split):
    run = Run.create(tmp_path, tiny_run_config)
    (run.path / "state.safetensors").write_bytes(b"half")
    with pytest.raises(RunError, match="is damaged"):
        train(run, tiny_corpus, tiny_split)
    assert not (run.path / "metrics.jsonl").exists()


def test_four_real_clips_are_learnt_by_heart(tmp_path, real_clips, tiny_run_config, corpus_of):
    """Network, loss and optimiser fit together: with neither mixup nor dropout a few steps make every clip right."""
    clips = next(iter(real_clips.values()))
    front_end = FrontEnd(16_000, n_bands=64)
    corpus = corpus_of([log_spectrogram(decode(clip.path, 16_000).samples[:40_000], front_end) for clip in clips])
    split = Split(np.arange(4), np.arange(4))
    config = replace(
        tiny_run_config,
        network=NetworkConfig(4, "l10", n_bands=64, n_hidden=32, dropout=0.0),
        front_end=front_end,
        recipe=Recipe("paper", epochs=15, batch_size=12, learning_rate=0.02, mixup_alpha=0, n_copies=0),
    )
    model = train(Run.create(tmp_path, config), corpus, split)
    rows, owners = corpus.segment_rows(split.clips, np.zeros(4, int))
    with torch.inference_mode():
        # by the batch's own statistics: the running ones have hardly moved in so few steps
        probabilities = model.train()(corpus.gather(torch.from_numpy(rows))).logits.softmax(dim=1)
    assert len(rows) == 12
    of_clips = torch.stack([probabilities[torch.from_numpy(owners == clip)].mean(dim=0) for clip in range(4)])
    assert of_clips.argmax(dim=1).tolist() == [0, 1, 2, 3]
