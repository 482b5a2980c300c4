"""Colours of classes: one a class, apart for all eyes."""

from itertools import combinations

import numpy as np
import pytest
from plotly.colors import hex_to_rgb

from acrnn.figures.style import CLASS_COLOURS, class_colour
from acrnn.labels import ESC10, ESC50

# Linear RGB as seen without one kind of cone: Machado, Oliveira and Fernandes (2009), severity 1.
EYES = {
    "all cones": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ_OF_RGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(linear_rgb: np.ndarray) -> np.ndarray:
    """Linear RGB, (colour, 3) → CIELAB, in which a distance of 2.3 can just be seen."""
    xyz = np.clip(linear_rgb, 0, 1) @ XYZ_OF_RGB.T / WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("eyes", EYES)
def test_the_colours_of_classes_stay_apart(eyes):
    rgb = np.array([hex_to_rgb(bar) for bar, _ in CLASS_COLOURS]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = lab(linear @ np.array(EYES[eyes]).T)
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 10


def test_a_class_has_one_colour_whatever_it_is_shown_beside():
    assert len({class_colour(label, ESC10) for label in ESC10}) == 10
    for label in ESC10:
        assert class_colour(label, ESC10) == class_colour(label, ESC50) == class_colour(label, ("x", label))
