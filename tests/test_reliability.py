import json
import re

import pytest

from tests.reliability import COMMANDS, COUNTS, DOCUMENT, HELD, ROOT, Row, document


@pytest.fixture(scope="module")
def counts():
    return json.loads(COUNTS.read_text(encoding="utf-8"))


def test_the_document_is_what_its_counts_give(counts):
    assert DOCUMENT.read_text(encoding="utf-8") == document(counts)


def test_nothing_is_recorded_as_broken(counts):
    rows = [Row(**values) for of_command in counts.values() for values in of_command]
    assert rows
    for row in rows:
        told = " ".join(row.came_of)
        assert not re.search(r"\b(traceback|broken|not finite|differences)", told), row
        assert row.n_tried > 0


def test_every_command_and_test_that_it_names_is_there(counts):
    assert set(counts) <= set(COMMANDS)
    for command in COMMANDS:
        if module := re.match(r"python -m ([\w.]+)", command):
            assert (ROOT / f"{module[1].replace('.', '/')}.py").is_file()
        else:
            assert f"\n{command.removeprefix('make ')}:" in (ROOT / "Makefile").read_text()
    for path in HELD:
        assert (ROOT / path).is_file()


def test_what_is_locked_is_what_is_required():
    """Else `make lock` was forgotten, and `make audit` looks at other packages than are installed."""
    pinned = re.compile(r"^([\w.-]+)(?:\[\w+\])?==([^\s;]+)", re.MULTILINE)
    required, locked = (
        {(name.lower(), version) for name, version in pinned.findall((ROOT / f"requirements.{kind}").read_text())}
        for kind in ("txt", "lock")
    )
    assert required
    assert required <= locked
