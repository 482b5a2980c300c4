"""What a recording can come as: a path, a pipe, bytes, an open file, or samples in memory."""

import io
import os
import stat
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from acrnn.audio.containers import ACCEPTED
from acrnn.audio.limits import GIB, Limits
from acrnn.errors import AudioTooLargeError, BadSamplesError, EmptyAudioError, NotAudioError

Source = str | os.PathLike | bytes | bytearray | memoryview | BinaryIO
"""An encoded recording: a path (a pipe's too), the bytes of a file, or a file that is open for reading bytes."""

TAKEN = (
    "a path, the bytes of a sound file, a file open for reading bytes, or samples with their rate "
    "(NumPy array, tensor or list) are taken"
)
_IN_MEMORY_BYTES = 64 * 1024**2  # of a pipe; what goes beyond is on disk
_COPIED_BYTES = 2**20


def is_encoded(source: Any) -> bool:
    """Whether this is an encoded recording (`Source`), rather than samples."""
    return isinstance(source, str | os.PathLike | bytes | bytearray) or _is_bytes_view(source) or _is_file(source)


def name_of(source: Any) -> str:
    """Name a source that nobody has named, for messages."""
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source)
    if _is_file(source):
        name = getattr(source, "name", None)
        return name if isinstance(name, str) else "the file"
    return "the audio" if is_encoded(source) else "the array"


def opened(source: Source, name: str, limits: Limits, stack: ExitStack) -> BinaryIO:
    """Open a source for reading and seeking; a pipe is copied first, to disk if it is long.

    Raises
    ------
    NotAudioError, EmptyAudioError, AudioTooLargeError
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return stack.enter_context(io.BytesIO(source))
    if isinstance(source, str | os.PathLike):
        return _opened_path(source, name, limits, stack)
    if _is_file(source):
        return _copied(source, name, limits, stack)
    raise NotAudioError(f"{name} is of type {type(source).__name__}; {TAKEN}.")


def as_samples(samples: Any, name: str) -> np.ndarray:
    """Take samples of any array library, or a list of numbers, as (n_samples,) or (n_samples, n_channels).

    Raises
    ------
    BadSamplesError, EmptyAudioError
        If the type or shape is that of no waveform.
    """
    if hasattr(samples, "detach"):  # a tensor of torch, which this package does not import
        samples = samples.detach().cpu()
        samples = samples.numpy() if str(samples.dtype) != "torch.bfloat16" else samples.float().numpy()
    try:
        array = np.asarray(samples)
    except (ValueError, TypeError) as error:
        raise BadSamplesError(f"{name} is no array of one shape; {TAKEN}.") from error
    if array.dtype.kind not in "iuf":
        what = f"type {array.dtype}" if isinstance(samples, np.ndarray) else f"type {type(samples).__name__}"
        raise BadSamplesError(f"{name} is of {what}; integers and real numbers are accepted: {TAKEN}.")
    is_sideways = array.ndim == 2 and array.shape[1] > max(len(array), 32) and len(array) > 0
    if array.ndim == 0:
        raise BadSamplesError(f"{name} is a single number; {TAKEN}.")
    if array.ndim not in (1, 2) or is_sideways:
        raise BadSamplesError(
            f"{name} has the shape {array.shape}; (n_samples,) or (n_samples, n_channels) is accepted."
        )
    if array.size == 0:
        raise EmptyAudioError(f"{name} has no samples; at least one is needed.")
    return array


def _is_bytes_view(source: Any) -> bool:
    return isinstance(source, memoryview) and source.format in ("B", "b", "c")


def _is_file(source: Any) -> bool:
    return callable(getattr(source, "read", None))


def _opened_path(source: str | os.PathLike, name: str, limits: Limits, stack: ExitStack) -> BinaryIO:
    path = Path(os.fsdecode(source))
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise NotAudioError(f"{name} is a folder; a sound file is needed.")
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # /dev/zero would fill the disk
            raise NotAudioError(f"{name} is a device; a sound file or a pipe is needed.")
        # By descriptor, so that the handle has no name: soundfile would take "x.raw" for headerless audio.
        handle = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb")
    except FileNotFoundError as error:
        raise NotAudioError(f"{name} does not exist; a sound file is needed.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        why = getattr(error, "strerror", None) or str(error)
        raise NotAudioError(f"{name} cannot be opened ({why}); a readable sound file is needed.") from error
    stack.enter_context(handle)
    return handle if stat.S_ISREG(mode) else _copied(handle, name, limits, stack)


def _copied(file: Any, name: str, limits: Limits, stack: ExitStack) -> BinaryIO:
    """Copy what can be read once: pipes cannot be sought in, and somebody else's file may be in use."""
    copy = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115
    n_bytes = 0
    try:
        if getattr(file, "seekable", lambda: False)():
            file.seek(0)
        while piece := file.read(_COPIED_BYTES):
            n_bytes += copy.write(piece)
            if n_bytes > limits.max_bytes:
                raise AudioTooLargeError(
                    f"{name} goes on beyond the limit of {limits.max_bytes / 1024**3:g} GiB; {GIB} raises it."
                )
    except TypeError as error:
        raise NotAudioError(f"{name} is open for reading text; {TAKEN}.") from error
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise NotAudioError(f"{name} cannot be read ({error}); {ACCEPTED}.") from error
    copy.seek(0)
    return copy
