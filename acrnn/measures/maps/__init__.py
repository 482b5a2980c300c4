"""Where in time and frequency? Maps of one clip for one class, and what its probability loses with what they name.

`Mapper(predictor)(prediction, method)` makes one map of a clip, `MapMeter` puts all of them to the deletion test of
`acrnn.measures.faithfulness`, tile by tile, and `study` does so for a checkpoint's held-out fold.
"""

from acrnn.measures.maps.attribution import GRAD_CAM, METHODS, Mapper, TimeFrequencyMap, methods_of
from acrnn.measures.maps.grid import Grid

__all__ = ["GRAD_CAM", "METHODS", "Grid", "Mapper", "TimeFrequencyMap", "methods_of"]
