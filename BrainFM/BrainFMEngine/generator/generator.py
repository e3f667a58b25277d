"""Samples of one subject: deform once, paint, corrupt, and give the targets (BrainFM §3.1, Fig. 2).

What is random was drawn before (`parameters.draw_batch`); the same parameters give the same bits on the same device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.contrast import Contrast, paint
from BrainFMEngine.generator.corruption import corrupt
from BrainFMEngine.generator.deformation import Deformation, control_positions
from BrainFMEngine.generator.extracerebral import apply_extracerebral, cluster_extracerebral
from BrainFMEngine.generator.labels import LabelScheme, mirror_rows
from BrainFMEngine.generator.mixup import apply_mixup
from BrainFMEngine.generator.parameters import SYNTHETIC, GeneratorOptions, SampleParameters, draw_batch
from BrainFMEngine.generator.pathology import encode, lesion_probability
from BrainFMEngine.generator.scale import robust_maximum, scale_robustly
from BrainFMEngine.generator.subject import Subject, is_brain, select
from BrainFMEngine.generator.targets import anatomy_targets, image_targets, warp_volumes
from BrainFMEngine.generator.velocity import refine
from BrainFMEngine.generator.voxel_noise import noise_drawn_on
from BrainFMEngine.generator.warp import box_of, warp_nearest

INTENSITY_TOP = 255.0
CT_WINDOW = 0.08
"""Upper end of the window that CT is seen through, in 1000 HU."""


@dataclass(frozen=True)
class Sample:
    """One sample; a target that the subject lacks is absent.

    Attributes:
        image: (1, X, Y, Z) float32, 0..1, what the network sees.
        targets: name -> (C, X, Y, Z) float32 in the unit of the raw head (see `targets`); "segmentation" is (X, Y, Z)
            int64 channels. Samples of a batch share those that do not depend on contrast and corruption.
        head: (X, Y, Z) bool, where the subject is.
        parameters: everything that was drawn.
        visible: (X, Y, Z) bool, False where cropping or defacing hid the head; None where nothing was hidden.
    """

    image: Tensor
    targets: dict[str, Tensor]
    head: Tensor
    parameters: SampleParameters
    visible: Tensor | None = None

    def part(self, window: tuple[slice, slice, slice]) -> Sample:
        """Return the same sample on fewer voxels; slices may have steps."""
        targets = {name: target[(..., *window)] if target.ndim else target for name, target in self.targets.items()}
        visible = None if self.visible is None else self.visible[window]
        return replace(self, image=self.image[(..., *window)], targets=targets, head=self.head[window], visible=visible)


@dataclass(frozen=True)
class Anatomy:
    """What the samples of a batch share: the deformed subject. `painted_rows` still has the tissue that is removed."""

    rows: Tensor | None
    painted_rows: Tensor | None
    images: dict[str, Tensor]
    head: Tensor
    brain: Tensor | None
    lesion: Tensor | None
    targets: dict[str, Tensor]


def generate(subject: Subject, options: GeneratorOptions, seed: int) -> list[Sample]:
    """Draw and make one intra-subject mini-batch; see `make_batch`."""
    return make_batch(subject, draw_batch(subject, options, seed), options)


def make_batch(subject: Subject, parameters: Sequence[SampleParameters], options: GeneratorOptions) -> list[Sample]:
    """Make the samples that `parameters` describe.

    Args:
        subject: the one they were drawn for; the work happens on the device of its tensors.
        parameters: of samples that share deformation, tissue outside the brain and lesion.
        options: only what the targets are like is read: protocol, max_distance_mm, paint_targets.

    Raises:
        UsageError: the samples do not share their anatomy.
    """
    return list(iterate_batch(subject, parameters, options))


def iterate_batch(
    subject: Subject,
    parameters: Sequence[SampleParameters],
    options: GeneratorOptions,
    anatomy: Anatomy | None = None,
) -> Iterator[Sample]:
    """Make what `make_batch` does, one sample after the other, so that not all of them are in memory at once.

    Args:
        subject, parameters, options: as of `make_batch`.
        anatomy: result of `deform`, for samples whose anatomy was deformed before.
    """
    first = parameters[0]
    for other in parameters[1:]:
        if other.deformation is not first.deformation or other.shape != first.shape:
            raise UsageError("these samples are not of one batch", "Replay them one by one.")
    anatomy = anatomy or deform(subject, first, options)
    for sample in parameters:
        with _making(subject, first):
            made = _make_sample(subject, anatomy, sample)
        yield made


@contextmanager
def _making(subject: Subject, parameters: SampleParameters) -> Iterator[None]:
    noise_device = None if parameters.noise_device == subject.device.type else parameters.noise_device
    with torch.no_grad(), noise_drawn_on(noise_device):
        yield


def deform(subject: Subject, first: SampleParameters, options: GeneratorOptions) -> Anatomy:
    """Make what the samples of a batch share: it depends on their deformation, surroundings of the brain and lesion.

    Args:
        subject: the one they were drawn for.
        first: one of them.
        options: as of `make_batch`.
    """
    with _making(subject, first):
        return _deform(subject, first, options)


def clean_image(subject: Subject, anatomy: Anatomy, parameters: SampleParameters) -> Tensor:
    """Return a sample before corruption, (1, X, Y, Z) float32, 0..1."""
    with _making(subject, parameters):
        return scale_robustly(_clean_with_lesion(subject, anatomy, parameters))[None]


def _deform(subject: Subject, first: SampleParameters, options: GeneratorOptions) -> Anatomy:
    control = control_positions(first.deformation, first.shape, subject.centre_voxel, first.spacing_mm, subject.device)
    positions = refine(control, first.shape)
    box = box_of(positions, subject.shape)
    painted = rows = None
    if subject.rows is not None:
        painted = _deform_rows(subject.rows, subject.scheme, positions, first.deformation)
        rows = apply_extracerebral(painted, first.extracerebral, subject.scheme, first.spacing_mm)
    brain = None if rows is None else is_brain(rows, subject.scheme)
    coded_distance, images = warp_volumes(subject, positions, box)
    if rows is not None and first.extracerebral.mode != "keep":
        images = {name: torch.where(rows > 0, image, -1.0 * (name == "CT")) for name, image in images.items()}
    protocol = find_protocol(options.protocol)
    targets = anatomy_targets(
        subject, rows, coded_distance, control, first.deformation, first.shape, protocol, options.max_distance_mm
    )
    targets |= image_targets(subject, rows, images, options.paint_targets)
    lesion = None
    if first.pathology is not None and rows is not None:
        inside = select(rows, _parenchyma(subject.scheme))
        lesion = lesion_probability(first.pathology, first.shape, inside, first.spacing_mm)
        targets["pathology"] = lesion[None]
    return Anatomy(rows, painted, images, _head(rows, images), brain, lesion, targets)


def _head(rows: Tensor | None, images: dict[str, Tensor]) -> Tensor:
    """Return (X, Y, Z) bool: what is not air."""
    if rows is not None:
        return rows > 0
    name, image = next(iter(images.items()))
    return image > -0.5 if name == "CT" else image > 0.02 * robust_maximum(image)


def _make_sample(subject: Subject, anatomy: Anatomy, parameters: SampleParameters) -> Sample:
    clean = _clean_with_lesion(subject, anatomy, parameters)
    result = corrupt(clean, parameters.corruption, anatomy.head, anatomy.brain, parameters.spacing_mm, parameters.is_ct)
    image = scale_robustly(result.image)
    targets = dict(anatomy.targets)
    if result.bias_log is not None:
        targets["bias_field_log"] = result.bias_log[None]
    targets["high_res_residual"] = (scale_robustly(result.high_resolution) - image)[None]
    return Sample(image[None], targets, anatomy.head, parameters, result.visible)


def _kind(parameters: SampleParameters) -> str:
    """Return what lesions look like in the image: MP-RAGE is a T1w."""
    kind = parameters.contrast.kind if parameters.contrast is not None else parameters.input
    return "T1" if kind == "mprage" else kind


def _clean_with_lesion(subject: Subject, anatomy: Anatomy, parameters: SampleParameters) -> Tensor:
    """Return the image before corruption, (X, Y, Z) float32 in intensity units."""
    clean = _clean_image(subject, anatomy, parameters)
    if anatomy.lesion is None:
        return clean
    brighter = _grey_above_white(parameters.contrast, subject.scheme)
    return encode(clean, anatomy.lesion, parameters.pathology, _kind(parameters), brighter)


def _clean_image(subject: Subject, anatomy: Anatomy, parameters: SampleParameters) -> Tensor:
    """Return the image without the lesion."""
    if parameters.input != SYNTHETIC:
        image = anatomy.images[parameters.input]
        if parameters.input == "CT":
            return image.clamp(0, CT_WINDOW) * (INTENSITY_TOP / CT_WINDOW)
        return image.clamp(min=0) * (INTENSITY_TOP / robust_maximum(image.clamp(min=0)))
    rows, contrast = anatomy.painted_rows, parameters.contrast
    if rows is None or contrast is None:
        raise UsageError(f"sample {parameters.index} is painted, for which it needs labels and a contrast")
    stripped = parameters.extracerebral.mode != "keep"
    if contrast.kind == "random":
        rows = cluster_extracerebral(rows, parameters.extracerebral)
    painted = paint(rows, contrast, anatomy.head if stripped else None)
    real = {name: image.clamp(min=0) for name, image in anatomy.images.items()}
    return apply_mixup(painted, real, parameters.mixup)


def _deform_rows(rows: Tensor, scheme: LabelScheme, positions: Tensor, deformation: Deformation) -> Tensor:
    rows = warp_nearest(rows, positions)
    if deformation.flip:
        mirrored = torch.from_numpy(mirror_rows(scheme)).to(rows.device)
        rows = mirrored.index_select(0, rows.flatten().int()).reshape(rows.shape)
    return rows


def _parenchyma(scheme: LabelScheme) -> np.ndarray:
    """Return (rows,) bool: where a lesion may be."""
    chosen = scheme.brain
    for fluid in ("lateral_ventricle", "inferior_ventricle", "midline_ventricle", "csf"):
        chosen[scheme.rows_of(fluid)] = False
    return chosen


def _grey_above_white(contrast: Contrast | None, scheme: LabelScheme) -> bool:
    """Tell whether a painted image shows cortex brighter than white matter."""
    if contrast is None:
        return False
    grey, white = (contrast.mean[scheme.rows_of(tissue)].mean() for tissue in ("cortex", "white"))
    return bool(grey > white)
