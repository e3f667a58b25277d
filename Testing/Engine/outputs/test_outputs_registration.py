from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from BrainFMEngine.anatomy.atlas import atlas_centroids, load_atlas
from BrainFMEngine.anatomy.centroids import fit_centroids
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.outputs import write_results
from BrainFMEngine.outputs.registration import folded_fraction, register
from phantom_head import TO_ATLAS, atlas_coordinates, make_prediction

LPS = np.array([-1.0, -1.0, 1.0])


@pytest.fixture(scope="module")
def files(phantom: Prediction, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_results(phantom, tmp_path_factory.mktemp("registration"), "head")


def brain_points(prediction: Prediction, count: int = 200) -> np.ndarray:
    index = np.argwhere(prediction.brain_mask)
    return prediction.grid.to_ras(index[:: len(index) // count].astype(float))


def test_itk_moves_scan_points_to_where_the_coordinates_say(phantom: Prediction, files: dict[str, Path]) -> None:
    field = sitk.ReadImage(str(files["atlas_warp"]), sitk.sitkVectorFloat64)
    assert field.GetDimension() == 3 and field.GetNumberOfComponentsPerPixel() == 3
    transform = sitk.DisplacementFieldTransform(field)
    for point in brain_points(phantom):
        there = np.array(transform.TransformPoint((point * LPS).tolist())) * LPS
        assert np.linalg.norm(there - atlas_coordinates(point)) < 0.1


def test_itk_resamples_the_atlas_to_what_was_written(files: dict[str, Path]) -> None:
    field = sitk.ReadImage(str(files["atlas_warp"]), sitk.sitkVectorFloat64)
    written = sitk.ReadImage(str(files["atlas"]), sitk.sitkFloat32)
    atlas = sitk.ReadImage(str(load_atlas().source), sitk.sitkFloat32)
    moved = sitk.Resample(atlas, written, sitk.DisplacementFieldTransform(field), sitk.sitkLinear, 0.0)
    difference = np.abs(sitk.GetArrayFromImage(moved) - sitk.GetArrayFromImage(written))
    assert difference.mean() < 0.5 and sitk.GetArrayFromImage(written).max() > 100


def test_itk_affine_file_agrees_with_the_true_affine(phantom: Prediction, files: dict[str, Path]) -> None:
    transform = sitk.ReadTransform(str(files["atlas_affine"]))
    for point in brain_points(phantom, 50):
        there = np.array(transform.TransformPoint((point * LPS).tolist())) * LPS
        assert np.linalg.norm(there - atlas_coordinates(point)) < 7.0


def test_coordinates_are_kept_in_the_brain_and_affine_far_away(phantom: Prediction, files: dict[str, Path]) -> None:
    image = nib.load(files["atlas_coordinates"])
    coordinates = np.asarray(image.dataobj)
    assert image.shape == (*phantom.grid.shape, 3) and coordinates.dtype == np.float32
    np.testing.assert_allclose(image.affine, phantom.grid.affine_ras, atol=1e-4)
    brain = phantom.brain_mask
    np.testing.assert_allclose(coordinates[brain], phantom.maps["atlas_coordinates"][brain], atol=0.01)
    corner = phantom.grid.to_ras(np.zeros(3))
    registration = register(phantom)
    np.testing.assert_allclose(coordinates[0, 0, 0], registration.affine.apply(corner), atol=0.02)
    assert np.abs(registration.affine.matrix_ras[:3, :3] - TO_ATLAS[:3, :3]).max() < 0.1


def test_garbage_around_the_brain_never_leaks_in(phantom: Prediction) -> None:
    clean = register(phantom).coordinates_ras
    far = phantom.maps["atlas_coordinates"].copy()
    outside = np.linalg.norm(phantom.grid.to_ras(np.argwhere(~phantom.brain_mask).astype(float)), axis=1) > 95
    chosen = np.argwhere(~phantom.brain_mask)[outside]
    far[tuple(chosen.T)] = np.nan
    other = register(replace(phantom, maps={"atlas_coordinates": far})).coordinates_ras
    assert np.isfinite(clean).all() and np.isfinite(other).all()
    np.testing.assert_allclose(other, clean, atol=1e-3)
    steps = max(np.linalg.norm(np.diff(clean, axis=axis), axis=-1).max() for axis in range(3))
    assert steps < 8.0  # voxels are 3 to 3.4 mm apart


def test_the_extension_is_never_wilder_than_the_brain() -> None:
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = -53.25
    prediction = make_prediction(None, (72, 72, 72), affine_ras=affine)
    points = prediction.grid.to_ras(np.moveaxis(np.indices((72, 72, 72)), 0, -1).astype(float))
    ball = np.linalg.norm(points, axis=-1) < 22
    found = register(replace(prediction, brain_mask=ball))
    deviation = np.linalg.norm(found.coordinates_ras - found.affine.apply(points), axis=-1)
    assert deviation[~ball].max() < deviation[ball].max() + 0.5
    assert deviation[np.linalg.norm(points, axis=-1) > 36].max() < 1e-3


def test_islands_and_wild_voxels_of_the_brain_mask_do_not_count(phantom: Prediction) -> None:
    raw, mask = phantom.maps["atlas_coordinates"].copy(), phantom.brain_mask.copy()
    mask[1:5, 1:5, 1:5] = True
    raw[1:5, 1:5, 1:5] = [500, -500, 500]
    raw[25, 23, 29] = [-90, 90, 90]
    found = register(replace(phantom, maps={"atlas_coordinates": raw}, brain_mask=mask))
    assert not found.mask[1:5, 1:5, 1:5].any() and not found.mask[25, 23, 29]
    clean = register(phantom).coordinates_ras
    assert np.linalg.norm(found.coordinates_ras - clean, axis=-1).max() < 2.0


def test_no_brain_mask_falls_back_to_plausible_coordinates(phantom: Prediction) -> None:
    alone = replace(phantom, brain_mask=None, labels=None, protocol=None)
    found = register(alone).affine.apply(np.zeros(3))
    assert np.linalg.norm(found - atlas_coordinates(np.zeros(3))) < 6.0


@pytest.mark.parametrize("spoil", ["tiny", "constant", "mirrored"])
def test_an_impossible_registration_gives_a_warning_and_no_files(
    phantom: Prediction, tmp_path: Path, spoil: str
) -> None:
    maps, mask = dict(phantom.maps), phantom.brain_mask
    if spoil == "tiny":
        mask = np.zeros_like(mask)
        mask[20:24, 20:24, 20:22] = True
    elif spoil == "constant":
        maps["atlas_coordinates"] = np.full_like(maps["atlas_coordinates"], 7.0)
    else:
        maps["atlas_coordinates"] = maps["atlas_coordinates"] * np.float32([-1, 1, 1])
    maps = {name: maps[name] for name in ("atlas_coordinates", "T1w")}
    files = write_results(replace(phantom, maps=maps, brain_mask=mask), tmp_path, "a")
    assert not {"atlas", "atlas_warp", "atlas_affine", "atlas_coordinates"} & set(files)
    assert "no registration was written" in files["qc"].read_text(encoding="utf-8")


def test_folding_coordinates_are_smoothed_no_more_than_needed(phantom: Prediction) -> None:
    clean = register(phantom)
    assert clean.smoothing_mm == 0 and clean.raw_folded_fraction == clean.folded_fraction
    raw = phantom.maps["atlas_coordinates"]
    noisy = raw + np.random.default_rng(4).normal(0, 2.5, raw.shape).astype(np.float32)
    found = register(replace(phantom, maps={"atlas_coordinates": noisy}))
    assert found.raw_folded_fraction > 0.05 and found.smoothing_mm == 4
    assert found.folded_fraction <= 0.01
    error = [np.linalg.norm((field - raw)[clean.mask], axis=-1).mean() for field in (noisy, found.coordinates_ras)]
    assert error[1] < error[0] / 2


def test_folding_is_counted_whatever_the_axes(phantom: Prediction) -> None:
    mask = phantom.brain_mask
    coordinates = phantom.maps["atlas_coordinates"]
    assert folded_fraction(coordinates, mask, phantom.grid) < 0.02
    assert folded_fraction(coordinates * np.float32([-1, 1, 1]), mask, phantom.grid) > 0.98


@pytest.mark.parametrize("affine", [np.diag([4.0, 4, 4, 1]), np.diag([-4.0, 4, 4, 1]), np.diag([4.0, 4, -4, 1])])
def test_every_handedness_of_the_grid(affine: np.ndarray, tmp_path: Path) -> None:
    affine = affine.copy()
    affine[:3, 3] = -affine[:3, :3] @ [20, 24, 20]
    prediction = make_prediction(None, (41, 49, 41), affine_ras=affine)
    files = write_results(prediction, tmp_path, "a")
    field = sitk.DisplacementFieldTransform(sitk.ReadImage(str(files["atlas_warp"]), sitk.sitkVectorFloat64))
    for point in brain_points(prediction, 20):
        there = np.array(field.TransformPoint((point * LPS).tolist())) * LPS
        assert np.linalg.norm(there - atlas_coordinates(point)) < 0.1


def test_atlas_is_packaged_with_its_notice() -> None:
    atlas = load_atlas()
    assert atlas.array.dtype == np.uint8 and atlas.array.max() == 200
    assert atlas.source.stat().st_size < 1_500_000
    notice = (atlas.source.parent / "NOTICE.txt").read_text(encoding="utf-8")
    assert "McConnell Brain Imaging Centre" in notice and "above copyright notice" in notice


def centred_boxes(shift_mm: np.ndarray) -> tuple[np.ndarray, Grid]:
    """A label map whose structures lie where the atlas has them, moved by `shift_mm`."""
    grid = Grid((90, 110, 90), np.array([[2.0, 0, 0, -90], [0, 2, 0, -120], [0, 0, 2, -80], [0, 0, 0, 1]]))
    labels = np.zeros(grid.shape, np.int16)
    for label, centroid in atlas_centroids().items():
        i, j, k = np.rint(grid.to_index(centroid + shift_mm)).astype(int)
        labels[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2] = label
    return labels, grid


def test_centroids_of_structures_give_the_affine() -> None:
    shift_mm = np.array([3.0, -5.0, 8.0])
    labels, grid = centred_boxes(shift_mm)
    fit = fit_centroids(labels, grid)
    points = np.array([[0.0, 0, 0], [40, -30, 20]])
    np.testing.assert_allclose(fit.apply(points + shift_mm), points, atol=2.0)


def test_too_few_structures_give_none() -> None:
    labels, grid = centred_boxes(np.zeros(3))
    labels[~np.isin(labels, (2, 3, 41, 42))] = 0
    with pytest.raises(ValueError, match="4 structures"):
        fit_centroids(labels, grid)


def test_hopeless_coordinates_fall_back_on_the_segmentation(phantom: Prediction) -> None:
    labels, grid = centred_boxes(np.zeros(3))
    brain = np.zeros(grid.shape, bool)
    brain[20:70, 20:90, 20:70] = True
    flat = np.zeros((*grid.shape, 3), np.float32)
    alone = replace(phantom, grid=grid, labels=labels, brain_mask=brain, maps={"atlas_coordinates": flat})
    found = register(alone)
    assert found.doubt and not found.mask.any()
    np.testing.assert_allclose(found.affine.apply(np.zeros(3)), 0, atol=2.0)
    with pytest.raises(ValueError):
        register(replace(alone, labels=None))
