"""Who may import whom: training runs where neither streamlit, plotly nor librosa is installed."""

import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

import acrnn

TIERS = (
    {"errors", "labels"},
    {"paths", "untrusted"},
    {"devices"},
    {"audio"},
    {"features"},
    {"data"},
    {"model"},
    {"checkpoints"},
    {"inference", "export"},
    {"events"},
    {"training"},
    {"measures"},
    {"runs"},
    {"results"},
    {"report"},
    {"scan"},
    {"cluster"},
    {"figures"},
    {"collection"},
    {"cli", "web"},
    {"__main__"},
)
TIER_OF = {stage: tier for tier, stages in enumerate(TIERS) for stage in stages}
ALLOWED: set[tuple[str, str]] = set()
"""(importer, imported) that may break the order, each with a comment that says why and until when."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import of the package, those inside functions and of type checkers too."""
    return grimp.build_graph("acrnn", include_external_packages=True, cache_dir=None)


def own_modules(graph: grimp.ImportGraph) -> list[str]:
    return sorted(module for module in graph.modules if module.startswith("acrnn."))


def stage_of(module: str) -> str:
    return module.split(".")[1]


def test_every_stage_has_its_tier(graph):
    assert {stage_of(module) for module in own_modules(graph)} == set(TIER_OF)


def test_a_stage_imports_only_stages_above_it(graph):
    downwards = {
        (module, imported)
        for module in own_modules(graph)
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.startswith("acrnn.")
        and stage_of(imported) != stage_of(module)
        and TIER_OF[stage_of(imported)] >= TIER_OF[stage_of(module)]
    }
    assert downwards == ALLOWED


def test_no_modules_import_each_other_in_a_circle(graph):
    imports = {module: graph.find_modules_directly_imported_by(module) for module in own_modules(graph)}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" is imported by ".join(circle.args[1]))


def stages_that_import(graph: grimp.ImportGraph, external: str) -> set[str]:
    if external not in graph.modules:
        return set()
    return {stage_of(module) for module in graph.find_modules_that_directly_import(external)}


def test_the_network_knows_tensors_alone(graph):
    of_model = [module for module in own_modules(graph) if stage_of(module) == "model"]
    imported = {name.split(".")[0] for module in of_model for name in graph.find_modules_directly_imported_by(module)}
    assert imported - sys.stdlib_module_names == {"acrnn", "torch"}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("plotly", {"figures"}),
        ("streamlit", {"web"}),
        ("typer", {"cli"}),
        ("rich", {"cli"}),
        ("onnx", {"export"}),
        ("ray", {"cluster"}),
        ("huggingface_hub", {"checkpoints"}),
        ("cleanlab", {"results"}),
        ("jinja2", {"figures"}),
        ("pages", set()),
    ],
)
def test_only_the_page_draws_and_only_the_command_line_prints(graph, module, allowed):
    assert stages_that_import(graph, module) == allowed


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
        ("import acrnn.inference, acrnn.measures.faithfulness", {"streamlit", "plotly", "captum", "matplotlib"}),
        ("import acrnn.measures.maps, acrnn.report.document", {"streamlit", "plotly", "captum", "matplotlib"}),
    ],
)
def test_a_stage_loads_nothing_that_it_must_run_without(statement, unwanted):
    assert modules_after(statement) & unwanted == set()


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
