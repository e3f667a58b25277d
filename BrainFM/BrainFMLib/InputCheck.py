"""What the module sees in a volume, and whether it can be used: told before anything is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from BrainFMEngine.errors import BrainFMError
from BrainFMEngine.image.checks import check_geometry, finite_values
from BrainFMEngine.image.intensity import detect_modality
from BrainFMEngine.image.layout import check_shape
from slicer.i18n import tr as _
from vtk import VTK_BIT
from vtk.util.numpy_support import vtk_to_numpy

from BrainFMLib import SubjectHierarchy
from BrainFMLib.InputExport import worldAffine

SAMPLES = 1_000_000
FEW_SAMPLES = 10_000
DOUBTFUL_BORDER = 5
MODALITIES = {"MR": "mr", "CT": "ct"}


@dataclass(frozen=True)
class InputReport:
    """What is said of a volume.

    Attributes:
        usable: whether it can be run.
        reason: why not, without a final period; "" if it can.
        hint: what the user can do about that.
        summary: modality, size, spacing and orientation in one line; "" if there is no image.
        warnings: what is doubtful about it.
        modality: what it is treated as.
    """

    usable: bool
    reason: str = ""
    hint: str = ""
    summary: str = ""
    warnings: tuple[str, ...] = ()
    modality: Literal["mr", "ct"] = "mr"


class _Refusal(Exception):
    """A volume cannot be used"""

    def __init__(self, reason: str, hint: str):
        super().__init__(reason)
        self.reason, self.hint = reason, hint


def checkInput(volumeNode: Any | None, sequence: bool = False) -> InputReport:
    """Look at a volume without changing anything; takes a few milliseconds.

    Args:
        volumeNode: any node, or None.
        sequence: whether a volume that plays a sequence is fine, because its frames will be taken one by one.
    """
    try:
        _checkNode(volumeNode, sequence)
    except _Refusal as refusal:
        return InputReport(False, refusal.reason, refusal.hint)
    shape, affine = volumeNode.GetImageData().GetDimensions(), worldAffine(volumeNode)
    sample = _sample(volumeNode)
    size = _sizeText(shape, affine)
    try:
        check_shape(volumeNode.GetName(), shape)
        warnings = check_geometry(volumeNode.GetName(), shape, affine)
        sample, unclean = finite_values(volumeNode.GetName(), sample)
    except BrainFMError as error:
        return InputReport(False, error.message, error.hint, size)
    modality, what, doubts = _modality(volumeNode, sample)
    warnings += [_("some voxels are not numbers; they are taken as air")] if unclean else []
    warnings += doubts + _labelWarning(sample) + _cutWarning(volumeNode)
    return InputReport(True, summary=f"{what} · {size}", warnings=tuple(warnings), modality=modality)


def _checkNode(node: Any | None, sequence: bool) -> None:
    if node is None:
        raise _Refusal(_("There is no scan to work on"), _("Choose one, or load one first."))
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise _Refusal(_("This is a label map, not a scan"), _("Choose the scan that the labels belong to."))
    imageData = node.GetImageData() if node.IsA("vtkMRMLVolumeNode") else None
    if imageData is None or 0 in imageData.GetDimensions() or imageData.GetPointData().GetScalars() is None:
        raise _Refusal(_("There is no image in this volume"), _("Load it again."))
    if imageData.GetNumberOfScalarComponents() != 1 or node.IsA("vtkMRMLTensorVolumeNode"):
        hint = _("Take one of them with the module 'Vector to Scalar Volume', or export one volume of the series.")
        raise _Refusal(_("This volume holds several numbers per voxel (colours or a series)"), hint)
    if imageData.GetScalarType() == VTK_BIT or not node.IsA("vtkMRMLScalarVolumeNode"):
        raise _Refusal(_("This kind of volume cannot be used"), _("Choose a scalar volume."))
    if min(imageData.GetDimensions()) < 2:
        raise _Refusal(_("This is a single slice"), _("Choose the whole scan."))
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        hint = _("Harden the transform in the module 'Data', or take the volume out of it.")
        raise _Refusal(_("This volume is under a transform that bends space"), hint)
    if not sequence and _playsSequence(node):
        hint = _("Run on the sequence's frames, or make a copy of this frame in the module 'Data'.")
        raise _Refusal(_("This volume changes with the sequence that it plays"), hint)


def _playsSequence(node: Any) -> bool:
    scene = node.GetScene()
    count = scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode") if scene is not None else 0
    browsers = (scene.GetNthNodeByClass(index, "vtkMRMLSequenceBrowserNode") for index in range(count))
    return any(browser.IsProxyNodeID(node.GetID()) for browser in browsers)


def _sample(node: Any) -> np.ndarray:
    """Return every n-th voxel along each axis, (Z, Y, X)."""
    array = _voxels(node)
    step = max(1, round((array.size / SAMPLES) ** (1 / 3)))
    return array[::step, ::step, ::step]


def _voxels(node: Any) -> np.ndarray:
    imageData = node.GetImageData()
    return vtk_to_numpy(imageData.GetPointData().GetScalars()).reshape(imageData.GetDimensions()[::-1])


def _modality(node: Any, sample: np.ndarray) -> tuple[Literal["mr", "ct"], str, list[str]]:
    """Return how the engine will treat the volume, what to tell, and doubts."""
    dicom = SubjectHierarchy.dicomModality(node.GetScene(), node) if node.GetScene() is not None else ""
    guess, _water, _warnings = detect_modality(sample)
    if dicom and dicom not in MODALITIES:
        doubt = _("DICOM says that this is {modality}; BrainFM is made for MR and CT").format(modality=dicom)
        return guess, dicom, [doubt]
    if dicom:
        return MODALITIES[dicom], dicom, []
    return guess, _("{modality} (guess)").format(modality=guess.upper()), []


def _sizeText(shape: tuple[int, ...], affine: np.ndarray) -> str:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    voxels, millimetres = " × ".join(str(n) for n in shape), " × ".join(f"{value:.3g}" for value in spacing)
    return _("{voxels} voxels of {millimetres} mm · {axes}").format(
        voxels=voxels, millimetres=millimetres, axes=orientation(affine)
    )


def orientation(affine: np.ndarray) -> str:
    """Return where the voxel axes point, for example "LPS"; "oblique" is added beyond 5 degrees."""
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    left, _scale, right = np.linalg.svd(unit)
    nearest, letters, used = left @ right, [""] * 3, set()
    for flat in np.argsort(-np.abs(nearest).ravel()):
        row, column = divmod(int(flat), 3)
        if not letters[column] and row not in used:
            letters[column] = ("LR", "PA", "IS")[row][int(nearest[row, column] > 0)]
            used.add(row)
    isOblique = np.abs(unit).max(axis=0).min() < np.cos(np.deg2rad(5))
    return "".join(letters) + (_(" oblique") if isOblique else "")


def _labelWarning(sample: np.ndarray) -> list[str]:
    few, every = sample.ravel()[:: max(1, sample.size // FEW_SAMPLES)], sample
    isLabels = all(_areLabels(part) for part in (few, every))  # sorting every voxel takes long, and is seldom needed
    return [_("it looks like a label map and not like a scan")] if isLabels else []


def _areLabels(voxels: np.ndarray) -> bool:
    values = np.unique(voxels)
    return values.size <= 64 and np.array_equal(values, np.round(values))


def _cutWarning(node: Any) -> list[str]:
    """Warn of empty slices at the end of a NIfTI file: Slicer fills what is missing in a file with zeros."""
    storage = node.GetStorageNode()
    name = Path(storage.GetFileName() or "").name.lower() if storage is not None else ""
    if not name.endswith((".nii", ".nii.gz")):
        return []
    array = _voxels(node)
    if len(array) <= DOUBTFUL_BORDER or array[-DOUBTFUL_BORDER:].any():
        return []
    return [_("the last slices are empty: the file may be cut short")]
