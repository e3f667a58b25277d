"""Samples on disk: images, targets, the parameters that give them again, and a picture."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine import __version__
from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.generator.parameters import FORMAT_VERSION, GeneratorOptions, SampleParameters
from BrainFMEngine.generator.picture import draw_samples, sample_grid
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.generator.target_table import TARGETS, VISIBLE, target_row
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.image.write import write_image

SHARED = tuple(row.name for row in TARGETS if row.is_shared)
"""Targets that all samples of a batch have in common."""
LARGEST_RECORD_BYTES = 64 << 20


def write_samples(
    folder: Path,
    samples: Sequence[Sample],
    subject: Subject,
    options: GeneratorOptions,
    targets: bool,
    source: dict,
    centre_voxel: np.ndarray | None = None,
) -> list[Path]:
    """Write `sample-<i>.nii.gz`, `sample-<i>.json`, `overview.png` and, if asked, the targets.

    Args:
        folder: is there.
        samples: of one batch.
        subject: they were made from.
        options: for the label protocol.
        targets: also write `target_<name>.nii.gz` and, where a sample has its own, `sample-<i>_<name>.nii.gz`;
            labels as FreeSurfer ids, CT in HU, coordinates and distances in mm.
        source: what the samples were made of, for the record.
        centre_voxel: (3,) of the subject that samples are centred on; None for the subject's own.
    """
    centre = subject.centre_voxel if centre_voxel is None else centre_voxel
    grid = sample_grid(samples[0].parameters, subject.affine_ras, centre)
    paths = []
    for sample in samples:
        stem = f"sample-{sample.parameters.index}"
        paths.append(folder / f"{stem}.nii.gz")
        write_image(paths[-1], sample.image[0].cpu().numpy(), grid)
        paths.append(folder / f"{stem}.json")
        record = {"version": __version__, "source": source, "parameters": to_record(sample.parameters)}
        paths[-1].write_text(_readable(record), encoding="utf-8")
        if targets:
            own = {name: tensor for name, tensor in sample.targets.items() if name not in SHARED}
            if sample.visible is not None:
                own[VISIBLE] = sample.visible[None].to(torch.uint8)
            paths += [write_target(folder / f"{stem}_{n}.nii.gz", n, t, grid, options) for n, t in own.items()]
    if targets:
        common = {name: tensor for name, tensor in samples[0].targets.items() if name in SHARED}
        paths += [write_target(folder / f"target_{n}.nii.gz", n, t, grid, options) for n, t in common.items()]
    paths.append(folder / "overview.png")
    draw_samples(samples, grid, f"{subject.name}, seed {samples[0].parameters.seed}").save(paths[-1])
    return paths


def _readable(record: dict[str, Any]) -> str:
    """Return indented JSON with every list of plain values on one line."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda match: " ".join(match.group().split()), text) + "\n"


def read_parameters(path: Path) -> tuple[SampleParameters, dict[str, Any]]:
    """Read `sample-<i>.json`: the parameters, and what the sample was made of.

    Raises:
        UsageError: it is no record of a sample, or of a newer version.
        FileAccessError: it cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST_RECORD_BYTES:
            raise UsageError(f"{path.name} is too large for the record of a sample")
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path.name} is not JSON", "Give the sample-<i>.json beside a sample.") from error
    if not isinstance(record, dict) or not isinstance(record.get("parameters"), dict):
        raise UsageError(f"{path.name} is no record of a sample", "Give the sample-<i>.json beside a sample.")
    version = record["parameters"].get("format_version")
    if version != FORMAT_VERSION:
        raise UsageError(f"{path.name} is of version {version}, this program knows {FORMAT_VERSION}")
    source = record.get("source")
    return from_record(SampleParameters, record["parameters"]), source if isinstance(source, dict) else {}


def write_target(path: Path, name: str, target: Tensor, grid: Grid, options: GeneratorOptions) -> Path:
    """Write a target in the unit of files (see `target_table`) and return the path.

    Args:
        path: ends in .nii.gz or .nii.
        name: of the target.
        target: "segmentation" (X, Y, Z) channels; others (C, X, Y, Z).
        grid: of the sample.
        options: for the label protocol.
    """
    if name == "segmentation":
        ids = np.array(find_protocol(options.protocol).ids, np.int16)
        write_image(path, ids[target.cpu().numpy()], grid, intent="label")
        return path
    row = target_row(name)
    factor = 1.0 if row is None else row.factor
    array = (target if factor == 1 else target * factor).movedim(0, -1).cpu().numpy()
    write_image(path, array[..., 0] if array.shape[-1] == 1 else array, grid)
    return path
