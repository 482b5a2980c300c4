"""Many recordings → a row each, or one a window or an event, in a CSV, Parquet or JSONL file; resumable.

In reading order: `find` (which files), `rows` (what is told of a file), `work` (one file in a process), `pool` (many
processes, any of which may die), `journal` (what is done, kept as it comes), `write` (the file at the end) and `batch`,
which puts them together.
"""

from acrnn.scan.batch import Scan, Tally
from acrnn.scan.find import find_files
from acrnn.scan.pool import default_jobs
from acrnn.scan.rows import Layout
from acrnn.scan.work import Options

__all__ = ["Layout", "Options", "Scan", "Tally", "default_jobs", "find_files"]
