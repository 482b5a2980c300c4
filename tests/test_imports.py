"""Who may import whom: training runs where neither streamlit, plotly nor librosa is installed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import acrnn


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import acrnn.training", {"streamlit", "plotly", "librosa"}),
        ("import acrnn.model", {"pandas", "librosa", "soundfile", "streamlit", "plotly"}),
        ("import acrnn, acrnn.errors, acrnn.labels, acrnn.data", {"torch", "gammatone", "librosa", "soundfile"}),
        ("import acrnn.inference, acrnn.measures", {"streamlit", "plotly"}),
        ("import acrnn.measures.faithfulness", {"streamlit", "plotly", "captum", "matplotlib"}),
    ],
)
def test_a_stage_loads_nothing_that_it_must_run_without(statement, unwanted):
    assert modules_after(statement) & unwanted == set()


@pytest.mark.parametrize("module", ["librosa", "streamlit", "plotly"])
def test_training_imports_where_the_module_is_not_installed(module):
    code = f"import sys\nsys.modules[{module!r}] = None\nimport acrnn.training"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_public_names_are_there_and_no_others():
    assert {acrnn.load, acrnn.Predictor, acrnn.AcrnnError, acrnn.names} == {
        acrnn.inference.load,
        acrnn.inference.Predictor,
        acrnn.errors.AcrnnError,
        acrnn.checkpoints.names,
    }
    assert all(hasattr(acrnn, name) for name in acrnn.__all__)
    with pytest.raises(AttributeError, match="module 'acrnn' has no attribute 'predict'"):
        _ = acrnn.predict


PACKAGE = Path(acrnn.__file__).parent
TIERS = (
    {"errors", "labels"},
    {"audio"},
    {"features"},
    {"data"},
    {"model"},
    {"checkpoints"},
    {"training", "inference"},
    {"evaluation"},
    {"figures"},
    {"web", "cli"},
)
TIER_OF = {stage: tier for tier, stages in enumerate(TIERS) for stage in stages}


def imports_of(path: Path) -> set[str]:
    """Full names of the modules that a source file imports anywhere in it, and of the names it takes from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def sources() -> list[tuple[str, Path]]:
    """Stage and path of every source file of a stage."""
    paths = [(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path) for path in sorted(PACKAGE.rglob("*.py"))]
    return [(stage, path) for stage, path in paths if stage in TIER_OF]


def test_a_stage_imports_only_stages_above_it():
    downwards = []
    for stage, path in sources():
        for name in imports_of(path):
            parts = name.split(".")
            is_other_stage = parts[0] == "acrnn" and parts[1] in TIER_OF and parts[1] != stage
            if is_other_stage and TIER_OF[parts[1]] >= TIER_OF[stage]:
                downwards.append(f"{path.name} of {stage} imports {name}")
    assert downwards == []


def test_the_network_knows_tensors_alone():
    outside = {name.split(".")[0] for stage, path in sources() if stage == "model" for name in imports_of(path)}
    assert outside - sys.stdlib_module_names == {"acrnn", "torch"}


@pytest.mark.parametrize(("module", "allowed"), [("plotly", {"figures", "web"}), ("streamlit", {"web"})])
def test_only_the_page_draws(module, allowed):
    users = {stage for stage, path in sources() if any(name.split(".")[0] == module for name in imports_of(path))}
    assert users <= allowed
