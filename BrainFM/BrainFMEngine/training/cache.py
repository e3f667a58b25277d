"""The training cache: one small .npz per subject with the fields of `generator.subject.Subject`, kept in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from BrainFMEngine.generator.subject import Subject


def load_cache(folder: Path) -> list[Subject]:
    """Read every subject of a cache folder, in the order of their names."""
    return [_load_subject(path) for path in sorted(folder.glob("*.npz"))]


def _load_subject(path: Path) -> Subject:
    with np.load(path, allow_pickle=False) as data:
        tensors = {name: torch.from_numpy(data[name]) for name in data.files}
    known = {name: tensors.pop(name, None) for name in ("rows", "distance", "atlas_mm")}
    return Subject(path.stem, **known, images=tensors)
