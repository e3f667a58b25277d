"""What is said of an input before anything runs."""

import time

import numpy as np
import pytest
import slicer
import vtk
from BrainFMLib.InputCheck import checkInput, orientation
from scene_results import AFFINES, OBLIQUE, add_scan, put_under, turn

pytestmark = pytest.mark.scene
LPS = np.diag([-1.5, -1.5, 2.0, 1.0])


def head(shape=(40, 44, 48), low=0, high=900, dtype=np.int16):
    """An array (Z, Y, X) with something bright in the middle of nothing."""
    grids = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    radius = np.sqrt(sum(grid**2 for grid in grids))
    noise = np.random.default_rng(0).random(shape)
    return np.where(radius < 0.9, (high - low) * (0.6 + 0.4 * noise) + low, low).astype(dtype)


def scan(affine=LPS, **options):
    return add_scan(affine, array=head(**options))


def test_a_usable_scan_is_described_in_one_line(scene):
    report = checkInput(scan())
    assert report.usable and report.reason == report.hint == "" and report.warnings == ()
    assert report.summary == "MR (guess) · 48 × 44 × 40 voxels of 1.5 × 1.5 × 2 mm · LPS" and report.modality == "mr"


def test_ct_is_recognised(scene):
    array = head(low=-1000, high=60)
    array[20, 20, 20] = 1500
    report = checkInput(add_scan(LPS, array=array))
    assert report.modality == "ct" and report.summary.startswith("CT (guess)")


@pytest.mark.parametrize(("dicom", "modality"), [("MR", "mr"), ("CT", "ct"), ("PT", "mr")])
def test_dicom_knows_better(scene, dicom, modality):
    volume = scan()
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    tree.SetItemAttribute(tree.GetItemByDataNode(volume), "DICOM.Modality", dicom)
    report = checkInput(volume)
    assert report.modality == modality and report.summary.startswith(f"{dicom} · ")
    assert any("PT" in warning for warning in report.warnings) == (dicom == "PT")


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("moved", [False, True])
def test_any_linear_geometry_is_fine(scene, name, moved):
    volume = scan(AFFINES[name])
    if moved:
        put_under(volume, turn())
    assert checkInput(volume).usable


@pytest.mark.parametrize(
    ("affine", "text"),
    [
        (np.diag([1.0, 1, 1, 1]), "RAS"),
        (np.array([[0, 0, -1.0, 0], [1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1]]), "AIL"),
        (turn(3) @ np.diag([1.0, 1, 1, 1]), "RAS"),
        (turn(30), "RAS oblique"),
    ],
)
def test_orientation(affine, text):
    assert orientation(affine) == text


def refusal(node, **options):
    report = checkInput(node, **options)
    assert not report.usable and report.reason and not report.reason.endswith(".") and report.hint.endswith(".")
    return report.reason


def test_what_cannot_be_used_is_told_why(scene):
    assert "no scan" in refusal(None)
    assert "no image" in refusal(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
    assert "no image" in refusal(scene.AddNewNodeByClass("vtkMRMLModelNode"))
    labels = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    slicer.util.updateVolumeFromArray(labels, head())
    assert "label map" in refusal(labels)
    colours = np.zeros((20, 20, 20, 3), np.uint8)
    vector = slicer.util.addVolumeFromArray(colours, nodeClassName="vtkMRMLVectorVolumeNode")
    assert "several numbers" in refusal(vector)
    assert "single slice" in refusal(add_scan(LPS, array=np.ones((1, 40, 40), np.int16)))
    assert "too few voxels" in refusal(add_scan(LPS, array=head((4, 40, 40))))
    assert "too little" in refusal(scan(np.diag([0.2, 0.2, 0.2, 1])))
    assert "voxel size" in refusal(scan(np.diag([100.0, 100, 100, 1])))
    assert "constant" in refusal(add_scan(LPS, array=np.zeros((40, 40, 40), np.int16)))
    assert "NaN" in refusal(add_scan(LPS, array=np.full((40, 40, 40), np.nan, np.float32)))


def test_a_volume_under_a_bending_transform(scene):
    volume = scan()
    grid = scene.AddNewNodeByClass("vtkMRMLGridTransformNode")
    image = vtk.vtkImageData()
    image.SetDimensions(2, 2, 2)
    image.AllocateScalars(vtk.VTK_DOUBLE, 3)
    transform = slicer.vtkOrientedGridTransform()
    transform.SetDisplacementGridData(image)
    grid.SetAndObserveTransformFromParent(transform)
    volume.SetAndObserveTransformNodeID(grid.GetID())
    assert "bends space" in refusal(volume)


def test_a_volume_that_plays_a_sequence(scene):
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "series")
    for index in range(3):
        sequence.SetDataNodeAtValue(scan(), f"{index}")
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    proxy = browser.GetProxyNode(sequence)
    assert "sequence" in refusal(proxy)
    assert checkInput(proxy, sequence=True).usable


def warnings_of(volume):
    return " ".join(checkInput(volume).warnings)


def test_doubts_are_told(scene):
    assert "voxels are large" in warnings_of(scan(np.diag([1.0, 1, 6, 1])))
    hole = head(dtype=np.float32)
    hole[:, :, :9] = np.nan
    assert "not numbers" in warnings_of(add_scan(LPS, array=hole))
    assert "label map" in warnings_of(add_scan(LPS, array=(head() > 0).astype(np.int16)))


def test_a_nifti_file_that_was_cut_is_noticed(scene, tmp_path):
    array = head()
    array[-6:] = 0
    volume = add_scan(LPS, array=array)
    assert warnings_of(volume) == ""
    volume.AddDefaultStorageNode()
    volume.GetStorageNode().SetFileName(str(tmp_path / "scan.nii.gz"))
    assert "cut short" in warnings_of(volume)


def test_looking_is_quick_and_changes_nothing(scene):
    volume = add_scan(np.eye(4), array=head((256, 256, 256)))
    modified = volume.GetMTime()
    checkInput(volume)
    start = time.thread_time()
    assert checkInput(volume).usable
    assert time.thread_time() - start < 0.15 and volume.GetMTime() == modified


def test_an_affine_without_inverse(scene):
    flat = OBLIQUE.copy()
    flat[:3, 2] = flat[:3, 1]
    assert "position" in refusal(add_scan(flat, array=head()))
