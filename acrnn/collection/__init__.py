"""Many recordings and a loaded network → an entry each: what it says of them, their features and a thumbnail.

In reading order: `entries` (one recording), `neighbours` (which are alike, and a map of all), `duplicates` (which are
nearly the same) and `labels` (what a listener says they are). Imports `inference` and `figures`, for thumbnails; knows
nothing of a page.
"""

from acrnn.collection.entries import Entry, Listener, Sound, table_of
from acrnn.collection.labels import Label, LabelStore, esc50_table
from acrnn.collection.neighbours import map_of, most_similar

__all__ = ["Entry", "Label", "LabelStore", "Listener", "Sound", "esc50_table", "map_of", "most_similar", "table_of"]
