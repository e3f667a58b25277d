"""Cortical surfaces from the distance maps: marching cubes at 0 mm, lightly smoothed, as GIfTI.

scikit-image is an optional dependency: `require_surfaces` says so before anything is computed.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

from BrainFMEngine.errors import UsageError
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.outputs.fileset import FileSet
from BrainFMEngine.outputs.foreground import largest_part
from BrainFMEngine.outputs.naming import SURFACES

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

_OUTSIDE_MM = 3.0
_SMALLEST_INSIDE_MM3 = 2000.0
_TAUBIN_ROUNDS, _TAUBIN_SHRINK, _TAUBIN_GROW = 10, 0.5, -0.53
_SCANNER_SPACE = "NIFTI_XFORM_SCANNER_ANAT"
_SIDES = {"l": "CortexLeft", "r": "CortexRight"}
_KINDS = {"p": "Pial", "w": "GrayWhite"}


def require_surfaces() -> None:
    """Raise UsageError if scikit-image, which surfaces need, is not installed."""
    if find_spec("skimage") is None:
        raise UsageError("surfaces need scikit-image", 'Install it with: pip install "brainfm[surfaces]"')


def write_surfaces(prediction: Prediction, files: FileSet) -> list[str]:
    """Write a closed surface for every distance map, vertices in scan RAS mm.

    Returns:
        Warnings for maps that hold no surface.
    """
    warnings = []
    for name, ending in SURFACES.items():
        if name not in prediction.maps:
            continue
        mesh = extract_surface(prediction.maps[name], prediction.grid)
        if mesh is None:
            warnings.append(f"no surface {ending}: the distance map {name} has no inside")
            continue
        nib.save(_gifti(*mesh, name, files.description), files.add(f"surface_{name}", ending))
    return warnings


def extract_surface(distance_mm: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray] | None:
    """Find where a signed distance (X, Y, Z) in mm is 0.

    Only the largest inside counts, and the field of view closes the surface.

    Returns:
        Vertices (V, 3) float32 in RAS mm and triangles (F, 3) int32 that face outward; None without an inside.
    """
    from skimage.measure import marching_cubes

    inside = distance_mm < 0
    if inside.sum() * grid.voxel_mm3 < _SMALLEST_INSIDE_MM3:
        return None
    kept = np.where(inside & ~largest_part(inside), _OUTSIDE_MM, distance_mm)
    padded = np.pad(kept, 1, constant_values=_OUTSIDE_MM)
    index, triangles, _, _ = marching_cubes(padded, level=0.0)
    vertices = grid.to_ras(_taubin(index.astype(np.float64), triangles) - 1)
    if signed_volume_mm3(vertices, triangles) < 0:
        triangles = triangles[:, ::-1]
    return vertices.astype(np.float32), np.ascontiguousarray(triangles, dtype=np.int32)


def signed_volume_mm3(vertices: np.ndarray, triangles: np.ndarray) -> float:
    """Return the volume inside a closed surface, positive if its triangles face outward."""
    a, b, c = (vertices[triangles[:, corner]] - vertices.mean(axis=0) for corner in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def _taubin(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Smooth without shrinking (Taubin 1995, A signal processing approach to fair surface design, section 3)."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    start, end = edges[:, 0], edges[:, 1]
    neighbours = np.maximum(np.bincount(start, minlength=len(vertices)), 1)[:, None]
    for _ in range(_TAUBIN_ROUNDS):
        for factor in (_TAUBIN_SHRINK, _TAUBIN_GROW):
            sums = [np.bincount(start, weights=vertices[end, axis], minlength=len(vertices)) for axis in range(3)]
            vertices = vertices + factor * (np.column_stack(sums) / neighbours - vertices)
    return vertices


def _gifti(vertices: np.ndarray, triangles: np.ndarray, name: str, description: str) -> nib.gifti.GiftiImage:
    space = nib.gifti.GiftiCoordSystem(_SCANNER_SPACE, _SCANNER_SPACE, np.eye(4))
    anatomy = {
        "AnatomicalStructurePrimary": _SIDES[name[0]],
        "AnatomicalStructureSecondary": _KINDS[name[1]],
        "GeometricType": "Anatomical",
    }
    points = nib.gifti.GiftiDataArray(
        vertices, "NIFTI_INTENT_POINTSET", "NIFTI_TYPE_FLOAT32", coordsys=space, meta=nib.gifti.GiftiMetaData(anatomy)
    )
    faces = nib.gifti.GiftiDataArray(
        triangles,
        "NIFTI_INTENT_TRIANGLE",
        "NIFTI_TYPE_INT32",
        meta=nib.gifti.GiftiMetaData({"TopologicalType": "Closed"}),
    )
    return nib.gifti.GiftiImage(darrays=[points, faces], meta=nib.gifti.GiftiMetaData({"Description": description}))
