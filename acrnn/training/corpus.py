"""The features of a whole dataset and its augmented copies, computed once and kept in one file (§3.1, §3.4)."""

import json
import multiprocessing
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from acrnn.audio import decode
from acrnn.audio.effects import draw_augmentation
from acrnn.data import Clip, Dataset, atomic_path, cache_dir, sha256_of
from acrnn.features import SEGMENT_FRAMES, SEGMENT_HOP, BandStatistics, FrontEnd, Segments, log_spectrogram
from acrnn.training.recipe import Recipe

CHUNK_ROWS = 65_536
VERSIONS_A_WORKER = 200
"""Clips and copies for which a process is worth starting: it needs seconds until it has loaded torch."""
FORMAT = 2  # raise it when what a stored row means changes; 2: offsets are taken off


@dataclass(frozen=True)
class Corpus:
    """Every version of every clip as rows of one array; version 0 is the original, the others its copies.

    Attributes
    ----------
    rows : Tensor (row, 2, band), float16
        Decibels and decibels a frame. The frames of a version stand together, padded to whole segments.
    first_row, n_frames : ndarray (clip, version), int64
        Where a version begins, and how many of its frames are not padding.
    segment_frames, segment_hop : int
        The front end's: frames of a segment, and from one to the next.
    padded_for : tuple of int, optional
        The frames and hop that versions are padded for, where segments are shorter now.
    floor_db : float
        The front end's: what digital silence and padding read.
    """

    rows: Tensor
    first_row: np.ndarray
    n_frames: np.ndarray
    segment_frames: int = SEGMENT_FRAMES
    segment_hop: int = SEGMENT_HOP
    floor_db: float = FrontEnd.floor_db
    padded_for: tuple[int, int] | None = None

    @property
    def n_versions(self) -> int:
        """Versions of each clip: the original and its copies."""
        return self.first_row.shape[1]

    @cached_property
    def _sounding_before(self) -> np.ndarray:
        """(row + 1,) how many of the rows before each have a band above the floor."""
        counts = np.zeros(len(self.rows) + 1, np.int32)
        for start in range(0, len(self.rows), CHUNK_ROWS):
            rows = self.rows[start : start + CHUNK_ROWS, 0]
            counts[start + 1 : start + 1 + len(rows)] = (rows > self.floor_db).any(dim=1).cpu().numpy()
        return counts.cumsum(dtype=np.int32)

    def sounding(self, rows: np.ndarray) -> np.ndarray:
        """(segment,) first rows → share of each segment's frames that have a band above the floor, 0 to 1."""
        before = self._sounding_before
        return (before[rows + self.segment_frames] - before[rows]) / self.segment_frames

    def in_segments_of(self, n_frames: int) -> "Corpus":
        """Give the same rows in segments of another length, at most this one, with half of it from one to the next."""
        padded_for = self.padded_for or (self.segment_frames, self.segment_hop)
        return replace(self, segment_frames=n_frames, segment_hop=n_frames // 2, padded_for=padded_for)

    def segment_rows(
        self, clips: np.ndarray, versions: np.ndarray, min_sounding: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the segments of one version of each clip.

        Parameters
        ----------
        clips, versions : ndarray (n,), int64
        min_sounding : float
            Segments of which a smaller share is sound are left out; of a clip that has no others, its best one is kept.

        Returns
        -------
        rows : ndarray (segment,), int64
            First row of each segment.
        owners : ndarray (segment,), int64
            The clip that it is cut from.
        """
        grids = self._grids(clips, versions, min_sounding)
        return np.concatenate(grids), np.repeat(clips, [len(grid) for grid in grids])

    def crop_rows(
        self, clips: np.ndarray, versions: np.ndarray, min_sounding: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw as many segments of each clip as `segment_rows` finds, beginning at any frame that leaves padding out.

        Parameters and returns as there; `rng` draws the beginnings, with replacement.
        """
        crops = []
        for grid, clip, version in zip(self._grids(clips, versions, min_sounding), clips, versions, strict=True):
            n_starts = max(1, int(self.n_frames[clip, version]) - self.segment_frames + 1)
            starts = self._with_sound(self.first_row[clip, version] + np.arange(n_starts), min_sounding)
            crops.append(rng.choice(starts, len(grid)))
        return np.concatenate(crops), np.repeat(clips, [len(crop) for crop in crops])

    def cuts(
        self, clips: np.ndarray, versions: np.ndarray, recipe: Recipe, epoch: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw one cut of each clip, with the frames of `Recipe.cut_range_at`.

        With `Recipe.roll` it may run over the clip's end. Of the places where a cut may begin, those count that have
        `Recipe.min_sounding` of the longest cut's frames with sound, or else the ones that have most.

        Returns
        -------
        starts, lengths : ndarray (n,), int64
            Frame of the version that each cut begins at, and its frames.
        """
        shortest, n_frames = recipe.cut_range_at(epoch)
        longest = np.minimum(self.n_frames[clips, versions], n_frames)
        lengths = rng.integers(np.minimum(shortest, longest), longest + 1)
        starts = np.zeros_like(lengths)
        for i, (clip, version, length) in enumerate(zip(clips, versions, lengths, strict=True)):
            first, n = self.first_row[clip, version], self.n_frames[clip, version]
            before = self._sounding_before[first : first + n + 1] - self._sounding_before[first]
            around = np.concatenate([before, before[1:] + before[-1]])  # once more from the beginning
            n_starts = n if recipe.roll else n - length + 1
            sounding = around[length : length + n_starts] - around[:n_starts]
            enough = np.flatnonzero(sounding >= min(recipe.min_sounding * n_frames, sounding.max()))
            starts[i] = rng.choice(enough)
        return starts, lengths

    def _grids(self, clips: np.ndarray, versions: np.ndarray, min_sounding: float) -> list[np.ndarray]:
        """First rows of the segments of each clip, one array a clip; none reaches beyond its padding."""
        length, hop = self.segment_frames, self.segment_hop
        grids = []
        for first, n in zip(self.first_row[clips, versions], self.n_frames[clips, versions], strict=True):
            n_rows = Segments(int(n), *(self.padded_for or (length, hop))).n_padded_frames
            starts = np.minimum(Segments(int(n), length, hop).starts, n_rows - length)
            grids.append(self._with_sound(first + starts, min_sounding))
        return grids

    def _with_sound(self, rows: np.ndarray, min_sounding: float) -> np.ndarray:
        """Those of the segments that have enough sound, or the one that has most."""
        if min_sounding == 0:
            return rows
        shares = self.sounding(rows)
        enough = rows[shares >= min_sounding]
        return enough if len(enough) else rows[[int(shares.argmax())]]

    def gather(self, rows: Tensor) -> Tensor:
        """(segment,) first rows → the segments (segment, 2, band, frame), float32, where the corpus lies."""
        return self._frames(rows[:, None] + torch.arange(self.segment_frames, device=rows.device))

    def _frames(self, rows: Tensor) -> Tensor:
        """(segment, frame) rows → (segment, 2, band, frame), float32."""
        return self.rows[rows].permute(0, 2, 3, 1).float()

    def gather_cuts(self, n_frames: int, rows: Tensor, starts: Tensor, lengths: Tensor, periods: Tensor) -> Tensor:
        """Read cuts as `cuts` draws them, continued by silence to `n_frames`.

        Parameters
        ----------
        n_frames : int
        rows, periods : Tensor (segment,)
            First row of each version, and its frames: a cut that runs over them goes on at the beginning.
        starts, lengths : Tensor (segment,)

        Returns
        -------
        Tensor (segment, 2, band, frame), float32
        """
        frame = torch.arange(n_frames, device=rows.device)
        segments = self._frames(rows[:, None] + (starts[:, None] + frame) % periods[:, None])
        silence = segments.new_tensor([self.floor_db, 0.0]).view(1, 2, 1, 1)
        return torch.where((frame < lengths[:, None])[:, None, None, :], segments, silence)

    def statistics(self, clips: np.ndarray) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation a channel over the original clips given, padding left out (§4.1).

        Returns
        -------
        mean, std : Tensor (2,), float32
        """
        total, squares, count = np.zeros(2), np.zeros(2), 0
        for clip in clips:
            first, n = int(self.first_row[clip, 0]), int(self.n_frames[clip, 0])
            frames = self.rows[first : first + n].cpu().numpy().astype(np.float64)  # (frame, 2, band)
            total += frames.sum((0, 2))
            squares += np.square(frames).sum((0, 2))
            count += frames[:, 0].size
        mean = total / count
        return torch.from_numpy(mean).float(), torch.from_numpy(np.sqrt(squares / count - mean**2)).float()

    def band_statistics(self, clips: np.ndarray, components: np.ndarray) -> BandStatistics:
        """Fit one Gaussian a component to the frames of the original clips given, silent frames left out.

        Parameters
        ----------
        clips, components : ndarray (n,), int64
            Positions in the corpus, and the component that each clip's frames belong to.
        """
        counts, means, covariances = [], [], []
        for component in np.unique(components):
            frames = np.concatenate([self._sounding(clip) for clip in clips[components == component]])
            if len(frames) > 1:
                counts.append(len(frames))
                means.append(frames.mean(axis=0))
                covariances.append(np.cov(frames.T))
        shares = torch.tensor(counts, dtype=torch.float32) / sum(counts)
        stacked = (torch.from_numpy(np.stack(values)).float() for values in (means, covariances))
        return BandStatistics(shares, *stacked)

    def _sounding(self, clip: int) -> np.ndarray:
        """(frame, band) decibels of an original clip, without its silent frames."""
        first, n = int(self.first_row[clip, 0]), int(self.n_frames[clip, 0])
        frames = self.rows[first : first + n, 0].cpu().numpy().astype(np.float64)
        return frames[(frames > self.floor_db).any(axis=1)]

    def to(self, device: torch.device | str) -> "Corpus":
        """Give the same corpus with its rows on `device`."""
        return replace(self, rows=self.rows.to(device))


def build_corpus(
    dataset: Dataset, front_end: FrontEnd, n_copies: int, *, on_clip: Callable[[int, int], None] | None = None
) -> Corpus:
    """Read the features of a dataset from the cache, computing them first if they are not there.

    The copies of a clip depend on its name alone, so they are the same in every fold, run and order.

    Parameters
    ----------
    n_copies : int
        Stretched or shifted copies of each clip.
    on_clip : callable, optional
        Told (clips done, clips in all) while computing.

    Raises
    ------
    AudioError
        If a clip cannot be decoded.
    OSError
        If the cache cannot be written.
    """
    index_path, rows_path = _paths(dataset, front_end, n_copies)
    if not index_path.is_file():
        _compute(dataset.clips, front_end, n_copies, rows_path, index_path, on_clip or (lambda done, total: None))
    with np.load(index_path) as index:
        first_row, n_frames = index["first_row"], index["n_frames"]
    rows = torch.from_file(str(rows_path), shared=False, size=rows_path.stat().st_size // 2, dtype=torch.float16)
    return Corpus(
        rows.view(-1, 2, front_end.n_bands), first_row, n_frames, front_end.segment_frames, front_end.segment_hop,
        front_end.floor_db,
    )  # fmt: skip


def is_cached(dataset: Dataset, front_end: FrontEnd, n_copies: int) -> bool:
    """Whether `build_corpus` need not compute anything."""
    return _paths(dataset, front_end, n_copies)[0].is_file()


def _paths(dataset: Dataset, front_end: FrontEnd, n_copies: int) -> tuple[Path, Path]:
    """Index and rows in the cache; the index is written last."""
    what = {"format": FORMAT, "data": dataset.fingerprint(), "front_end": front_end.as_dict(), "n_copies": n_copies}
    key = sha256_of(json.dumps(what, sort_keys=True).encode())[:16]
    return tuple(cache_dir() / "features" / f"{dataset.name}-{key}{end}" for end in (".npz", ".f16"))


def _compute(
    clips: tuple[Clip, ...],
    front_end: FrontEnd,
    n_copies: int,
    rows_path: Path,
    index_path: Path,
    on_clip: Callable[[int, int], None],
) -> None:
    n_frames = np.zeros((len(clips), 1 + n_copies), np.int64)
    first_row = np.zeros_like(n_frames)
    done = 0
    n_workers = min(os.cpu_count() or 1, n_frames.size // VERSIONS_A_WORKER)
    with _mapped(n_workers) as each, atomic_path(rows_path) as part, part.open("wb") as file:
        versions_of = each(_versions, clips, repeat(front_end), repeat(n_copies))
        for i, versions in enumerate(versions_of):
            for j, (n, rows) in enumerate(versions):
                first_row[i, j], n_frames[i, j] = done, n
                file.write(rows.tobytes())
                done += len(rows)
            on_clip(i + 1, len(clips))
    with atomic_path(index_path) as part:
        np.savez(part, first_row=first_row, n_frames=n_frames)


@contextmanager
def _mapped(n_workers: int) -> Iterator[Callable[..., Iterator]]:
    """Give a `map` over so many processes, or over this one if they are too few; both on one thread each."""
    if n_workers >= 2:
        # Spawned workers: a forked one would inherit torch's threads in an unknown state.
        pool = ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn"), _begin_worker)
        with _cancelled_on_error(pool):
            yield partial(pool.map, chunksize=4)
        return
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield map
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def _cancelled_on_error(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Use a pool, which by itself would go on with every clip that is left when the block fails."""
    with pool:
        try:
            yield
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin_worker() -> None:
    """Use one thread, and end with the process that began this one, which a worker would outlive if it is killed."""
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _versions(clip: Clip, front_end: FrontEnd, n_copies: int) -> list[tuple[int, np.ndarray]]:
    """Give the original and its copies: frames without padding, and rows (padded frame, 2, band) as float16."""
    samples = decode(clip.path, front_end.rate_hz).samples
    rng = np.random.default_rng(zlib.crc32(Path(clip.filename).stem.encode()))
    versions = [samples]
    versions += [draw_augmentation(rng).apply(samples, front_end.rate_hz) for _ in range(n_copies)]
    return [_rows(version, front_end) for version in versions]


def _rows(samples: np.ndarray, front_end: FrontEnd) -> tuple[int, np.ndarray]:
    spectrogram = log_spectrogram(samples, front_end)
    segments = Segments.of(spectrogram.shape[1], front_end)
    padded = segments.pad(spectrogram, front_end.floor_db)  # (2, band, padded frame)
    return segments.n_frames, padded.permute(2, 0, 1).contiguous().half().numpy()
