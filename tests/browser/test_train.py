"""The Train page as a person uses it: real tiny trainings, in their own processes, seen from real browsers."""

import csv
import io
import os
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from playwright.sync_api import expect

from acrnn.runs.launch import start
from acrnn.runs.run import Run
from acrnn.runs.start import Options
from acrnn.runs.status import Process
from acrnn.runs.watch import find_run, list_runs, look
from tests.browser.conftest import ROOT, SHOWN_MS, App
from tests.waiting import wait_until

LONG_MS = 240_000  # a training's process has to import torch, and the machine may be busy


@pytest.fixture(scope="module", autouse=True)
def patience():
    """Training takes the processor that the page and its browser need."""
    expect.set_options(timeout=LONG_MS)
    yield
    expect.set_options(timeout=SHOWN_MS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tiny_root):
    """Environment of a server and of its runs: everything in folders of its own."""
    folder = tmp_path_factory.mktemp("train")
    names = ("RUNS", "CHECKPOINTS", "RESULTS", "CACHE", "SHIPPED")
    return {f"ACRNN_{name}": str(folder / name.lower()) for name in names} | {
        "ACRNN_DATA": str(tiny_root.parent),
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="module")
def train_app(tmp_path_factory, folders):
    server = App(tmp_path_factory.mktemp("train-app") / "log.txt", **folders)
    server.wait()
    yield server
    server.stop()
    for view in list_runs(Path(folders["ACRNN_RUNS"]))[0]:
        if view.is_running:  # after a test that failed
            os.kill(Process.read(view.run).pid, signal.SIGKILL)
    server.assert_no_crash()


@pytest.fixture
def same_folders(folders, monkeypatch):
    """Let this process start and read the server's runs."""
    for name, value in folders.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def second_page(chromium):
    """Another browser."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1200})
    yield context.new_page()
    context.close()


def open_train(page, app, query="") -> None:
    page.set_default_timeout(LONG_MS)
    page.goto(app.url("train" + query))
    drawn(page)


def drawn(page) -> None:
    """Wait until the page is whole. It never rests: parts of it are drawn again every two seconds."""
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def has_state(page, state) -> None:
    """Wait until the chosen run's bar says that it is in this state."""
    bar = page.get_by_test_id("stProgress").get_by_text(f"{state}:")
    expect(bar).to_be_visible()


def stands_still(page, seconds=3, keys=("actions", "curve_loss", "curve_segments_per_s", "exports")) -> None:
    """Assert that for some seconds nothing in the page moves or fades, however often it is refreshed."""
    told = page.evaluate(
        """([ms, keys]) => new Promise((done) => {
          const found = new Set(), began = performance.now()
          const place = () => keys.map((key) => {
            const box = document.querySelector(`.st-key-${key}`)?.getBoundingClientRect()
            return box ? `${key} at ${box.x}, ${box.y}, ${box.width} × ${box.height}` : `no ${key}`
          }).join('; ')
          const first = place()
          const look = () => {
            if (place() !== first) found.add(`moved: ${first} -> ${place()}`)
            for (const element of document.querySelectorAll('[data-testid=stMain] [data-testid=stElementContainer]'))
              if (getComputedStyle(element).opacity < 0.99) found.add(`faded: ${element.outerHTML.slice(0, 400)}`)
            performance.now() - began < ms ? requestAnimationFrame(look) : done([...found])
          }
          look()
        })""",
        [1000 * seconds, keys],
    )
    assert told == []


@pytest.mark.slow
def test_a_run_is_started_watched_and_stopped_and_outlives_page_and_server(train_app, page, second_page, same_folders):
    for browser in (page, second_page):
        open_train(browser, train_app, "?recipe=plain&epochs=5000&device=cpu")
        expect(browser.get_by_text("No run yet.")).to_be_visible()
    for browser in (page, second_page):  # at once, whatever the second page knows of the first
        browser.get_by_role("button", name="Start").evaluate("button => button.click()")
    has_state(page, "training")
    (view,) = list_runs()[0]
    first = Process.read(view.run)
    page.wait_for_function(
        "document.querySelectorAll('.st-key-curve_loss .scatterlayer .point').length >= 2", timeout=LONG_MS
    )
    expect(page.get_by_text("There is no curve for the held-out fold")).to_be_visible()
    stands_still(page)
    page.reload()
    drawn(page)
    has_state(page, "training")
    assert Process.read(view.run) == first, "a start too many"
    page.get_by_role("button", name="Stop", exact=True).click()
    has_state(page, "stopped")
    has_state(second_page, "stopped")  # which nobody touched
    done = len(view.run.metrics())

    page.get_by_role("button", name="Resume").click()
    has_state(page, "training")
    train_app.process.send_signal(signal.SIGKILL)
    train_app.process.wait()
    assert Process.read(view.run).is_alive, "the run's process went with the server"
    train_app.start()
    train_app.wait()
    open_train(page, train_app)
    has_state(page, "training")
    wait_until(lambda: len(view.run.metrics()) > done)
    page.get_by_role("button", name="Stop after this epoch").click()
    has_state(page, "stopped")
    epochs = [row["epoch"] for row in view.run.metrics()]
    assert epochs == list(range(len(epochs)))
    page.wait_for_timeout(3000)  # until it was drawn again, with the last epoch
    with page.expect_download() as download:
        page.get_by_role("button", name="Curves (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert [int(row["epoch"]) for row in rows] == list(range(1, len(epochs) + 1))
    assert float(rows[-1]["loss"]) == view.run.metrics()[-1]["loss"]


@pytest.mark.slow
def test_a_finished_run_shows_its_score_and_opens_in_confusions_and_in_listen(train_app, page, same_folders):
    open_train(page, train_app, "?recipe=plain&epochs=3&heldout=2&device=cpu")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="esc10-l10-plain-fold2-seed0")).to_be_visible()
    has_state(page, "finished")
    summary = find_run("esc10-l10-plain-fold2-seed0").summary
    expect(page.get_by_text(f"on held-out fold 2: {summary['n_correct']} of 4 clips")).to_be_visible()

    page.get_by_role("button", name="Its confusions").click()
    page.wait_for_url("**/confusions*")  # the only setting is the default, which does not stay in the URL
    expect(page.get_by_text("fold 2 only").first).to_be_visible()

    other = "esc50-l10-mixed-fold1"  # Listen's default; only what is not the default stays in the URL
    shutil.copytree(ROOT / "checkpoints" / other, Path(os.environ["ACRNN_SHIPPED"]) / "checkpoints" / other)
    open_train(page, train_app, "?run=esc10-l10-plain-fold2-seed0")
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("link", name="Use it in Listen").click()
    page.wait_for_url(re.compile(r"/\?(.*&)?fold=2-|/\?(.*&)?fold=esc10-"))
    page.get_by_test_id("stSidebar").get_by_text("Model", exact=True).click()
    expect(page.get_by_text("recipe plain, 3 epochs, seed 0")).to_be_visible()
    expect(page.get_by_text("It must choose one of its 10 classes")).to_be_visible()


def test_a_killed_process_shows_as_dead_and_its_run_can_be_deleted(train_app, page, tiny_root, same_folders):
    run = start(Options(tiny_root, "esc10", fold=2, recipe="plain", epochs=500, seed=1, device="cpu"))
    open_train(page, train_app, f"?run={run.path.name}")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    os.kill(Process.read(run).pid, signal.SIGKILL)
    has_state(page, "dead")
    expect(page.get_by_text("The training process ended unexpectedly")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text(run.path.name)).to_have_count(0)
    assert not run.path.exists()


def test_what_cannot_be_started_is_told_before(train_app, page, tiny_run_config, same_folders):
    run = Run.create(os.environ["ACRNN_RUNS"], tiny_run_config)
    assert look(run).state == "stopped"
    open_train(page, train_app, "?heldout=2&epochs=7&device=cpu")
    expect(page.get_by_text(", epochs (3 there, 7 asked for)")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_be_disabled()


def add_run(config, n_epochs: int) -> str:
    """Leave a run as one that was stopped after so many epochs leaves it; its name."""
    run = Run.create(os.environ["ACRNN_RUNS"], config)
    for epoch in range(n_epochs):
        row = {"loss": 2.0 - epoch / 4, "accuracy": 0.5, "learning_rate": 0.01, "segments_per_s": 80.0, "seconds": 61.0}
        run.append_metrics({"epoch": epoch, **row})
    run.save_state({"a": torch.zeros(1)}, n_epochs)
    return run.path.name


def names_of_curves(page) -> list[str]:
    return page.evaluate("document.querySelector('.st-key-curve_loss .js-plotly-plot').data.map(trace => trace.name)")


def test_rows_of_the_table_are_laid_over_each_other_and_one_row_is_shown_by_itself(
    train_app, page, tiny_run_config, same_folders
):
    mixed = replace(tiny_run_config, seed=21)
    plain = replace(mixed, recipe=replace(mixed.recipe, name="plain", mixup_alpha=0.0))
    names = [add_run(config, 2) for config in (mixed, plain)]
    open_train(page, train_app, "?" + "&".join(f"run={name}" for name in names))
    expect(page.get_by_role("heading", name="2 runs")).to_be_visible()
    expect(page.get_by_text("loss, on mixed segments in some runs")).to_be_visible()
    wait_until(lambda: names_of_curves(page) == names, 30)
    stands_still(page, keys=("curve_loss", "curve_segments_per_s"))
    row = 1 + [view.name for view in list_runs()[0]].index(names[1])
    table = page.locator(".st-key-runs .stDataFrameGlideDataEditor").first
    table.click(position={"x": 150, "y": 38 + 35 * row - 17})
    expect(page.get_by_role("heading", name=names[1])).to_be_visible()
    wait_until(lambda: names_of_curves(page) == names[1:], 30)  # the heading comes before the curves
    expect(page.locator(".st-key-curve_loss").get_by_text("loss", exact=True)).to_be_visible()
    expect(page.locator(".st-key-runs table").get_by_text("2:02").first).to_be_attached()
    for name in names:
        shutil.rmtree(Path(os.environ["ACRNN_RUNS"]) / name)


def test_the_form_has_the_recipes_values_and_says_how_long_it_will_take(train_app, page):
    open_train(page, train_app)
    assert page.get_by_label("Epochs", exact=True).input_value() == "300"
    assert page.get_by_label("Batch size", exact=True).input_value() == "64"
    estimate = page.get_by_text("of training: 4 segments an epoch × 300 at")
    expect(estimate).to_be_visible()


def test_without_data_the_page_offers_the_download(app_without_data, page):
    open_train(page, app_without_data)
    expect(page.get_by_role("button", name="Download ESC-10")).to_be_visible()
    expect(page.get_by_text("No run yet, and nothing to train on")).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_have_count(0)


def test_the_page_can_be_read_on_a_phone(train_app, phone):
    open_train(phone, train_app)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 400
