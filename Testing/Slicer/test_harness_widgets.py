"""CTK widgets behave as CTK's do where modules rely on it."""

import ctk
import pytest
import qt

pytestmark = pytest.mark.gui


def test_a_slider_keeps_its_bounds_and_tells_changes_once(slicer_app):
    slider, got = ctk.ctkSliderWidget(), []
    slider.minimum, slider.maximum, slider.decimals = 0, 1, 2
    slider.valueChanged.connect(got.append)
    slider.value = 0.256
    slider.value = 0.26
    slider.value = 7
    assert got == [0.26, 1.0]
    slider.findChildren(qt.QDoubleSpinBox)[0].value = 0.5
    assert slider.value == 0.5
    slider.findChildren(qt.QSlider)[0].value = 250
    assert slider.value == 0.25


def test_a_range_stays_in_order(slicer_app):
    widget, got = ctk.ctkRangeWidget(), []
    widget.setRange(0, 10)
    widget.valuesChanged.connect(lambda low, high: got.append((low, high)))
    widget.setValues(8, 2)
    assert (widget.minimumValue, widget.maximumValue) == (2, 8) and got[-1] == (2, 8)


def test_a_section_hides_its_contents(slicer_app):
    section, got = ctk.ctkCollapsibleButton("More"), []
    layout = qt.QVBoxLayout(section)
    label = qt.QLabel("inside")
    layout.addWidget(label)
    section.contentsCollapsed.connect(got.append)
    section.collapsed = True
    section.show()
    assert got == [True] and not label.visible
    section.click()
    assert not section.collapsed and label.visible and got == [True, False]
    section.close()


def test_a_path_edit_tells_its_path_and_remembers(slicer_app):
    edit, got = ctk.ctkPathLineEdit(), []
    edit.settingKey = "BrainFM/testPaths"
    edit.connect("currentPathChanged(QString)", got.append)
    edit.currentPath = "/data/a.nii"
    edit.currentPath = "/data/a.nii"
    edit.comboBox().setEditText("/data/b.nii")
    assert got == ["/data/a.nii", "/data/b.nii"] and edit.currentPath == "/data/b.nii"
    edit.addCurrentPathToHistory()
    again = ctk.ctkPathLineEdit()
    again.settingKey = "BrainFM/testPaths"
    again.retrieveHistory()
    assert again.comboBox().itemText(0) == "/data/b.nii"
    qt.QSettings().remove("BrainFM/testPaths")


def test_a_checkable_box_tells_its_ticks(slicer_app):
    box, got = ctk.ctkCheckableComboBox(), []
    box.addItems(["T1w", "T2w"])
    box.connect("checkedIndexesChanged()", lambda: got.append(1))
    assert box.noneChecked()
    box.setCheckState(box.checkableModel().index(1, 0), qt.Qt.Checked)
    assert [index.row() for index in box.checkedIndexes()] == [1] and got == [1]
    box.setCheckState(box.checkableModel().index(0, 0), qt.Qt.Checked)
    assert box.allChecked()


def test_a_combo_box_finds_user_data(slicer_app):
    box = ctk.ctkComboBox()
    box.addItem("GPU", "cuda:0")
    box.addItem("Processor", "cpu")
    box.currentUserDataAsString = "cpu"
    assert box.currentText == "Processor" and box.currentData == "cpu"


def test_a_message_box_is_answered_by_the_test(slicer_app, dialogs):
    box = ctk.ctkMessageBox()
    box.text = "Install?"
    box.dontShowAgainVisible = True
    dialogs.answer(lambda question: qt.QMessageBox.Ok if "Install?" in question.texts else None)
    assert box.exec_() == qt.QMessageBox.Ok


def test_a_group_box_collapses(slicer_app):
    box = ctk.ctkCollapsibleGroupBox()
    box.collapsed = True
    assert not box.checked
    box.setChecked(True)
    assert not box.collapsed


def test_an_error_while_painting_does_not_end_the_process(slicer_app, slot_errors, pump):
    section = ctk.ctkCollapsibleButton("Broken")
    section.own.collapsed = property
    del section.own.collapsed
    section.show()
    pump(timeout_s=0.05)
    section.close()
    assert slot_errors.take()
