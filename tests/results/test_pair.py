"""Two checkpoints side by side: what differs in training, and what the project's own results have of both."""

import json
from dataclasses import replace

import numpy as np
import pytest

from acrnn.checkpoints import CheckpointConfig, find
from acrnn.measures.localisation import SCORES
from acrnn.paths import shipped_results
from acrnn.report.table import STATE
from acrnn.report.tables.pair import pair_table, tell_comparison, tell_differences
from acrnn.results.collection import Results, load_results
from acrnn.results.pair import SCENE, pair_result, training_differences
from acrnn.training import Recipe


@pytest.fixture(scope="module")
def shipped() -> Results:
    return load_results(shipped_results())


def at(layer: str) -> tuple[CheckpointConfig, CheckpointConfig]:
    return tuple(find(f"esc10-{layer}-{scaling}-paper-fold1").config for scaling in ("sigmoid", "softmax"))


def clips_of(kind: str, config: CheckpointConfig, key: str) -> list[dict]:
    return json.loads((shipped_results() / kind / f"{config.name}.json").read_text())[key]


def test_trainings_differ_in_what_their_configs_say(checkpoint_config, make_model):
    config = checkpoint_config(make_model("l4-sigmoid"))
    assert training_differences(config, checkpoint_config(make_model("l4-softmax"))) == []
    other = replace(
        config, seed=3, data_fingerprint="1" * 64, recipe=Recipe("mixed", epochs=80, batch_size=32).as_dict()
    )
    assert tell_differences(training_differences(config, other)) == (
        "data (sigmoid ESC-10 16 kHz, files 00000000, softmax ESC-10 16 kHz, files 11111111), recipe (sigmoid paper, "
        "softmax mixed), epochs (sigmoid 300, softmax 80), batch size (sigmoid 64, softmax 32) and seed (sigmoid 0, "
        "softmax 3)"
    )


def test_an_older_recipe_did_without_what_it_lacks_and_a_strangers_is_no_crash(checkpoint_config, make_model, shipped):
    config = checkpoint_config(make_model("l4-sigmoid"))
    older = replace(config, recipe={"name": "paper", "epochs": 300})
    assert training_differences(config, older) == []
    strange = replace(at("l4")[0], recipe=at("l4")[0].recipe | {"juggling": 3})
    assert [found.what for found in training_differences(at("l4")[0], strange)] == ["juggling"]
    assert pair_result((strange, at("l4")[1]), shipped).comparison is None


def test_the_gain_in_accuracy_is_that_of_clips_which_one_alone_gets_right(shipped):
    configs = at("l2")
    found = pair_result(configs, shipped)
    only_a, only_b = len(found.comparison.only_a), len(found.comparison.only_b)
    n = configs[0].scores["n_clips"]
    assert len(found.comparison.clips) == n
    assert found.accuracy.gain["mean"] == pytest.approx((only_a - only_b) / n)
    assert found.accuracy.a["mean"] - found.accuracy.b["mean"] == pytest.approx((only_a - only_b) / n)
    assert tell_comparison(found.comparison).startswith(f"On the same {n} clips, only sigmoid is correct on {only_a}, ")


def test_faithfulness_and_localisation_are_paired_by_clip_and_scene(shipped):
    configs = at("l2")
    found = pair_result(configs, shipped)
    maps = [[clip["measures"]["silence"] for clip in clips_of("faithfulness", c, "clips")] for c in configs]
    attention, shifted = (np.array([[m[name][0] for m in of] for of in maps]) for name in ("attention", "shifted"))
    assert found.comprehensiveness.gain["mean"] == pytest.approx((attention[0] - attention[1]).mean(), abs=1e-5)
    beyond = attention - shifted
    assert found.beyond_shifted.a["mean"] == pytest.approx(beyond[0].mean(), abs=1e-4)
    assert found.beyond_shifted.gain["mean"] == pytest.approx((beyond[0] - beyond[1]).mean(), abs=1e-5)

    scenes = [[row for row in clips_of("localisation", c, "scenes") if row["placement"] == SCENE] for c in configs]
    auc = np.array([[row["maps"]["attention"][SCORES.index("auc")] for row in of] for of in scenes])
    assert found.auc.a["mean"] == pytest.approx(auc[0].mean(), abs=1e-5)
    assert found.auc.gain["mean"] == pytest.approx((auc[0] - auc[1]).mean(), abs=1e-5)


def test_what_was_not_measured_says_so_and_has_no_difference(shipped):
    a, b = at("l2")
    for configs, results in (((a, None), shipped), ((None, b), shipped), ((replace(a, scores={}), b), Results())):
        rows = pair_table(pair_result(configs, results)).records
        assert STATE not in rows[0]
        assert all(row["gain"] == "–" for row in rows)
    assert [row["sigmoid"] for row in rows] == ["not\u00a0run"] * 5
    assert rows[0]["softmax"].startswith("83.8% (")


def test_runs_that_have_no_clip_in_common_are_not_compared(shipped):
    configs = at("l2")
    settings = [
        replace(s, filenames=tuple(f"other {name}" for name in s.filenames)) if s.placement == "l2-softmax" else s
        for s in shipped.settings
    ]
    found = pair_result(configs, replace(shipped, settings=tuple(settings)))
    assert (found.comparison, found.accuracy.gain) == (None, None)
    assert found.accuracy.a is not None


def test_a_study_of_another_training_under_the_same_name_is_not_taken(shipped):
    a, b = at("l2")
    longer = replace(a, recipe=a.recipe | {"epochs": 300})
    found = pair_result((longer, b), shipped)
    assert (found.comparison, found.comprehensiveness.a, found.auc.a) == (None, None, None)
    assert found.auc.b is not None
