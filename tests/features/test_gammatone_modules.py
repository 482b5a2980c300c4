"""The way to gammatone: scipy.signal is loaded only by what uses it."""

import subprocess
import sys

CODE = """
import sys
from acrnn.features import FrontEnd
from acrnn.features.front_end import filter_weights
assert filter_weights(FrontEnd()).shape == (128, 513)
assert "scipy.signal" not in sys.modules
import numpy as np
from gammatone import filters
two = filters.make_erb_filters(16_000, np.array([100.0, 1000.0]))
assert filters.erb_filterbank(np.ones(100), two).shape == (2, 100)
from scipy import signal
assert signal is sys.modules["scipy.signal"]
"""


def test_filters_are_made_without_scipys_signal_and_gammatone_has_it_when_it_asks():
    subprocess.run([sys.executable, "-c", CODE], check=True)
