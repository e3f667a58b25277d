"""What is remembered: between sessions in the settings, with the data in the scene."""

import module_bed
import pytest
import qt
import slicer
from BrainFMLib import Settings
from BrainFMLib.Parameters import BrainFMParameterNode, Grid, Modality, ResultMode
from BrainFMLib.ResultSet import ResultSet
from harness import bed
from module_panel import folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui


def reopened(panel, open_module):  # noqa: F811
    """The panel as after leaving Slicer and coming back: no scene, only settings."""
    bed.close_module()
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetSingletonNode("BrainFM", "vtkMRMLScriptedModuleNode"))
    return open_module("BrainFM")


def test_choices_are_kept_between_sessions(panel, open_module):  # noqa: F811
    panel.ui.biasCheckBox.checked = False
    panel.ui.flipCheckBox.checked = True
    panel.module.parameters.grid = Grid.ONE_MM
    panel.module.parameters.device = "cpu"
    widget = reopened(panel, open_module)
    parameters = widget.module.parameters
    assert not parameters.bias and parameters.anatomy and parameters.flip
    assert parameters.grid is Grid.ONE_MM
    assert parameters.device == "cpu"
    assert widget.ui.gridComboBox.currentIndex == 1
    assert not widget.ui.biasCheckBox.checked


def test_f12_a_restart_keeps_the_choices_even_without_leaving_the_module(panel):  # noqa: F811
    panel.ui.registrationCheckBox.checked = False
    panel.module.parameters.resultMode = ResultMode.NEW
    slicer.app.aboutToQuit.emit()
    settings = qt.QSettings()
    settings.sync()
    stored = qt.QSettings(settings.fileName(), qt.QSettings.IniFormat)
    assert stored.value("BrainFM/registration") == "False"
    assert stored.value("BrainFM/resultMode") == "new"


def test_combo_boxes_show_words_and_change_parameters(panel):  # noqa: F811
    for combo, name, value in (
        (panel.ui.gridComboBox, "grid", Grid.ONE_MM),
        (panel.ui.modalityComboBox, "modality", Modality.CT),
        (panel.ui.modeComboBox, "resultMode", ResultMode.NEW),
    ):
        index = list(type(value)).index(value)
        assert combo.itemText(index) == value.label()
        combo.setCurrentIndex(index)
        combo.activated.emit(index)
        assert getattr(panel.module.parameters, name) is value
    panel.module.parameters.grid = Grid.NATIVE
    assert panel.ui.gridComboBox.currentText == Grid.NATIVE.label()


def test_a_device_that_is_gone_is_told_and_kept(panel):  # noqa: F811
    panel.module.parameters.device = "cuda:3"
    assert "cuda:3" in panel.ui.deviceComboBox.currentText
    assert "not found" in panel.ui.deviceComboBox.currentText
    assert panel.module.request().device == "cuda:3"


@pytest.mark.parametrize("text", ["nonsense", "", "Grid.NATIVE"])
def test_settings_of_another_version_do_no_harm(scene, text):
    module_bed.clear_settings()
    for name in ("contrasts", "grid", "resultMode", "opacity/Atlas"):
        Settings.write(name, text)
    node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
    parameters = BrainFMParameterNode(node)
    Settings.recall(parameters)
    assert parameters.contrasts is True and parameters.grid is Grid.NATIVE
    assert Settings.readFloat("opacity/Atlas", 0.5) == 0.5
    qt.QSettings().remove("BrainFM")


def test_a_saved_scene_reopens_with_results_and_choices(panel, tmp_path):  # noqa: F811
    volume = module_bed.head("Case")
    panel.run(volume)
    panel.ui.contrastsCheckBox.checked = False
    panel.module.parameters.modality = Modality.MR
    panel.ui.restoreLayoutButton.click()
    path = str(tmp_path / "case.mrb")
    assert slicer.mrmlScene.WriteToMRB(path)
    slicer.mrmlScene.Clear(0)
    panel.pump(timeout_s=0.5)
    assert panel.set is None
    panel.ui.contrastsCheckBox.checked = True
    assert slicer.mrmlScene.ReadFromMRB(path, True)
    panel.until(lambda: panel.set is not None)
    assert panel.ui.inputSelector.currentNode().GetName() == "Case"
    assert not panel.module.parameters.contrasts
    assert panel.module.parameters.modality is Modality.MR
    assert panel.ui.volumesTable.item(0, 0).text() == "Intracranial-Total"
    assert "Please check" in panel.ui.qcLabel.text
    assert panel.set.inputNode is panel.ui.inputSelector.currentNode()
    for name in ("contrasts", "anatomy", "cortex", "bias", "atlas"):
        getattr(panel.ui, f"{name}LayoutButton").click()
        assert getattr(panel.ui, f"{name}LayoutButton").checked


def test_a_scene_that_was_saved_in_a_layout_opens_with_it(panel, tmp_path):  # noqa: F811
    panel.run(module_bed.head("Case"))
    panel.ui.biasLayoutButton.click()
    path = str(tmp_path / "case.mrb")
    assert slicer.mrmlScene.WriteToMRB(path)
    slicer.mrmlScene.Clear(0)
    panel.pump(timeout_s=0.4)
    assert slicer.mrmlScene.ReadFromMRB(path, True)
    panel.until(lambda: panel.set is not None)
    assert panel.ui.biasLayoutButton.checked
    panel.ui.restoreLayoutButton.click()
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView


@pytest.mark.parametrize("name", ["somewhere-else", "weights.pth"])
def test_f6_a_model_that_the_scene_names_is_told_and_never_opened(panel, tmp_path, name):  # noqa: F811
    (tmp_path / "weights.pth").write_bytes(b"code")
    model = name if "." not in name else str(tmp_path / name)
    panel.choose(module_bed.head())
    panel.module.parameters.model = model
    assert not panel.ui.applyButton.enabled
    assert model in panel.ui.statusLabel.text
    panel.module.apply()
    assert not panel.module.controller.busy
    panel.module.parameters.model = "compact"
    assert panel.ui.applyButton.enabled


def test_results_of_two_scans_follow_the_scan(panel):  # noqa: F811
    first, second = module_bed.head("First"), module_bed.head("Second")
    panel.run(first)
    panel.run(second)
    assert panel.set == ResultSet.of(second)
    panel.choose(first)
    assert panel.set == ResultSet.of(first)
    assert "First" in panel.ui.resultSelector.currentText
