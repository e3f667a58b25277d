"""One subject of a dataset from its files: read, aligned, registered, masked, measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.dataset.align import Aligned, align_all
from BrainFMEngine.dataset.atlas_registration import folded_fraction, register_to_atlas, registration_error_mm
from BrainFMEngine.dataset.brain_mask import brain_mask
from BrainFMEngine.dataset.info import SubjectChecks, SubjectInfo
from BrainFMEngine.dataset.source_subject import SourceSubject
from BrainFMEngine.dataset.subject_checks import check_subject
from BrainFMEngine.dataset.subject_file import arrays_of
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.generator.read_coordinates import coarse_grid, grid_points
from BrainFMEngine.generator.read_subject import read_images_only, read_subject
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.image.checks import finite_values
from BrainFMEngine.image.io import read_image, read_layout
from BrainFMEngine.image.volume import Grid, Volume, shape_3d
from BrainFMEngine.progress import Progress

REFERENCES = ("T1", "T2", "FLAIR", "CT")
TISSUE_CLASSES = 3
FAR_MOVED_MM = 30.0
ROUGH = "it has no labels: its mask comes from a threshold, and nothing tells how well it is registered"
WHOLE_HEAD = "a whole head without labels is neither masked nor registered; 'brainfm predict --tasks seg' makes labels"


@dataclass(frozen=True)
class Made:
    """A subject with its mask and what is known about it."""

    subject: Subject
    info: SubjectInfo
    mask: np.ndarray | None


def make_subject(
    source: SourceSubject,
    overrides: Mapping[int, int] | None,
    register: bool,
    protocol: LabelProtocol,
    progress: Progress,
) -> Made:
    """Read a subject and compute what it lacks.

    Args:
        source: its files.
        overrides: label id -> known id.
        register: with the atlas, where no coordinates are given.
        protocol: whose structures are looked for.
        progress: told each stage, and what is doubtful.

    Raises:
        InputImageError, FileAccessError: a file cannot be used, or what came of it would be wrong to train on.
    """
    doubts = _Doubts(progress)
    aligned = _scans(source, doubts)
    images = {name: scan.volume for name, scan in aligned.items()}
    coordinates = source.coordinates or None
    if source.labels is None:
        doubts.stage("reading images", 0.2)
        subject = read_images_only(source.name, images, coordinates)
    else:
        subject = read_subject(
            source.labels, images, coordinates, overrides, source.surfaces or None, doubts, source.distances or None
        )
        _check_labels(source, subject)
    subject = replace(subject, name=source.name)
    doubts.stage("masking the brain", 0.45)
    mask = brain_mask(subject)
    subject, folded, error_mm = _placed(subject, source, register and mask is not None, doubts)
    if subject.rows is None and not (source.coordinates or source.in_atlas_space):
        doubts.warning(ROUGH if mask is not None else WHOLE_HEAD)
    moved = {name: round(scan.moved_mm, 2) for name, scan in aligned.items()}
    checks = SubjectChecks(*_volumes(subject), _rounded(error_mm), _rounded(folded), moved, tuple(doubts.warnings))
    info = _info(subject, source, checks)
    _refuse_unusable(subject, info, protocol)
    return Made(subject, info, mask)


class _Doubts:
    """Passes progress on and keeps the warnings."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self.warnings: list[str] = []

    def stage(self, name: str, fraction: float) -> None:
        self._progress.stage(name, fraction)

    def warning(self, message: str) -> None:
        self.warnings.append(message)
        self._progress.warning(message)


def _scans(source: SourceSubject, progress: _Doubts) -> dict[str, Aligned]:
    if not source.images:
        return {}
    progress.stage("aligning images", 0.0)
    volumes = {name: _finite(read_image(path, progress=progress), progress) for name, path in source.images.items()}
    reference = next(name for name in REFERENCES if name in volumes)
    aligned = align_all({reference: volumes[reference], **volumes}, reference, _grid_of_labels(source))
    for name, scan in aligned.items():
        if scan.moved_mm > FAR_MOVED_MM:
            progress.warning(f"the {name} scan was moved by {scan.moved_mm:.0f} mm to align it; look at it")
    return aligned


def _finite(volume: Volume, progress: _Doubts) -> Volume:
    array, warnings = finite_values(volume.source.name if volume.source else "a scan", volume.array)
    for warning in warnings:
        progress.warning(warning)
    return volume.with_array(array)


def _grid_of_labels(source: SourceSubject) -> Grid | None:
    if source.labels is None:
        return None
    layout = read_layout(source.labels)
    return Grid(shape_3d(layout.shape[:3]), layout.affine_ras)


def _check_labels(source: SourceSubject, subject: Subject) -> None:
    """Refuse a map of tissue classes, whose few numbers mean something else in every scheme."""
    assert subject.rows is not None
    present = np.unique(subject.rows.numpy())
    tissues = present[(present > 0) & ~subject.scheme.extracerebral[present]]
    if len(tissues) <= TISSUE_CLASSES:
        name = source.labels.name if source.labels else source.name
        raise InputImageError(f"{name} only tells tissue classes apart", "Give a map with anatomical structures.")


def _refuse_unusable(subject: Subject, info: SubjectInfo, protocol: LabelProtocol) -> None:
    problems = check_subject(info, arrays_of(subject), subject.scheme, protocol)
    errors = [problem.message for problem in problems if problem.severity == "error"]
    if errors:
        raise InputImageError("; ".join(errors), "It is left out of the dataset.")


def _placed(
    subject: Subject, source: SourceSubject, register: bool, progress: _Doubts
) -> tuple[Subject, float | None, float | None]:
    """Return the subject with atlas coordinates, the fraction that folds, and the error of its structures in mm."""
    if source.in_atlas_space:
        points = grid_points(coarse_grid(Grid(subject.shape, subject.affine_ras)))
        coordinates = torch.from_numpy(np.moveaxis(points, -1, 0).astype(np.float16).copy())
        subject = replace(subject, atlas_mm=coordinates)
    if subject.atlas_mm is None:
        if not register:
            return subject, None, None
        progress.stage("registering with the atlas", 0.5)
        found = register_to_atlas(subject)
        return replace(subject, atlas_mm=found.atlas_mm), found.folded, found.error_mm
    return subject, folded_fraction(subject, subject.atlas_mm), registration_error_mm(subject, subject.atlas_mm)


def _volumes(subject: Subject) -> tuple[float | None, dict[str, float]]:
    """Return the volume of the brain and of every structure, ml."""
    if subject.rows is None:
        return None, {}
    counts = np.bincount(subject.rows.numpy().ravel(), minlength=len(subject.scheme))
    brain = float(counts[subject.scheme.brain].sum()) / 1000
    return brain, {str(subject.scheme.ids[row]): counts[row] / 1000 for row in np.flatnonzero(counts) if row}


def _info(subject: Subject, source: SourceSubject, checks: SubjectChecks) -> SubjectInfo:
    has = {
        "segmentation": subject.rows is not None and subject.scheme.sided,
        "distance": subject.distance is not None,
        "registration": subject.atlas_mm is not None,
    }
    return SubjectInfo(
        name=subject.name,
        collection=source.collection,
        person=source.person,
        sources={},
        scheme=None if subject.rows is None else subject.scheme.name,
        shape=shape_3d(subject.shape),
        contrasts=tuple(sorted(subject.images)),
        targets=tuple(name for name, there in has.items() if there),
        checks=checks,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
