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
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.image.write import write_image

SHARED = ("T1", "T2", "FLAIR", "CT", "image", "segmentation", "distance", "registration", "pathology")
"""Targets that all samples of a batch have in common."""
UNITS = {"CT": 1000.0, "registration": 100.0}
"""Factors from the unit of the raw head to HU and mm."""
LARGEST_RECORD_BYTES = 64 << 20


def write_samples(
    folder: Path, samples: Sequence[Sample], subject: Subject, options: GeneratorOptions, targets: bool, source: dict
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
    """
    grid = sample_grid(samples[0].parameters, subject.affine_ras, subject.centre_voxel)
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
                own["visible"] = sample.visible[None].to(torch.uint8)
            paths += [_write_target(folder / f"{stem}_{n}.nii.gz", n, t, grid, options) for n, t in own.items()]
    if targets:
        common = {name: tensor for name, tensor in samples[0].targets.items() if name in SHARED}
        paths += [_write_target(folder / f"target_{n}.nii.gz", n, t, grid, options) for n, t in common.items()]
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


def _write_target(path: Path, name: str, target: Tensor, grid: Grid, options: GeneratorOptions) -> Path:
    if name == "segmentation":
        ids = np.array(find_protocol(options.protocol).ids, np.int16)
        write_image(path, ids[target.cpu().numpy()], grid, intent="label")
        return path
    array = (target * UNITS[name] if name in UNITS else target).movedim(0, -1).cpu().numpy()
    write_image(path, array[..., 0] if array.shape[-1] == 1 else array, grid)
    return path
