"""Files that somebody else may have written: read only if they are ordinary, and no further than a bound."""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

MAX_JSON_BYTES = 32 * 2**20
MAX_JSON_DEPTH = 64


def require_regular(path: Path, max_bytes: int | None = None) -> int:
    """Make sure of an ordinary file, and give its size in bytes: reading a pipe or a device would never end.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If it is no ordinary file, or larger than `max_bytes`.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not an ordinary file")
    if max_bytes is not None and status.st_size > max_bytes:
        raise ValueError(f"it has {status.st_size} bytes, and up to {max_bytes} are accepted")
    return status.st_size


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Read an ordinary file of at most so many bytes; raises as `require_regular`."""
    # without waiting, should it have become a pipe meanwhile
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("it is not an ordinary file")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"it has more than {max_bytes} bytes")
    return content


def read_json(path: Path, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Read a JSON file of at most so many bytes, `MAX_JSON_DEPTH` levels deep.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no ordinary file, too large, too deep, not UTF-8 or not JSON; NaN and infinity are not JSON.
    """
    return parse_json(read_bytes(path, max_bytes))


def parse_json(content: bytes | str) -> Any:
    """Parse JSON at most `MAX_JSON_DEPTH` levels deep; raises ValueError for anything else."""
    try:
        values = json.loads(content, parse_constant=_refuse)
    except RecursionError:
        raise ValueError(f"it is nested more than {MAX_JSON_DEPTH} deep") from None
    if _depth(values) > MAX_JSON_DEPTH:
        raise ValueError(f"it is nested more than {MAX_JSON_DEPTH} deep")
    return values


def require_fields(kind: type, values: Any, *, others: tuple[str, ...] = ()) -> None:
    """Make sure that plain values are the fields of a dataclass: none missing or unknown, each of its type.

    Parameters
    ----------
    kind : type
        The dataclass.
    values : Any
        Should be a mapping of strings.
    others : tuple of str
        Fields that are checked elsewhere.

    Raises
    ------
    ValueError
        If they are not.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{kind.__name__} has fields, and this is {values!r:.40}")
    require_model(_model(kind, others), {key: value for key, value in values.items() if key not in others})


def require_model(model: type[BaseModel], values: Any) -> None:
    """Raise ValueError with the first field that is not as a pydantic model has it, and why."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    else:
        return
    field = ".".join(map(str, first["loc"]))[:200]
    if first["type"] == "missing":
        raise ValueError(f"field {field} is missing")
    if first["type"] == "extra_forbidden":
        raise ValueError(f"field {field} is unknown")
    message = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
    told = f"{message[:1].lower()}{message[1:]}"
    raise ValueError(f"field {field} is not as expected ({told})" if field else told)


@cache
def _model(kind: type, others: tuple[str, ...]) -> type[BaseModel]:
    hints = get_type_hints(kind)
    described = {
        field.name: (hints[field.name], ... if field.default is MISSING else field.default)
        for field in fields(kind)
        if field.name not in others
    }
    strict = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    return create_model(kind.__name__, __config__=strict, **described)


_NESTING = frozenset({list, dict})


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")


def _depth(values: Any) -> int:
    """Count how many lists and mappings lie in each other, down to one too many.

    Level by level: a result has a million numbers, which are looked at once, and few lists.
    """
    depth, level = 0, [values] if type(values) in _NESTING else []
    while level and depth <= MAX_JSON_DEPTH:
        depth += 1
        inner = chain.from_iterable(value.values() if type(value) is dict else value for value in level)
        level = [value for value in inner if type(value) in _NESTING]
    return depth
