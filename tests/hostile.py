"""Checkpoints from strangers: folders that were made to crash, to hang or to lie, each from a good one.

`python -m tests.hostile` makes them all, and writes to docs/reliability.md what became of each kind.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save_file

from acrnn.checkpoints import CONFIG, WEIGHTS
from acrnn.data import sha256_of

Values = dict[str, Any]


class Attack(NamedTuple):
    """One damaged folder: its kind, what is special about it, and how it is made of a good one."""

    kind: str
    name: str
    spoil: Callable[[Path], None]


STRANGE = (
    None,
    True,
    -1,
    0,
    10**9,
    10**30,
    1.5,
    "",
    "x" * 5000,
    "![i](http://example.org/x.png)",
    [],
    {},
    [[]],
    "\x00",
)
"""What stands in place of each field in turn."""
FIELDS = (
    ("name",), ("network",), ("network", "n_classes"), ("network", "placement"), ("network", "n_bands"),
    ("network", "n_frames"), ("network", "n_hidden"), ("network", "dropout"), ("front_end",), ("front_end", "rate_hz"),
    ("front_end", "n_bands"), ("front_end", "min_hz"), ("front_end", "floor_db"), ("labels",), ("normalisation",),
    ("dataset",), ("data_title",), ("data_fingerprint",), ("fold",), ("recipe",), ("recipe", "epochs"),
    ("recipe", "vote"), ("seed",), ("protocol",), ("scores",), ("scores", "interval"), ("provenance",),
    ("weights_sha256",), ("schema",),
)  # fmt: skip


def attacks() -> Iterator[Attack]:
    """Give every attack: some in a few hundred ways."""
    for field in FIELDS:
        for value in STRANGE:
            yield Attack("a field of config.json", f"{'.'.join(field)} = {value!r:.20}", _with(field, value))
        yield Attack("a field of config.json", f"{'.'.join(field)} is missing", _without(field))
    for name, spoil in _CONFIGS.items():
        yield Attack("config.json as a whole", name, spoil)
    for name, spoil in _WEIGHTS.items():
        yield Attack("the weights' file", name, spoil)
    for name, change in _TENSORS.items():
        yield Attack("the weights' values, with a matching hash", name, _with_tensors(change))


def _edit(folder: Path, change: Callable[[Values], None]) -> None:
    path = folder / CONFIG
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def _with(field: tuple[str, ...], value: Any) -> Callable[[Path], None]:
    def change(values: Values) -> None:
        for name in field[:-1]:
            values = values[name]
        values[field[-1]] = value

    return lambda folder: _edit(folder, change)


def _without(field: tuple[str, ...]) -> Callable[[Path], None]:
    def change(values: Values) -> None:
        for name in field[:-1]:
            values = values[name]
        values.pop(field[-1], None)

    return lambda folder: _edit(folder, change)


def _as_file(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: _put(folder / name, content)


def _put(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def _as_pipe(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return spoil


def _as_link(name: str, target: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return spoil


def _as_folder(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return spoil


def _huge(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(2**40)  # takes no room on the disk

    return spoil


def _cut(share: float) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        content = (folder / WEIGHTS).read_bytes()
        _put(folder / WEIGHTS, content[: int(len(content) * share)])
        _sign(folder)

    return spoil


def _flipped(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 64
    _put(folder / WEIGHTS, bytes(content))


def _sign(folder: Path) -> None:
    """Put the hash of the weights as they are into the config: a stranger can."""
    _edit(folder, lambda values: values.update(weights_sha256=sha256_of(folder / WEIGHTS)))


def _with_header(header: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        _put(folder / WEIGHTS, len(header).to_bytes(8, "little") + header)
        _sign(folder)

    return spoil


def _with_tensors(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file({name: value.contiguous() for name, value in tensors.items()}, folder / WEIGHTS)
        _sign(folder)

    return spoil


def _fill(suffix: str, value: float) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if name.endswith(suffix)]:
            tensors[name] = torch.full_like(tensors[name], value)

    return change


def _larger_network(folder: Path) -> None:
    _edit(folder, lambda values: values["network"].update(n_hidden=8000))


_CONFIGS: dict[str, Callable[[Path], None]] = {
    "is missing": lambda folder: (folder / CONFIG).unlink(),
    "is empty": _as_file(CONFIG, b""),
    "is a list": _as_file(CONFIG, b"[]"),
    "is null": _as_file(CONFIG, b"null"),
    "is cut off": lambda folder: _put(folder / CONFIG, (folder / CONFIG).read_bytes()[:300]),
    "is not UTF-8": _as_file(CONFIG, b"\xff\xfe{}"),
    "is nested 100,000 deep": _as_file(CONFIG, b"[" * 100_000 + b"]" * 100_000),
    "is nested 5,000 deep in a field": _as_file(CONFIG, b'{"schema": 1, "name": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "has NaN": lambda folder: _put(
        folder / CONFIG, (folder / CONFIG).read_bytes().replace(b'"dropout": 0.5', b'"dropout": NaN')
    ),
    "has a number of 10,000 digits": lambda folder: _put(
        folder / CONFIG, (folder / CONFIG).read_bytes().replace(b'"seed": 0', b'"seed": ' + b"9" * 10_000)
    ),
    "has a field twice": lambda folder: _put(
        folder / CONFIG, (folder / CONFIG).read_bytes().replace(b'"seed": 0', b'"seed": 0, "seed": "x"')
    ),
    "is a terabyte": _huge(CONFIG),
    "is a pipe": _as_pipe(CONFIG),
    "is a folder": _as_folder(CONFIG),
    "is /dev/zero": _as_link(CONFIG, "/dev/zero"),
    "is a link to itself": _as_link(CONFIG, CONFIG),
    "is a link to nowhere": _as_link(CONFIG, "nowhere"),
}
_WEIGHTS: dict[str, Callable[[Path], None]] = {
    "is missing": lambda folder: (folder / WEIGHTS).unlink(),
    "is empty": _as_file(WEIGHTS, b""),
    "is a pipe": _as_pipe(WEIGHTS),
    "is a folder": _as_folder(WEIGHTS),
    "is /dev/zero": _as_link(WEIGHTS, "/dev/zero"),
    "is a terabyte": _huge(WEIGHTS),
    "has a bit flipped": _flipped,
    "is cut off": _cut(0.5),
    "is cut off by a byte": _cut(0.99999),
    "is a pickle": _with_header(b"\x80\x04\x95"),
    "has a header that is no JSON": _with_header(b"{" * 64),
    "has a tensor beyond its end": _with_header(b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}'),
    "has a tensor of 10^18": _with_header(
        b'{"a": {"dtype": "F32", "shape": [1000000000000000000], "data_offsets": [0, 4]}}'
    ),
    "has negative offsets": _with_header(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}'),
    "is of a smaller network": _larger_network,
}
_TENSORS: dict[str, Callable[[dict[str, torch.Tensor]], None]] = {
    "all weights are NaN": _fill("weight", float("nan")),
    "one weight is infinite": lambda tensors: tensors["output.weight"].view(-1)[:1].fill_(float("inf")),
    "all weights are 60,000": _fill("weight", 60_000.0),
    "all biases are −60,000": _fill("bias", -60_000.0),
    "variances are below 0": _fill("running_var", -1.0),
    "variances are 0": _fill("running_var", 0.0),
    "the standard deviation is 0": _fill("std", 0.0),
    "the standard deviation is below 0": _fill("std", -1.0),
    "a tensor is missing": lambda tensors: tensors.pop("output.weight"),
    "a tensor is too many": lambda tensors: tensors.update(more=torch.zeros(3)),
    "a tensor is transposed": lambda tensors: tensors.update({"output.weight": tensors["output.weight"].T}),
    "a tensor is of integers": lambda tensors: tensors.update({"output.bias": tensors["output.bias"].to(torch.int32)}),
    "a tensor is of 8-bit floats": lambda tensors: tensors.update(
        {"output.bias": tensors["output.bias"].to(torch.float8_e4m3fn)}
    ),
    "a tensor is of booleans": lambda tensors: tensors.update({"output.bias": tensors["output.bias"] > 0}),
    "band statistics without covariances": lambda tensors: tensors.update({"bands.shares": torch.ones(1)}),
    "a million components of band statistics": lambda tensors: tensors.update({"bands.shares": torch.ones(10**6)}),
}


def make(attack: Attack, good: Path, root: Path) -> Path:
    """Make the folder of an attack in `root`, of a copy of a good checkpoint."""
    folder = root / good.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder)
    attack.spoil(folder)
    return folder


def main() -> None:
    """Write for each kind how many were tried and what became of them."""
    import tempfile
    from collections import Counter

    import numpy as np

    from acrnn.errors import AcrnnError
    from acrnn.inference import load
    from acrnn.paths import shipped_checkpoints
    from tests.reliability import record, rows_of

    good = shipped_checkpoints() / "esc10-l10-best-fold1"
    sound = np.random.default_rng(0).uniform(-0.1, 0.1, 44_100).astype(np.float32)
    came_of: dict[str, Counter] = {}
    with tempfile.TemporaryDirectory() as root:
        for attack in attacks():
            folder = make(attack, good, Path(root))
            try:
                finite = bool(np.isfinite(load(str(folder), "cpu")(sound, 44_100).probabilities).all())
                told = "a finite answer" if finite else "an answer that is not finite"
            except AcrnnError:
                told = "one sentence"
            except Exception as error:  # noqa: BLE001
                told = f"a traceback ({attack.name}: {type(error).__name__})"
            came_of.setdefault(attack.kind, Counter())[told] += 1
    record("python -m tests.hostile", rows_of(came_of, "a checkpoint: {}"))


if __name__ == "__main__":
    sys.exit(main())
