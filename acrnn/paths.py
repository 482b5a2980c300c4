"""Where things are: what the project ships, what is the user's, and which code this is."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def code_revision() -> str:
    """Commit of the checkout that this package runs from, with `+changes` if it was edited, else its version."""
    here = Path(__file__).resolve().parents[1]
    try:
        git = ["git", "-C", str(here)]
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        dirty = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no", "--", "acrnn"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        return commit + ("+changes" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        try:
            return version("acrnn")
        except PackageNotFoundError:
            return "unknown"
