"""Bringing the results of one scan into the scene: everything is read first, then nodes are made as one change."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from BrainFMEngine.errors import FileAccessError
from slicer.i18n import tr as _

from BrainFMLib import SubjectHierarchy
from BrainFMLib.ImportContext import ImportContext
from BrainFMLib.LabelSurfaces import SurfaceMaker, makeHere
from BrainFMLib.NiftiFile import DAMAGED_HINT
from BrainFMLib.Placement import Placement
from BrainFMLib.QualityReport import loadReport, showReport
from BrainFMLib.ResultFiles import ResultFiles
from BrainFMLib.ResultKinds import RESULT_KINDS, ResultKind
from BrainFMLib.ResultSegmentation import loadSegmentation, showSegmentation
from BrainFMLib.ResultSet import MODEL_ATTRIBUTE, NAME_ATTRIBUTE, NUMBER_ATTRIBUTE, ResultSet, newRun
from BrainFMLib.ResultSurfaces import isSurfaceThere, loadSurface, showSurface
from BrainFMLib.ResultVolumes import loadImage, showImage
from BrainFMLib.SceneChange import SceneChange
from BrainFMLib.SegmentSurfaces import hasSurfaces
from BrainFMLib.Steps import FractionSteps, part
from BrainFMLib.Transforms import loadAffine, loadWarp, showAffine, showWarp
from BrainFMLib.VolumesTable import loadVolumes, showVolumes

Mode = Literal["update", "new"]
Steps = Generator[tuple[str, float], None, Any]
READ = 0.9


def isFileThere(kind: ResultKind, context: ImportContext) -> bool:
    """Tell whether there is a file of that kind."""
    return context.files.path(kind.file) is not None


@dataclass(frozen=True)
class Content:
    """How a kind of content becomes a node.

    Attributes:
        load: generator of fractions that reads it from the files; returns what `show` needs, None for nothing.
        show: puts it into a node, and tells the change how to take that back.
        isThere: whether the files have it.
    """

    load: Callable[[ResultKind, ImportContext], FractionSteps[Any]]
    show: Callable[[ResultKind, Any, Any, ImportContext], None]
    isThere: Callable[[ResultKind, ImportContext], bool] = isFileThere


CONTENTS: dict[str, Content] = {
    "image": Content(loadImage, showImage),
    "segmentation": Content(loadSegmentation, showSegmentation),
    "surface": Content(loadSurface, showSurface, isSurfaceThere),
    "affine": Content(loadAffine, showAffine),
    "warp": Content(loadWarp, showWarp),
    "volumes": Content(loadVolumes, showVolumes),
    "qc": Content(loadReport, showReport),
}


def importSteps(
    folder: Path,
    stem: str,
    inputNode: Any | None,
    inputName: str,
    scene: Any,
    mode: Mode = "update",
    surfaces: bool = False,
    makeSurfaces: SurfaceMaker = makeHere,
) -> Steps:
    """Bring a result folder into the scene; the generator returns the ResultSet.

    It yields what is being done and the fraction done, between steps of less than 100 ms. If it fails or is closed
    before the fraction is 1, the scene is as it was.

    Args:
        folder: the folder of one scan.
        stem: first part of the names of its files.
        inputNode: the scan; None if it was deleted, then the files say where results lie.
        inputName: its name, from which those of the nodes are made.
        scene: the scene.
        mode: "update" reuses the nodes of the input's latest set, and keeps how they are displayed; "new" makes others.
        surfaces: also make surfaces from the distance maps where there are no files of them.
        makeSurfaces: makes the 3D surfaces of the segmentation, where those that are updated had some.

    Raises:
        FileAccessError: the folder is not complete or not readable.
    """
    change = SceneChange(scene)
    try:
        files = ResultFiles(folder, stem)
        former = _segmentsIn3D(inputNode) if mode == "update" else None
        context = ImportContext(files, Placement(files, inputNode), change, surfaces, makeSurfaces, former)
        loaded = yield from _loadSteps(context)
        inputNode = inputNode if inputNode is not None and inputNode.GetScene() is not None else None
        return (yield from _showSteps(loaded, inputNode, inputName, mode, context))
    except BaseException:
        change.takeBack()
        raise


def _segmentsIn3D(inputNode: Any | None) -> Any | None:
    former = ResultSet.of(inputNode)
    node = former.get("dseg") if former is not None else None
    return node if node is not None and hasSurfaces(node) else None


def _loadSteps(context: ImportContext) -> Steps:
    kinds = [kind for kind in RESULT_KINDS if CONTENTS[kind.content].isThere(kind, context)]
    if all(kind.content == "qc" for kind in kinds):
        raise FileAccessError(_("there are no results in {folder}").format(folder=context.files.folder), DAMAGED_HINT)
    loaded = []
    for index, kind in enumerate(kinds):
        label = _("Reading {what}").format(what=kind.suffix)
        steps = CONTENTS[kind.content].load(kind, context)
        first, last = (READ * (number / len(kinds)) for number in (index, index + 1))
        content = yield from _labelled(part(steps, first, last), label)
        if content is not None:
            loaded.append((kind, content))
    return loaded


def _labelled(steps: FractionSteps[Any], label: str) -> Steps:
    while True:
        try:
            yield label, next(steps)
        except StopIteration as stop:
            return stop.value


def _showSteps(
    loaded: list[tuple[ResultKind, Any]], inputNode: Any | None, inputName: str, mode: Mode, context: ImportContext
) -> Steps:
    former = ResultSet.allOf(inputNode)
    reused = former[-1] if former and mode == "update" else None
    result = reused or ResultSet(context.change.scene, newRun())
    number = reused.number if reused else 1 + max((one.number for one in former), default=0)
    tail = f"_{number}" if number > 1 else ""
    about = {MODEL_ATTRIBUTE: context.files.modelName, NAME_ATTRIBUTE: inputName, NUMBER_ATTRIBUTE: f"{number}"}
    folder = _folder(result, inputNode, f"{inputName} BrainFM{tail.replace('_', ' ')}", context.change)
    for index, (kind, content) in enumerate(loaded):
        yield _("Showing {what}").format(what=kind.suffix), READ + (1 - READ) * index / len(loaded)
        node = result.get(kind.name)
        if node is None:
            node = context.change.add(kind.nodeClass, f"{inputName}_{kind.suffix}{tail}")
            CONTENTS[kind.content].show(kind, content, node, context)
            SubjectHierarchy.moveInto(context.change.scene, node, folder)
        else:
            _keepAttributes(node, about, context.change)
            CONTENTS[kind.content].show(kind, content, node, context)
        result.mark(node, kind, inputNode, about)
    for _step in context.change.keepSteps():
        yield _("Done"), 1.0
    return result


def _keepAttributes(node: Any, names: Iterable[str], change: SceneChange) -> None:
    for name in names:
        change.undoWith(partial(node.SetAttribute, name, node.GetAttribute(name)))


def _folder(result: ResultSet, inputNode: Any | None, name: str, change: SceneChange) -> int:
    """Return the folder of the set, made beside the input if there is none yet."""
    scene = change.scene
    folder = SubjectHierarchy.folderOf(scene, result.nodes())
    if folder is None:
        folder = SubjectHierarchy.createFolder(scene, SubjectHierarchy.parentOf(scene, inputNode), name)
        change.undoWith(lambda: SubjectHierarchy.removeFolder(scene, folder))
    return folder
