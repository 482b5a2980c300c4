"""The form of the Train page: the options of a run, how long it will take, and its start."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
import torch

from acrnn import data
from acrnn.data import Dataset
from acrnn.devices import describe_device, training_device
from acrnn.errors import AcrnnError
from acrnn.model import PICZAK, PLACEMENTS
from acrnn.runs.estimate import Workload, describe_duration, measurement, speed_of_runs, workload
from acrnn.runs.launch import Space, space_of, start
from acrnn.runs.start import Options, configure
from acrnn.runs.watch import RunView, State, list_runs
from acrnn.training import RECIPES, recipe_for
from acrnn.training.config import RunConfig
from acrnn.web.shared.clips import offer_download
from acrnn.web.shared.datasets import read_source, sources
from acrnn.web.shared.words import plain, sentence_of
from acrnn.web.shell import address

FOLLOW_S = 6
"""For so long a run that was just started stays chosen: a browser that refreshes meanwhile tells its earlier choice."""


@dataclass(frozen=True)
class Plan:
    """A run as the form describes it, and what it will cost."""

    config: RunConfig
    dataset: Dataset
    workload: Workload
    space: Space


def choose_options() -> Options | None:
    """Widgets for all that a run depends on; None (and a message) if there is nothing to train on."""
    found = sources()
    if not found:
        offer_download()
        return None
    root, own = found[address.one_of(st.selectbox, "Dataset", list(found), key="data")]
    try:
        dataset = read_source(root, own)
    except AcrnnError as error:
        st.error(sentence_of(error))
        return None
    subset = own or address.one_of(
        st.segmented_control, "Classes", ["esc10", "esc50"] if dataset.name == "esc50" else ["esc10"],
        format_func=data.TITLES.get, default=dataset.name, key="subset", on_change=_forget_numbers,
        help="ESC-10 is ten classes of ESC-50.",
    )  # fmt: skip
    recipe = address.one_of(
        st.selectbox, "Recipe", list(RECIPES), key="recipe", on_change=_forget_numbers,
        help="The number of epochs is fixed beforehand, and the last one's weights are the result.",
    )  # fmt: skip
    usual = recipe_for(recipe, subset)
    st.caption(f"Trains with {usual.describe()} (§3.4, §4.1).")
    left, right = st.columns(2)
    fold = address.one_of(
        left.selectbox, "Held-out fold", dataset.folds, key="heldout",
        help="Never trained on, and scored once after the last epoch. A cross-validation is one run for each fold.",
    )  # fmt: skip
    placement = address.one_of(
        right.selectbox, "Attention", [*reversed(PLACEMENTS), PICZAK], key="placement",
        help="Where it sits (§4.4): on the last Bi-GRU l10 (eq. 3), on the output of a convolution l2 to l8 (eq. 1), "
        "or nowhere. piczakcnn is the baseline of §4.2, a network of its own.",
    )  # fmt: skip
    epochs = left.number_input(
        "Epochs", 1, 10_000, usual.epochs, key="epochs", bind="query-params",
        help="Fixed beforehand: the learning rate follows a schedule over all of them.",
    )  # fmt: skip
    batch_size = right.number_input(
        "Batch size", 2, 1024, usual.batch_size, key="batch", bind="query-params", help="Segments in a step (§4.1)."
    )
    seed = left.number_input("Seed", 0, 1_000_000, 0, key="seed", bind="query-params")
    devices = ["auto", "cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    device = address.one_of(right.selectbox, "Device", devices, key="device")
    st.caption(f"auto is {describe_device(training_device())} here.")
    return Options(root, subset, fold, placement, recipe, epochs, batch_size, seed, device)


def plan_of(options: Options) -> Plan:
    """Find out what a run would be and cost, once a minute for the same options; raises as `configure`."""
    return _plan(options, repr(options))


@st.cache_resource(show_spinner=False, ttl=60, max_entries=64)
def _plan(_options: Options, key: str) -> Plan:
    config, dataset = configure(_options)
    return Plan(config, dataset, workload(config, dataset), space_of(config, dataset))


@st.fragment(run_every=2)
def start_button(options: Options) -> None:
    """Start a run with these options; says what is there of it already, and how long it will take."""
    views, _ = list_runs()
    try:
        plan = plan_of(options)
    except AcrnnError as error:
        st.error(sentence_of(error))
        return
    told, can_start = _describe_beginning(plan, views)
    if told is not None:
        st.caption(told)
    if st.button("Start", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not can_start):
        try:
            with st.spinner("Starting …"):
                run = start(options)
        except AcrnnError as error:
            st.error(sentence_of(error))
        else:
            st.session_state["started"] = (run.path.name, time.monotonic() + FOLLOW_S)
            st.toast(f"{plain(run.path.name)} started")
            st.rerun()
    st.markdown(describe_estimate(plan, views))


def describe_estimate(plan: Plan, views: Sequence[RunView]) -> str:
    """Say how long the run will take and on what that rests: on runs trained here, else on steps measured meanwhile."""
    n_others = sum(view.is_running and view.state is not State.STOPPING for view in views)
    speed = speed_of_runs(plan.config, views)
    if speed is None:
        measuring = measurement(plan.config, n_others)
        if not measuring.done():
            return ":material/speed: Measuring how fast this machine trains …"
        if (error := measuring.exception()) is not None:
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            return f":material/speed: How fast this machine trains could not be measured ({plain(why)}). Trying again …"
        speed = measuring.result()
    work = plan.workload
    told = (
        f"**About {describe_duration(work.seconds(speed))}** of training: {work.segments_per_epoch:,} segments an "
        f"epoch × {work.epochs} at {rate(speed.segments_per_s)} segments/s, from {plain(speed.source)}."
    )
    if plan.space.features:
        told += f" Before that, features are computed once: {plan.space.features / 1e6:,.0f} MB in the cache."
    if n_others and "at work" not in speed.source:
        told += f" {n_others} run{'s are' if n_others > 1 else ' is'} using this machine now."
    return told


def _describe_beginning(plan: Plan, views: Sequence[RunView]) -> tuple[str | None, bool]:
    """Say what is there of this run already, if anything, and whether it can be started or gone on with."""
    name = f"{plan.config.name}-seed{plan.config.seed}"
    there = next((view for view in views if view.name == name), None)
    if there is None:
        return None, True
    told = f"{plain(name)} exists already ({plain(there.sentence())})"
    if differences := there.run.config.differences(plan.config):
        return f"{told}, with different {plain(differences)}. Choose another seed, or delete it.", False
    if there.is_running or there.state is State.FINISHED:
        return f"{told}.", False
    return f"{told}. Start resumes it.", True


def rate(per_s: float) -> str:
    """Say a number of segments a second."""
    return f"{per_s:.0f}" if per_s >= 10 else f"{per_s:.1f}"


def _forget_numbers() -> None:
    """Let the next recipe's own numbers be offered."""
    for key in ("epochs", "batch"):
        st.session_state.pop(key, None)
