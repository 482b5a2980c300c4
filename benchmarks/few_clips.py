"""What fine-tuning gains with few clips a class, beside training from random weights.

    python -m benchmarks.few_clips others --data ESC50 --out DIR
    python -m acrnn train --data DIR/others/others.csv --dataset own --fold 5 --sealed 1 --recipe mixed --epochs 30
    python -m benchmarks.few_clips run --data ESC50 --out DIR --from CHECKPOINT [--record]

`others` writes a dataset of forty of ESC-50's classes, every fifth left out. A network that is trained on it has never
heard the four classes of `run`, which come from those left out. `run` draws 5, 10, 20 and all 32 clips a class from the
training folds, trains both ways with the same recipe and epochs, and scores each network once on the 32 clips of the
fold held out. A run that is there is not trained again. `--record` writes the table to docs/own-sounds.md.
"""

import argparse
import csv
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from acrnn.measures.intervals import interval_by_group

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "own-sounds.md"
BLOCK = re.compile(r"(<!-- few clips -->\n).*?(<!-- end -->)", re.DOTALL)
CLASSES = ("cat", "water_drops", "footsteps", "washing_machine")
LEFT_OUT = 5  # every so many classes of ESC-50, from the first
EPOCHS = {5: 80, 10: 80, 20: 40, 32: 40}
"""Clips a class → epochs, fixed beforehand: fewer clips make fewer steps an epoch."""
WAYS = {"from random weights": False, "fine-tuned": True}


def main() -> None:
    """Write the dataset to train on first, or train and score both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("others", "run"))
    parser.add_argument("--data", type=Path, required=True, help="folder of ESC-50")
    parser.add_argument("--out", type=Path, required=True, help="where datasets and runs go")
    parser.add_argument("--from", dest="checkpoint", help="a network that was trained on `others`")
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--clips", type=int, nargs="+", default=list(EPOCHS), help="clips a class")
    parser.add_argument("--record", action="store_true", help="write the table to docs/own-sounds.md")
    options = parser.parse_args()
    clips = pd.read_csv(options.data / "meta" / "esc50.csv")
    if options.what == "others":
        path = write(clips[clips["target"] % LEFT_OUT != 0], options.data, options.out / "others")
        print(f"{path}: to be trained on, as this command's help says")
        return
    if options.checkpoint is None:
        parser.error("run needs --from, a network that was trained on `others`")
    table = markdown([row(clips, n, options) for n in options.clips])
    print(table)
    if options.record:
        text, n_found = BLOCK.subn(rf"\g<1>{table}\n\g<2>", DOCUMENT.read_text(encoding="utf-8"))
        assert n_found == 1
        DOCUMENT.write_text(text, encoding="utf-8")


def write(clips: pd.DataFrame, data: Path, folder: Path) -> Path:
    """Write a dataset of one's own classes, with ESC-50's folds and recordings; gives its table."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    path = folder / f"{folder.name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group", "fold"])
        for clip in clips.itertuples():
            found = next(data.glob(f"audio/{Path(clip.filename).stem}.*"))  # the copies are not all WAV
            target = folder / "audio" / found.name
            if not target.exists():
                shutil.copy(found, target)
            writer.writerow([f"audio/{found.name}", clip.category, clip.src_file, clip.fold])
    return path


def draw(clips: pd.DataFrame, n: int, fold: int) -> pd.DataFrame:
    """Draw `n` clips of each class outside a fold, always the same; and all of the fold."""
    drawn = [clips[(clips["fold"] == fold) & clips["category"].isin(CLASSES)]]
    for label in CLASSES:
        outside = clips[(clips["fold"] != fold) & (clips["category"] == label)]
        drawn.append(outside.loc[random.Random(f"{fold} {label}").sample(list(outside.index), len(outside))[:n]])
    return pd.concat(drawn).sort_values("filename")


def row(clips: pd.DataFrame, n: int, options: argparse.Namespace) -> dict:
    """Train with `n` clips a class, both ways, on each fold; gives which clips were right."""
    right: dict[str, list[pd.DataFrame]] = {way: [] for way in WAYS}
    for fold in options.folds:
        data = write(draw(clips, n, fold), options.data, options.out / f"few{n}fold{fold}")
        for way, is_tuned in WAYS.items():
            out = options.out / "runs" / f"{n}-{fold}-{'tuned' if is_tuned else 'scratch'}"
            right[way].append(trained(data, fold, n, out, options.checkpoint if is_tuned else None))
    return {"n": n} | {way: pd.concat(parts) for way, parts in right.items()}


def trained(data: Path, fold: int, n: int, out: Path, checkpoint: str | None) -> pd.DataFrame:
    """Train and score one network, unless that was done; gives its predictions."""
    if not list(out.glob("*/summary.json")):
        start = [] if checkpoint is None else ["--from", checkpoint]
        command = [
            sys.executable, "-m", "acrnn", "train", "--data", data, "--dataset", "own", "--fold", fold,
            "--recipe", "mixed", "--epochs", EPOCHS[n], "--out", out, "--resume", *start,
        ]  # fmt: skip
        subprocess.run([str(part) for part in command], check=True)
    return pd.read_csv(next(out.glob("*/predictions.csv")))


def markdown(rows: list[dict]) -> str:
    """Lay the table out: accuracies, and their difference by clip with an interval over recordings."""
    lines = ["| clips a class | " + " | ".join(WAYS) + " | difference (95% interval) |", "|---:|---:|---:|---:|"]
    for row in rows:
        hits = {way: row[way].set_index("filename").eval("label == predicted") for way in WAYS}
        scratch, tuned = (hits[way] for way in WAYS)
        gains = (tuned.astype(int) - scratch.astype(int)[tuned.index]).to_numpy()
        low, high = interval_by_group(gains, [Path(name).name.split("-")[1] for name in tuned.index])
        cells = [f"{hit.mean():.0%} ({hit.sum()} of {len(hit)})" for hit in (scratch, tuned)]
        lines.append(
            f"| {row['n']} | {' | '.join(cells)} | {100 * gains.mean():+.0f} points "
            f"({100 * low:+.0f} to {100 * high:+.0f}) |"
        )
    return re.sub(r"-(?=\d)", "−", "\n".join(lines))


if __name__ == "__main__":
    main()
