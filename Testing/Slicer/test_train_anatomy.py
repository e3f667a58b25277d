"""The anatomy of a preview: from a segmentation, a label map, a file or the bundled head; with real images."""

import dataclasses

import module_bed
import numpy as np
import pytest
import slicer
import vtk
from BrainFMEngine.errors import InputImageError
from BrainFMTrainLib import SegmentNumbers
from BrainFMTrainLib.SegmentationExport import segmentationSteps
from test_train_preview import asked, generate, samples
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui
VAGUE = 907
"""A structure without a code of its own."""
AFFINE = np.array([[-1.0, 0, 0, 20], [0, 0, 1.5, -30], [0, 2.0, 0, 5], [0, 0, 0, 1]])


def ended(steps):
    """Run steps to their end."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def read(path):
    """Labels (Z, Y, X) and voxel -> RAS mm of a file."""
    storage, node = slicer.vtkMRMLVolumeArchetypeStorageNode(), slicer.vtkMRMLLabelMapVolumeNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVolume(node).copy(), slicer.util.arrayFromVTKMatrix(matrix)


def block(*corners, shape=(12, 14, 16)):
    """Ones in a block from one corner to another, (Z, Y, X)."""
    voxels = np.zeros(shape, np.uint8)
    voxels[tuple(slice(*pair) for pair in zip(*corners, strict=True))] = 1
    return voxels


BLOCKS = {
    "Left-Hippocampus": block((2, 2, 2), (6, 6, 6)),
    "right putamen": block((6, 6, 6), (9, 9, 9)),
    "Tooth fairy": block((9, 9, 9), (11, 11, 11)),
}


def segmentation(blocks=BLOCKS, affine=AFFINE, reference=True):
    """A segmentation node with a segment for each block, as drawn on a scan."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Drawn")
    node.CreateDefaultDisplayNodes()
    first = next(iter(blocks.values()))
    if reference:
        scan = slicer.util.addVolumeFromArray(first.astype(np.float32), ijkToRAS=affine)
        node.SetReferenceImageGeometryParameterFromVolumeNode(scan)
    for name, voxels in blocks.items():
        image = slicer.vtkOrientedImageData()
        image.SetDimensions(*voxels.shape[::-1])
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())[:] = voxels.ravel()
        image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(affine))
        node.AddSegmentFromBinaryLabelmapRepresentation(image, name)
    return node


def points(labels, affine, value):
    """RAS mm of the voxels of a label, sorted."""
    voxels = np.argwhere(labels == value)[:, ::-1]
    found = voxels @ affine[:3, :3].T + affine[:3, 3]
    return found[np.lexsort(np.round(found, 3).T)]


@pytest.mark.parametrize("reference", [True, False])
def test_a_segmentation_becomes_a_label_map_where_it_lies(scene, tmp_path, reference):
    node = segmentation(reference=reference)
    exported = ended(segmentationSteps(node, tmp_path))
    labels, affine = read(exported.path)
    assert exported.unknown == ["Tooth fairy"] and set(np.unique(labels)) == {0, 17, 51}
    assert (labels.shape == (12, 14, 16)) == reference
    for name, number in (("Left-Hippocampus", 17), ("right putamen", 51)):
        np.testing.assert_allclose(points(labels, affine, number), points(BLOCKS[name], AFFINE, 1), atol=1e-4)


def test_a_moved_segmentation_is_exported_where_the_scene_shows_it(scene, tmp_path):
    node, move = segmentation(), slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    shift = np.eye(4)
    shift[:3, 3] = (7, -3, 2)
    move.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
    node.SetAndObserveTransformNodeID(move.GetID())
    labels, affine = read(ended(segmentationSteps(node, tmp_path)).path)
    wanted = points(BLOCKS["Left-Hippocampus"], shift @ AFFINE, 1)
    np.testing.assert_allclose(points(labels, affine, 17), wanted, atol=1e-4)


def test_segments_on_different_grids_are_put_together(scene, tmp_path):
    node = segmentation({"Left-Hippocampus": BLOCKS["Left-Hippocampus"]})
    image = slicer.vtkOrientedImageData()
    fine = np.kron(BLOCKS["right putamen"], np.ones((2, 2, 2), np.uint8))
    image.SetDimensions(*fine.shape[::-1])
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())[:] = fine.ravel()
    half = AFFINE.copy()
    half[:3, :3] /= 2
    half[:3, 3] -= AFFINE[:3, :3] @ (0.25, 0.25, 0.25)
    image.SetImageToWorldMatrix(slicer.util.vtkMatrixFromArray(half))
    segment = slicer.vtkSegment()
    segment.SetName("Right-Putamen")
    segment.AddRepresentation("Binary labelmap", image)
    node.GetSegmentation().AddSegment(segment)
    labels, affine = read(ended(segmentationSteps(node, tmp_path)).path)
    np.testing.assert_allclose(points(labels, affine, 51), points(BLOCKS["right putamen"], AFFINE, 1), atol=1e-4)


def test_what_cannot_be_exported_is_said(scene, tmp_path):
    with pytest.raises(InputImageError, match="no segment that the generator knows"):
        ended(segmentationSteps(segmentation({"Tooth fairy": BLOCKS["Tooth fairy"]}), tmp_path))
    node = segmentation()
    bend = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    bend.SetAndObserveTransformToParent(vtk.vtkThinPlateSplineTransform())
    node.SetAndObserveTransformNodeID(bend.GetID())
    with pytest.raises(InputImageError, match="bends space"):
        ended(segmentationSteps(node, tmp_path))
    surface = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    surface.AddSegmentFromClosedSurfaceRepresentation(vtk.vtkPolyData(), "Left-Hippocampus", [1, 0, 0])
    with pytest.raises(InputImageError, match="binary label map"):
        ended(segmentationSteps(surface, tmp_path))


def coded(number, side=None):
    """A segment that only its terminology says something about: that of a structure."""
    from BrainFMEngine.anatomy.structures import structures
    from BrainFMLib.Terminology import terminologyEntry

    structure = structures()[number]
    segment = slicer.vtkSegment()
    segment.SetName("Segment")
    entry = terminologyEntry(structure if side is None else dataclasses.replace(structure, side=side))
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    return segment


def test_names_terminology_and_numbers_say_what_a_segment_is(scene):
    names = {
        "Left-Cerebral-White-Matter": 2,
        "left cerebral white matter": 2,
        "hippocampus_left": 17,
        "RightThalamus": 49,
        "lh amygdala": 18,
        "ctx-rh-bankssts": 42,
        "CSF": 24,
        "Skin": 911,
        "Hippocampus": None,
        "bone": 129,
        "Segment_17": None,
    }
    assert {name: SegmentNumbers.ofName(name) for name in names} == names
    made = slicer.vtkSegmentation()
    segments = {"right": coded(53), "no side": coded(53, side="none"), "stem": coded(16), "vague": coded(VAGUE)}
    for name, segment in segments.items():
        made.AddSegment(segment, name)
    assert SegmentNumbers.segmentNumbers(made)[0] == {"right": 53, "stem": 16}


def test_numbers_count_only_if_somebody_chose_them(scene):
    for named in (False, True):
        for values, wanted in (((1, 2, 3), {}), ((2, 3, 4), {}), ((17, 53, 999), {"s17": 17, "s53": 53})):
            made = slicer.vtkSegmentation()
            for value in values:
                segment = slicer.vtkSegment()
                segment.SetName(f"Segment_{value}" if named else f"Thing {'abc'[values.index(value)]}")
                segment.SetLabelValue(1 if named else value)
                made.AddSegment(segment, f"s{value}")
            known, unknown = SegmentNumbers.segmentNumbers(made)
            assert known == wanted and len(unknown) == 3 - len(wanted)


def test_samples_are_made_of_a_segmentation_and_what_is_unknown_is_named(trainer):  # noqa: F811
    ui, sent = trainer.ui, asked(trainer)
    node = segmentation()
    ui.anatomySelector.setCurrentNode(node)
    assert module_bed.shown(ui.anatomySelector) and not module_bed.shown(ui.anatomyFileEdit)
    generate(trainer)
    assert not trainer.notice and len(samples()) == 4
    assert "Tooth fairy" in ui.anatomyHintLabel.text
    first = sent[-1]["anatomy"]
    assert set(np.unique(read(first)[0])) == {0, 17, 51}
    generate(trainer)
    assert sent[-1]["anatomy"] == first
    node.GetSegmentation().GetNthSegment(2).SetName("Brain-Stem")
    generate(trainer)
    assert set(np.unique(read(sent[-1]["anatomy"])[0])) == {0, 16, 17, 51} and sent[-1]["anatomy"] != first
    assert "Tooth fairy" not in ui.anatomyHintLabel.text


def test_a_label_map_of_the_scene_and_real_images_are_handed_over(trainer, tmp_path):  # noqa: F811
    ui, sent = trainer.ui, asked(trainer)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    slicer.util.updateVolumeFromArray(node, np.full((4, 4, 4), 17, np.int16))
    scan = module_bed.head("T2 scan", (4, 4, 4))
    ui.anatomySelector.setCurrentNode(node)
    ui.realT2Selector.setCurrentNode(scan)
    ui.realFLAIRFileEdit.currentPath = str(tmp_path / "flair.nii")
    generate(trainer)
    assert not trainer.notice, trainer.notice
    assert set(np.unique(read(sent[-1]["anatomy"])[0])) == {17}
    images = sent[-1]["images"]
    assert set(images) == {"T2", "FLAIR"} and images["FLAIR"] == str(tmp_path / "flair.nii")
    np.testing.assert_array_equal(read(images["T2"])[0], slicer.util.arrayFromVolume(scan))


def test_the_engine_is_quoted_with_the_names_of_the_scene(trainer):  # noqa: F811
    ui, preview = trainer.ui, trainer.module.preview
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "My labels")
    slicer.util.updateVolumeFromArray(node, np.full((4, 4, 4), 17, np.int16))
    ui.anatomySelector.setCurrentNode(node)
    generate(trainer)
    preview.worker.onProblem("anatomy.nrrd is 0 everywhere", "give it with --map-labels FILE", "")
    assert "My labels is 0 everywhere" in trainer.notice and "--" not in trainer.notice
    assert "segmentation" in trainer.notice
    ui.anatomyFileEdit.currentPath = "/mine/anatomy.nrrd"
    ui.anatomyComboBox.currentIndex = 2
    generate(trainer)
    assert "My labels" not in trainer.notice


def test_without_a_choice_nothing_can_be_generated(trainer):  # noqa: F811
    ui = trainer.ui
    ui.anatomyComboBox.currentIndex = 1
    assert not ui.generateButton.enabled and "label map or a segmentation" in ui.previewProblemLabel.text
    ui.anatomyComboBox.currentIndex = 2
    assert not ui.generateButton.enabled and "file" in ui.previewProblemLabel.text
    ui.anatomyFileEdit.currentPath = "/nowhere/labels.nii"
    assert ui.generateButton.enabled
    generate(trainer)
    assert "There is no" in trainer.notice and not samples()
    ui.anatomyComboBox.currentIndex = 0
    generate(trainer)
    assert len(samples()) == 4 and not trainer.notice and "SynthSeg" in ui.anatomyHintLabel.text


def test_the_form_is_saved_with_the_scene(trainer, tmp_path):  # noqa: F811
    ui = trainer.ui
    ui.anatomySelector.setCurrentNode(segmentation())
    ui.severitySlider.value, ui.samplesSpinBox.value, ui.previewSeedSpinBox.value = 0.8, 2, 5
    ui.contrastComboBox.currentIndex = 6
    trainer.module.preview.ranges.setChanges({"contrast.mean": [40.0, 200.0]})
    ui.wholeHeadCheckBox.checked = True
    before = trainer.module.preview.request()
    path = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(path)
    slicer.mrmlScene.Clear(0)
    trainer.until(lambda: not trainer.module.preview.memory.changing)
    assert ui.anatomySelector.currentNode() is None
    ui.anatomySelector.setCurrentNode(segmentation({"Left-Hippocampus": BLOCKS["Left-Hippocampus"]}))
    ui.samplesSpinBox.value, ui.previewSeedSpinBox.value = 7, 6
    module_bed.press(ui.mildButton)
    ui.contrastComboBox.currentIndex, ui.wholeHeadCheckBox.checked = 0, False
    slicer.mrmlScene.ReadFromMRB(path, True)
    trainer.until(lambda: ui.samplesSpinBox.value == 2)
    assert trainer.module.preview.request() == before
    node = ui.anatomySelector.currentNode()
    assert node.GetSegmentation().GetNumberOfSegments() == 3 and module_bed.shown(ui.anatomySelector)
    assert ui.seedLockButton.checked
