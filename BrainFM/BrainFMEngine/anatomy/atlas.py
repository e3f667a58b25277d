"""The atlas that registration refers to: the MNI152 (6th generation, nonlinear) T1w brain, 1 mm.

Atlas coordinates are RAS millimetres of this image's own world. Its copyright notice is in `atlas/NOTICE.txt`.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np

from BrainFMEngine.image.volume import Volume

ATLAS_SPACE = "MNI152NLin6"
_FOLDER = Path(__file__).parent / "atlas"
_FILE = _FOLDER / "mni152nlin6_t1w_brain_1mm.nii.gz"


@cache
def load_atlas() -> Volume:
    """Return the atlas brain: (X, Y, Z) uint8, 0 outside the brain, read-only, on its 1 mm grid in atlas RAS mm."""
    import nibabel as nib  # training needs only where the atlas is, and no nibabel

    image = nib.Nifti1Image.from_filename(_FILE)
    array = np.asarray(image.dataobj, dtype=np.uint8)
    array.flags.writeable = False
    return Volume(array, np.asarray(image.affine, dtype=np.float64), source=_FILE)


@cache
def atlas_centroids() -> dict[int, np.ndarray]:
    """Return structure id -> centroid in the atlas, (3,) RAS mm, of a FreeSurfer segmentation of the atlas."""
    with (_FOLDER / "centroids.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {int(row["id"]): np.array([float(row[f"{axis}_mm"]) for axis in "xyz"]) for row in rows}
