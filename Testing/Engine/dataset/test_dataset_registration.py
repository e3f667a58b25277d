"""Alignment and atlas registration find transforms that are known, and find the same ones again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from BrainFMEngine.anatomy.atlas import atlas_centroids
from BrainFMEngine.dataset import atlas_registration
from BrainFMEngine.dataset.align import align, align_all
from BrainFMEngine.dataset.alignment_check import misalignment
from BrainFMEngine.dataset.brain_mask import brain_mask, closed
from BrainFMEngine.dataset.landmarks import fit_landmarks
from BrainFMEngine.generator.label_maps import to_rows
from BrainFMEngine.generator.labels import freesurfer_scheme
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.image.volume import Volume
from small_heads import AFFINE, head_labels, scan_of


def rotation(degrees: float, shift_mm: tuple[float, float, float]) -> np.ndarray:
    angle = np.deg2rad(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift_mm
    return matrix


def test_a_scan_of_another_contrast_is_aligned():
    labels = head_labels()
    longer = np.diag([1, 1.4, 1, 1]) @ AFFINE  # a head as round as the small one looks the same when it turns
    fixed = Volume(scan_of(labels), longer)
    away = rotation(6, (3.0, -2.0, 1.5))
    moving = Volume(scan_of(labels, 1, inverted=True), away @ longer)
    first, again = align(fixed, moving), align(fixed, moving)
    assert np.array_equal(first.volume.affine_ras, again.volume.affine_ras)
    points = np.argwhere(labels > 0)
    error = fixed.grid.to_ras(points) - first.volume.grid.to_ras(points)
    assert np.linalg.norm(error, axis=1).max() < 1.0
    assert 3 < first.moved_mm < 12


def test_scans_on_one_grid_stay_where_they_are():
    labels = head_labels()
    images = {name: Volume(scan_of(labels, seed), AFFINE) for seed, name in enumerate(("T1", "T2"))}
    aligned = align_all(images, "T1")
    assert aligned["T2"].moved_mm == 0 and aligned["T2"].volume is images["T2"]


def test_a_shifted_scan_is_noticed_and_a_right_one_is_not():
    labels, scheme = head_labels(), freesurfer_scheme()
    rows, image = to_rows(labels, scheme), scan_of(labels)
    assert misalignment(image, rows, scheme) is None
    assert "+4 mm" in misalignment(np.roll(image, 5, axis=1), rows, scheme)
    noise = np.random.default_rng(0).random(image.shape).astype(np.float32)
    assert "little to do" in misalignment(noise, rows, scheme)


def test_landmarks_are_met_closely_and_far_points_stay():
    rng = np.random.default_rng(1)
    points = rng.uniform(-50, 50, (12, 3))
    warp = fit_landmarks(points, points + [2.0, -1.0, 0.5])
    assert np.linalg.norm(warp(points) - [2.0, -1.0, 0.5], axis=1).mean() < 0.5
    assert np.abs(warp(np.full((1, 3), 500.0))).max() < 1e-6


def test_the_mask_is_the_brain_with_its_furrows():
    ball = np.linalg.norm(np.indices((40, 40, 40)) - 19.5, axis=0) < 12
    furrow = ball.copy()
    furrow[19:21, :20] = False
    mask = closed(furrow)
    assert mask[20, 12, 20] and (mask ^ ball).mean() < 0.01
    rows = to_rows(head_labels(), freesurfer_scheme())
    mask = brain_mask(Subject("a", torch.from_numpy(rows)))
    assert mask[20, 22, 21] and not mask[rows == freesurfer_scheme().row(511)].any()


def atlas_like_subject(affine: np.ndarray) -> Subject:
    """Halves of cortex and white matter with a ball for every other structure, at the atlas's places."""
    scheme = freesurfer_scheme()
    labels = np.zeros((130, 150, 120), np.int16)
    points = np.stack(np.indices(labels.shape), -1) @ affine[:3, :3].T + affine[:3, 3]
    atlas = points @ TRUE[:3, :3].T + TRUE[:3, 3]
    radius = np.linalg.norm((atlas - [0, -18, 8]) / [68, 85, 65], axis=-1)
    right = atlas[..., 0] > 0
    for limit, left_label, right_label in ((1.0, 3, 42), (0.85, 2, 41)):
        labels[radius < limit] = np.where(right, right_label, left_label)[radius < limit]
    for label, centre in atlas_centroids().items():
        if label not in (2, 3, 41, 42):
            labels[np.linalg.norm(atlas - centre, axis=-1) < 5.5] = label
    return Subject("balls", torch.from_numpy(to_rows(labels, scheme)), affine_ras=affine)


TRUE = np.diag([1.1, 1.08, 1.12, 1.0]) @ rotation(5, (2, 4, -3))
"""From the subject's RAS mm to the atlas's."""


def test_atlas_coordinates_of_a_known_affine(monkeypatch):
    monkeypatch.setattr(atlas_registration, "ROUNDS", ((2, 2), (1, 2)))
    affine = np.eye(4)
    affine[:3, 3] = [-64.0, -90.0, -48.0]
    subject = atlas_like_subject(affine)
    found, again = (atlas_registration.register_to_atlas(subject) for _ in range(2))
    assert torch.equal(found.atlas_mm, again.atlas_mm)
    assert found.error_mm < 2.5 and found.folded == 0
    centre = np.array([20, 25, 20])
    true = TRUE[:3, :3] @ (3 * centre + affine[:3, 3]) + TRUE[:3, 3]
    assert np.linalg.norm(found.atlas_mm[(slice(None), *centre)].float().numpy() - true) < 5


def test_without_structures_there_is_no_error_to_tell():
    subject = Subject("image", None, images={"T1": torch.zeros(40, 40, 40).half()})
    coordinates = torch.zeros(3, 15, 15, 15).half()
    assert atlas_registration.registration_error_mm(subject, coordinates) is None
    flat = dataclasses.replace(subject, atlas_mm=coordinates)
    assert atlas_registration.folded_fraction(flat, coordinates) == pytest.approx(1.0)
