"""A small subject whose targets can be told by hand."""

from __future__ import annotations

import numpy as np
import torch
from BrainFMEngine.generator.labels import freesurfer_scheme
from BrainFMEngine.generator.subject import DISTANCE_OFFSET, DISTANCE_SCALE, Subject

SHAPE = (32, 32, 32)


def row(label: int) -> int:
    return freesurfer_scheme().row(label)


def box_subject(images: tuple[str, ...] = ()) -> Subject:
    """A box of left white matter beside a box of right cortex, with fluid between, in a shell of skin."""
    rows = np.full((40, 36, 38), row(511), np.uint8)
    rows[:3] = rows[-3:] = 0
    rows[8:32, 8:28, 8:28] = row(24)
    rows[8:19, 8:28, 8:28] = row(2)
    rows[21:32, 8:28, 8:28] = row(42)
    axes = [np.arange(0, n + 3, 3, dtype=np.float32) for n in rows.shape]
    atlas_mm = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float16) - 19
    distance = np.full((4, *rows.shape), DISTANCE_OFFSET + 3 * DISTANCE_SCALE, np.uint8)
    distance[0, 8:19] = DISTANCE_OFFSET - 3 * DISTANCE_SCALE
    values = {name: (rows > 0) * (0.3 + 0.1 * index) + 0.5 * (rows == row(2)) for index, name in enumerate(images)}
    return Subject(
        "boxes",
        *(torch.from_numpy(array) for array in (rows, distance, atlas_mm)),
        images={name: torch.from_numpy(image.astype(np.float16)) for name, image in values.items()},
    )
