"""A spectrogram cut into tiles, so many bands by so many frames: what maps are told in, and what is removed."""

from dataclasses import dataclass

import numpy as np

from acrnn.errors import OptionError

TILE_BANDS = 8
"""Of 128 bands, 16 rows of about two equivalent rectangular bandwidths each."""
TILE_FRAMES = 16
"""0.19 s: a divisor of the segments of 128 and 432 frames, and of the hop of the former."""
MOST_TILES = 512
"""What a map may cost: one prediction a tile by occlusion."""


@dataclass(frozen=True)
class Grid:
    """Where the tiles of one clip lie; the last row and column may be smaller.

    Parameters
    ----------
    n_bands, n_frames : int
        Of the clip's spectrogram, at least 1.
    tile_bands, tile_frames : int
        Of one tile, at least 1.

    Raises
    ------
    OptionError
        If a number is below 1.
    """

    n_bands: int
    n_frames: int
    tile_bands: int = TILE_BANDS
    tile_frames: int = TILE_FRAMES

    def __post_init__(self) -> None:
        if min(self.n_bands, self.n_frames, self.tile_bands, self.tile_frames) < 1:
            raise OptionError(f"{self} has no tiles; bands and frames of 1 or more are accepted.")

    @classmethod
    def of(cls, n_bands: int, n_frames: int) -> "Grid":
        """Give the usual tiles; of a longer clip longer ones, so that there are `MOST_TILES` at most."""
        most_columns = MOST_TILES // -(-n_bands // TILE_BANDS)
        times = max(1, -(-n_frames // (TILE_FRAMES * most_columns)))
        return cls(n_bands, n_frames, TILE_BANDS, TILE_FRAMES * times)

    @property
    def band_edges(self) -> np.ndarray:
        """(row + 1,) first band of each row of tiles, and the number of bands."""
        return np.append(np.arange(0, self.n_bands, self.tile_bands), self.n_bands)

    @property
    def frame_edges(self) -> np.ndarray:
        """(column + 1,) first frame of each column of tiles, and the number of frames."""
        return np.append(np.arange(0, self.n_frames, self.tile_frames), self.n_frames)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return len(self.band_edges) - 1, len(self.frame_edges) - 1

    @property
    def n_tiles(self) -> int:
        """Tiles in all."""
        rows, columns = self.shape
        return rows * columns

    def sums(self, values: np.ndarray) -> np.ndarray:
        """(band, frame) values → (row, column), float64: the sum over the cells of each tile."""
        by_row = np.add.reduceat(np.asarray(values, np.float64), self.band_edges[:-1], axis=0)
        return np.add.reduceat(by_row, self.frame_edges[:-1], axis=1)

    def means(self, values: np.ndarray) -> np.ndarray:
        """(band, frame) values → (row, column), float64: the mean over the cells of each tile."""
        return self.sums(values) / np.outer(np.diff(self.band_edges), np.diff(self.frame_edges))

    def spread(self, tiles: np.ndarray) -> np.ndarray:
        """(…, row, column) values of tiles → (…, band, frame), each held over the cells of its tile."""
        by_band = np.repeat(tiles, np.diff(self.band_edges), axis=-2)
        return np.repeat(by_band, np.diff(self.frame_edges), axis=-1)

    def times_s(self, hop_s: float) -> np.ndarray:
        """(column + 1,) edges of the columns in seconds; frame i is centred on i · `hop_s`."""
        return (self.frame_edges - 0.5) * hop_s

    def edges_hz(self, centres_hz: np.ndarray) -> np.ndarray:
        """(row + 1,) edges of the rows in hertz, half way between neighbouring bands; the outer ones are 0 and ∞."""
        inner = self.band_edges[1:-1]
        return np.concatenate([[0.0], (centres_hz[inner - 1] + centres_hz[inner]) / 2, [np.inf]])
