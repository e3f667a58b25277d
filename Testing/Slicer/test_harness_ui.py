"""Panels are loaded from .ui files as Slicer loads them; what does not fit Slicer raises."""

import pytest
import qt
import slicer
from harness.ui_loader import UiError

pytestmark = pytest.mark.gui
UI = """<?xml version="1.0"?><ui version="4.0"><class>Panel</class>
<widget class="qMRMLWidget" name="Panel"><layout class="QVBoxLayout" name="column">
<item><widget class="ctkCollapsibleButton" name="section"><property name="text"><string>Scan</string></property>
<property name="collapsed"><bool>true</bool></property><layout class="QFormLayout" name="form">
<item row="0" column="0"><widget class="QLabel" name="label"><property name="text"><string>Volume</string></property>
</widget></item><item row="0" column="1"><widget class="qMRMLNodeComboBox" name="inputSelector">
<property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
<property name="noneEnabled"><bool>true</bool></property>
<property name="SlicerParameterName" stdset="0"><string>inputVolume</string></property></widget></item></layout>
</widget></item>
<item><widget class="ctkSliderWidget" name="slider"><property name="maximum"><double>1.0</double></property>
<property name="singleStep"><double>0.1</double></property></widget></item>
<item><widget class="ctkPathLineEdit" name="path"><property name="filters"><set>ctkPathLineEdit::Files</set></property>
</widget></item>
<item><widget class="QPushButton" name="applyButton"><property name="enabled"><bool>false</bool></property>
<property name="toolTip"><string>Choose a scan</string></property></widget></item></layout></widget>
<customwidgets><customwidget><class>qMRMLWidget</class><extends>QWidget</extends><container>1</container></customwidget>
<customwidget><class>qMRMLNodeComboBox</class><extends>QWidget</extends></customwidget>
<customwidget><class>ctkPathLineEdit</class><extends>QWidget</extends></customwidget>
<customwidget><class>ctkSliderWidget</class><extends>QWidget</extends></customwidget>
<customwidget><class>ctkCollapsibleButton</class><extends>QWidget</extends><container>1</container></customwidget>
</customwidgets>
<connections><connection><sender>Panel</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>inputSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection>
<connection><sender>section</sender><signal>toggled(bool)</signal><receiver>applyButton</receiver>
<slot>setEnabled(bool)</slot></connection></connections></ui>"""


def load(tmp_path, text):
    path = tmp_path / "Panel.ui"
    path.write_text(text)
    return slicer.util.loadUI(str(path))


def test_widgets_properties_and_connections(scene, tmp_path):
    panel = load(tmp_path, UI)
    ui = slicer.util.childWidgetVariables(panel)
    assert type(ui.inputSelector) is slicer.qMRMLNodeComboBox and type(ui.applyButton) is qt.QPushButton
    assert ui.inputSelector.nodeTypes == ("vtkMRMLScalarVolumeNode",) and ui.inputSelector.noneEnabled
    assert ui.inputSelector.property("SlicerParameterName") == "inputVolume"
    assert ui.section.collapsed and ui.section.text == "Scan"
    assert (ui.slider.maximum, ui.slider.singleStep, ui.path.filters) == (1.0, 0.1, 2)
    assert ui.applyButton.toolTip == "Choose a scan" and not ui.applyButton.enabled
    panel.setMRMLScene(scene)
    assert ui.inputSelector.mrmlScene() is scene
    ui.section.collapsed = False
    assert ui.applyButton.enabled


@pytest.mark.parametrize(
    "good, bad, message",
    [
        ("ctkSliderWidget", "ctkSlidrWidget", "ctkSlidrWidget does not exist"),
        ('name="maximum"', 'name="maximun"', "no property maximun"),
        ("ctkPathLineEdit::Files", "ctkPathLineEdit::Filez", "no value"),
        ("mrmlSceneChanged(", "sceneChanged(", "does not exist"),
        ("setMRMLScene(vtkMRMLScene*)", "setMRMLScene(vtkMRMLNode*)", "no slot"),
        ("setEnabled(bool)", "setEnabld(bool)", "no slot"),
        ("<receiver>applyButton", "<receiver>other", "no object named other"),
        ("<class>ctkPathLineEdit</class>", "<class>ctkOther</class>", "not listed"),
    ],
)
def test_what_does_not_fit_raises(scene, tmp_path, good, bad, message):
    with pytest.raises((UiError, AttributeError), match=message):
        load(tmp_path, UI.replace(good, bad))
