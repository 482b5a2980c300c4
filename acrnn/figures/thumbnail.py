"""A clip's spectrogram with its attention, small enough that thousands fit into one table."""

import io

import numpy as np
from PIL import Image
from plotly.colors import sequential

from acrnn.figures.style import colour_table
from acrnn.inference import Prediction

WIDTH_PX, HEIGHT_PX, STRIP_PX = 160, 40, 8
RANGE_DB = 70.0
"""From the loudest point of the clip down."""


_LEVEL, _ATTENTION = colour_table(sequential.Magma), colour_table(sequential.Cividis)


def thumbnail(prediction: Prediction) -> bytes:
    """Draw a clip: low bands at the bottom, and under them a strip of its attention, brighter where it is larger.

    Returns
    -------
    bytes
        A WebP picture of 160 × 48 pixels, about 1 kB.
    """
    image = Image.new("RGB", (WIDTH_PX, HEIGHT_PX + STRIP_PX))
    levels = 1 + (prediction.spectrogram[::-1] - prediction.spectrogram.max()) / RANGE_DB
    image.paste(_picture(levels, _LEVEL, HEIGHT_PX), (0, 0))
    if prediction.attention is not None:
        image.paste(_picture(prediction.attention.relative[None], _ATTENTION, STRIP_PX - 1), (0, HEIGHT_PX + 1))
    file = io.BytesIO()
    image.save(file, "webp", quality=50)
    return file.getvalue()


def _picture(values: np.ndarray, colours: np.ndarray, height_px: int) -> Image.Image:
    """Draw an array in [0, 1], (row, frame), at the thumbnail's width."""
    rgb = colours[np.uint8(255 * np.clip(values, 0, 1))]
    return Image.fromarray(rgb).resize((WIDTH_PX, height_px), Image.Resampling.BOX)
