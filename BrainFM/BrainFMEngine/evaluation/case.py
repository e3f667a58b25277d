"""What a model is tried on: a subject's head in one contrast, painted or scanned, with the answers that are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.anatomy.protocols import BRAINID_33, LabelProtocol
from BrainFMEngine.evaluation.synthetic import KINDS, STILL, TRUTH_PROTOCOL, synthetic_samples
from BrainFMEngine.generator.deformation import control_positions, sample_deformation
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.generator.targets import anatomy_targets, image_targets
from BrainFMEngine.image.intensity import CT_WINDOW_HU, Modality
from BrainFMEngine.image.volume import Volume

SYNTHETIC, REAL = "synthetic", "real"
ORIGINS = (SYNTHETIC, REAL)
BRAIN_IDS = BRAINID_33.ids[1:]
HOUNSFIELD_SCALE = 1000.0
MAX_DISTANCE_MM = 3.0


@dataclass(frozen=True)
class Case:
    """One input and its answers, all on one grid.

    Attributes:
        subject: its name.
        input: "synthetic T1", "synthetic random-1", ..., "real T2".
        volume: (X, Y, Z) float32; a CT in HU.
        modality: "mr" or "ct".
        targets: as those of a `Sample`, labels in `TRUTH_PROTOCOL`; what is not known is absent.
        brain: (X, Y, Z) bool; None without labels.
        scale: value of the volume that a sample's brightest is.
    """

    subject: str
    input: str
    volume: Volume
    modality: Modality
    targets: dict[str, Tensor]
    brain: np.ndarray | None
    scale: float = 1.0


def input_names(subject: Subject, origins: Sequence[str] = ORIGINS) -> list[str]:
    """Return the names of the inputs that a subject offers: painted ones need labels, real ones its images."""
    names = [f"{SYNTHETIC} {kind}" for kind in KINDS if subject.rows is not None]
    names += [f"{REAL} {contrast}" for contrast in sorted(subject.images)]
    return [name for name in names if name.split()[0] in origins]


def make_cases(
    subject: Subject,
    origins: Sequence[str] = ORIGINS,
    brain_mask: np.ndarray | None = None,
    without: Collection[str] = (),
) -> Iterator[Case]:
    """Make the inputs of `input_names`, one after the other; those that share answers have the same tensors.

    Args:
        subject: on the CPU.
        origins: "synthetic", "real", or both.
        brain_mask: (X, Y, Z) bool, where the brain of a subject without labels is.
        without: names of inputs that are not wanted.
    """
    names = [name.split(" ", 1) for name in input_names(subject, origins) if name not in without]
    kinds = [kind for origin, kind in names if origin == SYNTHETIC]
    if kinds:
        for kind, sample in zip(kinds, synthetic_samples(subject, kinds), strict=True):
            yield _synthetic_case(subject, kind, sample)
    contrasts = [contrast for origin, contrast in names if origin == REAL]
    if contrasts:
        targets = real_targets(subject)
        for contrast in contrasts:
            yield _real_case(subject, contrast, targets, brain_mask)


def _synthetic_case(subject: Subject, kind: str, sample: Sample) -> Case:
    """Take a painted head; no voxel is where it is in the subject."""
    is_ct = kind == "CT"
    scale = CT_WINDOW_HU[1] if is_ct else 1.0
    volume = Volume(scale * sample.image[0].numpy(), np.eye(4))
    modality: Modality = "ct" if is_ct else "mr"
    return Case(subject.name, f"{SYNTHETIC} {kind}", volume, modality, sample.targets, brain_of(sample.targets), scale)


def _real_case(subject: Subject, contrast: str, targets: dict[str, Tensor], brain_mask: np.ndarray | None) -> Case:
    """Take one of the subject's images as it is, untouched; all of them are answers."""
    is_ct = contrast == "CT"
    array = subject.images[contrast].float().numpy() * (HOUNSFIELD_SCALE if is_ct else 1.0)
    brain = brain_of(targets)
    return Case(
        subject.name,
        f"{REAL} {contrast}",
        Volume(array, subject.affine_ras),
        "ct" if is_ct else "mr",
        targets,
        brain_mask if brain is None else brain,
    )


def real_targets(subject: Subject) -> dict[str, Tensor]:
    """Return the subject's own answers on its own voxels, in the units of raw heads."""
    still = sample_deformation(Draws.from_seed(0), subject.shape, 1.0, STILL)
    control = control_positions(still, subject.shape, (np.array(subject.shape) - 1) / 2)
    coded = None if subject.distance is None else subject.distance.float()
    images = {name: image.float() for name, image in subject.images.items()}
    with torch.no_grad():
        anatomy = anatomy_targets(
            subject, subject.rows, coded, control, still, subject.shape, TRUTH_PROTOCOL, MAX_DISTANCE_MM
        )
        return anatomy | image_targets(subject, subject.rows, images, paint=False)


def brain_of(targets: dict[str, Tensor], protocol: LabelProtocol = TRUTH_PROTOCOL) -> np.ndarray | None:
    """Return where the truth has one of the 33 structures, (X, Y, Z) bool; None if it doesn't tell.

    Args:
        targets: of a sample.
        protocol: of its segmentation.
    """
    if "segmentation" not in targets:
        return None
    return np.isin(protocol.ids, BRAIN_IDS)[targets["segmentation"].cpu().numpy()]
