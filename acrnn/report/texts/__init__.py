"""The longer texts of documents and pages, a Markdown file each."""

from functools import cache
from importlib.resources import files


@cache
def text(name: str, **values: object) -> str:
    """Read `NAME.md`, on one line, with what it leaves open in braces filled in."""
    return " ".join(files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8").split()).format(**values)
