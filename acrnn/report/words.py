"""Words and numbers as people read them, the same in every table and sentence."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from acrnn.labels import pretty

WORD_JOINER = "\u2060"
DASH = "–"
NOT_RUN = "not run"
QUOTED = "quoted only"


def plain(text: str) -> str:
    """Escape a text that is not ours, such as a file's name: no Markdown, no HTML, no link comes of it.

    An address is made a link after escapes are resolved, so it is broken by a character that is not seen.
    """
    text = "".join(character if character.isprintable() else " " for character in str(text))
    text = re.sub(r"([\\`*_{}\[\]()#+!$:|>~<@&])", r"\\\1", text)
    return re.sub(r"(?i)(https?\\:|www(?=\.)|\\@)", rf"\1{WORD_JOINER}", text)


def named(label: str) -> str:
    """Give a class by its name for people, escaped as `plain` does."""
    return plain(pretty(label))


def code(text: str) -> str:
    """Set a text that is not ours as code."""
    printable = "".join(character if character.isprintable() else " " for character in str(text))
    return f"`{printable.replace('`', 'ˋ')}`"


def tell_number(value: float, form: str) -> str:
    """Format a number with a true minus; what rounds to zero has no minus."""
    told = f"{value:{form}}"
    if not any(digit in told for digit in "123456789"):
        told = told.replace("-", "+" if "+" in form else "")
    return told.replace("-", "−")


def tell_interval(interval: Sequence[float], form: str) -> str:
    """`77.0% to 92.1%`."""
    return " to ".join(tell_number(end, form) for end in interval)


def tell_estimate(found: Mapping[str, Any] | None, form: str = ".2f") -> str:
    """`0.62 (0.55 to 0.70)` of a `mean` and its `interval`, which may be None; a dash where there is no mean."""
    if found is None or found["mean"] is None:
        return DASH
    interval = "" if found["interval"] is None else f" ({tell_interval(found['interval'], form)})"
    return tell_number(found["mean"], form) + interval


def tell_mcnemar(p_value: float) -> str:
    """Say what McNemar's exact test gives, and how to take it."""
    verdict = "is" if p_value < 0.05 else "is not"
    return f"The difference {verdict} significant at the 5% level (McNemar's exact test, p = {p_value:.3g})."


def listed(names: Sequence[str]) -> str:
    """Join names as a sentence does: `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
