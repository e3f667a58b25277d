"""The table of volumes: a click goes to the structure, in every view; copying and saving."""

import module_bed
import numpy as np
import pytest
import qt
import slicer
from BrainFMLib import Layouts, Navigation, Structures
from BrainFMLib.LayoutPlans import viewName
from module_panel import folder, panel, setup  # noqa: F401
from slicer.util import vtkMatrixFromArray

pytestmark = pytest.mark.gui


@pytest.fixture
def ready(panel):  # noqa: F811
    """The panel with results."""
    panel.run(module_bed.head("Case"))
    return panel


def row_of(panel, name):  # noqa: F811
    table = panel.ui.volumesTable
    return next(row for row in range(table.rowCount) if table.item(row, 0).text() == name)


def labels_at(panel, position):  # noqa: F811
    """FreeSurfer id of the made label map at a place (RAS mm)."""
    index = np.linalg.inv(module_bed.AFFINE) @ [*position, 1]
    i, j, k = np.round(index[:3]).astype(int)
    return int(panel.results.images()["dseg"][i, j, k])


@pytest.mark.parametrize(("name", "label"), [("Left-Lateral-Ventricle", 4), ("Right-Cerebral-Cortex", 42), ("CSF", 24)])
def test_a_click_moves_every_view_into_the_structure(ready, name, label):
    ready.ui.anatomyLayoutButton.click()
    ready.pump(timeout_s=0.4)
    ready.ui.volumesTable.cellClicked.emit(row_of(ready, name), 0)
    position = Navigation.positionOf(ready.set.get("dseg"), name)
    assert labels_at(ready, position) == label
    for number, axis in ((0, 2), (1, 1), (2, 0)):
        place = Layouts.sliceNode(viewName(number)).GetSliceToRAS().GetElement(axis, 3)
        assert place == pytest.approx(position[axis], abs=1e-3)
    view = slicer.mrmlScene.GetSingletonNode("BrainFM", "vtkMRMLViewNode")
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(view)
    assert camera.GetFocalPoint() == pytest.approx(position)
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    assert crosshair.GetCrosshairRAS() == pytest.approx(position)


def test_a_click_also_moves_the_users_own_views(ready):
    ready.ui.restoreLayoutButton.click()
    ready.ui.volumesTable.cellClicked.emit(row_of(ready, "Left-Hippocampus"), 1)
    position = Structures.positionOf(ready.set.get("dseg"), "Left-Hippocampus")
    assert slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceOffset() == pytest.approx(position[2])


def test_arrow_keys_follow(ready):
    table = ready.ui.volumesTable
    slicer.util.mainWindow().activateWindow()
    table.setFocus()
    ready.pump(timeout_s=0.1)
    table.setCurrentCell(row_of(ready, "Left-Lateral-Ventricle"), 0)
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    expected = Structures.positionOf(ready.set.get("dseg"), "Left-Lateral-Ventricle")
    assert crosshair.GetCrosshairRAS() == pytest.approx(expected)


def test_positions_follow_the_transform_of_the_scan(ready):
    before = np.array(Structures.positionOf(ready.set.get("dseg"), "CSF"))
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.eye(4)
    matrix[:3, 3] = (10, 20, 30)
    transform.SetMatrixTransformToParent(vtkMatrixFromArray(matrix))
    ready.set.get("dseg").SetAndObserveTransformNodeID(transform.GetID())
    assert Structures.positionOf(ready.set.get("dseg"), "CSF") == pytest.approx(before + [10, 20, 30])


def test_rows_without_a_place_do_nothing(ready):
    assert Navigation.jumpToStructure(ready.set, "Intracranial-Total") is None
    assert Navigation.jumpToStructure(ready.set, "WM-hypointensities") is None
    ready.ui.volumesTable.cellClicked.emit(0, 0)


def test_search_and_order(ready):
    table = ready.ui.volumesTable
    ready.ui.structureFilter.text = "cortex"
    seen = [table.item(row, 0).text() for row in range(table.rowCount) if not table.isRowHidden(row)]
    assert seen == ["Left-Cerebral-Cortex", "Right-Cerebral-Cortex"]
    ready.ui.structureFilter.text = ""
    table.horizontalHeader().sectionClicked.emit(1)
    volumes = [float(table.item(row, 1).text()) for row in range(1, table.rowCount)]
    assert volumes == sorted(volumes, reverse=True)
    assert table.item(0, 0).text() == "Intracranial-Total"
    table.horizontalHeader().sectionClicked.emit(1)
    assert float(table.item(1, 1).text()) == min(volumes)


def test_quality_of_each_structure(ready):
    table = ready.ui.volumesTable
    assert table.item(row_of(ready, "CSF"), 2).text() == "ok"
    assert table.item(row_of(ready, "WM-hypointensities"), 2).text() == "check"
    assert "Not found" in table.item(row_of(ready, "WM-hypointensities"), 2).toolTip()


def test_copy_and_save(ready, tmp_path):
    ready.ui.copyTableButton.click()
    copied = qt.QApplication.clipboard().text()
    assert "Intracranial-Total" in copied and "\t" in copied
    ready.module.results.exportTable(tmp_path / "volumes.csv")
    lines = (tmp_path / "volumes.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 11 and "Left-Cerebral-Cortex" in lines[2]


def test_saving_where_nothing_can_be_written_is_told(ready, tmp_path):
    ready.module.results.exportTable(tmp_path / "no" / "such" / "volumes.csv")
    assert "cannot be written" in ready.notice


def test_layouts_show_the_same_table(ready):
    ready.ui.anatomyLayoutButton.click()
    table = slicer.mrmlScene.GetSingletonNode("BrainFM", "vtkMRMLTableViewNode")
    assert table.GetTableNode() is ready.set.get("volumes")
    assert Layouts.currentLayout() == "Anatomy"


@pytest.mark.parametrize("shift", [False, True])
def test_a_key_flips_through_the_results(ready, shift):
    ready.ui.contrastsLayoutButton.click()
    forwards, backwards = (key for key, _action in ready.module.keys._keys)
    assert forwards.enabled
    assert forwards.key.toString() == "N" and backwards.key.toString() == "Shift+N"
    (backwards if shift else forwards).activated.emit()
    assert ready.ui.flipLabel.text == ("Atlas (7 of 7)" if shift else "T1w (2 of 7)")
    slicer.util.selectModule("")
    assert not forwards.enabled
