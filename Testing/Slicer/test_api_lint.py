"""The modules use only what every Slicer has; and the lint finds what is planted."""

import shutil

import api_lint
import pytest
from linting.code_rules import check_source
from linting.ui_rules import check_ui, widgets_of

WIDGETS = {
    "applyButton": "QPushButton",
    "inputSelector": "qMRMLNodeComboBox",
    "slider": "ctkSliderWidget",
    "section": "ctkCollapsibleButton",
    "combo": "QComboBox",
    "table": "QTableWidget",
    "form": "QFormLayout",
}
FINE = """
import qt, ctk, slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import *

class Panel:
    def __init__(self, ui):
        self.ui = ui
        self.timer = qt.QTimer()
        self.process = None
        self.ui.applyButton.clicked.connect(self.onApply)
        self.ui.inputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onNode)
        self.ui.combo.connect("currentTextChanged(QString)", self.onText)
        self.ui.applyButton.toolTip = _("Run")
        self.ui.section.collapsed = True
        for button in (self.ui.applyButton, self.ui.section):
            button.enabled = False

    def onApply(self):
        self.process = qt.QProcess()
        self.process.finished.connect(self.onFinished)
        self.process.setProcessEnvironment(qt.QProcessEnvironment.systemEnvironment())
        header = self.ui.table.horizontalHeader()
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        item = qt.QTableWidgetItem("x")
        item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignmentFlag.AlignTop)
        qt.QApplication.clipboard().setText(item.text())
        slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceNode()
        slicer.app.processEvents()
        try:
            from slicer.packaging import pip_ensure
        except ImportError:
            pip_ensure = None
"""
PLANTED = {
    "self.ui.applyButtn.click()": "no widget named applyButtn",
    "self.ui.applyButton.foo": "has no attribute foo",
    "self.ui.applyButton.tooltip = 'x'": "has no attribute tooltip",
    "self.ui.applyButton.click = 1": "is not a property",
    "self.ui.combo.count = 3": "is read only",
    "self.ui.applyButton.text()": "calling it fails",
    "self.ui.slider.value()": "calling it fails",
    "self.ui.slider.setRange(0, 1)": "has no attribute setRange",
    "self.ui.inputSelector.setNodeTypes(['a'])": "has no attribute setNodeTypes",
    "self.ui.applyButton.connect('clickd()', f)": "has no signal clickd()",
    "self.ui.inputSelector.connect('currentNodeChanged(QString)', f)": "has no signal",
    "self.ui.combo.connect('currentIndexChanged(QString)', f)": "in Qt 6",
    "self.ui.combo.disconnect('activated(QString)', f)": "in Qt 6",
    "self.ui.form.setMargin(3)": "has no attribute setMargin",
    "self.ui.form.margin": "QFormLayout.margin does not exist in Qt 6",
    "box = self.ui.combo\nbox.fooBar": "QComboBox has no attribute fooBar",
    "for b in (self.ui.slider, self.ui.section):\n    b.decimals": "ctkCollapsibleButton has no attribute decimals",
    "timer = qt.QTimer()\ntimer.timeOut.connect(f)": "QTimer has no attribute timeOut",
    "def g(label: 'qt.QLabel'):\n    label.txt": "QLabel has no attribute txt",
    "slicer.app.layoutManagr()": "qSlicerApplication has no attribute layoutManagr",
    "slicer.app.layoutManager().sliceWidgt('Red')": "qSlicerLayoutManager has no attribute",
    "slicer.app.layoutManager().sliceWidget('Red').sliceView().redraw()": "qMRMLSliceView has no attribute redraw",
    "slicer.app.ioManager().loadVolume('x')": "qSlicerIOManager has no attribute",
    "slicer.util.mainWindow().modulSelector()": "qSlicerMainWindow has no attribute",
    "qt.QRegExp('a')": "class QRegExp does not exist in Qt 6",
    "qt.QDesktopWidget()": "QDesktopWidget does not exist in Qt 6",
    "qt.QFooBar()": "class QFooBar does not exist in Qt 5, Qt 6",
    "ctk.ctkFooBar()": "ctkFooBar does not exist in Slicer 5.10.0",
    "slicer.qMRMLFooBar()": "qMRMLFooBar does not exist",
    "qt.Qt.AlignmentFlag.AlignRigt": "Qt has no AlignRigt",
    "qt.QMessageBox.Yess": "QMessageBox has no Yess",
    "qt.Qt.MidButton": "Qt.MidButton does not exist in Qt 6",
    "qt.Qt.TextColorRole": "Qt.TextColorRole does not exist in Qt 6",
    "qt.QLabel('x', parent=self)": "no keyword arguments",
    "self.ui.combo.addItem('a', userData=3)": "no keyword arguments",
    "if state == 2 == qt.Qt.Checked: pass": "compared with a number",
    "slicer.util.LazyImport('torch')": "slicer.util.LazyImport does not exist in Slicer 5.10.0, 5.12.3",
    "slicer.util.arrayFromVolum(x)": "slicer.util.arrayFromVolum does not exist",
    "from slicer.packaging import pip_ensure": "does not exist in Slicer 5.10.0",
    "import slicer.packaging": "slicer.packaging does not exist in Slicer 5.10.0",
    "node.GetTransformedImageData()": "new in Slicer 5.12.3",
}


def problems_of(code):
    body = "\n".join(f"        {line}" for line in code.splitlines())
    source = f"import qt, ctk, slicer\n\nclass Panel:\n    def act(self):\n{body}\n"
    return [problem.text for problem in check_source(source, "planted.py", WIDGETS)]


def test_the_modules_use_what_every_slicer_has():
    found = [str(problem) for folder in api_lint.modules() for problem in api_lint.check_module(folder)]
    assert not found, "\n".join(found)


def test_good_code_is_left_alone():
    assert check_source(FINE, "fine.py", WIDGETS) == []


@pytest.mark.parametrize("code", PLANTED)
def test_planted_errors_are_found(code):
    assert any(PLANTED[code] in text for text in problems_of(code)), problems_of(code)


UI = """<?xml version="1.0"?><ui version="4.0"><class>P</class>
<widget class="qMRMLWidget" name="P"><layout class="QVBoxLayout" name="column">
<item><widget class="qMRMLNodeComboBox" name="inputSelector">
<property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
<property name="SlicerParameterName" stdset="0"><string>input</string></property></widget></item>
<item><widget class="QPushButton" name="applyButton"><property name="text"><string>Apply</string></property></widget>
</item></layout></widget>
<customwidgets><customwidget><class>qMRMLWidget</class><extends>QWidget</extends></customwidget>
<customwidget><class>qMRMLNodeComboBox</class><extends>QWidget</extends></customwidget></customwidgets>
<connections><connection><sender>P</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>inputSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>"""
PLANTED_UI = {
    'name="nodeTypes"': ('name="nodeType"', "has no property nodeType"),
    'class="QPushButton"': ('class="QPushButtn"', "class QPushButtn does not exist"),
    'class="qMRMLNodeComboBox" name': ('class="qMRMLNodeCombo" name', "class qMRMLNodeCombo does not exist"),
    "<class>qMRMLNodeComboBox</class>": ("<class>other</class>", "not listed in <customwidgets>"),
    'name="text"': ('name="txt"', "QPushButton has no property txt"),
    "mrmlSceneChanged(vtkMRMLScene*)": ("sceneChanged(vtkMRMLScene*)", "has no signal sceneChanged"),
    "setMRMLScene(vtkMRMLScene*)": ("setScene(vtkMRMLScene*)", "has no slot setScene"),
    "<receiver>inputSelector": ("<receiver>other", "no widget named other"),
}


def test_a_good_ui_file_is_left_alone(tmp_path):
    path = tmp_path / "P.ui"
    path.write_text(UI)
    assert check_ui(path) == []
    assert widgets_of(path)["inputSelector"] == "qMRMLNodeComboBox"


@pytest.mark.parametrize("good", PLANTED_UI)
def test_planted_errors_in_a_ui_file_are_found(tmp_path, good):
    bad, expected = PLANTED_UI[good]
    path = tmp_path / "P.ui"
    path.write_text(UI.replace(good, bad))
    assert any(expected in problem.text for problem in check_ui(path)), check_ui(path)


def test_the_command_fails_where_there_is_a_problem(tmp_path, capsys):
    folder = tmp_path / "Mod"
    (folder / "Resources" / "UI").mkdir(parents=True)
    (folder / "Mod.py").write_text("import qt\n\nqt.QRegExp('a')\n")
    assert api_lint.main([str(folder)]) == 1
    assert "Mod.py:3: class QRegExp" in capsys.readouterr().err
    shutil.rmtree(folder)
    folder.mkdir()
    assert api_lint.main([str(folder)]) == 0
