"""What is to be predicted, and from where each scan comes: a volume, a frame of a sequence, or a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import slicer
from slicer.i18n import tr as _

from BrainFMLib.InputCheck import checkInput
from BrainFMLib.InputExport import exportSteps
from BrainFMLib.Parameters import DEFAULT_MODEL, TASK_GROUPS

SCAN_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".mgh")
BYTES_PER_VOXEL = {"contrasts": 14, "anatomy": 2, "distance": 16, "bias": 8, "registration": 28}
"""What the uncompressed files of each task group take on disk."""


class Source(Protocol):
    """Where one scan comes from.

    Attributes:
        name: what users read, also when the scan is gone.
        resultName: what names of results begin with.
    """

    name: str
    resultName: str

    def exportSteps(self, folder: Path) -> Iterator[Any]:
        """Write the scan into `folder` in short steps; the generator returns the path of the file."""

    def inputNode(self) -> Any | None:
        """Return the volume of the scene that the results belong to, None if there is none (any more)."""

    def voxels(self) -> int:
        """Return how many voxels the scan has, 0 if unknown."""


@dataclass(frozen=True)
class VolumeSource:
    """A volume of the scene, held by its id so that it may be deleted meanwhile.

    Attributes:
        checked: whether it is known that it can be used.
    """

    nodeID: str
    name: str
    checked: bool = False

    @property
    def resultName(self) -> str:
        """The volume's name."""
        return self.name

    @staticmethod
    def of(volumeNode: Any, checked: bool = False) -> VolumeSource:
        """Return the source for a node."""
        return VolumeSource(volumeNode.GetID(), volumeNode.GetName(), checked)

    def inputNode(self) -> Any | None:
        """Return the volume, None once it was deleted."""
        return slicer.mrmlScene.GetNodeByID(self.nodeID)

    def voxels(self) -> int:
        """Return the number of voxels."""
        return _voxels(self.inputNode())

    def exportSteps(self, folder: Path) -> Iterator[Any]:
        """Write the volume as NRRD."""
        return (yield from _export(self.inputNode(), folder, self.checked))


@dataclass(frozen=True)
class FrameSource:
    """One item of a sequence; its results belong to the sequence's volume in the scene (`proxyID`)."""

    sequenceID: str
    index: int
    proxyID: str
    name: str
    resultName: str

    def inputNode(self) -> Any | None:
        """Return the sequence's volume in the scene."""
        return slicer.mrmlScene.GetNodeByID(self.proxyID)

    def voxels(self) -> int:
        """Return the number of voxels."""
        return _voxels(self.inputNode())

    def exportSteps(self, folder: Path) -> Iterator[Any]:
        """Write the frame as NRRD."""
        sequence = slicer.mrmlScene.GetNodeByID(self.sequenceID)
        return (yield from _export(sequence and sequence.GetNthDataNode(self.index), folder))


@dataclass(frozen=True)
class FileSource:
    """A file that the engine reads where it is."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    resultName = name

    def inputNode(self) -> None:
        """Return None: files have no volume in the scene."""

    def voxels(self) -> int:
        """Return 0: unknown."""
        return 0

    def exportSteps(self, folder: Path) -> Iterator[Any]:
        """Do nothing; return the file."""
        yield from ()
        return self.path


def _export(volumeNode: Any | None, folder: Path, checked: bool = False) -> Iterator[Any]:
    if volumeNode is None:
        raise ValueError(_("it was deleted before its turn came"))
    report = checkInput(volumeNode) if not checked else None
    if report is not None and not report.usable:
        raise ValueError(report.reason)
    yield
    exported = yield from exportSteps(volumeNode, folder)
    return exported.path


def _voxels(node: Any | None) -> int:
    image = node.GetImageData() if node is not None else None
    return image.GetNumberOfPoints() if image is not None else 0


def scansIn(folder: Path) -> list[FileSource]:
    """Return the image files that lie directly in a folder, sorted by name; none if it cannot be read."""
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []
    return [FileSource(path) for path in files if path.name.lower().endswith(SCAN_ENDINGS) and path.name[:1] != "."]


@dataclass(frozen=True)
class PredictionRequest:
    """One run.

    Attributes:
        sources: the scans.
        groups: task groups, keys of `TASK_GROUPS`.
        offered: the engine's names of the tasks that the model offers; empty: all.
        model, device, modality, grid: as the engine's command line takes them.
        flip: average with the mirrored scan.
        surfaces: make cortical surfaces of the distances, when the results come into the scene.
        mode: "update" replaces earlier results of the same scan, "new" keeps them.
        folder: results stay in this folder and are not loaded; None: they go into the scene.
        overwrite: replace results that are in `folder`.
    """

    sources: Sequence[Source]
    groups: Sequence[str] = tuple(TASK_GROUPS)
    offered: Sequence[str] = ()
    model: str = DEFAULT_MODEL
    device: str = "auto"
    modality: str = "auto"
    grid: str = "native"
    flip: bool = False
    surfaces: bool = True
    mode: str = "update"
    folder: Path | None = None
    overwrite: bool = False

    def tasks(self) -> list[str]:
        """Return the engine's task names, without those that the model does not offer."""
        names = [name for group in TASK_GROUPS if group in self.groups for name in TASK_GROUPS[group]]
        return [name for name in names if not self.offered or name in self.offered]

    def arguments(self, paths: Sequence[Path], folder: Path) -> list[str]:
        """Return what follows `python -m BrainFMEngine`."""
        options = {
            "--tasks": ",".join(self.tasks()),
            "--model": self.model,
            "--device": self.device,
            "--modality": self.modality,
            "--grid": self.grid,
        }
        flags = {
            "--tta": self.flip,
            "--overwrite": self.overwrite,
            "--uncompressed": self.folder is None,
        }
        return [
            "predict",
            *[str(path) for path in paths],
            *("-o", str(folder)),
            *[part for pair in options.items() for part in pair],
            *[flag for flag, wanted in flags.items() if wanted],
            *("--progress", "json", "--stdin"),
        ]

    def bytesNeeded(self) -> int:
        """Return what the largest scan and its results take in the temporary folder."""
        perVoxel = 4 + sum(BYTES_PER_VOXEL[group] for group in self.groups)
        return max((source.voxels() for source in self.sources), default=0) * perVoxel
