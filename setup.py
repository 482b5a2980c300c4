"""Put results and the default checkpoints into the package that is built; all else stands in pyproject.toml.

In the repository they stay at the top, where people look for them.
"""

import ast
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

TOP = Path(__file__).resolve().parent


def default_checkpoints() -> tuple[str, ...]:
    """Read DEFAULT_CHECKPOINTS from acrnn/paths.py, which cannot be imported before what it needs is installed."""
    for node in ast.parse((TOP / "acrnn" / "paths.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "DEFAULT_CHECKPOINTS":
            return ast.literal_eval(node.value)
    raise LookupError("acrnn/paths.py assigns no DEFAULT_CHECKPOINTS")


class BuildWithShipped(build_py):
    """`build_py`, then `acrnn/shipped/`; an editable install needs none, as it runs from the checkout."""

    def run(self) -> None:
        """Build as usual, then copy."""
        super().run()
        if self.editable_mode:
            return
        shipped = Path(self.build_lib) / "acrnn" / "shipped"
        shutil.rmtree(shipped, ignore_errors=True)  # of an earlier build
        shutil.copytree(TOP / "results", shipped / "results")
        for name in default_checkpoints():
            shutil.copytree(TOP / "checkpoints" / name, shipped / "checkpoints" / name)


setup(cmdclass={"build_py": BuildWithShipped})
