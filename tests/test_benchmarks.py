"""Networks that ours is timed beside: as large as their papers say."""

import pytest
import torch

from benchmarks.peers import PUBLISHED, Cnn14, MobileNet, n_parameters


@pytest.mark.parametrize(("name", "network"), [("CNN14", Cnn14), ("mn10", MobileNet)])
def test_a_peer_has_the_parameters_of_its_paper(name, network):
    with torch.device("meta"):
        assert n_parameters(network(527)) == pytest.approx(PUBLISHED[name], rel=1e-3)


def test_a_peer_hears_a_clip():
    with torch.inference_mode():
        assert MobileNet(50).eval()(torch.randn(1, 1, 128, 500)).shape == (1, 50)
