import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acrnn.errors import OptionError
from acrnn.training import RECIPES, Recipe, recipe_for
from acrnn.training.recipe import INGREDIENTS, MIXTURES, OPTIMISERS, PROBES, SCHEDULES, VOTES


def test_the_paper_recipe_has_the_numbers_of_section_4_1():
    recipe = Recipe("paper")
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate, recipe.momentum) == (300, 64, 0.01, 0.9)
    assert recipe.weight_decay == 2 * 1e-4  # the gradient of Keras' λ‖w‖² is 2λw
    assert recipe.mixup_alpha == 0.2
    assert "paper" in RECIPES


@pytest.mark.parametrize(("dataset", "n_copies"), [("esc10", 10), ("esc50", 4)])
def test_the_number_of_copies_is_the_datasets(dataset, n_copies):
    assert recipe_for("paper", dataset) == Recipe("paper", n_copies=n_copies)


def test_the_learning_rate_is_divided_by_ten_every_100_of_300_epochs():
    recipe = Recipe("paper")
    rates = [recipe.learning_rate_at(epoch) for epoch in range(300)]
    assert rates == [0.01] * 100 + [0.01 / 10] * 100 + [0.01 / 100] * 100


@pytest.mark.parametrize(
    ("epochs", "lengths"), [(3, [1, 1, 1]), (100, [34, 33, 33]), (10, [4, 3, 3]), (2, [1, 1]), (1, [1])]
)
def test_thirds_of_any_number_of_epochs(epochs, lengths):
    recipe = Recipe("paper", epochs=epochs)
    rates = [recipe.learning_rate_at(epoch) for epoch in range(epochs)]
    assert [rates.count(rate) for rate in dict.fromkeys(rates)] == lengths
    assert rates == sorted(rates, reverse=True)


def test_epochs_and_batch_size_can_be_chosen_and_nothing_else_changes():
    recipe = recipe_for("paper", "esc50", epochs=20, batch_size=32)
    assert recipe == Recipe("paper", epochs=20, batch_size=32, n_copies=4)


def test_an_unknown_recipe_is_refused_with_those_there_are():
    with pytest.raises(OptionError, match=r"recipe 'fast' is not one of .*paper"):
        recipe_for("fast", "esc10")


def share(below: float | None = None) -> tuple:
    """Accepted and refused values of a number in [0, 1], or in [0, `below`)."""
    accepted = st.floats(0, 1) if below is None else st.floats(0, below, exclude_max=True)
    above = st.floats(1, exclude_min=True) if below is None else st.floats(below)
    return accepted, st.floats(max_value=0, exclude_max=True) | above


NAME = st.text(max_size=8)
NOT_NEGATIVE = st.floats(0, 1e6), st.floats(max_value=0, exclude_max=True)
COUNT = st.integers(0, 1000), st.integers(max_value=-1)
SWITCHES = {"random_crops", "roll", "mean_one"}
RANGES = {
    "epochs": (st.integers(1, 1000), st.integers(max_value=0)),
    "batch_size": (st.integers(2, 1000), st.integers(max_value=1)),
    "segment_frames": (st.integers(100, 1000), st.integers(max_value=1)),
    "training_frames": (st.sampled_from([0, 2, 100]), st.integers(max_value=-1) | st.just(1) | st.integers(1001)),
    "shortest_crop": (st.integers(0, 100), st.integers(max_value=-1) | st.integers(1001)),
    "longest_crop": (st.sampled_from([0, 100]), st.integers(max_value=-1) | st.integers(1001)),
    "whole_from": share(),
    "warm_up": share(below=1),
    "frozen": share(below=1),
    "learning_rate": (st.floats(0, 10, exclude_min=True), st.floats(max_value=0)),
    "momentum": share(below=1),
    "label_smoothing": share(below=1),
    "min_sounding": share(),
    "low_rates": share(),
    "schedule": (st.sampled_from(SCHEDULES), NAME.filter(lambda name: name not in SCHEDULES)),
    "vote": (st.sampled_from(VOTES), NAME.filter(lambda name: name not in VOTES)),
    "optimiser": (st.sampled_from(OPTIMISERS), NAME.filter(lambda name: name not in OPTIMISERS)),
    "mixture": (st.sampled_from(MIXTURES), NAME.filter(lambda name: name not in MIXTURES)),
    **dict.fromkeys(("n_copies", "mask_bands", "mask_frames"), COUNT),
    **dict.fromkeys(("weight_decay", "mixup_alpha", "average_epochs", "clip_norm", "gain_db", "tilt_db"), NOT_NEGATIVE),
    **dict.fromkeys(SWITCHES, (st.booleans(), st.nothing())),
}
"""Field → values that are accepted, and values that are not."""
ACCEPTED = st.fixed_dictionaries({name: accepted for name, (accepted, _) in RANGES.items()})


def test_every_field_of_a_recipe_has_its_range_here():
    assert RANGES.keys() == Recipe("paper").as_dict().keys() - {"name"}


@given(ACCEPTED)
def test_whatever_is_in_range_is_a_recipe_and_survives_a_config_file(values):
    recipe = Recipe("any", **values)
    assert Recipe(**json.loads(json.dumps(recipe.as_dict()))) == recipe


@given(ACCEPTED, st.data())
def test_one_number_out_of_range_is_refused(values, data):
    name = data.draw(st.sampled_from(sorted(RANGES.keys() - SWITCHES)))
    with pytest.raises(OptionError, match="cannot be trained"):
        Recipe("any", **values | {name: data.draw(RANGES[name][1], name)})


def test_one_cycle_goes_up_for_three_tenths_of_the_steps_and_down_to_nothing():
    recipe = Recipe("best", epochs=10, learning_rate=0.05, schedule="one-cycle")
    rates = [recipe.learning_rate_at(epoch, share) for epoch in range(10) for share in (0, 0.25, 0.5, 0.75)]
    assert rates[0] == pytest.approx(0.05 / 25)
    assert rates[12] == pytest.approx(0.05)
    assert rates[:13] == sorted(rates[:13])
    assert rates[12:] == sorted(rates[12:], reverse=True)
    assert rates[26] == pytest.approx(0.05 / 2, rel=1e-3)  # half the way down
    assert recipe.learning_rate_at(9, 1 - 1e-9) == pytest.approx(0.05 / 10_000)


def test_best_has_every_ingredient_and_each_can_be_left_out():
    best, paper = (recipe_for(name, "esc10").as_dict() for name in ("best", "paper"))
    for name, values in INGREDIENTS.items():
        without = recipe_for(f"best_without_{name}", "esc10").as_dict()
        changed = {key for key in best if best[key] != without[key]} - {"name"}
        assert changed == set(values)
        assert all(without[key] == paper[key] for key in changed)


@pytest.mark.parametrize("candidate", ["whole", "short"])
def test_each_probe_is_the_candidate_with_something_else(candidate):
    whole = recipe_for(candidate, "esc50").as_dict()
    others = [recipe_for(name, "esc50").as_dict() for name in PROBES if name.startswith(f"{candidate}_")]
    assert others
    differing = [{key: value for key, value in other.items() if value != whole[key]} for other in others]
    for changes in differing:
        assert changes.pop("name") in PROBES
        assert 1 <= len(changes) <= 5
    assert all(changes not in differing[:i] for i, changes in enumerate(differing))


def test_a_recipe_tells_what_it_does():
    assert recipe_for("paper", "esc10").describe() == (
        "batch 64, learning rate 0.01 divided by 10 at each third, mixup α 0.2, 10 stretched or shifted copies a clip"
    )
    everything = Recipe(
        "all", random_crops=True, min_sounding=0.1, mask_bands=15, low_rates=0.2, label_smoothing=0.1, vote="sounding"
    )
    for recipe, parts in (
        (recipe_for("whole", "esc50"), ("432 frames", "AdamW", "one cycle", "random crops", "averaged")),
        (recipe_for("short", "esc50"), ("segments of 432 frames, of 128 in training",)),
        (everything, ("random frames", "less than 10%", "15 bands", "low sampling rate", "smoothing 0.1", "vote")),
    ):
        told = recipe.describe()
        assert [part for part in parts if part not in told] == []
