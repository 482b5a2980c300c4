"""Cuts of whole clips: `Recipe.shortest_crop` and `roll`, and how far AdamW has moved each layer."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acrnn.runs.loop import train
from acrnn.runs.run import Run
from acrnn.training import Recipe, Split, Trainer, draw_epoch

WHOLE = Recipe(
    "best", epochs=2, batch_size=2, n_copies=0, shortest_crop=64, roll=True, optimiser="adamw", learning_rate=1e-3,
    weight_decay=0.05, clip_norm=5.0, schedule="one-cycle", gain_db=6.0, tilt_db=6.0, mixture="equal-power",
    mixup_alpha=1.0, average_epochs=1.0, min_sounding=0.1,
)  # fmt: skip


@pytest.fixture(scope="module")
def ramps(corpus_of):
    """Three clips of 100, 128 and 190 frames whose decibels count their frames; 90 frames of the last are silent."""
    clips = [torch.arange(n, dtype=torch.float32).expand(32, n) / 4 - 60 for n in (100, 128, 190)]
    clips[2] = clips[2].clone()
    clips[2][:, :90] = -80.0
    return corpus_of(clips)


def cut(corpus, recipe, seed=0, epoch=0):
    clips = np.arange(len(corpus.first_row))
    starts, lengths = corpus.cuts(clips, np.zeros_like(clips), recipe, epoch, np.random.default_rng(seed))
    rows, periods = corpus.first_row[clips, 0], corpus.n_frames[clips, 0]
    tensors = [torch.from_numpy(a) for a in (rows, starts, lengths, periods)]
    return starts, lengths, corpus.gather_cuts(recipe.cut_range_at(epoch)[1], *tensors)


def test_a_cut_goes_on_at_the_clips_beginning_and_then_in_silence(ramps):
    starts, lengths, segments = cut(ramps, WHOLE)
    assert segments.shape == (3, 2, 32, 128)
    for clip, (start, length, n) in enumerate(zip(starts, lengths, (100, 128, 190), strict=True)):
        frames = (start + np.arange(length)) % n
        expected = frames / 4 - 60
        if clip == 2:
            expected = np.where(frames < 90, -80, expected)
        np.testing.assert_allclose(segments[clip, 0, 0, :length], expected, atol=0.02)  # rows are fp16
        assert (segments[clip, 0, :, length:] == -80).all()
        assert (segments[clip, 1, :, length:] == 0).all()


def test_without_roll_no_cut_passes_the_clips_end(ramps):
    for seed in range(20):
        starts, lengths, _ = cut(ramps, replace(WHOLE, roll=False), seed)
        assert (starts + lengths <= [100, 128, 190]).all()


def test_lengths_are_from_the_shortest_to_a_whole_segment_or_clip(ramps):
    lengths = np.stack([cut(ramps, WHOLE, seed)[1] for seed in range(200)])
    assert lengths.min(0).tolist() == [64, 64, 64]
    assert lengths.max(0).tolist() == [100, 128, 128]


def test_a_cut_has_the_sound_that_is_asked_for_where_the_clip_has_it(ramps):
    recipe = replace(WHOLE, min_sounding=0.4)
    for seed in range(50):
        start, length = (values[2] for values in cut(ramps, recipe, seed)[:2])
        sounding = ((start + np.arange(length)) % 190 >= 90).sum()
        assert sounding >= min(0.4 * 128, length)


def test_cuts_can_be_shorter_than_the_segments_that_a_clip_is_heard_in(ramps):
    _, lengths, segments = cut(ramps, replace(WHOLE, longest_crop=80))
    assert segments.shape == (3, 2, 32, 80)
    assert 64 <= lengths.min() <= lengths.max() <= 80


def test_cuts_grow_to_whole_segments_after_their_share_of_the_epochs(ramps, tiny_run_config):
    recipe = replace(WHOLE, epochs=4, longest_crop=80, whole_from=0.75, segment_frames=128, batch_size=3)
    assert [recipe.cut_range_at(epoch) for epoch in range(4)] == [(64, 80)] * 3 + [(64, 128)]
    assert cut(ramps, recipe, epoch=2)[2].shape[-1] == 80
    assert cut(ramps, recipe, epoch=3)[2].shape[-1] == 128
    split = Split(np.arange(3), np.array([3, 1, 4]))
    epochs = [draw_epoch(replace(tiny_run_config, recipe=recipe), ramps, split, epoch) for epoch in (0, 3)]
    assert [epoch.to("cpu").step(0).n_frames for epoch in epochs] == [80, 128]


def test_training_may_take_shorter_segments_than_those_that_are_scored(tiny_run_config, tiny_corpus, tiny_split):
    recipe = Recipe("short", batch_size=4, n_copies=0, training_frames=48)
    trainer = Trainer(replace(tiny_run_config, recipe=recipe), tiny_corpus, tiny_split)
    epoch = draw_epoch(trainer.config, trainer.corpus, tiny_split, 0)
    as_long = draw_epoch(tiny_run_config, tiny_corpus, tiny_split, 0)
    assert (epoch.n_frames, as_long.n_frames) == (48, 128)
    segments = trainer.corpus.gather(epoch.step(0).rows)
    assert segments.shape == (4, 2, 32, 48)
    torch.testing.assert_close(segments, tiny_corpus.gather(epoch.step(0).rows)[..., :48])
    trainer.step(epoch.step(0))
    assert trainer.config.front_end.segment_frames == 128  # which the checkpoint has


def test_an_epoch_has_each_clip_once(tiny_run_config, ramps):
    split = Split(np.arange(3), np.array([3, 1, 4]))
    epoch = draw_epoch(replace(tiny_run_config, recipe=replace(WHOLE, batch_size=3)), ramps, split, 0)
    assert sorted(epoch.rows.flatten().tolist()) == sorted(ramps.first_row[:, 0].tolist())


def test_every_layer_moves_and_is_told_how_far(tiny_run_config, tiny_corpus, tiny_split):
    trainer = Trainer(replace(tiny_run_config, recipe=WHOLE), tiny_corpus, tiny_split)
    assert set(trainer.movement().values()) == {0.0}
    before = {name: kernel.clone() for name, kernel in trainer.initial.items()}
    trainer.step(draw_epoch(trainer.config, trainer.corpus, tiny_split, 0).step(0))
    moved = trainer.movement()
    assert list(moved) == [*(f"l{i}" for i in range(1, 11)), "attention", "output"]
    assert min(moved.values()) > 0
    assert all(torch.equal(before[name], kernel) for name, kernel in trainer.initial.items())


def test_a_run_with_adamw_and_cuts_ends_alike_whether_it_was_broken_or_not(
    tmp_path, tiny_run_config, tiny_corpus, tiny_split
):
    config = replace(tiny_run_config, recipe=WHOLE)
    whole = train(Run.create(tmp_path / "a", config), tiny_corpus, tiny_split)
    broken = Run.create(tmp_path / "b", config)

    def stop(progress):
        if progress.epoch == 1:
            broken.request_stop()

    assert train(broken, tiny_corpus, tiny_split, on_step=stop) is None
    resumed = train(broken, tiny_corpus, tiny_split)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    rows = broken.metrics()
    assert [row["epoch"] for row in rows] == [0, 1]
    assert all(row["steps"] > 0 and row["learning_rate_sum"] > 0 and row["movement"]["l8"] > 0 for row in rows)
