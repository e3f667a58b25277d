"""Widgets that show nodes follow the real scene."""

import pytest
import qt
import slicer
import vtk

pytestmark = pytest.mark.gui
KIND = "vtkMRMLScalarVolumeNode"


def add(name, kind=KIND):
    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


def selector_of(scene, **properties):
    selector = slicer.qMRMLNodeComboBox()
    for name, value in {"nodeTypes": [KIND], **properties}.items():
        setattr(selector, name, value)
    selector.setMRMLScene(scene)
    return selector


def name_in(selector):
    return selector.currentNode().GetName() if selector.currentNode() is not None else None


def test_the_first_node_is_selected_unless_none_is_an_entry(scene):
    add("first")
    add("second")
    assert name_in(selector_of(scene)) == "first"
    assert name_in(selector_of(scene, noneEnabled=True)) is None


def test_a_later_node_is_selected_only_by_an_empty_box(scene):
    with_commands, with_none = selector_of(scene), selector_of(scene, noneEnabled=True)
    empty = selector_of(scene, addEnabled=False, removeEnabled=False)
    add("first")
    add("second")
    assert [name_in(selector) for selector in (with_commands, with_none, empty)] == [None, None, "first"]


def test_when_the_node_goes_its_neighbour_is_selected(scene):
    first, second, third = add("first"), add("second"), add("third")
    selector, got = selector_of(scene), []
    selector.setCurrentNode(second)
    selector.currentNodeIDChanged.connect(got.append)
    scene.RemoveNode(second)
    assert name_in(selector) == "first"
    scene.RemoveNode(first)
    assert name_in(selector) == "third"
    scene.RemoveNode(third)
    assert name_in(selector) is None
    assert len(got) == 3 and got[-1] == ""


def test_closing_and_importing_a_scene_loses_the_selection(scene, tmp_path):
    add("kept")
    scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    selector = selector_of(scene)
    assert name_in(selector) == "kept"
    scene.ReadFromMRB(str(tmp_path / "scene.mrb"), False)
    assert selector.nodeCount() == 2 and name_in(selector) is None
    selector.setCurrentNodeIndex(0)
    scene.Clear(0)
    assert selector.nodeCount() == 0 and name_in(selector) is None


def test_only_fitting_nodes_are_listed(scene):
    volume, label, hidden = add("v"), add("l", "vtkMRMLLabelMapVolumeNode"), add("h")
    hidden.SetHideFromEditors(True)
    volume.SetAttribute("BrainFM.Kind", "T1w")
    names = lambda box: {box.nodeFromIndex(i).GetName() for i in range(box.nodeCount())}  # noqa: E731
    assert names(selector_of(scene)) == {"v", "l"}
    assert names(selector_of(scene, showChildNodeTypes=False)) == {"v"}
    assert names(selector_of(scene, hideChildNodeTypes=["vtkMRMLLabelMapVolumeNode"])) == {"v"}
    assert names(selector_of(scene, showHidden=True)) == {"v", "l", "h"}
    filtered = selector_of(scene)
    filtered.addAttribute(KIND, "BrainFM.Kind", "T1w")
    assert names(filtered) == {"v"}
    assert label.IsA(KIND)


def test_a_renamed_node_is_renamed_in_the_box(scene):
    node = add("old")
    selector, got = selector_of(scene), []
    selector.currentNodeRenamed.connect(got.append)
    node.SetName("new")
    assert got == ["new"] and selector.findChildren(qt.QComboBox)[0].currentText == "new"


def test_the_user_can_make_and_delete_a_node(scene):
    selector = selector_of(scene, baseName="Output")
    combo = selector.findChildren(qt.QComboBox)[0]
    combo.activated.emit(combo.findText("Create new..."))
    assert name_in(selector) == "Output"
    combo.activated.emit(combo.findText("Delete..."))
    assert scene.GetFirstNodeByName("Output") is None


def test_a_box_that_is_gone_observes_nothing(scene, slicer_app):
    selector = selector_of(scene)
    selector.deleteLater()
    slicer_app.sendPostedEvents(None, 52)
    add("late")


def test_ticks_of_a_checkable_box(scene):
    node = add("a")
    add("b")
    box, got = slicer.qMRMLCheckableNodeComboBox(), []
    box.nodeTypes = [KIND]
    box.setMRMLScene(scene)
    box.connect("checkedNodesChanged()", lambda: got.append(1))
    box.setCheckState(node, qt.Qt.Checked)
    assert box.checkedNodes() == [node] and got == [1] and not box.allChecked()


def add_table():
    node = add("volumes", "vtkMRMLTableNode")
    node.AddColumn().SetName("structure")
    node.AddColumn(vtk.vtkDoubleArray()).SetName("volume")
    node.AddColumn(vtk.vtkBitArray()).SetName("shown")
    for name, value, shown in (("Left-Thalamus", "7.5", "1"), ("Brain-Stem", "21.25", "0")):
        row = node.AddEmptyRow()
        for column, text in enumerate((name, value, shown)):
            node.SetCellText(row, column, text)
    return node


def test_a_table_view_shows_its_node_as_slicer_does(scene):
    node, view = add_table(), slicer.qMRMLTableView()
    view.setMRMLTableNode(node)
    model = view.tableModel()
    assert (model.rowCount(), model.columnCount()) == (3, 3)
    assert model.horizontalHeaderItem(1).text() == "B" and model.item(0, 1).text() == "volume"
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetUseFirstColumnAsRowHeader(True)
    node.SetColumnTitle("volume", "Volume")
    node.SetColumnUnitLabel("volume", "mL")
    assert (model.rowCount(), model.columnCount()) == (2, 2)
    assert model.horizontalHeaderItem(0).text() == "Volume [mL]"
    assert model.verticalHeaderItem(1).text() == "Brain-Stem"
    assert [model.item(row, 0).text() for row in range(2)] == ["7.5", "21.25"]
    assert model.item(0, 1).checkState() == qt.Qt.Checked
    view.sortFilterProxyModel().sort(0, qt.Qt.AscendingOrder)
    assert view.model().index(0, 0).data() == "21.25"  # as text


def test_cells_are_selected_copied_edited_and_locked(scene):
    node, view, got = add_table(), slicer.qMRMLTableView(), []
    node.SetUseColumnTitleAsColumnHeader(True)
    view.setMRMLTableNode(node)
    model = view.tableModel()
    view.connect("selectionChanged()", lambda: got.append(1))
    view.selectRow(1)
    assert got and [index.row() for index in view.selectionModel().selectedRows()] == [1]
    view.copySelection()
    assert qt.QApplication.clipboard().text().startswith("Brain-Stem\t21.25")
    model.item(0, 0).setText("Thalamus")
    model.item(1, 2).setCheckState(qt.Qt.Checked)
    assert node.GetCellText(0, 0) == "Thalamus" and node.GetCellText(1, 2) == "1"
    assert model.item(0, 0).isEditable()
    node.SetLocked(True)
    assert not model.item(0, 0).isEditable()


def test_a_segments_table_follows_the_segmentation(scene):
    node = add("segmentation", "vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    table, got = slicer.qMRMLSegmentsTableView(), []
    table.setMRMLScene(scene)
    table.setSegmentationNode(node)
    ids = [node.GetSegmentation().AddEmptySegment("", name) for name in ("Left-Thalamus", "Right-Thalamus", "Brain")]
    assert table.displayedSegmentIDs() == ids and table.segmentCount == 3
    table.selectionChanged.connect(lambda *_: got.append(1))
    table.setSelectedSegmentIDs([ids[1]])
    assert table.selectedSegmentIDs() == [ids[1]] and got
    table.textFilter = "thal"
    assert table.displayedSegmentIDs() == ids[:2]
    node.GetSegmentation().RemoveSegment(ids[0])
    assert table.displayedSegmentIDs() == [ids[1]]
