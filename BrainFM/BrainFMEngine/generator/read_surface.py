"""Cortical surfaces from files: FreeSurfer's own format or GIfTI, in scanner RAS."""

from __future__ import annotations

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np

from BrainFMEngine.errors import FileAccessError, InputImageError
from BrainFMEngine.progress import Progress, SilentProgress


def read_surface(path: Path, progress: Progress | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read a triangle mesh.

    FreeSurfer stores vertices relative to the centre of its volume; the centre that the file itself gives is added.

    Args:
        path: a GIfTI file (.gii), else FreeSurfer's format.
        progress: warned where a FreeSurfer surface does not say where its volume's centre is.

    Returns:
        vertices (V, 3) float64 in scanner RAS mm, and faces (F, 3) int64.

    Raises:
        FileAccessError: it cannot be read.
        InputImageError: it is no surface.
    """
    try:
        if path.suffix == ".gii":
            mesh = nib.load(path)
            assert isinstance(mesh, nib.GiftiImage)
            vertices, faces = mesh.agg_data(("pointset", "triangle"))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said below, in our words
                vertices, faces, about = nib.freesurfer.read_geometry(path, read_metadata=True)
            if "cras" not in about:
                (progress or SilentProgress()).warning(
                    f"{path.name} does not say where its volume lies; taken as RAS 0"
                )
            vertices = vertices + np.asarray(about.get("cras", (0.0, 0.0, 0.0)))
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # nibabel raises whatever the broken bytes cause
        raise InputImageError(f"{path.name} is no surface", "Give a FreeSurfer or GIfTI surface.") from error
    vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    sound = vertices.ndim == faces.ndim == 2 and len(faces) and vertices.shape[1] == faces.shape[1] == 3
    if not sound or not np.isfinite(vertices).all() or faces.min() < 0 or faces.max() >= len(vertices):
        raise InputImageError(f"{path.name} is no closed triangle mesh", "Give a FreeSurfer or GIfTI surface.")
    return vertices, faces
