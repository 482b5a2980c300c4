"""What the Train page asks and tells: the options of a run, how long it will take, and how a run stands."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st
import torch

from acrnn import data
from acrnn.checkpoints import Checkpoint, find
from acrnn.data import Dataset
from acrnn.devices import describe_device, training_device
from acrnn.errors import AcrnnError, CheckpointError
from acrnn.figures import Figure
from acrnn.figures.training import CURVES, Curve, curve_figure, movement_figure
from acrnn.model import PICZAK, PLACEMENTS
from acrnn.results.settings import record
from acrnn.runs.estimate import Workload, describe_duration, measurement, speed_of_runs, workload
from acrnn.runs.finish import describe, publish, published, published_name
from acrnn.runs.launch import Space, delete, resume, space_of, start
from acrnn.runs.run import Run
from acrnn.runs.start import Options, configure
from acrnn.runs.status import clock
from acrnn.runs.watch import RunView, State, list_runs, log_tail
from acrnn.training import RECIPES, recipe_for
from acrnn.training.config import RunConfig
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.clips import offer_download
from acrnn.web.shared.datasets import read_source, sources
from acrnn.web.shared.downloads import download
from acrnn.web.shared.models import listen_query
from acrnn.web.shared.words import code, plain, sentence_of
from acrnn.web.shell import address

STATE_COLOURS = {
    State.PREPARING: "violet", State.TRAINING: "blue", State.SCORING: "violet", State.STOPPING: "orange",
    State.STOPPED: "gray", State.FINISHED: "green", State.FAILED: "red", State.DEAD: "red",
}  # fmt: skip
NO_HELD_OUT_CURVE = (
    "The curves show the training folds, with segments mixed (eq. 5), so their accuracy stays below what the network "
    "reaches on clean clips. There is no curve for the held-out fold: it is scored once, after the last epoch, so "
    "that nothing can be tuned on it."
)
MOVEMENT = (
    "How far the kernels of each layer have moved from their initial values, relative to those: ‖w − w₀‖ / ‖w₀‖. A "
    "layer that stays near 0 has hardly been trained."
)
# Streamlit fades what is about to be drawn again: on a machine that is busy training, all of it every two seconds.
STEADY = "<style>.st-key-watched [data-stale='true'], .st-key-starter [data-stale='true'] {opacity: 1}</style>"
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
    st.caption(f"auto is {describe_device(training_device())} here. A GPU is not needed.")
    return Options(root, subset, fold, placement, recipe, epochs, batch_size, seed, device)


def plan_of(options: Options) -> Plan:
    """Find out what a run would be and cost, once a minute for the same options; raises as `configure`."""
    return _plan(options, repr(options))


@st.cache_resource(show_spinner=False, ttl=60, max_entries=64)
def _plan(_options: Options, key: str) -> Plan:
    config, dataset = configure(_options)
    return Plan(config, dataset, workload(config, dataset), space_of(config, dataset))


@st.fragment(run_every=4)
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
    st.markdown(_describe_estimate(plan, views))


def _describe_estimate(plan: Plan, views: Sequence[RunView]) -> str:
    """Say how long the run will take and on what that rests: on runs trained here, else on steps measured meanwhile."""
    speed = speed_of_runs(plan.config, views)
    if speed is None:
        measuring = measurement(plan.config)
        if not measuring.done():
            return ":material/speed: Measuring how fast this machine trains …"
        if (error := measuring.exception()) is not None:
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            return f":material/speed: How fast this machine trains could not be measured ({plain(why)}). Trying again …"
        speed = measuring.result()
    work, n_others = plan.workload, sum(view.is_running for view in views)
    told = (
        f"**About {describe_duration(work.seconds(speed))}** of training: {work.segments_per_epoch:,} segments an "
        f"epoch × {work.epochs} at {_rate(speed.segments_per_s)} segments/s, from {plain(speed.source)}."
    )
    if plan.space.features:
        told += f" Before that, features are computed once: {plan.space.features / 1e6:,.0f} MB in the cache."
    if n_others:
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


def choose_run(views: Sequence[RunView]) -> RunView:
    """List the runs with how they stand, to choose one."""
    by_name = {view.name: view for view in views}
    name, until_s = st.session_state.get("started", (None, 0))
    if name in by_name and time.monotonic() < until_s:
        st.session_state["run"] = name
    badges = [_badge(view) for view in views]
    return by_name[address.one_of(st.radio, "Runs", list(by_name), key="run", format_func=plain, captions=badges)]


def show_run(view: RunView) -> None:
    """Show one run: state, figures, what can be done with it, and its curves."""
    st.header(plain(view.name), anchor=False)
    st.caption(plain(_describe_config(view.run.config)))
    st.progress(min(view.share, 1.0), text=plain(view.sentence()))
    _numbers(view)
    if view.state is State.FAILED:
        st.error(plain(view.message), icon=":material/error:")
    elif view.state is State.DEAD:
        st.warning(
            "The training process ended unexpectedly: it was killed, ran out of memory, or the machine was switched "
            f"off. Completed epochs are kept; Resume continues after epoch {len(view.metrics)}.",
            icon=":material/skull:",
        )
    elif view.state is State.FINISHED:
        st.markdown(_describe_score(view))
    _actions(view)
    last_row = view.metrics[-1] if view.metrics else {}
    for pair in (CURVES[:2], CURVES[2:]):
        for column, curve in zip(st.columns(2, gap="small"), pair, strict=True):
            last = f"{view.metrics[-1][curve.key]:{curve.hover_format}}" if view.metrics else "no epoch yet"
            column.plotly_chart(
                _figure(view, curve), key=f"curve_{curve.key}",
                config=NO_BAR, alt=f"{curve.title} after each epoch, at last {last}",
            )  # fmt: skip
    st.caption(NO_HELD_OUT_CURVE)
    st.plotly_chart(
        _drawn_movement(view, str(view.run.path), len(view.metrics), last_row.get("time")),
        key="curve_movement", config=NO_BAR, alt=_tell_movement(last_row.get("movement", {})),
    )  # fmt: skip
    st.caption(MOVEMENT)
    _files(view)


def _figure(view: RunView, curve: Curve) -> Figure:
    """Draw a curve once an epoch, however often it is looked at."""
    last = view.metrics[-1] if view.metrics else {}
    return _drawn_figure(view, curve, str(view.run.path), curve.key, len(view.metrics), last.get("time"))


@st.cache_resource(show_spinner=False, max_entries=200)
def _drawn_figure(_view: RunView, _curve: Curve, *key) -> Figure:
    return curve_figure(_view.metrics, _curve, _view.n_epochs)


@st.cache_resource(show_spinner=False, max_entries=50)
def _drawn_movement(_view: RunView, *key) -> Figure:
    return movement_figure(_view.metrics, _view.n_epochs)


def _tell_movement(movement: dict[str, float]) -> str:
    told = ", ".join(f"{layer} {moved:.2f}" for layer, moved in movement.items()) or "no epoch yet"
    return f"Relative distance of each layer's kernels from their initial values: {told}"


def _numbers(view: RunView) -> None:
    """Four figures that stand in the same place whatever the state."""
    now = view.status.progress if view.is_running and view.status is not None else None
    last = view.metrics[-1] if view.metrics else None
    loss = now.loss if now is not None else last and last["loss"]
    speed = now.segments_per_s if now is not None else last and last["segments_per_s"]
    with st.container(horizontal=True, key="numbers"):
        st.metric("Loss", "–" if loss is None else f"{loss:.3f}", help="Cross-entropy, mean over the epoch so far.")
        st.metric(
            "Accuracy (mixed)", "–" if last is None else f"{last['accuracy']:.1%}",
            help="Last complete epoch, training folds: how often the class with the larger share ranks first.",
        )  # fmt: skip
        st.metric("Segments/s", "–" if speed is None else _rate(speed))
        st.metric("Time left", "–" if now is None else clock(now.seconds_left), help="Until the end of the last epoch.")


def _actions(view: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="actions"):
        if view.is_running:
            st.button(
                "Stop", icon=":material/stop:", on_click=view.run.request_stop, disabled=view.state is State.STOPPING,
                help="Stops at the next step. The current epoch is repeated when the run is resumed.",
            )  # fmt: skip
            return
        if view.state is not State.FINISHED and st.button("Resume", icon=":material/play_arrow:", type="primary"):
            _try(lambda: resume(view.run), f"{plain(view.name)} resumed")
        if view.state is State.FINISHED and not view.run.config.sealed:
            _publish(view)
            if st.button(
                "Its confusions", icon=":material/grid_on:", help="Saves its result with yours and opens it there."
            ):
                _open_confusions(view.run)
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"Delete {code(view.name)} with its weights, curves and score? This cannot be undone.")
            if st.button("Delete for good", type="primary", key="delete"):
                _try(lambda: delete(view.run), f"{plain(view.name)} deleted", forget_run=True)


def _publish(view: RunView) -> None:
    """Publish the run, asking first if that replaces another checkpoint; once done, lead to Listen."""
    own, other = _checkpoint_of(view.run.path / view.run.config.name), published(view.run)
    if own is None:
        st.caption("Its checkpoint is missing or damaged.")
    elif other is None:
        if st.button("Publish", icon=":material/publish:", type="primary", help="Offers it in Listen and Compare."):
            name = published_name(view.run)
            _try(lambda: publish(view.run), f"{plain(name)} published")
    elif own.config.weights_sha256 == other.config.weights_sha256:
        st.page_link(
            "pages/listen.py", label="Use it in Listen", icon=":material/hearing:", query_params=listen_query(other)
        )
    else:
        with st.popover("Publish", icon=":material/publish:"):
            st.markdown(f"This replaces your checkpoint {code(other.name)} ({plain(describe(other.config))}).")
            if st.button("Replace it", type="primary", key="replace"):
                _try(lambda: publish(view.run, force=True), f"{plain(other.name)} published")


def _checkpoint_of(folder: Path) -> Checkpoint | None:
    """Read the config of a checkpoint; None if it is not there or cannot be read."""
    try:
        return find(str(folder.resolve()))
    except CheckpointError:
        return None


def _open_confusions(run: Run) -> None:
    try:
        name = record(run)
    except (AcrnnError, OSError) as error:
        st.error(sentence_of(error))
        return
    st.switch_page("pages/confusions.py", query_params={"setting": name})


def _try(act, told: str, *, forget_run: bool = False) -> None:
    """Do what a button is for, and say that it was done or why not."""
    try:
        act()
    except (AcrnnError, OSError) as error:
        st.error(sentence_of(error))
        return
    if forget_run:
        st.session_state.pop("run", None)
    st.toast(told)
    st.rerun(scope="fragment")


def _files(view: RunView) -> None:
    # Made now, not when they are asked for: Streamlit forgets a deferred file whenever its fragment is drawn again.
    with st.container(horizontal=True, key="exports"):
        download("Curves (CSV)", metrics_csv(view.metrics), f"{view.name}-curves.csv", disabled=not view.metrics)
        predictions = view.run.path / "predictions.csv"
        download(
            "Predictions (CSV)", predictions.read_bytes() if predictions.exists() else b"",
            f"{view.name}-predictions.csv", disabled=not predictions.exists(),
            help="The probabilities of every held-out clip, once they are scored.",
        )  # fmt: skip
    with st.expander("Log and command line", icon=":material/terminal:"):
        st.code(f"python -m acrnn watch {view.run.path}", language="bash")
        st.code(log_tail(view.run) or "nothing yet", language=None, wrap_lines=True)


def metrics_csv(rows: Sequence[dict[str, float]]) -> str:
    """One line an epoch: epoch (from 1), loss, accuracy, learning_rate, segments_per_s."""
    frame = pd.DataFrame(rows, columns=["epoch", *(curve.key for curve in CURVES)])
    return frame.assign(epoch=frame["epoch"].astype(int) + 1).to_csv(index=False)


def _rate(per_s: float) -> str:
    return f"{per_s:.0f}" if per_s >= 10 else f"{per_s:.1f}"


def _badge(view: RunView) -> str:
    return f":{STATE_COLOURS[view.state]}-badge[{view.state}] {view.progress()}"


def _describe_config(config: RunConfig) -> str:
    attention = "PiczakCNN" if config.network.placement == PICZAK else f"attention {config.network.placement}"
    sealed = f" and {', '.join(map(str, config.sealed))} sealed, to compare recipes" if config.sealed else ""
    return (
        f"{config.data_title}, fold {config.fold} held out{sealed}, {attention}, recipe {config.recipe.name}, "
        f"{config.recipe.epochs} epochs, batch {config.recipe.batch_size}, seed {config.seed}, on {config.device} in "
        f"{config.precision}"
    )


def _describe_score(view: RunView) -> str:
    summary = view.run.summary
    low, high = summary["interval"]
    return (
        f"**{summary['accuracy']:.1%} correct** on held-out fold {view.run.config.fold}: {summary['n_correct']} of "
        f"{summary['n_clips']} clips, 95 % Wilson interval over clips {low:.1%} to {high:.1%}. Scored once, after the "
        "last epoch, in the way that Listen analyses a clip."
    )


def _forget_numbers() -> None:
    """Let the next recipe's own numbers be offered."""
    for key in ("epochs", "batch"):
        st.session_state.pop(key, None)
