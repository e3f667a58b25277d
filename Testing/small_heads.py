"""Small heads on disk: a label map and scans that belong to it."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (40, 44, 42)
AFFINE = np.array([[1, 0, 0, -19.5], [0, 1, 0, -21.5], [0, 0, 1, -20.5], [0, 0, 0, 1]], float)
GREY = {511: 40, 515: 5, 24: 10, 3: 60, 42: 60, 2: 95, 41: 95, 4: 12, 43: 12, 13: 80, 52: 80}


def head_labels(move: int = 0) -> np.ndarray:
    """Skin, bone, fluid, and a brain of two halves; a nucleus makes the front differ from the back."""
    axes = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in SHAPE), indexing="ij")
    radius = np.sqrt((axes[0] / 18) ** 2 + (axes[1] / (20 - move)) ** 2 + (axes[2] / 18) ** 2)
    labels = np.zeros(SHAPE, np.int16)
    for limit, label in ((1.0, 511), (0.92, 515), (0.84, 24)):
        labels[radius < limit] = label
    right = axes[0] > 0
    nucleus = (np.abs(np.abs(axes[0]) - 5) < 3) & (np.abs(axes[1] - 5) < 3) & (np.abs(axes[2] + 3) < 3)
    for region, left_label, right_label in (
        (radius < 0.76, 3, 42),
        (radius < 0.56, 2, 41),
        (radius < 0.2, 4, 43),
        (nucleus, 13, 52),
    ):
        labels[region] = np.where(right, right_label, left_label)[region]
    return labels


def scan_of(labels: np.ndarray, seed: int = 0, inverted: bool = False) -> np.ndarray:
    grey = np.zeros(1024, np.float32)
    for label, value in GREY.items():
        grey[label] = 110 - value if inverted else value
    image = grey[labels] + np.random.default_rng(seed).normal(0, 1, labels.shape) * (labels > 0)
    return image.clip(0).astype(np.float32)


def save(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = nib.MGHImage if path.suffix == ".mgz" else nib.Nifti1Image
    array = array.astype(np.int32) if path.suffix == ".mgz" and array.dtype == np.int16 else array
    nib.save(kind(array, affine), path)
    return path


def write_label_maps(folder: Path, count: int = 3) -> Path:
    for index in range(count):
        save(folder / f"head_{index:02d}.nii.gz", head_labels(index % 6))
    return folder
