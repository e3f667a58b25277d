"""Make the training cache from label maps and images: `python -m BrainFMEngine.training.prepare DATA CACHE`.

DATA is laid out as `labels/synthseg_NN.nii.gz`, `mni/NN_affine.txt` + `NN_disp3mm.nii.gz` (native to atlas mm),
`images/<contrast>/` and `atlas/`. Which subjects are for training is written in this file (TRAINING_LABELS, REAL_SETS);
nothing else is read.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import nibabel as nib
import numpy as np

from BrainFMEngine.errors import InputImageError
from BrainFMEngine.generator.distances import signed_distances_mm
from BrainFMEngine.generator.label_maps import to_rows
from BrainFMEngine.generator.labels import EXTRACEREBRAL_FROM, freesurfer_scheme
from BrainFMEngine.generator.subject import COARSE_STEP, code_distances

logger = logging.getLogger(__name__)

TRAINING_LABELS = ("01", "02", "03", "04", "05", "06", "07", "08", "11", "12", "13", "16", "17", "19")
HELD_OUT_LABELS = ("09", "18")
REAL_SETS = {
    "openms07": {c: f"{c}w/openms07_{c}w_mni" for c in ("T1", "T2")} | {"FLAIR": "FLAIR/openms07_FLAIR_mni"},
    "stroke": {c: f"{c}w/stroke_{c}w" for c in ("T1", "T2")} | {"FLAIR": "FLAIR/stroke_FLAIR"},
    "brainchop": {"T1": "T1w/brainchop_T1w"},
}
"""Same-head contrast sets of training subjects; white matter of their T1w is scaled to the nominal value."""

MARGIN_MM = 6


def main() -> None:
    """Write the cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--held-out", action="store_true", help="prepare the held-out label maps instead")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    options.cache.mkdir(parents=True, exist_ok=True)
    for number in HELD_OUT_LABELS if options.held_out else TRAINING_LABELS:
        _save(options.cache / f"synthseg_{number}.npz", prepare_labels(options.data, number))
    if not options.held_out:
        for name, files in REAL_SETS.items():
            _save(options.cache / f"real_{name}.npz", prepare_real(options.data / "images", files))
        _save(options.cache / "real_mni152.npz", prepare_template(options.data))
        _save(options.cache / "real_scct.npz", prepare_ct_template(options.data))


def prepare_labels(data: Path, number: str) -> dict[str, np.ndarray]:
    """Return `rows`, `distance` and `atlas_mm` of one SynthSeg anatomy."""
    image = nib.as_closest_canonical(nib.load(data / "labels" / f"synthseg_{number}.nii.gz"))
    labels, affine = _crop(np.asarray(image.dataobj).astype(np.int16), image.affine)
    field = nib.load(data / "mni" / f"{number}_disp3mm.nii.gz")
    matrix = np.loadtxt(data / "mni" / f"{number}_affine.txt")
    points = _coarse_points(labels.shape, affine) @ matrix[:3, :3].T + matrix[:3, 3]
    atlas_mm = points + _sample_field(field, points)
    return {
        "rows": to_rows(labels, freesurfer_scheme()),
        "distance": coded_distances(labels),
        "atlas_mm": _channels_first(atlas_mm),
    }


def prepare_real(images: Path, files: dict[str, str]) -> dict[str, np.ndarray]:
    """Return the images of one subject, scaled so that bright tissue meets the nominal values."""
    loaded = {c: nib.as_closest_canonical(nib.load(images / f"{name}.nii.gz")) for c, name in files.items()}
    return {c: _scaled(np.asarray(image.dataobj, np.float32), c) for c, image in loaded.items()}


def prepare_template(data: Path) -> dict[str, np.ndarray]:
    """Return the MNI152 T1w brain with its labels and (identity) atlas coordinates."""
    t1 = nib.as_closest_canonical(nib.load(data / "atlas" / "mni152nlin6_T1w_1mm_brain.nii.gz"))
    labels = nib.as_closest_canonical(nib.load(data / "atlas" / "mni152nlin6_labels_1mm.nii.gz"))
    label_array = np.asarray(labels.dataobj).astype(np.int16)
    return {
        "T1": _scaled(np.asarray(t1.dataobj, np.float32), "T1"),
        "rows": to_rows(label_array, freesurfer_scheme()),
        "distance": coded_distances(label_array),
        "atlas_mm": _channels_first(_coarse_points(t1.shape, t1.affine)),
    }


def prepare_ct_template(data: Path) -> dict[str, np.ndarray]:
    """Return the paired T1w/CT templates of the older-adult group, in atlas space."""
    t1 = nib.as_closest_canonical(nib.load(data / "atlas" / "sct1_T1w_brain_1mm.nii.gz"))
    ct = nib.as_closest_canonical(nib.load(data / "images" / "CT" / "scct_brain_1mm.nii.gz"))
    brain = np.asarray(t1.dataobj, np.float32) > 0
    hounsfield = np.where(brain, np.asarray(ct.dataobj, np.float32), -1000)
    return {
        "T1": _scaled(np.asarray(t1.dataobj, np.float32), "T1"),
        "CT": (hounsfield / 1000).astype(np.float16),
        "atlas_mm": _channels_first(_coarse_points(t1.shape, t1.affine)),
    }


def coded_distances(labels: np.ndarray) -> np.ndarray:
    """Return signed distances (4, X, Y, Z) uint8 to the lp, lw, rp, rw surfaces; negative inside."""
    distances = signed_distances_mm(labels)
    if distances is None:
        raise InputImageError("a label map has no cortex or no white matter on one side")
    return code_distances(distances)


def _scaled(image: np.ndarray, contrast: str) -> np.ndarray:
    """Scale so that the 90th percentile of T1w is white matter, the 99th of T2w is fluid, FLAIR's 90th grey matter."""
    percentile, nominal = {"T1": (90, 0.9), "T2": (99, 0.95), "FLAIR": (90, 0.68)}[contrast]
    top = np.percentile(image[image > image.max() * 0.02], percentile)
    return (image / top * nominal).clip(0, 1.5).astype(np.float16)


def _crop(labels: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut air away, and everything more than 40 mm below the brain."""
    brain = np.argwhere((labels > 0) & (labels < EXTRACEREBRAL_FROM))
    head = np.argwhere(labels > 0)
    low = np.maximum(head.min(0) - MARGIN_MM, [0, 0, max(0, brain[:, 2].min() - 40)])
    high = np.minimum(head.max(0) + 1 + MARGIN_MM, labels.shape)
    moved = affine.copy()
    moved[:3, 3] = affine[:3, :3] @ low + affine[:3, 3]
    return np.ascontiguousarray(labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]), moved


def _coarse_points(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Return RAS mm (x, y, z, 3) of every third voxel, to one step past the last."""
    axes = [np.arange(0, n + COARSE_STEP, COARSE_STEP) for n in shape]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    return index @ affine[:3, :3].T + affine[:3, 3]


def _sample_field(field: nib.Nifti1Image, points: np.ndarray) -> np.ndarray:
    """Sample a displacement field (RAS mm components on its own grid) at RAS points, edge values outside."""
    array = np.asarray(field.dataobj, np.float32).squeeze()
    inverse = np.linalg.inv(field.affine)
    index = points @ inverse[:3, :3].T + inverse[:3, 3]
    index = index.clip(0, np.array(array.shape[:3]) - 1.001)
    base = np.floor(index).astype(int)
    fraction = index - base
    result = np.zeros(points.shape, np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, fraction, 1 - fraction), axis=-1)
        i, j, k = (base[..., axis] + corner[axis] for axis in range(3))
        result += weight[..., None] * array[i, j, k]
    return result


def _channels_first(points: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(points, -1, 0)).astype(np.float16)


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez_compressed(path, **arrays)
    logger.info("%s: %s", path.name, {name: array.shape for name, array in arrays.items()})


if __name__ == "__main__":
    main()
