"""The file itself: a template filled with findings, in which every text is escaped and nothing is fetched."""

import base64
import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import IO, Any

import numpy as np
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from acrnn.audio import encode_flac
from acrnn.checkpoints import Checkpoint
from acrnn.data import atomic_path
from acrnn.figures.clip import ClipView
from acrnn.figures.finding import picture
from acrnn.inference import Prediction
from acrnn.labels import pretty
from acrnn.report.sentences import tell_accuracy, tell_verdict
from acrnn.report.words import tell_number

LONGEST_S = 600.0
"""Of a recording whose sound goes into the file: at 44.1 kHz about 60 MB."""
N_LIKELY = 5


@dataclass(frozen=True)
class Finding:
    """A clip and what a network says of it.

    Attributes
    ----------
    prediction : Prediction
    samples : ndarray (n_samples,)
        The clip in [-1, 1], as the network heard it.
    checkpoint : Checkpoint
        Which network.
    truth : str or None
        The clip's class, where it is known.
    seen : str
        Whether the network was trained on the clip, as `tell_seen` says it.
    title : str
        Stands before the clip's name, such as `A dog that it classified correctly`.
    view : ClipView
        The range of the spectrogram's colours.
    """

    prediction: Prediction
    samples: np.ndarray
    checkpoint: Checkpoint
    truth: str | None = None
    seen: str = ""
    title: str = ""
    view: ClipView = ClipView()  # noqa: RUF009 it is frozen


def findings_html(findings: Sequence[Finding]) -> str:
    """Give findings as one page, a section each, in their order."""
    file = io.StringIO()
    page = Page(file, several=len(findings) > 1)
    for finding in findings:
        page.add(finding)
    file.write(_template().foot())
    return file.getvalue()


class Page:
    """A page that is being written, a section a finding."""

    def __init__(self, file: IO[str], *, several: bool) -> None:
        self.n_findings = 0
        self._file = file
        file.write(_template().head(several))

    def add(self, finding: Finding) -> None:
        """Write a finding."""
        self._file.write(_template().section(_values(finding)))
        self.n_findings += 1


@contextmanager
def write_findings(path: Path, *, several: bool) -> Iterator[Page]:
    """Write a page a section at a time, however many there are; it is there when the block ends, unless it is empty.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with suppress(_EmptyError), atomic_path(path) as temporary:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            page = Page(file, several=several)
            yield page
            file.write(_template().foot())
        if page.n_findings == 0:
            raise _EmptyError


class _EmptyError(Exception):
    pass


@cache
def _template() -> Any:
    """Load the template's macros, and with them the page's style, script and policy.

    The policy lets the page fetch nothing at all, and run and look as these two texts say, known by their hashes.
    """
    folder = resources.files(__package__)
    html, style, script = (folder.joinpath(f"finding.{end}").read_text("utf-8") for end in ("html", "css", "js"))
    environment = Environment(
        autoescape=True, loader=DictLoader({"page": html}), undefined=StrictUndefined, finalize=_printable,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    policy = (
        f"default-src 'none'; img-src data:; media-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )
    shared = {"style": Markup(style), "script": Markup(script), "policy": policy}
    return environment.get_template("page").make_module(shared)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _values(finding: Finding) -> dict[str, Any]:
    """Give what the template shows of a finding: numbers, and texts that it escapes."""
    prediction, config = finding.prediction, finding.checkpoint.config
    sound = encode_flac(finding.samples, config.front_end.rate_hz)
    return {
        "title": finding.title,
        "name": Path(prediction.name).name,
        "verdict": tell_verdict(prediction),
        "agreement": _agreement(finding),
        "seen": finding.seen,
        "duration_s": prediction.duration_s,
        "likely": _likely(prediction),
        "is_calibrated": prediction.calibrated is not None,
        "strangeness": prediction.strangeness,
        "notes": prediction.notes,
        "network": config.name,
        "accuracy": tell_accuracy(finding.checkpoint),
        "placement": config.placement if config.has_attention else None,
        "filters": config.front_end.filters,
        "rate_khz": config.front_end.rate_hz / 1000,
        "sound": picture.data_url(sound, "audio/flac"),
        "segments": prediction.segments,
        "low_db": tell_number(finding.view.low_db, ".0f"),
        "high_db": tell_number(finding.view.high_db, ".0f"),
        **_picture(finding),
    }


def _picture(finding: Finding) -> dict[str, Any]:
    prediction = finding.prediction
    line, top = (None, 0.0) if prediction.attention is None else picture.attention_line(prediction)
    x, share = picture.frames_box(prediction)
    return {
        "image": picture.spectrogram_png(prediction, finding.view),
        "veil": None if prediction.attention is None else picture.veil_png(prediction),
        "image_x": x,
        "image_share": share,
        "bars": picture.segment_bars(prediction),
        "are_named": len(prediction.segments) <= picture.NAMED_SEGMENTS,
        "waveform": picture.waveform_line(finding.samples, finding.checkpoint.config.front_end.rate_hz),
        "attention": line,
        "attention_top": top,
        "most_at_s": None if prediction.attention is None else prediction.attention.most_at_s,
        "seconds": picture.time_ticks(prediction.duration_s),
        "hertz": picture.frequency_ticks(prediction),
        "estimated": 100 * (1 - prediction.n_known_bands / len(prediction.centres_hz)),
    }


def _likely(prediction: Prediction) -> list[dict[str, Any]]:
    """Give the most probable classes with both their probabilities."""
    own, calibrated = prediction.top(N_LIKELY), prediction.top(N_LIKELY, calibrated=True)
    return [
        {"label": pretty(label), "probability": p, "calibrated": q}
        for (label, p), (_, q) in zip(own, calibrated, strict=True)
    ]


def _agreement(finding: Finding) -> str:
    if finding.truth is None:
        return "The true class is not known."
    if finding.truth not in finding.checkpoint.config.labels:
        return f"It is {pretty(finding.truth)}, which this network does not know."
    return f"{'Right' if finding.prediction.label == finding.truth else 'Wrong'}: it is {pretty(finding.truth)}."


def _printable(value: Any) -> Any:
    """Take out of a text that is not ours what is no text, such as bytes of a file's name that are not UTF-8."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value)
