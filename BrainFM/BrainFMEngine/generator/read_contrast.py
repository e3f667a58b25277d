"""A real scan of a subject: on its grid, scaled so that a tissue that every head has meets its nominal value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.errors import InputImageError, UsageError
from BrainFMEngine.generator.labels import LabelScheme
from BrainFMEngine.generator.tissues import CONTRASTS, tissues
from BrainFMEngine.image.io import read_image
from BrainFMEngine.image.resample import resample
from BrainFMEngine.image.volume import Grid, Volume

REFERENCE_TISSUE = {"T1": "white", "T2": "lateral_ventricle", "FLAIR": "cortex"}
FEWEST_VOXELS = 500
NOMINAL = {"T1": (90, 0.9), "T2": (99, 0.95), "FLAIR": (90, 0.68)}
"""Without labels: which percentile of the head is brought to which nominal value (white matter, fluid, grey matter)."""
AIR_CT = -1000.0
LARGEST = 1.5


def read_contrast(
    name: str, scan: Path | Volume, grid: Grid, rows: np.ndarray | None = None, scheme: LabelScheme | None = None
) -> Tensor:
    """Bring a scan onto a subject's grid.

    Args:
        name: "T1", "T2", "FLAIR" or "CT".
        scan: file, or what was read from it, in the same RAS space as the grid.
        grid: of the subject.
        rows: (X, Y, Z) uint8, labels of the same head; the scale then comes from a tissue instead of a percentile.
        scheme: of the rows.

    Returns:
        (X, Y, Z) float16: CT in 1000 HU; the others relative to nominal tissue values, 0 to 1.5.

    Raises:
        UsageError: no head has such a contrast.
        InputImageError: the scan does not reach the head.
    """
    if name not in CONTRASTS:
        raise UsageError(f"{name!r} is no contrast", f"Known: {', '.join(c.lower() for c in CONTRASTS)}.")
    scan = read_image(scan) if isinstance(scan, Path) else scan
    array = np.nan_to_num(scan.array, nan=0.0, posinf=0.0, neginf=0.0)
    if name == "CT":
        return torch.from_numpy((resample(array, scan.grid, grid, AIR_CT) / 1000).astype(np.float16))
    array = resample(array - min(0.0, float(array.min())), scan.grid, grid, 0.0)
    bright = array[array > 0.02 * array.max()]
    if not bright.size:
        file = scan.source.name if scan.source else "the scan"
        raise InputImageError(f"{file} does not cover the head of the label map", "Are they aligned?")
    scale = _scale_of_tissue(name, array, rows, scheme) or _scale_of_percentile(name, bright)
    return torch.from_numpy((array * scale).clip(0, LARGEST).astype(np.float16))


def _scale_of_tissue(name: str, array: np.ndarray, rows: np.ndarray | None, scheme: LabelScheme | None) -> float | None:
    if rows is None or scheme is None:
        return None
    chosen = np.isin(np.arange(len(scheme)), scheme.rows_of(REFERENCE_TISSUE[name]))
    values = array[chosen[rows]]
    values = values[values > 0]
    if len(values) < FEWEST_VOXELS:
        return None
    return float(tissues().nominal[name][tissues().index(REFERENCE_TISSUE[name])] / np.median(values))


def _scale_of_percentile(name: str, bright: np.ndarray) -> float:
    percentile, nominal = NOMINAL[name]
    return float(nominal / np.percentile(bright, percentile))
