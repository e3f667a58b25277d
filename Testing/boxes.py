"""A small subject whose targets can be told by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from BrainFMEngine.dataset.dataset import create_dataset, write_split, write_subject
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.split import Split
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


def write_dataset(
    folder: Path, train: Sequence[Subject] = (), validation: Sequence[Subject] = (), test: Sequence[Subject] = ()
) -> Path:
    """A dataset of subjects, as `brainfm prepare` would have made it."""
    create_dataset(folder)
    for subject in (*train, *validation, *test):
        info = SubjectInfo(subject.name, "boxes", subject.name, {}, scheme=subject.scheme.name, shape=subject.shape)
        write_subject(folder, subject, info)
    write_split(folder, Split(*(tuple(subject.name for subject in part) for part in (train, validation, test))))
    return folder
