from itertools import islice

import pytest

from acrnn.checkpoints import find
from acrnn.inference import Predictor
from tests.audio.fuzz import FINE, mutants, outcome, seeds

N_MUTANTS = 300


@pytest.fixture(scope="module")
def predictor(tiny_checkpoints):
    return Predictor(find("esc10-l10-paper-fold1", tiny_checkpoints), "cpu")


def test_the_whole_files_are_answered(predictor):
    for data in seeds().values():
        assert predictor(data).probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_damaged_files_give_an_error_of_ours_or_a_finite_answer(predictor):
    tried = islice(mutants(seed=1), N_MUTANTS)
    failures = {
        name: why
        for i, (name, data) in enumerate(tried)
        if (why := outcome(predictor, data, partial=i % 2 == 1)) not in FINE
    }
    assert not failures
