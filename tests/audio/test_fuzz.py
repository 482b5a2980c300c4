from itertools import islice

import numpy as np
import pytest

from acrnn.checkpoints import find
from acrnn.inference import Predictor
from tests.audio.fuzz import FINE, mutant, mutants, outcome, seeds

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


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_header_that_points_before_the_file_is_refused_without_a_traceback_on_the_terminal(predictor):
    """Libsndfile seeks there in a callback; what Python raises in one is printed, and nobody can catch it."""
    for number in (587, 659, 875):
        broken = mutant(seeds()["aiff"], np.random.default_rng([1, number]))
        assert outcome(predictor, broken, partial=True) in FINE
