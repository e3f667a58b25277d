"""Parameters of a module: on the node, in the widgets, in a saved scene."""

import enum
import pathlib
from typing import Annotated

import ctk
import pytest
import qt
import slicer
from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper

pytestmark = pytest.mark.gui


class Mode(enum.Enum):
    UPDATE = "update"
    NEW = "new"


@parameterNodeWrapper
class Parameters:
    inputVolume: slicer.vtkMRMLScalarVolumeNode
    opacity: Annotated[float, WithinRange(0, 1)] = 0.5
    steps: Annotated[int, WithinRange(1, 9)] = 3
    flip: bool = False
    device: Annotated[str, Choice(["auto", "cpu"])] = "auto"
    model: str = "compact"
    folder: Annotated[pathlib.Path, Default(pathlib.Path("/data"))]
    mode: Mode = Mode.UPDATE


def parameters():
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "Test")
    return Parameters(node)


def with_name(widget, name):
    widget.setProperty("SlicerParameterName", name)
    return widget


class Ui:
    def __init__(self, scene):
        self.inputVolume = with_name(slicer.qMRMLNodeComboBox(), "inputVolume")
        self.inputVolume.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        self.inputVolume.noneEnabled = True
        self.inputVolume.setMRMLScene(scene)
        self.opacity = with_name(ctk.ctkSliderWidget(), "opacity")
        self.steps = with_name(qt.QSpinBox(), "steps")
        self.flip = with_name(qt.QCheckBox(), "flip")
        self.device = with_name(qt.QComboBox(), "device")
        self.model = with_name(qt.QLineEdit(), "model")
        self.folder = with_name(ctk.ctkPathLineEdit(), "folder")
        self.mode = with_name(qt.QComboBox(), "mode")
        self.unbound = qt.QLabel("no parameter")


def test_defaults_and_values(scene):
    p = parameters()
    assert (p.opacity, p.steps, p.flip, p.device, p.mode) == (0.5, 3, False, "auto", Mode.UPDATE)
    assert p.inputVolume is None and p.folder == pathlib.Path("/data")
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "T1")
    p.inputVolume, p.opacity, p.mode, p.folder = volume, 1, Mode.NEW, pathlib.Path("/x")
    again = Parameters(p.parameterNode)
    assert again.inputVolume is volume and again.opacity == 1 and again.mode is Mode.NEW
    assert again.folder == pathlib.Path("/x")
    scene.RemoveNode(volume)
    assert again.inputVolume is None


@pytest.mark.parametrize("name, value", [("opacity", 2), ("device", "gpu"), ("flip", "yes"), ("steps", 0)])
def test_values_that_do_not_fit_raise(scene, name, value):
    with pytest.raises((ValueError, TypeError)):
        setattr(parameters(), name, value)


def test_widgets_and_parameters_follow_each_other(scene):
    p, ui = parameters(), Ui(scene)
    tag = p.connectGui(ui)
    assert (ui.opacity.value, ui.steps.value, ui.device.currentText) == (0.5, 3, "auto")
    assert (ui.steps.minimum, ui.steps.maximum, ui.folder.currentPath) == (1, 9, "/data")
    p.opacity, p.flip, p.device, p.model, p.mode = 0.25, True, "cpu", "published", Mode.NEW
    assert (ui.opacity.value, ui.flip.checked, ui.device.currentText) == (0.25, True, "cpu")
    assert ui.model.text == "published" and ui.mode.currentIndex == 1
    ui.opacity.value, ui.steps.value, ui.flip.checked = 0.75, 7, False
    ui.device.currentIndex = 0
    ui.model.text = "mine"
    ui.folder.currentPath = "/y"
    volume = ui.inputVolume.addNode()
    assert (p.opacity, p.steps, p.flip, p.device, p.model) == (0.75, 7, False, "auto", "mine")
    assert p.folder == pathlib.Path("/y") and p.inputVolume is volume
    p.disconnectGui(tag)
    p.opacity = 0.1
    ui.steps.value = 2
    assert ui.opacity.value == 0.75 and p.steps == 7


def test_a_widget_that_can_not_show_a_type_is_refused(scene):
    with pytest.raises(Exception, match="connector"):
        parameters().connectParametersToGui({"flip": qt.QLineEdit()})
    with pytest.raises(ValueError, match="nothing"):
        parameters().connectParametersToGui({"nothing": qt.QLineEdit()})


def test_observers_hear_each_change_once(scene):
    p, heard = parameters(), []
    p.AddObserver("ModifiedEvent", lambda *_: heard.append(1))
    p.steps = 5
    p.steps = 5
    assert len(heard) == 1
    with slicer.util.NodeModify(p):
        p.steps, p.flip = 6, True
    assert len(heard) == 2


def test_parameters_come_back_with_the_scene(scene, tmp_path):
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

    class TestLogic(ScriptedLoadableModuleLogic):
        pass

    p = Parameters(TestLogic().getParameterNode())
    p.opacity, p.inputVolume = 0.875, slicer.util.addVolumeFromArray(__import__("numpy").ones((2, 3, 4)), name="T1")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    again = Parameters(TestLogic().getParameterNode())
    assert again.opacity == 0.875 and again.inputVolume.GetName() == "T1"
    assert len(TestLogic().getAllParameterNodes()) == 1
