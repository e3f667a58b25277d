"""The segmentation node: names, colours, codes, one label map on the grid of the scan, surfaces on request."""

import numpy as np
import pytest
import slicer
import vtk
from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.errors import FileAccessError
from BrainFMLib.InputExport import worldAffine
from BrainFMLib.SegmentSurfaces import createSurfaces, surfaceSteps
from BrainFMLib.Terminology import codeOf, describe, labelIDOf, segmentIDOf
from result_folder import STRUCTURES, ResultFolder, write_nifti
from scene_results import AFFINES, OBLIQUE, SHAPE, add_scan, import_results, put_under, turn

pytestmark = pytest.mark.scene


def imported(tmp_path, affine=OBLIQUE, moved=False, **options):
    scan = add_scan(affine)
    if moved:
        put_under(scan, turn())
    results = ResultFolder(tmp_path, shape=SHAPE, affine=worldAffine(scan), **options).write({"seg"})
    return scan, results, import_results(results, scan).get("dseg")


def voxels(node, segment_id, scan):
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, scan) > 0


def test_segments_are_the_structures_that_are_there(scene, tmp_path):
    _scan, _results, node = imported(tmp_path)
    segmentation = node.GetSegmentation()
    ids = list(segmentation.GetSegmentIDs())
    assert ids == [f"FS_{label}" for label in STRUCTURES]
    for label, name in STRUCTURES.items():
        segment = segmentation.GetSegment(segmentIDOf(label))
        assert segment.GetName() == name and segment.GetLabelValue() == label
        assert np.allclose(np.array(segment.GetColor()) * 255, structures()[label].colour)


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("moved", [False, True])
def test_voxels_are_where_the_labels_are(scene, tmp_path, name, moved):
    scan, results, node = imported(tmp_path, AFFINES[name], moved)
    labels = results.images()["dseg"].T
    for label in STRUCTURES:
        assert np.array_equal(voxels(node, segmentIDOf(label), scan), labels == label)
    assert node.GetParentTransformNode() is scan.GetParentTransformNode()


def test_one_label_map_serves_all_and_is_no_larger_than_the_head(scene, tmp_path):
    _scan, results, node = imported(tmp_path, radius_mm=10.0)
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfLayers("Binary labelmap") == 1
    image = segmentation.GetNthSegment(0).GetRepresentation("Binary labelmap")
    where = np.argwhere(results.images()["dseg"])
    expected = [*zip(where.min(axis=0).tolist(), where.max(axis=0).tolist(), strict=True)]
    assert image.GetExtent() == tuple(value for pair in expected for value in pair)


def test_the_reference_geometry_is_the_scan(scene, tmp_path):
    scan, _results, node = imported(tmp_path)
    assert node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) is scan
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    geometry = slicer.vtkOrientedImageData()
    converter = slicer.vtkSegmentationConverter
    assert converter.DeserializeImageGeometry(node.GetSegmentation().GetConversionParameter(name), geometry)
    assert geometry.GetDimensions() == SHAPE


def test_segments_can_be_edited_and_exported(scene, tmp_path):
    scan, results, node = imported(tmp_path)
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "exported")
    logic = slicer.modules.segmentations.logic()
    logic.ExportVisibleSegmentsToLabelmapNode(node, labels, scan)
    assert np.array_equal(slicer.util.arrayFromVolume(labels) > 0, results.images()["dseg"].T > 0)
    changed = voxels(node, "FS_17", scan)
    changed[:2, :2, :2] = True
    slicer.util.updateSegmentBinaryLabelmapFromArray(changed.astype(np.uint8), node, "FS_17", scan)
    assert np.array_equal(voxels(node, "FS_17", scan), changed)


def test_terminology_entries_are_slicers(scene, tmp_path):
    _scan, _results, node = imported(tmp_path)
    logic = slicer.modules.terminologies.logic()
    tag = slicer.vtkSegment.GetTerminologyEntryTagName()
    for label in STRUCTURES:
        text = vtk.reference("")
        assert node.GetSegmentation().GetSegment(segmentIDOf(label)).GetTag(tag, text)
        entry = slicer.vtkSlicerTerminologyEntry()
        assert logic.DeserializeTerminologyEntry(str(text), entry)
        category, code = codeOf(structures()[label])
        assert entry.GetCategoryObject().GetCodeValue() == category[1]
        assert (entry.GetTypeObject().GetCodeValue(), entry.GetTypeObject().GetCodeMeaning()) == code[1:]
        side = {"left": "7771000", "right": "24028007", "none": None}[structures()[label].side]
        modifier = entry.GetTypeModifierObject()
        assert (modifier.GetCodeValue() or None if modifier else None) == side


def test_every_structure_has_an_entry(scene):
    own = {
        structure.name for structure in structures().values() if codeOf(structure)[1][1] not in ("12738006", "85756007")
    }
    assert len(own) > 45
    assert codeOf(structures()[843])[1] == ("SCT", "12738006", "Brain")
    assert codeOf(structures()[907])[1] == ("SCT", "85756007", "Tissue")
    assert codeOf(structures()[99])[0] == ("SCT", "49755003", "Morphologically Abnormal Structure")
    for label in structures():
        assert describe(label).terminology.count("~") == 6
    assert labelIDOf("FS_17") == 17 and labelIDOf("Segment_1") is None and labelIDOf("FS_x") is None


def test_ids_that_no_table_knows_are_shown(scene, tmp_path):
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"seg"})
    write_nifti(results.path("dseg.nii"), np.full(SHAPE, 777, np.int16), OBLIQUE)
    segment = import_results(results, None).get("dseg").GetSegmentation().GetSegment("FS_777")
    assert segment.GetName() == "Label 777"


@pytest.mark.parametrize("labels", [np.full(SHAPE, -1, np.int16), np.full(SHAPE, 0.5, np.float32)])
def test_what_is_no_label_map_is_refused(scene, tmp_path, labels):
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"seg"})
    write_nifti(results.path("dseg.nii"), labels, OBLIQUE)
    with pytest.raises(FileAccessError, match="other values than labels"):
        import_results(results, None)


def test_nothing_found_is_an_empty_segmentation(scene, tmp_path):
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"seg"})
    write_nifti(results.path("dseg.nii"), np.zeros(SHAPE, np.int16), OBLIQUE)
    assert import_results(results, None).get("dseg").GetSegmentation().GetNumberOfSegments() == 0


def test_surfaces_on_request(scene, tmp_path):
    scan, results, node = imported(tmp_path)
    told = list(surfaceSteps(node))
    assert len(told) == len(STRUCTURES) and all("3D surfaces" in label for label, _fraction in told)
    segmentation = node.GetSegmentation()
    assert segmentation.ContainsRepresentation("Closed surface")
    for label in STRUCTURES:
        surface = segmentation.GetSegment(segmentIDOf(label)).GetRepresentation("Closed surface")
        assert surface.GetNumberOfPoints() > 10
        bounds = np.array(surface.GetBounds()).reshape(3, 2).mean(axis=1)
        index = np.argwhere(results.images()["dseg"] == label)
        ends = (index.min(axis=0) + index.max(axis=0)) / 2
        assert np.linalg.norm(bounds - (OBLIQUE @ [*ends, 1])[:3]) < 6
    assert list(surfaceSteps(node)) == [] and node.GetDisplayNode().GetVisibility3D()


def test_in_3d_the_brain_is_not_hidden_by_what_is_around_it(scene, tmp_path):
    _scan, _results, node = imported(tmp_path)
    createSurfaces(node)
    visible = {label for label in STRUCTURES if node.GetDisplayNode().GetSegmentVisibility3D(segmentIDOf(label))}
    assert visible == set(STRUCTURES) - {24, 911}


def test_update_keeps_what_the_user_did_to_segments(scene, tmp_path):
    scan, _results, node = imported(tmp_path / "1")
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    segmentation.GetSegment("FS_17").SetColor(0, 0, 1)
    display.SetSegmentVisibility("FS_2", False)
    display.SetSegmentOpacity3D("FS_3", 0.25)
    segmentation.AddEmptySegment("Own", "Tumour", [1, 0, 0])
    createSurfaces(node)
    results = ResultFolder(tmp_path / "2", shape=SHAPE, affine=worldAffine(scan), radius_mm=12.0).write({"seg"})
    labels = results.images()["dseg"]
    labels[labels == 911] = 915
    write_nifti(results.path("dseg.nii"), labels, OBLIQUE)
    assert import_results(results, scan).get("dseg") is node
    ids = set(segmentation.GetSegmentIDs())
    assert "FS_911" not in ids and {"FS_915", "Own"} <= ids
    assert segmentation.GetSegment("FS_17").GetColor() == (0, 0, 1)
    assert not display.GetSegmentVisibility("FS_2") and display.GetSegmentOpacity3D("FS_3") == 0.25
    assert np.array_equal(voxels(node, "FS_3", scan), labels.T == 3)
    assert np.array_equal(voxels(node, "FS_915", scan), labels.T == 915)
    createSurfaces(node)
    assert segmentation.GetSegment("FS_915").GetRepresentation("Closed surface").GetNumberOfPoints() > 10
