"""Sounds of one's own classes: a folder a class, a table, or ESC-50's layout → the `Dataset` that is trained on.

In reading order: `listing` (which files, of which class), `facts` (every file read to its end), `windows` (long
recordings cut), `folds` (groups divided, and kept), `inspection` (all of these, and what is wrong with which file) and
`report` (the same for people).
"""

from acrnn.data.own.facts import survey
from acrnn.data.own.folds import known_roots
from acrnn.data.own.inspection import Inspection, inspect
from acrnn.data.own.listing import is_release
from acrnn.data.own.report import describe, describe_sounds

__all__ = ["Inspection", "describe", "describe_sounds", "inspect", "is_release", "known_roots", "survey"]
