"""Painting a label map: random contrasts, tissue-like contrasts and clean targets (BrainFM §3.1.2, facts §4.3)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

EXTRACEREBRAL_FROM = 500
CSF = 24
CONTRASTS = ("T1", "T2", "FLAIR", "CT")


@cache
def tissue_table() -> dict[str, np.ndarray]:
    """Return columns of `tissues.csv`: "id", "partner" (left id of a right structure), "segmentation" (the id that
    a label protocol knows it by) and nominal contrasts.

    T1, T2 and FLAIR are relative intensities in 0..1; CT is in units of 1000 HU.
    """
    with (Path(__file__).parent / "tissues.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table = {name: np.array([float(row[name]) for row in rows], np.float32) for name in CONTRASTS}
    table["id"] = np.array([int(row["id"]) for row in rows])
    table["partner"] = np.array([int(row["partner"]) for row in rows])
    table["segmentation"] = np.array([int(row["segmentation"]) for row in rows])
    return table


@dataclass(frozen=True)
class ContrastRanges:
    """Probabilities and ranges of `sample_contrast`."""

    preset_probability: float = 0.8
    preset_jitter: float = 0.08
    mean: tuple[float, float] = (25.0, 225.0)
    std: tuple[float, float] = (3.0, 14.0)
    strip_probability: float = 0.35
    keep_csf_probability: float = 0.5
    dark_background_probability: float = 0.6


@dataclass(frozen=True)
class Contrast:
    """One draw: mean and std of every row of the tissue table (0..255 scale), and what is kept."""

    kind: str
    mean: np.ndarray
    std: np.ndarray
    stripped: bool
    keep_csf: bool
    noise_seed: int


def sample_contrast(rng: np.random.Generator, ranges: ContrastRanges) -> Contrast:
    """Draw a contrast; left and right structures share their Gaussian (facts §3.4)."""
    table = tissue_table()
    count = len(table["id"])
    kind = str(rng.choice(CONTRASTS)) if rng.uniform() < ranges.preset_probability else "random"
    mean, std = rng.uniform(*ranges.mean, count), rng.uniform(*ranges.std, count)
    if kind != "random":
        mean = 255 * _display_range(table[kind], kind) + ranges.preset_jitter * 255 * rng.standard_normal(count) * 0.5
        std = std * 0.6
    left = np.searchsorted(table["id"], table["partner"])
    mean, std = mean[left].clip(0), std[left]
    if kind == "random" and rng.uniform() < ranges.dark_background_probability:
        mean[0], std[0] = 0, std[0] * 0.2
    return Contrast(
        kind=kind,
        mean=mean.astype(np.float32),
        std=std.astype(np.float32),
        stripped=bool(rng.uniform() < ranges.strip_probability),
        keep_csf=bool(rng.uniform() < ranges.keep_csf_probability),
        noise_seed=int(rng.integers(2**31)),
    )


def keep_tissue(rows: Tensor, contrast: Contrast) -> Tensor:
    """Set what a skull-stripped image lacks to background; rows (X, Y, Z) are rows of the tissue table."""
    if not contrast.stripped:
        return rows
    ids = tissue_table()["id"]
    removed = (ids >= EXTRACEREBRAL_FROM) | ((ids == CSF) & (not contrast.keep_csf))
    keep = torch.from_numpy(np.where(removed, 0, np.arange(len(ids))).astype(np.uint8))
    return keep[rows.long()]


def paint(rows: Tensor, contrast: Contrast) -> Tensor:
    """Draw an image (X, Y, Z) float32, 0..~255, one Gaussian per tissue; zero stays zero where stripped."""
    generator = torch.Generator().manual_seed(contrast.noise_seed)
    index = rows.long()
    mean = torch.from_numpy(contrast.mean)[index]
    image = mean + torch.from_numpy(contrast.std)[index] * torch.randn(rows.shape, generator=generator)
    if contrast.stripped:
        image = image * (rows > 0)
    return image.clamp_(min=0)


def paint_target(rows: Tensor, kind: str) -> Tensor:
    """Paint the nominal values of a contrast: (X, Y, Z) float32; CT in units of 1000 HU."""
    return torch.from_numpy(tissue_table()[kind])[rows.long()]


def _display_range(values: np.ndarray, kind: str) -> np.ndarray:
    """Map nominal values to 0..1 as an image of that contrast is windowed (CT: 0 to 80 HU)."""
    return np.clip(values / 0.08, 0, 1) if kind == "CT" else values
