"""A phantom head whose every result is known in closed form, as the prediction of a model that made no mistake."""

from __future__ import annotations

import numpy as np
from BrainFMEngine.anatomy.protocols import BRAINFM_56
from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.image.conform import ConformedImage
from BrainFMEngine.image.volume import Grid, Volume
from BrainFMEngine.image.write import write_image
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.network.info import ModelInfo

TO_ATLAS = np.array([[1.04, 0.05, 0.0, 3.0], [-0.04, 1.02, 0.06, -14.0], [0.0, -0.05, 1.1, 9.0], [0, 0, 0, 1]])


def oblique_affine(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """Left-Inferior-Anterior axes, turned by 12 degrees, with the middle of the array near the origin."""
    turn = np.deg2rad(12)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    axes = np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    affine = np.eye(4)
    affine[:3, :3] = rotation @ axes * spacing_mm
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def atlas_coordinates(points_ras: np.ndarray) -> np.ndarray:
    """Where the phantom's points lie in the atlas: an affine and a smooth deformation of up to 3 mm."""
    moved = points_ras @ TO_ATLAS[:3, :3].T + TO_ATLAS[:3, 3]
    return moved + 3.0 * np.sin(points_ras[..., [1, 2, 0]] / 30.0)


def _labels(points: np.ndarray) -> np.ndarray:
    radius = np.linalg.norm(points / [66.0, 84.0, 64.0], axis=-1)
    labels = np.zeros(points.shape[:-1], dtype=np.int16)
    for limit, left, right in ((1.12, 911, 911), (1.0, 24, 24), (0.94, 3, 42), (0.8, 2, 41), (0.25, 4, 43)):
        labels = np.where(radius < limit, np.where(points[..., 0] < 0, left, right), labels)
    return labels


def _signed_distance(points: np.ndarray, centre_x: float, size: float) -> np.ndarray:
    """Distance to a sphere, as a stand-in for a cortical surface."""
    return np.clip(np.linalg.norm(points - [centre_x, 0, 0], axis=-1) - size, -3, 3).astype(np.float32)


def make_prediction(
    source_path, shape=(50, 46, 58), spacing_mm=(3.0, 3.4, 3.1), affine_ras: np.ndarray | None = None
) -> Prediction:
    """Build the phantom; its scan is written to `source_path` if given."""
    affine = oblique_affine(shape, spacing_mm) if affine_ras is None else affine_ras
    grid = Grid(shape, affine)
    points = grid.to_ras(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1))
    labels = _labels(points)
    contrast = {0: 0.0, 911: 0.9, 24: 0.3, 3: 0.6, 42: 0.6, 2: 0.9, 41: 0.9, 4: 0.25, 43: 0.25}
    t1 = np.vectorize(contrast.get)(labels).astype(np.float32)
    bias = np.exp(0.002 * points[..., 0] - 0.001 * points[..., 1]).astype(np.float32)
    image = (700.0 * t1 * bias).astype(np.float32)
    brain = (labels != 0) & (labels != 911)
    coordinates = atlas_coordinates(points).astype(np.float32)
    coordinates[~brain & (np.linalg.norm(points, axis=-1) > 95)] = 1e3  # what a network says about air
    maps = {"T1w": t1, "T2w": 1 - t1, "FLAIR": t1**2, "CT": 100 * t1 - 1000.7 * (labels == 0), "biasfield": bias}
    maps |= {name: _signed_distance(points, x, size) for name, x, size in _SPHERES}
    maps["atlas_coordinates"] = coordinates
    native = Volume(image, affine, source_path)
    if source_path is not None:
        write_image(source_path, image, grid)
    present = [int(label) for label in np.unique(labels) if label]
    return Prediction(
        conformed=ConformedImage(
            volume=native, native=native, modality="mr", intensity_low=0.0, intensity_high=700.0, warnings=()
        ),
        grid=grid,
        image=image,
        maps=maps,
        labels=labels,
        protocol=BRAINFM_56,
        probabilities=None,
        features=None,
        soft_volumes_mm3={label: float((labels == label).sum() * grid.voxel_mm3) for label in present},
        confidence=dict.fromkeys(present, 0.9),
        brain_mask=np.isin(labels, [s.id for s in structures().values() if s.id and not s.extracerebral]),
        model=ModelInfo(
            name="phantom", network=NetworkConfig(f_maps=8, num_levels=3, heads={"T1": 1}), sha256="ab" * 32
        ),
        device="cpu",
        seconds={"network": 1.25},
        warnings=["a doubt of the reader"],
        options={"tasks": ["t1", "t2", "flair", "ct", "seg", "distance", "bias", "registration"], "grid": "native"},
    )


_SPHERES = (("lp", -32.0, 30.0), ("lw", -32.0, 26.0), ("rp", 32.0, 30.0), ("rw", 32.0, 26.0))
