"""Who may import whom: training runs where neither streamlit, plotly nor librosa is installed."""

import subprocess
import sys

import pytest


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import acrnn.training", {"streamlit", "plotly", "librosa"}),
        ("import acrnn.model", {"pandas", "librosa", "soundfile", "streamlit", "plotly", "gammatone"}),
        ("import acrnn.inference, acrnn.evaluation", {"streamlit", "plotly"}),
    ],
)
def test_a_stage_loads_nothing_that_it_must_run_without(statement, unwanted):
    assert modules_after(statement) & unwanted == set()


@pytest.mark.parametrize("module", ["librosa", "streamlit", "plotly"])
def test_training_imports_where_the_module_is_not_installed(module):
    code = f"import sys\nsys.modules[{module!r}] = None\nimport acrnn.training"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_network_knows_no_other_stage():
    code = (
        "import acrnn.model, sys\n"
        "stages = {'audio', 'features', 'data', 'checkpoints', 'training', 'inference', 'evaluation', 'web'}\n"
        "print(*(name for name in sys.modules if name.startswith('acrnn.') and name.split('.')[1] in stages))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
