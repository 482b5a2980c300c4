"""Draw the network and the five places of its attention: `python -m docs.network` writes docs/network.svg.

Every size is asked of `acrnn.model`, so the picture cannot say what the code does not do.
"""

from pathlib import Path

from acrnn.features import FrontEnd
from acrnn.model import NetworkConfig
from acrnn.model.network import BLOCKS

PATH = Path(__file__).with_name("network.svg")
WIDTH, HEIGHT = 1040, 366
LEFT, TOP, BOX, GAP, HIGH = 24, 84, 128, 16, 112
STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de; } .box { fill: #f3f5f7; stroke: #8c959f; }
  .heat { fill: #e0ecf4; stroke: #0072b2; stroke-width: 1.5; } .wire { stroke: #57606a; fill: none; stroke-width: 1.5; }
  .tip { fill: #57606a; } .beam { stroke: #0072b2; fill: none; stroke-width: 1.5; stroke-dasharray: 4 3; }
  text { font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328; text-anchor: middle; }
  .head { font-weight: 600; font-size: 14px; } .title { font-weight: 600; font-size: 16px; text-anchor: start; }
  .quiet { fill: #57606a; } .start { text-anchor: start; } .blue { fill: #005a8c; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; stroke: #30363d; } .box { fill: #161b22; stroke: #6e7681; }
    .heat { fill: #10324a; stroke: #56b4e9; } .wire { stroke: #9198a1; } .tip { fill: #9198a1; }
    .beam { stroke: #56b4e9; } text { fill: #e6edf3; } .quiet { fill: #9198a1; } .blue { fill: #79c7f2; }
  }
"""


def drawing() -> str:
    """Give the picture as SVG text: a panel of its own ground, so that it can be read on any page."""
    config = NetworkConfig(50, "l10")
    parts = [_text(LEFT, 36, "ACRNN: five places where the attention can sit, one at a time", "title")]
    note = "How many weights a segment of 1.5 s gets at each place, and how much time one weight covers."
    parts.append(_text(LEFT, 58, note, "quiet start"))
    boxes = [("spectrogram", "log-gammatone", f"{config.n_bands} × {config.n_frames}", "with its delta")]
    for index, block in enumerate(BLOCKS):
        kernel, pool = (f"{size[0]} × {size[1]}" for size in (block.kernel, block.pool))
        boxes.append((f"l{2 * index + 1}, l{2 * index + 2}", f"{block.channels} filters", kernel, f"max-pool {pool}"))
    boxes.append(("l9, l10", "two Bi-GRUs,", f"{config.n_hidden} cells", "a direction"))
    boxes.append(("output", "dense layer,", "softmax over", "the classes"))
    for column, lines in enumerate(boxes):
        parts += _box(column, lines)
    for column, layer in enumerate(("l2", "l4", "l6", "l8", "l10"), start=1):
        parts += _place(column, layer)
    body = "\n".join(parts)
    title = "Eight convolutions in four blocks, two bidirectional GRUs, and attention at l2, l4, l6, l8 or l10"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{title}">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>\n{body}\n</svg>\n'
    )


def _left(column: int) -> int:
    return LEFT + column * (BOX + GAP)


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{words}</text>'


def _box(column: int, lines: tuple[str, ...]) -> list[str]:
    left = _left(column)
    parts = [f'<rect class="box" x="{left}" y="{TOP}" width="{BOX}" height="{HIGH}" rx="8"/>']
    head, *others = lines
    parts.append(_text(left + BOX / 2, TOP + 28, head, "head"))
    parts += [_text(left + BOX / 2, TOP + 52 + 20 * i, words, "quiet") for i, words in enumerate(others)]
    if column:
        y = TOP + HIGH / 2
        parts.append(f'<path class="wire" d="M{left - GAP} {y:g}H{left - 5}"/>')
        parts.append(f'<path class="tip" d="M{left - 7} {y - 4:g}L{left - 1} {y:g}L{left - 7} {y + 4:g}Z"/>')
    return parts


def _place(column: int, layer: str) -> list[str]:
    """One place: at l2 to l8 the output of the block's second layer, before its pooling; at l10 the GRU's."""
    config = NetworkConfig(50, layer if layer == "l10" else f"{layer}-softmax")
    n_weights = config.n_frames // config.frames_per_weight
    step_ms = 1000 * config.frames_per_weight * FrontEnd().hop_s
    left, top = _left(column), TOP + HIGH + 36
    scaling = "softmax" if layer == "l10" else "softmax or sigmoid"
    middle = left + BOX / 2
    return [
        f'<path class="beam" d="M{middle:g} {TOP + HIGH}V{top}"/>',
        f'<rect class="heat" x="{left}" y="{top}" width="{BOX}" height="104" rx="8"/>',
        _text(middle, top + 25, f"attention at {layer}", "blue"),
        _text(middle, top + 47, scaling, "quiet"),
        _text(middle, top + 68, f"{n_weights} weights"),
        _text(middle, top + 88, f"of {step_ms:.0f} ms each"),
    ]


if __name__ == "__main__":
    PATH.write_text(drawing(), encoding="utf-8")
    print(PATH)
