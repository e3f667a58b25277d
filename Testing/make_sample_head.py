"""Make the bundled sample head from a training map of SynthSeg: python Testing/make_sample_head.py MAP [OUTPUT]

What lies around the head is cut away, and the axes are stored in the order that compresses best; no label is changed.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from BrainFMEngine.anatomy.sample_head import SAMPLE_HEAD

MARGIN_VOXELS = 2


def make_sample_head(source: Path, output: Path) -> None:
    """Write the head of `source` to `output`, gzipped NIfTI; the same input gives the same bytes.

    Stored axes run to anterior, superior and right.
    """
    image = nib.as_closest_canonical(nib.load(source))
    labels = np.asarray(image.dataobj).astype(np.int16)
    occupied = np.argwhere(labels > 0)
    low = np.maximum(occupied.min(0) - MARGIN_VOXELS, 0)
    high = np.minimum(occupied.max(0) + 1 + MARGIN_VOXELS, labels.shape)
    labels = labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].transpose(1, 2, 0)
    affine = image.affine.copy()
    affine[:3, 3] = (image.affine @ [*low, 1])[:3]
    affine = affine[:, [1, 2, 0, 3]]
    result = nib.Nifti1Image(labels, affine, dtype=np.int16)
    result.header.set_xyzt_units("mm")
    with output.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        result.to_stream(packed)


if __name__ == "__main__":
    make_sample_head(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else SAMPLE_HEAD)
