"""Several scans in one go: a study, a scene, a sequence, a folder; one failure does not stop the rest."""

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib import Scope
from BrainFMLib.Placement import ijkToRas
from BrainFMLib.ResultSet import ResultSet
from module_panel import folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui


def select_scope(panel, key):  # noqa: F811
    panel.module.batch.setScope(key)
    assert panel.module.batch.scope == key


def states(panel):  # noqa: F811
    table = panel.ui.batchTable
    return [(table.item(row, 0).text(), table.item(row, 1).text()) for row in range(table.rowCount)]


def study(*volumes):
    """Put volumes into a study of a patient."""
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = tree.CreateSubjectItem(tree.GetSceneItemID(), "Patient")
    item = tree.CreateStudyItem(patient, "Study")
    for volume in volumes:
        tree.SetItemParent(tree.GetItemByDataNode(volume), item)
    return item


def sequence(count=3, bad=None):
    """A sequence of heads, and its browser; frame `bad` is constant."""
    frames = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Series")
    frames.SetIndexName("time")
    for index in range(count):
        frame = module_bed.head(f"frame {index}")
        slicer.util.arrayFromVolume(frame)[:] *= 0 if index == bad else index + 1
        frames.SetDataNodeAtValue(frame, str(index))
        slicer.mrmlScene.RemoveNode(frame)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Browser")
    browser.SetAndObserveMasterSequenceNodeID(frames.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    proxy = browser.GetProxyNode(frames)
    proxy.SetName("Series volume")
    return browser, frames, proxy


def test_all_volumes_of_the_study(panel):  # noqa: F811
    first, second, third, other = (module_bed.head(name) for name in ("A", "B", "C", "Elsewhere"))
    study(first, second, third)
    panel.choose(first)
    panel.module.batch.showVolume(first)
    assert "3 volumes of its study" in [choice.title for choice in panel.module.batch._choices][1]
    select_scope(panel, Scope.STUDY)
    assert panel.ui.applyButton.text == "Apply to 3 scans"
    outcome = panel.run()
    assert [scan.state for scan in outcome.scans] == ["done"] * 3
    assert [ResultSet.of(volume) is not None for volume in (first, second, third, other)] == [True, True, True, False]
    assert states(panel) == [("A", "Done"), ("B", "Done"), ("C", "Done")]
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    level = tree.GetItemAncestorAtLevel(tree.GetItemByDataNode(ResultSet.of(second).get("dseg")), "Study")
    assert tree.GetItemName(level) == "Study"


def test_results_are_not_taken_for_scans(panel):  # noqa: F811
    first, second = module_bed.head("A"), module_bed.head("B")
    panel.run(first)
    assert {volume.GetName() for volume in Scope.volumesOfScene()} == {"A", "B"}
    panel.module.batch.showVolume(second)
    select_scope(panel, Scope.SCENE)
    assert [source.name for source in panel.module.batch.sources()] == ["A", "B"]


def test_one_failure_does_not_stop_the_rest(panel):  # noqa: F811
    volumes = [module_bed.head(name) for name in ("Bad", "Good", "Fine")]
    panel.choose(volumes[0])
    panel.module.batch.showVolume(volumes[0])
    select_scope(panel, Scope.SCENE)
    panel.behave("half-fail")
    outcome = panel.run()
    assert outcome.state == "partly"
    assert [scan.state for scan in outcome.scans] == ["failed", "done", "done"]
    assert "2 of 3" in panel.notice and "Bad" in panel.notice and "no intensities" in panel.notice
    assert "no intensities" in states(panel)[0][1]
    assert len(ResultSet.all(slicer.mrmlScene)) == 2


def test_a_scan_that_cannot_be_used_is_told_and_left_out(panel):  # noqa: F811
    good = module_bed.head("Good")
    slicer.util.addVolumeFromArray(np.ones((1, 9, 9), np.float32), name="Slice")
    panel.choose(good)
    panel.module.batch.showVolume(good)
    select_scope(panel, Scope.SCENE)
    outcome = panel.run()
    assert outcome.state == "partly"
    assert "single slice" in dict(states(panel))["Slice"]
    assert ResultSet.of(good) is not None


def test_what_is_finished_stays_when_the_rest_is_cancelled(panel):  # noqa: F811
    volumes = [module_bed.head(name) for name in ("A", "B", "C")]
    panel.choose(volumes[0])
    panel.module.batch.showVolume(volumes[0])
    select_scope(panel, Scope.SCENE)
    panel.behave("--seconds", 3, "slow-progress")
    panel.apply()
    panel.until(lambda: panel.logic.prediction and panel.logic.prediction.scans[0].state == "done", 20)
    panel.logic.cancel()
    outcome = panel.wait()
    assert outcome.state == "cancelled" and "1 of 3" in panel.notice
    assert len(ResultSet.all(slicer.mrmlScene)) == 1


def test_a_double_click_goes_to_the_results_of_a_scan(panel):  # noqa: F811
    volumes = [module_bed.head(name) for name in ("A", "B")]
    panel.choose(volumes[0])
    panel.module.batch.showVolume(volumes[0])
    select_scope(panel, Scope.SCENE)
    panel.run()
    panel.ui.batchTable.setCurrentCell(1, 0)
    panel.ui.batchTable.cellDoubleClicked.emit(1, 0)
    assert panel.set == ResultSet.of(volumes[1])


def test_a_volume_that_plays_a_sequence_offers_its_frames(panel):  # noqa: F811
    _browser, _frames, proxy = sequence()
    panel.choose(proxy)
    assert not panel.ui.applyButton.enabled
    select_scope(panel, Scope.SEQUENCE)
    assert panel.ui.applyButton.enabled and panel.ui.applyButton.text == "Apply to 3 scans"


def test_results_of_a_sequence_are_sequences(panel):  # noqa: F811
    browser, frames, proxy = sequence()
    panel.choose(proxy)
    select_scope(panel, Scope.SEQUENCE)
    outcome = panel.run()
    assert [scan.state for scan in outcome.scans] == ["done"] * 3
    (found,) = ResultSet.all(slicer.mrmlScene)
    for kind in ("T1w", "dseg", "corrected"):
        made = browser.GetSequenceNode(found.get(kind))
        assert made is not None and made.GetNumberOfDataNodes() == 3, kind
        assert made.GetNthIndexValue(2) == frames.GetNthIndexValue(2)
    browser.SetSelectedItemNumber(2)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    assert ResultSet.all(slicer.mrmlScene) == [found]
    assert found.get("T1w").GetName() == "Series volume_T1w"
    assert found.inputNode is proxy


def test_one_bad_frame_does_not_stop_the_sequence(panel):  # noqa: F811
    browser, _frames, proxy = sequence(bad=0)
    panel.choose(proxy)
    select_scope(panel, Scope.SEQUENCE)
    outcome = panel.run()
    assert [scan.state for scan in outcome.scans] == ["failed", "done", "done"]
    (found,) = ResultSet.all(slicer.mrmlScene)
    assert browser.GetSequenceNode(found.get("T1w")).GetNumberOfDataNodes() == 2


@pytest.fixture
def files(tmp_path):
    """A folder with two scans and a text file."""
    place = tmp_path / "ü scans"
    place.mkdir()
    for name in ("b.nii", "a.nrrd"):
        volume = module_bed.head(name)
        slicer.util.saveNode(volume, str(place / name))
        slicer.mrmlScene.RemoveNode(volume)
    (place / "readme.txt").write_text("no scan", encoding="utf-8")
    return place


def test_a_folder_of_scans(panel, files):  # noqa: F811
    assert panel.ui.inputSelector.currentNode() is None
    select_scope(panel, Scope.FOLDER)
    assert "folder" in panel.ui.statusLabel.text
    panel.ui.inputFolderEdit.currentPath = str(files)
    assert panel.ui.outputFolderEdit.currentPath == str(files / "BrainFM")
    assert panel.ui.applyButton.text == "Apply to 2 scans" and panel.ui.applyButton.enabled
    outcome = panel.run()
    assert [scan.name for scan in outcome.scans] == ["a.nrrd", "b.nii"]
    assert [scan.state for scan in outcome.scans] == ["done", "done"]
    assert sorted(path.name for path in (files / "BrainFM").iterdir()) == ["a", "b"]
    assert not ResultSet.all(slicer.mrmlScene)


@pytest.mark.parametrize(("row", "name"), [(0, "a"), (1, "b")])
def test_results_of_a_folder_can_be_loaded(panel, files, row, name):  # noqa: F811
    select_scope(panel, Scope.FOLDER)
    panel.ui.inputFolderEdit.currentPath = str(files)
    panel.run()
    assert not panel.ui.loadResultsButton.enabled
    panel.ui.batchTable.setCurrentCell(row, 0)
    assert panel.ui.loadResultsButton.enabled
    panel.ui.loadResultsButton.click()
    panel.until(lambda: panel.set is not None)
    scan = panel.set.inputNode
    assert scan.GetName() == name and panel.set.get("dseg").GetName() == f"{name}_Segmentation"
    there = module_bed.head("like it")
    assert np.allclose(slicer.util.arrayFromVolume(scan), slicer.util.arrayFromVolume(there))
    assert np.allclose(ijkToRas(scan), ijkToRas(there), atol=1e-5)
    assert np.allclose(ijkToRas(panel.set.get("T1w")), ijkToRas(there), atol=1e-5)


def test_a_scan_that_is_gone_is_told(panel, files):  # noqa: F811
    select_scope(panel, Scope.FOLDER)
    panel.ui.inputFolderEdit.currentPath = str(files)
    panel.run()
    (files / "b.nii").unlink()
    panel.ui.batchTable.setCurrentCell(1, 0)
    panel.ui.loadResultsButton.click()
    panel.until(lambda: panel.notice)
    assert "cannot be loaded" in panel.notice and panel.set is None


def test_arguments_for_files(panel, files):  # noqa: F811
    select_scope(panel, Scope.FOLDER)
    panel.ui.inputFolderEdit.currentPath = str(files)
    panel.ui.overwriteCheckBox.checked = True
    request = panel.module.request()
    arguments = request.arguments([source.path for source in request.sources], request.folder)
    assert "--overwrite" in arguments and "--uncompressed" not in arguments
    assert arguments[1:3] == [str(files / "a.nrrd"), str(files / "b.nii")]
