"""Every figure that README.md, docs/trust.md and docs/training.md say in prose, worked out anew from results/.

A claim is a piece of a sentence whose numbers are computed here. It must stand in its document, and no other number
may: change the sentence and its claim together.
"""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from scipy.stats import binomtest

from acrnn.features import FrontEnd
from acrnn.measures.classical import METHODS
from acrnn.measures.crossval import wilson_interval
from acrnn.measures.intervals import mean_with_interval
from acrnn.measures.maps import METHODS as MAPS
from acrnn.measures.maps.clip import CONTROLS
from acrnn.model import PLACEMENTS, NetworkConfig, PiczakConfig, complexity
from acrnn.report.tables.maps import tell_belief
from acrnn.results import paper
from acrnn.results.studies import load_studies
from acrnn.training.recipe import RECIPES, WHOLE

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
ESC10_STUDIED = tuple(placement for placement in PLACEMENTS if placement != "none")
FILLS, MEASURES = ("silence", "mean"), ("comprehensiveness", "sufficiency")
WAYS = ("white", "pink", "babble", "background")


@cache
def result(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def setting(placement: str, dataset: str = "esc10", epochs: int = 60, recipe: str = "paper") -> dict:
    return result(f"{dataset}-{placement}-{recipe}-{epochs}")


def fold1(kind: str, placement: str, dataset: str = "esc10") -> dict:
    return result(f"{kind}/{dataset}-{placement}-paper-fold1")


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def between(interval: list[float]) -> str:
    """Two shares as 83.3 to 89.9%."""
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f}%"


def signed(value: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def gain(value: dict, digits: int = 3) -> str:
    """A paired difference as +0.017, +0.002 to +0.032."""
    low, high = value["interval"]
    return f"{signed(value['mean'], digits)}, {signed(low, digits)} to {signed(high, digits)}"


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("**", "").replace("\n> ", "\n"))


def prose(path: str, heading: str | None = None) -> str:
    """A document, or one section of it, without tables, commands, pictures and links' targets."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if heading:
        text = re.split(r"^## ", text.split(f"## {heading}\n")[1], flags=re.MULTILINE)[0]
    text = re.sub(r"<!-- table.+?<!-- end -->", "", text, flags=re.DOTALL)
    text = re.sub(r"^(    |\|).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return flat(text)


def minus(placement: str, control: str, fill: str = "silence", measure: str = MEASURES[0], dataset: str = "esc10"):
    """Give attention's measure less a control's, with its interval."""
    return fold1("faithfulness", placement, dataset)["summary"][fill]["attention_minus"][control][measure]


def against_loudness() -> Counter:
    """Count wins, ties and losses of attention against loudness, by the paired interval."""
    counts = Counter()
    for path in sorted((RESULTS / "faithfulness").glob("*.json")):
        for fill in FILLS:
            for measure in MEASURES:
                difference = result(f"faithfulness/{path.stem}")["summary"][fill]["attention_minus"]["energy"][measure]
                sign = 1 if measure == "comprehensiveness" else -1  # little missing is good
                low, high = sorted(sign * value for value in difference["interval"])
                counts["wins" if low > 0 else "losses" if high < 0 else "ties"] += 1
    return counts


def robust(name: str) -> dict:
    return {row["key"]: row for row in result(f"robustness/{name}")["conditions"]}


def l10_folds() -> list[dict]:
    return [robust(f"esc10-l10-paper-fold{fold}") for fold in (1, 2, 3)]


def pooled(key: str) -> float:
    """Accuracy of attention at l10 on ESC-10, recipe paper, folds 1 to 3 together."""
    return sum(rows[key]["n_correct"] for rows in l10_folds()) / sum(rows[key]["n"] for rows in l10_folds())


def lost(rows: dict, key: str) -> float:
    return 100 * (rows["clean"]["accuracy"] - rows[key]["accuracy"])


def mass(rows: list[dict], key: str) -> float:
    means = [(row[key]["mass"]["mean"], row[key]["mass"]["n"]) for row in rows]
    return sum(mean * n for mean, n in means) / sum(n for _, n in means)


def right_of(setting: dict) -> dict[str, bool]:
    """Clip → whether its most probable class is its own."""
    labels = setting["labels"]
    return {clip["filename"]: labels[_top(clip["probabilities"])] == clip["label"] for clip in setting["clips"]}


def paired(one: dict, other: dict) -> tuple[int, int, dict, float]:
    """Clips that only one gets right, and only the other; mean difference with interval; p of McNemar's exact test."""
    a, b = right_of(one), right_of(other)
    common = [name for name in a if name in b]
    won, lost = (sum(x[name] and not y[name] for name in common) for x, y in ((a, b), (b, a)))
    gain = mean_with_interval([float(a[name]) - float(b[name]) for name in common])
    return won, lost, gain, binomtest(won, won + lost).pvalue


def accuracy_claims() -> dict[str, str]:
    ours, none, piczak = (setting(placement) for placement in ("l10", "none", "piczakcnn"))
    won, lost, pair, _ = paired(ours, none)
    points, low, high = (100 * value for value in (pair["mean"], *pair["interval"]))
    placed = [setting(f"l{layer}-softmax") for layer in (2, 4, 6, 8)]
    placed += [setting(f"l{layer}-sigmoid") for layer in (4, 6, 8)]
    smallest = min(paired(one, none)[3] for one in placed)
    rows = {row.model: row.percent["esc10"] for row in paper.TABLE_1.rows if row.percent}
    attention = {row.model: row.percent["esc10"] for row in paper.TABLE_4.rows}
    gained = attention["attention at l10"] - attention["no attention"]
    return {
        "ours": f"{ours['n_correct_of_mean']} of {ours['n_clips']} clips, {between(ours['interval'])}",
        "mean": percent(ours["accuracy"]),
        "paper": f"paper's {rows['ACRNN']:.1f}%",
        "short": f"{rows['ACRNN'] - 100 * ours['accuracy']:.1f} points short",
        "piczak": f"{percent(piczak['accuracy'])} ({between(piczak['interval'])})",
        "piczak paper": f"paper's {rows['PiczakCNN [19]']:.1f}%",
        "pair": f"{signed(points, 1)} points",
        "pair interval": f"({signed(low, 1)} to {signed(high, 1)}",
        "pair size": f"paired over {pair['n']} clips",
        "paper's gain": f"paper's gain of {gained:.1f} points",
        "pair counts": f"{won} won, {lost} lost",
        "none": f"{none['n_correct_of_mean']} of the {none['n_clips']} clips",
        "smallest p": f"p below {smallest:.2f}",
    }


def readme_claims() -> list[str]:
    found = accuracy_claims()
    wanted = ("ours", "mean", "paper", "piczak", "piczak paper", "pair", "pair interval", "pair size", "paper's gain")
    shifted, loud = minus("l10", "shifted"), minus("l10", "energy")
    counts = against_loudness()
    n_clips = sum(rows["clean"]["n"] for rows in l10_folds())
    noisy = wilson_interval(round(n_clips * pooled("white=10")), n_clips)
    ten, fifty = setting("l10", "esc10", 80, recipe="mixed"), setting("l10", "esc50", 30, recipe="mixed")
    lost = placements_on_fifty(fifty)[2].split(" to no attention")[0]
    return [found[name] for name in wanted] + [
        f"{percent(ten['accuracy'])} on ESC-10 ({ten['n_correct_of_mean']} of {ten['n_clips']} clips, "
        f"{between(ten['interval'])}, 80 epochs)",
        f"{percent(fifty['accuracy'])} ({fifty['n_correct_of_mean']} of {fifty['n_clips']} clips, "
        f"{between(fifty['interval'])}, 30 epochs), against the paper's 86.1%",
        lost,
        f"by {shifted['mean']:.3f} more than with the same",
        "({:.3f} to {:.3f})".format(*shifted["interval"]),
        f"by {-loud['mean']:.3f} less",
        "({:.3f} to {:.3f}; fold 1, {} clips".format(*sorted(-v for v in loud["interval"]), loud["n"]),
        f"Of {counts.total()} comparisons",
        "attention wins {wins}, ties {ties} and loses {losses}".format(**counts),
        localised_on_softmax(),
        attention_at_l10_on_fifty(fifty),
        f"from {percent(pooled('clean'))} to {percent(pooled('white=10'))} ({between(noisy)}",
        f"folds 1 to 3, {n_clips} clips)",
    ]


def attention_at_l10_on_fifty(l10: dict) -> str:
    """Tell what attention at l10 changes on fold 1 of ESC-50."""
    fold1 = l10 | {"runs": [run for run in l10["runs"] if run["fold"] == 1]}
    gained = paired(fold1, setting("none", "esc50", 30, recipe="mixed"))[2]
    mean, low, high = (signed(100 * value, 1) for value in (gained["mean"], *gained["interval"]))
    return f"attention at l10 changes it by {mean} points ({low} to {high})"


def taken_for_known(name: str) -> str:
    """Tell how many sounds of no class a network accepts."""
    groups = {group["kind"]: group for group in result(f"open_set/{name}")["groups"]}
    speech, tones, noise = (groups[key] for key in ("speech", "tones", "noise"))
    assert noise["n_known"] == noise["n"]
    told = (
        f"{kind['n_known']} of {kind['n']} {what}" for kind, what in ((speech, "spoken sentences"), (tones, "tones"))
    )
    return f"{', '.join(told)} and all {noise['n']} noises"


def test_the_readme_says_what_the_default_network_takes_for_known():
    assert taken_for_known("esc50-l10-mixed-fold1") in prose("README.md", "Which checkpoint")


def faithfulness_claims() -> list[str]:
    counts = against_loudness()
    shifted = [signed(minus(p, "shifted")["mean"]) for p in ("l4-softmax", "l6-softmax", "l8-softmax")]
    random = [signed(minus(p, "random", "mean")["mean"]) for p in ("l4-softmax", "l6-softmax", "l8-softmax")]
    trailing = [minus("l2-softmax", "energy", fill, "sufficiency")["mean"] for fill in FILLS]
    both = "esc10", "esc50"
    louder, graded, holes = (
        [-minus("l10", control, dataset=dataset)["mean"] for dataset in both]
        for control in ("energy", "integrated_gradients", "random")
    )
    of_clips = result("faithfulness/esc50-l10-mixed-fold1")
    whole = of_clips["summary"]["silence"]["attention_minus"]

    def kept(control: str) -> tuple[float, float, float]:
        lacking = whole[control]["sufficiency"]
        low, high = lacking["interval"]
        return -lacking["mean"], -high, -low

    checks = [
        fold1("faithfulness", *name)["randomisation"]
        for name in [(p, "esc10") for p in ESC10_STUDIED] + [("l10", "esc50")]
    ] + [of_clips["randomisation"]]
    assert {(check["n_draws"], check["n_clips"]) for check in checks} == {(10, 20)}  # as the text says in words
    learnt = [check["stages"]["attention"] for check in checks]
    near = sorted(stage["mean"] for stage in learnt)
    draws = sorted(end for stage in learnt for end in stage["draws"])
    n_controls = 4
    return [
        f"{sum(counts.values()) * n_controls} comparisons with a control",
        "wins {wins} of {n} comparisons, ties {ties} and loses {losses}".format(n=counts.total(), **counts),
        f"with silence ({gain(minus('l2-softmax', 'energy'))})",
        f"training mean ({gain(minus('l8-softmax', 'energy', 'mean'))})",
        f"random frames ({gain(minus('l2-softmax', 'random'))})",
        f"shifted map ({gain(minus('l2-softmax', 'shifted'))})",
        f"ties ({gain(minus('l2-softmax', 'energy', 'mean'))})",
        f"by {trailing[0]:.3f} and {trailing[1]:.3f}",
        f"({shifted[0]}, {shifted[1]} and {shifted[2]} with silence)",
        f"({random[0]}, {random[1]} and {random[2]})",
        f"({gain(minus('l10', 'shifted'))} on ESC-10; {gain(minus('l10', 'shifted', dataset='esc50'))} on ESC-50)",
        f"costs {louder[0]:.3f} and {louder[1]:.3f} more",
        f"first {graded[0]:.3f} and {graded[1]:.3f} more",
        f"ESC-10 ({gain(minus('l10', 'energy', 'mean'))})",
        f"by {-minus('l10', 'energy', 'mean', dataset='esc50')['mean']:.3f} on ESC-50",
        f"({gain(minus('l2-sigmoid', 'shifted'))}) and less than random frames ({gain(minus('l2-sigmoid', 'random'))})",
        f"ties with random frames ({gain(minus('l2-sigmoid', 'random', 'mean'))})",
        f"with silence ({gain(minus('l4-sigmoid', 'shifted'))})",
        f"silence ({gain(minus('l6-sigmoid', 'energy'))})",
        "({} and {} with silence, {} and {} with the training mean)".format(
            *(signed(minus(p, "shifted", fill)["mean"]) for fill in FILLS for p in ("l6-sigmoid", "l8-sigmoid"))
        ),
        "than random frames ({}) and l8 less ({})".format(*(gain(minus(f"l{k}-sigmoid", "random")) for k in (6, 8))),
        f"mean ({gain(minus('l8-softmax', 'integrated_gradients', 'mean'))})",
        f"between {signed(near[0], 2)} and {near[-1]:.2f} in all",
        f"range from {signed(draws[0], 2)} to {draws[-1]:.2f}",
        f"shifted map, too ({gain(whole['shifted'][MEASURES[0]])} with silence)",
        f"loudest frames costs {-whole['energy'][MEASURES[0]]['mean']:.3f} more",
        "preserves {:.3f} more of the probability than keeping the shifted ones ({:.3f} to {:.3f})".format(
            *kept("shifted")
        ),
        "preserve {:.3f} more than the loudest ({:.3f} to {:.3f})".format(*kept("energy")),
        f"by {holes[0]:.3f} on ESC-10 and {holes[1]:.3f} on ESC-50",
    ]


def maps_claims() -> list[str]:
    (study,) = load_studies("maps", RESULTS)

    def more(order: str, other: str, fill: str = "silence") -> str:
        return gain(study.comparison(fill, order, other).gain)

    signs = {(fill, order, other): study.comparison(fill, order, other).sign for fill in FILLS
             for order in MAPS for other in CONTROLS}  # fmt: skip
    clear = {("silence", method, "attention"): 1 for method in MAPS}
    clear |= {("silence", "integrated_gradients", "random"): 1, ("silence", "grad_cam", "energy"): -1}
    clear |= {("mean", "integrated_gradients", "energy"): -1}
    assert {key: sign for key, sign in signs.items() if sign} == clear  # as the text says in words
    loud = [more(method, "energy") for method in MAPS]
    louder = [more(method, "energy", "mean") for method in MAPS]
    return [
        f"({study.n_clips} clips of {study.n_recordings} recordings)",
        tell_belief(study),
        f"integrated gradients ({loud[0]}) and occlusion ({loud[1]}) are not told apart from it, and Grad-CAM costs "
        f"less ({loud[2]})",
        f"costs less after correction too ({louder[0]}); occlusion ({louder[1]}) and Grad-CAM ({louder[2]})",
        f"costs more with silence ({more('integrated_gradients', 'random')})",
        "({}; {}; {})".format(*(more(method, "attention") for method in MAPS)),
    ]


def localisation_claims() -> list[str]:
    def at(placement: str, dataset: str = "esc10") -> dict:
        rows = fold1("localisation", placement, dataset)["placements"]
        return next(row for row in rows if row["placement"] == "background=0")

    def mixed(dataset: str, condition: str, placement: str = "l10") -> dict:
        rows = result(f"localisation/{dataset}-{placement}-mixed-fold1")["placements"]
        return next(row for row in rows if row["placement"] == condition)

    def auc(row: dict, name: str = "attention") -> str:
        return f"{row['maps'][name]['auc']['mean']:.2f}"

    ten, fifty, steps = at("l10"), at("l10", "esc50"), "level at its steps"
    softmax = sorted(auc(at(f"l{layer}-softmax")) for layer in (2, 4, 6, 8))
    four, six = at("l4-sigmoid"), at("l6-sigmoid")["gain_at_steps"]["auc"]
    ends = four["maps"]["attention"]["auc"]["interval"]
    return [
        f"({auc(ten)} against {auc(ten, steps)} for loudness at its steps; difference "
        f"{gain(ten['gain_at_steps']['auc'], 2)})",
        f"({auc(fifty)} against {auc(fifty, steps)}; {gain(fifty['gain_at_steps']['auc'], 2)})",
        f"between {softmax[0]} and {softmax[-1]}",
        f"({auc(at('l6-sigmoid'))}, {-six['mean']:.2f} less than loudness at its steps, "
        f"{-six['interval'][1]:.2f} to {-six['interval'][0]:.2f})",
        f"chance ({auc(four)}, {ends[0]:.2f} to {ends[1]:.2f})",
        f"away from the event ({auc(at('l2-sigmoid'))})",
        *(
            f"({auc(row)} against {auc(row, steps)}; {gain(row['gain_at_steps']['auc'])})"
            for row in (mixed("esc10", "background=0"), mixed("esc50", "background=0"))
        ),
        *(f"({gain(mixed(dataset, 'noise=0')['gain_at_steps']['auc'])})" for dataset in ("esc10", "esc50")),
        *localised_on_fifty(mixed, auc),
        f"Only {ten['n']} clips",
        f"({ten['n_correct']} of {ten['n']} at l10, none of {mixed('esc10', 'background=0')['n']} by `mixed`)",
        "1: every frame",
        "0.5: chance",
    ]


def localised_on_softmax() -> str:
    """Tell by how much softmax before the GRUs leads loudness on ESC-50, heard as whole clips."""
    rows = [result(f"localisation/esc50-l{layer}-softmax-mixed-fold1")["placements"] for layer in (2, 4, 6, 8)]
    at_0_db = [next(row for row in of if row["placement"] == "background=0") for of in rows]
    leads = sorted(row["gain_at_steps"]["auc"]["mean"] for row in at_0_db)
    return f"by {leads[0]:.3f} to {leads[-1]:.3f} in area under the ROC curve ({at_0_db[0]['n']} scenes"


def localised_on_fifty(mixed, auc) -> list[str]:
    """Tell how attention before the GRUs points at events of ESC-50, heard as whole clips."""

    def lead(placement: str, condition: str = "background=0") -> dict:
        return mixed("esc50", condition, placement)["gain_at_steps"]["auc"]

    softmax = {layer: lead(f"l{layer}-softmax") for layer in (2, 4, 6, 8)}
    away = [mixed("esc50", "background=0", f"l{layer}-sigmoid") for layer in (2, 4, 6)]
    assert all(one["interval"][0] > 0 for one in softmax.values())
    assert all(row["maps"]["attention"]["auc"]["interval"][1] < 0.5 for row in away)
    return [
        *(
            f"at l{layer} by {signed(one['mean'])} ({signed(one['interval'][0])} to {signed(one['interval'][1])})"
            for layer, one in softmax.items()
        ),
        f"at 0 dB ({gain(lead('l6-softmax', 'noise=0'))})",
        "({}, {} and {}); at l8 it ties".format(*map(auc, away)),
        f"with loudness ({gain(lead('l8-sigmoid'))})",
    ]


def robustness_claims() -> list[str]:
    names = [path.stem for path in sorted((RESULTS / "robustness").glob("esc10-*.json"))]
    every, fifty = {name: robust(name) for name in names}, robust("esc50-l10-paper-fold1")
    noisy = [lost(rows, f"{way}=10") for rows in every.values() for way in WAYS]
    coded = [lost(rows, key) for rows in every.values() for key in ("mp3=64", "mp3=32", "opus=32")]
    rooms = [lost(rows, f"reverberation={s}") for rows in every.values() for s in ("0.3", "0.8", "1.6")]
    low, high = (robust(f"esc10-{p}-paper-fold1")["white=5"] for p in ("l2-softmax", "l8-softmax"))
    quieter, louder = (
        [f"{100 * (pooled('clean') - pooled(key)):.1f}", f"{lost(fifty, key):.1f}"] for key in ("gain=-20", "gain=20")
    )
    early = [robust(f"esc10-l{layer}-softmax-paper-fold1") for layer in (2, 4, 6)]
    clean = [rows["clean"]["mass"]["mean"] for rows in early]
    drowned = [rows[f"{way}=0"]["mass"]["mean"] for rows in early for way in WAYS]
    late = [mass(l10_folds(), f"{way}=0") for way in WAYS]
    return [
        f"an SNR of 10 dB costs {min(noisy):.0f} to {max(noisy):.0f} points",
        f"cost at most {max(coded):.0f} points, rooms at most {max(rooms):.0f}",
        f"costs {lost(fifty, 'white=10'):.0f} points of {100 * fifty['clean']['accuracy']:.0f}",
        f"{percent(low['accuracy'])} ({between(low['interval'])})",
        f"{percent(high['accuracy'])} ({between(high['interval'])})",
        f"20 dB less gain costs {quieter[0]} points on ESC-10 and {quieter[1]} on ESC-50",
        f"costs {louder[0]} and {louder[1]}",
        f"sound for {100 * early[0]['clean']['sounds']:.0f}% of the time have {min(clean):.2f} to {max(clean):.2f} of",
        f"and {min(drowned):.2f} to {max(drowned):.2f} at an SNR of 0 dB",
        f"{mass(l10_folds(), 'clean'):.2f} and {min(late):.2f} to {max(late):.2f}",
    ]


def classical_claims() -> list[str]:
    esc10, esc50 = ([result(f"{name}-{method}-mfcc") for method in METHODS] for name in ("esc10", "esc50"))
    quoted = [row.percent for row in paper.TABLE_1.rows[:3]]
    told = [f"{percent(one['accuracy'])} ({between(one['interval'])})" for one in esc10]
    *some, last = (f"{row['esc10']:.1f}" for row in quoted)
    short = sorted(row["esc50"] - 100 * one["accuracy"] for row, one in zip(quoted, esc50, strict=True))
    *of_esc50, last_of_esc50 = (f"{100 * one['accuracy']:.1f}" for one in esc50)
    return [
        *told,
        f"quotes {', '.join(some)} and {last}%",
        f"score {', '.join(of_esc50)} and {last_of_esc50}%, {short[0]:.1f} to {short[-1]:.1f} points less",
    ]


def training_claims() -> list[str]:
    found, ours, longer = accuracy_claims(), setting("l10"), setting("l10", epochs=100)
    fifty, best = setting("l10", "esc50", 30), setting("l10", recipe="best")
    fifty_mixed = setting("l10", "esc50", 30, recipe="mixed")
    ten_mixed = setting("l10", "esc10", 80, recipe="mixed")
    n_of = {f"l{layer}": setting(f"l{layer}-softmax")["n_correct_of_mean"] for layer in (2, 4, 6, 8)}
    sigmoid = [setting(f"l{layer}-sigmoid")["n_correct_of_mean"] for layer in (4, 6, 8)]
    by_fold = {name: {run["fold"]: run for run in setting(name)["runs"]}[1] for name in ("l10", "none")}
    right = {name: round(run["accuracy"] * run["n_clips"]) for name, run in by_fold.items()}
    is_right = right_of(ours)
    wrong = Counter(clip["label"] for clip in ours["clips"] if not is_right[clip["filename"]])
    steady = sum(wrong[name] for name in ("crackling_fire", "helicopter", "rain", "chainsaw"))
    names = (path.stem for path in (RESULTS / "ablation").glob("esc10-*-20-sealed1.json"))
    ablation = {one["recipe"]["name"]: one for one in (result(f"ablation/{name}") for name in names)}
    scored = {name: one["n_correct_of_mean"] for name, one in ablation.items()}
    parts = [n for name, n in scored.items() if name.startswith("best_") and name != "best_without_cycle"]
    p_values = {f"{paired(ablation[name], ablation['best'])[3]:.2f}" for name in ("paper", "best_without_cycle")}
    wanted = ("mean", "ours", "short", "paper", "pair counts", "pair", "pair interval", "smallest p", "piczak")
    return [found[name] for name in (*wanted, "piczak paper", "none")] + classical_claims() + [
        f"100 epochs score {longer['n_correct_of_mean']} of {longer['n_clips']} clips and 60 epochs {right['l10']}",
        f"Of the {wrong.total()} mistakes, {steady} are",
        f"with attention at l10 {ours['n_correct_of_mean']}",
        f"scores {n_of['l2']}, {n_of['l4']}, {n_of['l6']} and {n_of['l8']} of 80 clips",
        "scores {}, {} and {}, no attention {}".format(*sigmoid, right["none"]),
        f"Recipe `paper` scores {percent(fifty['accuracy'])} ({fifty['n_correct_of_mean']} of {fifty['n_clips']}, "
        f"{between(fifty['interval'])})",
        f"`mixed` scores {percent(fifty_mixed['accuracy'])} ({fifty_mixed['n_correct_of_mean']} of "
        f"{fifty_mixed['n_clips']}, {between(fifty_mixed['interval'])})",
        f"It is {86.1 - 100 * fifty_mixed['accuracy']:.1f} points short of the paper",
        *placements_on_fifty(fifty_mixed),
        f"scores {percent(ten_mixed['accuracy'])} ({ten_mixed['n_correct_of_mean']} of {ten_mixed['n_clips']}, "
        f"{between(ten_mixed['interval'])}) over five folds",
        f"scores {best['n_correct_of_mean']} of {best['n_clips']} clips on fold 1 after 60 epochs, "
        f"`paper` {right['l10']}",
        f"scored {scored['best']} of 80, `paper` {scored['paper']}, and {scored['best_without_cycle']} without",
        f"(p = {p_values.pop()} each, McNemar's exact test, uncorrected for",
        f"it scored {min(parts)} to {max(parts)}, within chance",
    ]  # fmt: skip


def placements_on_fifty(l10: dict) -> list[str]:
    """Tell what fold 1 of ESC-50 gives with the attention in each place."""
    names = [f"l{layer}-{scaling}" for scaling in ("sigmoid", "softmax") for layer in (2, 4, 6, 8)]
    found = {name: setting(name, "esc50", 30, recipe="mixed") for name in ("none", *names)}
    n = {name: one["n_correct_of_mean"] for name, one in found.items()}
    right = round(400 * next(run["accuracy"] for run in l10["runs"] if run["fold"] == 1))
    lost = sorted((n["none"] - n[name]) / 4 for name in names[4:])
    assert all(paired(found["none"], found[name])[3] < 0.005 for name in names[4:])
    return [
        f"No attention scores {n['none']} of 400 clips, attention at l10 scores {right}.",
        "Sigmoid at l2, l4, l6 and l8 scores {}, {}, {} and {}; softmax scores {}, {}, {} and {}".format(
            *(n[name] for name in names)
        ),
        f"loses {lost[0]:.1f} to {lost[-1]:.1f} points to no attention (p < 0.005 each",
        f"on a GPU and scores {right} of 400",
    ]


def _top(probabilities: list[float]) -> int:
    return max(range(len(probabilities)), key=probabilities.__getitem__)


def trust_claims() -> list[str]:
    return faithfulness_claims() + maps_claims() + localisation_claims() + robustness_claims()


DOCUMENTS = {
    ("README.md", "Findings"): readme_claims,
    ("docs/trust.md", None): trust_claims,
    ("docs/training.md", "What came out"): training_claims,
}
SET_BEFOREHAND = (
    "Intervals are 95%", "first 1, 5, 10, 20 and 50% of the frames", "at 44.1 kHz",
)  # fmt: skip
"""Numbers of the protocol, which no result says."""


@pytest.mark.parametrize("place", DOCUMENTS, ids=lambda place: place[0])
def test_every_figure_in_prose_is_what_the_results_say(place):
    text = prose(*place)
    absent = [claim for claim in DOCUMENTS[place]() if claim not in text]
    assert absent == []


@pytest.mark.parametrize("place", DOCUMENTS, ids=lambda place: place[0])
def test_no_figure_in_prose_is_without_a_claim(place):
    text = prose(*place)
    for claim in sorted([*DOCUMENTS[place](), *SET_BEFOREHAND], key=len, reverse=True):
        text = text.replace(claim, " … ")
    figure = r"[−+]?\d+\.\d+|\d+%|\b\d+ (?:of \d+|points|won|lost|mistakes)"
    assert re.findall(rf".{{0,30}}(?:{figure}).{{0,20}}", text) == []


def outcome(value: dict) -> int:
    """1 if the interval is above zero, -1 if below, 0 if it holds zero."""
    low, high = value["interval"]
    return (low > 0) - (high < 0)


def test_what_trust_md_says_of_every_network_holds_of_each():
    every = [(placement, "esc10") for placement in ESC10_STUDIED] + [("l10", "esc50")]
    kept = {
        (*name, fill): outcome(minus(name[0], "energy", fill, "sufficiency", name[1]))
        for name in every
        for fill in FILLS
    }
    ties = {key for key, found in kept.items() if found == 0}
    assert ties == {("l4-softmax", "esc10", "silence"), ("l10", "esc50", "silence"), ("l10", "esc50", "mean")}
    assert set(kept.values()) == {0, 1}  # more is missing than with the loudest
    gradients = {
        (*name, fill): outcome(minus(name[0], "integrated_gradients", fill, dataset=name[1]))
        for name in every
        for fill in FILLS
    }
    assert {key for key, found in gradients.items() if found != -1} == {("l8-softmax", "esc10", "mean")}
    for placement in ("l4-softmax", "l6-softmax", "l8-softmax"):
        found = [outcome(minus(placement, control)) for control in ("shifted", "random", "energy")]
        assert found == [1, 0, 0]
        assert outcome(minus(placement, "random", "mean")) == 1
    for placement in ("l6-sigmoid", "l8-sigmoid"):
        assert [outcome(minus(placement, "shifted", fill)) for fill in FILLS] == [1, 1]
        assert outcome(minus(placement, "random", "mean")) == 0
    for path in (RESULTS / "localisation").glob("*.json"):
        rows = {row["placement"]: row for row in result(f"localisation/{path.stem}")["placements"]}
        assert outcome(rows["silence"]["gain_at_steps"]["auc"]) < 1
        leads = path.stem == "esc10-l10-mixed-fold1" or "softmax-mixed" in path.stem
        assert (outcome(rows["background=0"]["gain_at_steps"]["auc"]) == 1) == leads


def test_the_sizes_of_method_md_are_those_of_the_code():
    text = prose("docs/method.md")
    fifty, ten, none = (
        complexity(NetworkConfig(n, placement)) for n, placement in ((50, "l10"), (10, "l10"), (50, "none"))
    )
    assert f"{fifty.parameters:,} parameters with 50 classes" in text
    assert f"and {ten.parameters:,} with ten; without attention, {fifty.parameters - none.parameters} fewer" in text
    assert f"{fifty.multiply_accumulates:,} multiply-accumulates" in text
    assert f"printed {complexity(PiczakConfig(10)).parameters:,} parameters" in text
    table = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    weights = [128 // NetworkConfig(50, f"l{n}-softmax").frames_per_weight for n in (2, 4, 6, 8)]
    assert "{}, {}, {} and {} weights a segment".format(*weights) in table
    step = NetworkConfig(50, "l10").frames_per_weight
    assert f"a step is {step} frames, {1000 * step * FrontEnd().hop_s:.0f} ms" in table


def test_training_md_describes_the_recipes_of_the_code():
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(RECIPES)
    assert f"(segments of {WHOLE['segment_frames']} frames)" in " ".join(text.split())
    assert (WHOLE["optimiser"], WHOLE["schedule"], WHOLE["roll"]) == ("adamw", "one-cycle", True)
    names = "whole", "whole_with_mixup", "best", "short_mixed_powers"
    probe, mixed, best, powers = (result(f"ablation/esc50-l10-{name}-30-sealed1") for name in names)
    told = " ".join(text.split())
    assert f"scored {percent(probe['accuracy'])} ({between(probe['interval'])}) on fold 5" in told
    assert f"it scored {percent(mixed['accuracy'])} ({between(mixed['interval'])})" in told
    assert f"mixed it scored {percent(powers['accuracy'])} ({between(powers['interval'])}) there" in told
    assert f"scored {percent(best['accuracy'])} ({between(best['interval'])}) on the same folds" in told
