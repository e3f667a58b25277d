"""The bundled head is what its notice says: a known map with nothing but air cut away."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from BrainFMEngine.anatomy.sample_head import SAMPLE_HEAD
from make_sample_head import make_sample_head


def test_it_is_small_and_comes_with_its_licence():
    assert SAMPLE_HEAD.stat().st_size < 400_000
    notice = (SAMPLE_HEAD.parent / "NOTICE.txt").read_text(encoding="utf-8")
    assert "Apache License, Version 2.0" in notice and "SynthSeg" in notice and "Changes made here" in notice


def test_it_holds_the_labels_of_its_source(shared_dir, tmp_path):
    source = shared_dir / "data" / "labels" / "synthseg_13.nii.gz"
    if not source.exists():
        pytest.skip("the source is not here")
    make_sample_head(source, tmp_path / "again.nii.gz")
    bundled, again = nib.load(SAMPLE_HEAD), nib.load(tmp_path / "again.nii.gz")
    assert np.array_equal(bundled.dataobj, again.dataobj) and np.allclose(bundled.affine, again.affine)
    original = nib.load(source)
    counts = [np.unique(np.asarray(image.dataobj), return_counts=True) for image in (original, bundled)]
    assert np.array_equal(counts[0][0], counts[1][0]) and np.array_equal(counts[0][1][1:], counts[1][1][1:])
    voxel = np.argwhere(np.asarray(bundled.dataobj) == 10).mean(0)
    ras = bundled.affine @ [*voxel, 1]
    index = np.linalg.inv(original.affine) @ ras
    assert np.allclose(index[:3], np.argwhere(np.asarray(original.dataobj) == 10).mean(0), atol=1e-3)
