"""Is the attention right? What a clip's probability loses with the frames that a map names first, beside controls.

`Probe(predictor)(prediction)` measures one clip; `study` a checkpoint's held-out fold.
"""

from acrnn.evaluation.faithfulness.clip import MAPS, N_DRAWS, ClipFaithfulness, Probe
from acrnn.evaluation.faithfulness.erasure import FILLS, Erasure, Fill, fast_copy
from acrnn.evaluation.faithfulness.measures import KEPT_SHARES, MEASURES, SHARES, Curve

__all__ = [
    "FILLS",
    "KEPT_SHARES",
    "MAPS",
    "MEASURES",
    "N_DRAWS",
    "SHARES",
    "ClipFaithfulness",
    "Curve",
    "Erasure",
    "Fill",
    "Probe",
    "fast_copy",
]
