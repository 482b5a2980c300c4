"""Files of results, read and written in one place, and what is worked out from them: confusions, comparisons.

Comes in: finished runs and measured rows. Goes out: JSON files in a folder of results, and frozen values read from
them, with the figures that the paper prints beside them. Imports measures, runs and all before.
"""
