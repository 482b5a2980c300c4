import pytest

from acrnn.errors import OptionError
from acrnn.training import RECIPES, Recipe, recipe_for
from acrnn.training.recipe import INGREDIENTS, PROBES


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


@pytest.mark.parametrize(
    "numbers",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"learning_rate": 0.0},
        {"momentum": 1.0},
        {"momentum": -0.1},
        {"weight_decay": -1e-4},
        {"mixup_alpha": -0.1},
        {"n_copies": -1},
    ],
)
def test_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(OptionError, match="cannot be trained"):
        Recipe("paper", **numbers)


def test_a_recipe_survives_a_config_file():
    recipe = recipe_for("paper", "esc10", epochs=7)
    assert Recipe(**recipe.as_dict()) == recipe


def test_one_cycle_goes_up_for_three_tenths_of_the_steps_and_down_to_nothing():
    recipe = Recipe("best", epochs=10, learning_rate=0.05, schedule="one-cycle")
    rates = [recipe.learning_rate_at(epoch, share) for epoch in range(10) for share in (0, 0.25, 0.5, 0.75)]
    assert rates[0] == pytest.approx(0.05 / 25)
    assert rates[12] == pytest.approx(0.05)
    assert rates[:13] == sorted(rates[:13])
    assert rates[12:] == sorted(rates[12:], reverse=True)
    assert rates[26] == pytest.approx(0.05 / 2, rel=1e-3)  # half the way down
    assert recipe.learning_rate_at(9, 1 - 1e-9) == pytest.approx(0.05 / 10_000)


@pytest.mark.parametrize(
    "numbers",
    [
        {"schedule": "warm"},
        {"vote": "median"},
        {"min_sounding": 1.1},
        {"low_rates": -0.1},
        {"label_smoothing": 1.0},
        {"mask_bands": -1},
        {"average_epochs": -1.0},
        {"optimiser": "lion"},
        {"mixture": "waveforms"},
        {"shortest_crop": 129},
        {"clip_norm": -1.0},
        {"gain_db": -3.0},
    ],
)
def test_ingredients_out_of_range_are_refused(numbers):
    with pytest.raises(OptionError, match="cannot be trained"):
        Recipe("best", **numbers)


def test_best_has_every_ingredient_and_a_probe_is_best_but_for_some_numbers():
    best, paper = recipe_for("best", "esc10"), recipe_for("paper", "esc10")
    for values in INGREDIENTS.values():
        assert values.items() <= best.as_dict().items()
        assert not values.items() <= paper.as_dict().items()
    for name, values in PROBES.items():
        probe = recipe_for(name, "esc10").as_dict()
        differing = {key for key, value in probe.items() if best.as_dict()[key] != value} - {"name"}
        assert differing
        assert all(values[key] == probe[key] for key in differing)


def test_a_recipe_tells_what_it_does():
    assert recipe_for("paper", "esc10").describe() == (
        "batch 64, learning rate 0.01 divided by 10 at each third, mixup α 0.2, 10 stretched or shifted copies a clip"
    )
    told = recipe_for("best", "esc50").describe()
    for part in ("432 frames", "AdamW", "one cycle", "random crops", "15 bands", "low sampling rate", "averaged"):
        assert part in told
    old = Recipe("old", random_crops=True, min_sounding=0.1, label_smoothing=0.1, vote="sounding").describe()
    for part in ("random frames", "less than 10%", "smoothing 0.1", "vote"):
        assert part in old
