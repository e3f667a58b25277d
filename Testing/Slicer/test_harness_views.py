"""The off-screen views show what is in the scene, in the layout that was asked for."""

import numpy as np
import pytest
import slicer
import vtk

pytestmark = pytest.mark.gui
SIZE = 40
LAYOUT = """<layout type="horizontal" split="true">
<item><view class="vtkMRMLSliceNode" singletontag="BedOne">
<property name="orientation" action="default">Axial</property>
<property name="viewlabel" action="default">one</property><property name="viewcolor" action="default">#F34A33</property>
<property name="viewgroup" action="default">3</property></view></item>
<item><layout type="vertical"><item><view class="vtkMRMLViewNode" singletontag="Bed"/></item>
<item><view class="vtkMRMLTableViewNode" singletontag="Bed"/></item></layout></item></layout>"""


@pytest.fixture
def layout(slicer_app, scene):
    manager = slicer_app.layoutManager()
    before = manager.layout
    yield manager
    manager.setLayout(before)


def blob():
    z, y, x = np.mgrid[:SIZE, :SIZE, :SIZE] - SIZE / 2
    return (np.exp(-(x * x + y * y + z * z) / 100) * 300).astype(np.float32)


def add_blob():
    to_ras = np.diag([1.0, 1.0, 1.0, 1.0])
    to_ras[:3, 3] = -SIZE / 2
    return slicer.util.addVolumeFromArray(blob(), ijkToRAS=to_ras, name="blob")


def picture(widget):
    view = widget.sliceView() if hasattr(widget, "sliceView") else widget.threeDView()
    return view._image().astype(float)


def test_a_slice_view_shows_the_volume(layout):
    dark = picture(layout.sliceWidget("Red")).mean()
    slicer.util.setSliceViewerLayers(background=add_blob(), fit=True)
    lit = picture(layout.sliceWidget("Red"))
    height, width, _channels = lit.shape
    assert lit.mean() > dark + 5
    assert lit[height // 2, width // 2].min() > 200 > lit[:8, :8].max()


def test_views_that_are_linked_move_together(layout):
    slicer.util.setSliceViewerLayers(background=add_blob(), fit=True)
    red, green = (layout.sliceWidget(name) for name in ("Red", "Green"))
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, 3, -4, 5)
    assert abs(red.sliceLogic().GetSliceOffset() - 5) < 1 and abs(green.sliceLogic().GetSliceOffset() + 4) < 1
    layout.resetSliceViews()
    shown = [view.mrmlSliceCompositeNode().GetBackgroundVolumeID() for view in (red, green)]
    assert shown[0] and shown[0] == shown[1]


def test_the_3d_view_shows_a_surface(layout):
    view = layout.threeDWidget(0)
    before = picture(view)
    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(60)
    sphere.Update()
    model = slicer.modules.models.logic().AddModel(sphere.GetOutput())
    model.GetDisplayNode().SetColor(1, 0, 0)
    view.threeDView().resetFocalPoint()
    after = picture(view)
    height, width, _channels = after.shape
    middle = after[height // 2, width // 2]
    assert np.abs(after - before).mean() > 5 and middle[0] > middle[2] + 50


def test_a_layout_of_our_own_makes_its_views(layout, screenshot):
    node = layout.layoutLogic().GetLayoutNode()
    node.AddLayoutDescription(987, LAYOUT)
    changes = []
    layout.layoutChanged.connect(changes.append)
    layout.setLayout(987)
    assert layout.layout == 987 and changes == [987]
    assert layout.sliceViewNames() == ["BedOne"]
    assert (layout.threeDViewCount, layout.tableViewCount) == (1, 1)
    one = layout.sliceWidget("BedOne")
    assert one.mrmlSliceNode().GetViewGroup() == 3 and one.mrmlSliceNode().GetOrientation() == "Axial"
    assert layout.sliceWidget("Nowhere") is None
    window = slicer.util.mainWindow()
    window.show()
    path = screenshot("own_layout")
    window.hide()
    assert path.stat().st_size > 1000 and one.visible is False
    assert one.width > 300 and layout.tableWidget(0).tableView().className() == "qMRMLTableView"


def test_a_table_view_shows_the_table_of_its_view_node(layout):
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "volumes")
    table.AddColumn().SetName("name")
    table.AddEmptyRow()
    table.SetCellText(0, 0, "Brain")
    layout.layoutLogic().GetLayoutNode().AddLayoutDescription(987, LAYOUT)
    layout.setLayout(987)
    widget = layout.tableWidget(0)
    widget.mrmlTableViewNode().SetTableNodeID(table.GetID())
    assert [widget.tableView().model().index(row, 0).data() for row in (0, 1)] == ["name", "Brain"]


def test_the_former_layout_comes_back(layout):
    before = layout.layout
    layout.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    assert layout.sliceViewNames() == ["Red"]
    layout.layout = before
    assert set(layout.sliceViewNames()) >= {"Red", "Green", "Yellow"}
