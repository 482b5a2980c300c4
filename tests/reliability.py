"""What was tried to break it, and what came of it: docs/reliability.md, made of counts that commands write.

    python -m tests.reliability     # tries what takes a minute, and writes the document

The commands that take longer (`COMMANDS`) write their own counts to docs/reliability.json with `record`, and the
document anew.
"""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from acrnn.data import atomic_write_bytes

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT, COUNTS = ROOT / "docs" / "reliability.md", ROOT / "docs" / "reliability.json"
COMMANDS = {
    "python -m tests.reliability": "300 damaged sounds",
    "make fuzz": "damaged sounds, others each time",
    "python -m tests.hostile": "checkpoints that were made to crash, to hang or to lie",
    "python -m tests.chaos": "trainings killed at random, and damaged folders of runs",
    "python -m benchmarks.load": "many visitors at once",
}
"""Command → what it tries."""
HELD = {
    "tests/cli/test_places.py": "names that are not UTF-8, output in cp1252 and cp932, paths that are too long, files "
    "that begin with a dash or that a terminal would obey, devices, Ctrl-C in the middle of `--json`, a user without a "
    "home",
    "tests/scan/test_scan.py": "folders that link to themselves or hold pipes, scans and workers that are killed",
    "tests/test_paths.py": "folders that are read-only, barred or nobody's",
    "tests/data/test_esc50.py": "a table of clips that is a pipe, a device or a million rows; clips that are cut",
    "tests/data/test_download.py": "servers that cut, drip, lie or change; archives that climb or swell; a SOCKS proxy",
    "tests/measures/test_parts.py": "measurements that are killed, or started twice",
    "tests/web/test_query.py": "odd and endless values in a URL",
    "tests/web/test_public.py": "visitors of a public server, its limits and its turns",
    "tests/web/test_uploads.py": "uploads without end, and those of visitors who have left",
    "tests/web/test_analysis.py": "small files of many channels at high rates; visitors who leave while a clip is "
    "decoded",
    "tests/browser/test_sign_in.py": "training without signing in, and after signing out",
    "tests/browser/test_outside.py": "names and texts with HTML, Markdown and addresses, on every page",
    "tests/browser/test_app.py": "a page of another site whose name resolves to this machine",
    "tests/browser/test_confusions.py": "a server behind a path prefix",
}
"""Test file → what it tries."""


class Row(NamedTuple):
    """One kind of attack: what was done, how often, what came of it (outcome → how often), and what else to say."""

    attack: str
    n_tried: int
    came_of: dict[str, int]
    more: str = ""


def record(command: str, rows: Iterable[Row]) -> None:
    """Keep the counts of one command in place of its last ones, and write the document."""
    counts = json.loads(COUNTS.read_text(encoding="utf-8")) if COUNTS.exists() else {}
    counts[command] = [row._asdict() for row in rows]
    atomic_write_bytes(COUNTS, (json.dumps(counts, indent=1, ensure_ascii=False) + "\n").encode())
    atomic_write_bytes(DOCUMENT, document(counts).encode())


def document(counts: dict[str, list[dict]]) -> str:
    """Lay out the document."""
    lines = [
        "# Reliability",
        "",
        "What was tried to break the app and the command line, how often, and what came of it. Each count is written "
        "by the command beside it. *One sentence* is an error that names the input and says what is accepted; a "
        "*finite answer* is a prediction, right or wrong.",
        "",
        "| what was tried | times | what came of it | command |",
        "|---|---:|---|---|",
    ]
    for command in COMMANDS:
        for values in counts.get(command, ()):
            row = Row(**values)
            told = ", ".join(f"{what}: {n:,}" for what, n in row.came_of.items())
            told += f"; {row.more}" if row.more else ""
            lines.append(f"| {row.attack} | {row.n_tried:,} | {told} | `{command}` |")
    lines += [
        "",
        "A damaged sound that can still be decoded is answered, and may be noise: those named with a probability above "
        "90% are counted apart.",
        "",
        "## Held by tests",
        "",
        "| what is tried | test |",
        "|---|---|",
        *(f"| {what} | [{path}](../{path}) |" for path, what in HELD.items()),
        "",
        "CI runs these tests, the 300 damaged sounds, a seventh of the checkpoints' damaged fields with all their "
        "other damages, and two kills of a training. A crash that a longer run finds becomes a test of its own.",
        "",
    ]
    return "\n".join(lines)


def sounds_tried(n_mutants: int = 300) -> list[Row]:
    """Try damaged sounds, by container."""
    from acrnn.checkpoints import find
    from acrnn.inference import Predictor
    from tests.audio.fuzz import BROKEN, FINE, mutants, outcome

    predictor = Predictor(find("esc10-l10-best-fold1"), "cpu")
    came_of: dict[str, Counter] = {}
    for i, (name, data) in enumerate(islice(mutants(seed=1), n_mutants)):
        told = outcome(predictor, data, partial=i % 2 == 1)
        told = told if told in FINE else BROKEN
        came_of.setdefault(name.rpartition(" ")[0], Counter())[told] += 1
    return rows_of(came_of, "damaged {}")


def rows_of(came_of: dict[str, Counter], form: str = "{}") -> list[Row]:
    """Give a row for each kind."""
    return [Row(form.format(kind), found.total(), dict(found.most_common())) for kind, found in came_of.items()]


def main() -> None:
    """Try what is fast, and write the document."""
    record("python -m tests.reliability", sounds_tried())


if __name__ == "__main__":
    main()
