"""Is the attention right? What a clip's probability loses with the frames that a map names first, beside controls.

`FaithfulnessMeter(predictor)(prediction)` measures one clip; `study` a checkpoint's held-out fold.
"""

from acrnn.measures.faithfulness.clip import MAPS, N_DRAWS, ClipFaithfulness, FaithfulnessMeter
from acrnn.measures.faithfulness.erasure import FILLS, Erasure, Fill, fast_copy
from acrnn.measures.faithfulness.measures import KEPT_SHARES, MEASURES, SHARES, Curve

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
    "FaithfulnessMeter",
    "Fill",
    "fast_copy",
]
