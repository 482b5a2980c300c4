"""The runs of the Train page: a table of them, the curves of some, and how one stands and is steered."""

import time
from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st

from acrnn.checkpoints import Checkpoint, find
from acrnn.errors import AcrnnError, CheckpointError
from acrnn.figures import Figure
from acrnn.figures.training import CURVES, Curve, Trained, colours_of, curve_figure, movement_figure
from acrnn.model import PICZAK
from acrnn.results.settings import record
from acrnn.runs.estimate import describe_duration
from acrnn.runs.finish import describe, publish, published, published_name
from acrnn.runs.launch import delete, resume
from acrnn.runs.run import Run
from acrnn.runs.status import clock
from acrnn.runs.watch import RunView, State, log_tail
from acrnn.training.config import RunConfig
from acrnn.web.shared.charts import NO_BAR
from acrnn.web.shared.downloads import download
from acrnn.web.shared.models import listen_query
from acrnn.web.shared.rows import choosable, height_px
from acrnn.web.shared.words import code, plain, sentence_of
from acrnn.web.shell import address
from acrnn.web.train.form import rate

RUNS_PX = 250
"""Greatest height of the table of runs."""
NO_HELD_OUT_CURVE = (
    "The curves show the training folds{mixed}. There is no curve for the held-out fold: it is scored once, after the "
    "last epoch, so that nothing can be tuned on it."
)
MIXED = ", with segments mixed (eq. 5), so their accuracy stays below what the network reaches on clean clips"
MIXED_IN_SOME = (
    ", in some runs with segments mixed (eq. 5), so that their accuracy stays below what the network reaches on clean "
    "clips"
)
STOPPING = (
    "Stop halts after the current step and discards the unfinished epoch, which Resume starts again. After this epoch "
    "loses nothing."
)
MOVEMENT = (
    "How far the kernels of each layer have moved from their initial values, relative to those: ‖w − w₀‖ / ‖w₀‖. A "
    "layer that stays near 0 has hardly been trained."
)
# Streamlit fades what is about to be drawn again: on a machine that is busy training, all of it every two seconds.
STEADY = "<style>.st-key-watched [data-stale='true'], .st-key-starter [data-stale='true'] {opacity: 1}</style>"


def tell_no_run(can_start: bool) -> str:
    """Say what to do first, where there is no run."""
    if can_start:
        return "No run yet. Choose in the sidebar what to train, and press Start."
    return "No run yet, and nothing to train on: the sidebar says how to get a dataset."


def choose_runs(views: Sequence[RunView]) -> list[RunView]:
    """List the runs in a table, to choose one, or several whose curves are laid over each other."""
    by_name = {view.name: view for view in views}
    name, until_s = st.session_state.get("started", (None, 0))
    if name in by_name and time.monotonic() < until_s:
        st.session_state["run"] = [name]
    elif st.session_state.get("run") == []:  # all were taken away, or a slow browser had not been told yet
        st.session_state["run"] = list(by_name)[:1]
    place = st.container()
    chosen = address.some_of(
        st.multiselect, "Runs shown", list(by_name), key="run", default=list(by_name)[:1], format_func=plain,
        placeholder="Choose a run", help="Several are laid over each other in the charts.",
    )  # fmt: skip
    with place:
        choosable(
            pd.DataFrame([_line(view) for view in views]), list(by_name), "run", key="runs", many=True,
            height=height_px(len(views), RUNS_PX), column_config=_COLUMNS, placeholder="–",
            alt="Runs with their state, epochs, held-out accuracy, loss and duration; Runs shown, below, chooses them",
        )  # fmt: skip
    return [by_name[name] for name in chosen]


_COLUMNS = {
    "run": st.column_config.TextColumn(pinned=True),
    "held-out accuracy": st.column_config.NumberColumn(
        format="percent", help="On the fold that was held out, scored once after the last epoch."
    ),
    "loss": st.column_config.NumberColumn(format="%.3f", help="Of the last complete epoch, on the training folds."),
    "duration": st.column_config.TextColumn(help="Of the complete epochs, without features and scoring."),
}


def _line(view: RunView) -> dict:
    """Give a run's row in the table."""
    return {
        "run": view.name,
        "state": str(view.state),
        "epochs": f"{len(view.metrics)} of {view.n_epochs}",
        "held-out accuracy": None if view.run.summary is None else view.run.summary["accuracy"],
        "loss": view.metrics[-1]["loss"] if view.metrics else None,
        "duration": clock(view.seconds) if view.seconds else None,
    }


def show_runs(views: Sequence[RunView]) -> None:
    """Show the curves of several runs, laid over each other."""
    runs = [trained(view) for view in views]
    st.header(f"{len(views)} runs", anchor=False)
    keys = "".join(
        f'<span><b style="color: {colour}" aria-hidden="true">━━</b> {escape(run.name)}</span>'
        for run, colour in zip(runs, colours_of(runs), strict=True)
    )
    st.html(f'<div style="display: flex; flex-wrap: wrap; gap: .25rem 1.5rem">{keys}</div>')
    _curves(views)
    st.caption("Choose one run to see its layers, or to stop, resume, publish or delete it.")


def trained(view: RunView) -> Trained:
    """Give a run as its curves show it."""
    recipe = view.run.config.recipe
    rates = [recipe.learning_rate_at(epoch) for epoch in range(recipe.epochs)]
    return Trained(view.name, view.metrics, view.n_epochs, recipe.mixup_alpha > 0, (min(rates), max(rates)))


def _curves(views: Sequence[RunView]) -> None:
    """Draw the four charts of one run or of several."""
    runs = [trained(view) for view in views]
    for pair in (CURVES[:2], CURVES[2:]):
        for column, curve in zip(st.columns(2, gap="small"), pair, strict=True):
            last = ", ".join(f"{run.name} {run.rows[-1][curve.key]:{curve.hover_format}}" for run in runs if run.rows)
            column.plotly_chart(
                _drawn_figure(runs, curve, curve.key, *(_version(view) for view in views)), key=f"curve_{curve.key}",
                config=NO_BAR, alt=f"{curve.title_of(runs)} after each epoch, at last: {last or 'no epoch yet'}",
            )  # fmt: skip
    mixed = [run.mixed for run in runs]
    told = (MIXED if all(mixed) else MIXED_IN_SOME) if any(mixed) else ""
    st.caption(NO_HELD_OUT_CURVE.format(mixed=told))


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
    elif (lost := view.lost) is not None:
        st.caption(
            f"Stopped in epoch {len(view.metrics) + 1}, after {lost[0]} of {lost[1]} steps. Resume begins this epoch "
            "anew."
        )
    _actions(view)
    _curves([view])
    last_row = view.metrics[-1] if view.metrics else {}
    st.plotly_chart(
        _drawn_movement(trained(view), *_version(view)), key="curve_movement", config=NO_BAR,
        alt=_tell_movement(last_row.get("movement", {})),
    )  # fmt: skip
    st.caption(MOVEMENT)
    _files(view)


def _version(view: RunView) -> tuple:
    """Give what tells whether a run's curves have changed: they are drawn once an epoch, however often looked at."""
    last = view.metrics[-1] if view.metrics else {}
    return str(view.run.path), len(view.metrics), last.get("time")


@st.cache_resource(show_spinner=False, max_entries=200)
def _drawn_figure(_runs: Sequence[Trained], _curve: Curve, *key) -> Figure:
    return curve_figure(_runs, _curve)


@st.cache_resource(show_spinner=False, max_entries=50)
def _drawn_movement(_run: Trained, *key) -> Figure:
    return movement_figure(_run)


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
        st.metric(
            "Training loss", "–" if loss is None else f"{loss:.3f}", help="Cross-entropy, mean over the epoch so far."
        )
        st.metric(
            f"Training accuracy{' (mixed)' * (view.run.config.recipe.mixup_alpha > 0)}",
            "–" if last is None else f"{last['accuracy']:.1%}",
            help="Last complete epoch, training folds: how often the right class, of a mixed segment the one with the "
            "larger share, ranks first.",
        )  # fmt: skip
        st.metric("Segments/s", "–" if speed is None else rate(speed))
        st.metric("Time left", "–" if now is None else clock(now.seconds_left), help="Until the end of the last epoch.")


def _actions(view: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="actions"):
        if view.is_running:
            _stop_buttons(view)
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


def _stop_buttons(view: RunView) -> None:
    stopping, at_once = view.state is State.STOPPING, view.run.stops_at_once
    st.button("Stop", icon=":material/stop:", on_click=view.run.request_stop, disabled=stopping and at_once)
    st.button(
        "Stop after this epoch", icon=":material/last_page:", disabled=stopping,
        on_click=partial(view.run.request_stop, after_epoch=True),
    )  # fmt: skip
    if stopping:
        wait = "at the end of the step under way" if at_once else "at the end of the epoch under way"
        st.caption(f"Stopping {wait}{_how_long(view, at_once)} …")
    else:
        st.caption(STOPPING)


def _how_long(view: RunView, at_once: bool) -> str:
    """Say how long a step takes, or the rest of the epoch; "" if that is not known."""
    now = view.status.progress if view.status is not None else None
    if now is None or now.segments_per_s <= 0:
        return ""
    step_s = view.run.config.recipe.batch_size / now.segments_per_s
    return f", in about {describe_duration(step_s if at_once else step_s * (now.n_steps - now.step))}"


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
        f"{summary['n_clips']} clips, 95% Wilson interval over clips {low:.1%} to {high:.1%}. Scored once, after the "
        "last epoch, in the way that Listen analyses a clip."
    )
