from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from BrainFMEngine.anatomy.affine import fit_affine, itk_affine_text

MATRIX = np.array([[1.1, 0.1, 0.0, 5.0], [-0.1, 0.95, 0.2, -20.0], [0.05, -0.1, 1.2, 9.0], [0, 0, 0, 1]])


def points(rng: np.random.Generator, count: int = 4000) -> np.ndarray:
    return rng.uniform([-60, -80, -50], [60, 80, 70], (count, 3))


def mapped(scan: np.ndarray) -> np.ndarray:
    return scan @ MATRIX[:3, :3].T + MATRIX[:3, 3]


def test_exact_coordinates_give_the_exact_affine(rng: np.random.Generator) -> None:
    scan = points(rng)
    fit = fit_affine(scan, mapped(scan))
    np.testing.assert_allclose(fit.matrix_ras, MATRIX, atol=1e-6)
    assert fit.residual_mm < 1e-6


def test_a_third_of_wrong_voxels_hardly_matters(rng: np.random.Generator) -> None:
    scan = points(rng)
    atlas = mapped(scan) + rng.normal(0, 1, scan.shape)
    wrong = rng.random(len(scan)) < 0.33
    atlas[wrong] += [60, -40, 30]
    fit = fit_affine(scan, atlas)
    assert np.linalg.norm(fit.apply(scan) - mapped(scan), axis=1).max() < 0.5


def test_far_origins_do_not_matter(rng: np.random.Generator) -> None:
    scan = points(rng)
    fit = fit_affine(scan + 5000.0, mapped(scan))
    np.testing.assert_allclose(fit.apply(scan + 5000.0), mapped(scan), atol=1e-5)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda x: x * [-1, 1, 1], "mirrored"),
        (lambda x: x * 0.1, "scaling"),
        (lambda x: np.zeros_like(x), "mirrored|scaling"),
        (lambda x: x + np.random.default_rng(1).normal(0, 80, x.shape), "scatter|scaling|mirrored"),
    ],
)
def test_nonsense_is_refused(rng: np.random.Generator, spoil, reason: str) -> None:
    scan = points(rng)
    with pytest.raises(ValueError, match=reason):
        fit_affine(scan, spoil(scan))


def test_a_single_slice_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="thin"):
        fit_affine(points(rng) * [1, 1, 0], points(rng))


def test_itk_reads_the_transform_and_agrees(rng: np.random.Generator, tmp_path) -> None:
    path = tmp_path / "affine.tfm"
    path.write_text(itk_affine_text(MATRIX), encoding="ascii")
    transform = sitk.ReadTransform(str(path))
    for scan in points(rng, 5):
        lps = transform.TransformPoint((scan * [-1, -1, 1]).tolist())
        np.testing.assert_allclose(np.array(lps) * [-1, -1, 1], mapped(scan), atol=1e-9)
