"""Subject hierarchy items of data nodes: plug-ins of the application make and remove them, here observers do."""

from __future__ import annotations

import slicer
import vtk

DATA_NODES = (
    "vtkMRMLScalarVolumeNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLModelNode",
    "vtkMRMLTransformNode",
    "vtkMRMLTableNode",
    "vtkMRMLTextNode",
    "vtkMRMLPlotChartNode",
    "vtkMRMLPlotSeriesNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLSequenceNode",
)
EARLY = 10.0  # priority of the application for the end of an import


def keep(scene: slicer.vtkMRMLScene) -> None:
    """Follow the scene from now on. Not modelled: the items of single segments."""

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def added(_scene, _event, node):
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)
        elif not scene.IsImporting():
            add(scene, node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def about_to_be_removed(_scene, _event, node):
        if not scene.IsClosing() and not node.IsA("vtkMRMLSubjectHierarchyNode"):
            hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
            item = hierarchy.GetItemByDataNode(node)
            if item:
                hierarchy.RemoveItem(item, False, False)

    def imported(*_ignored):
        slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)
        for index in range(scene.GetNumberOfNodes()):
            add(scene, scene.GetNthNode(index))

    def closed(*_ignored):
        slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)

    scene.AddObserver(scene.NodeAddedEvent, added)
    scene.AddObserver(scene.NodeAboutToBeRemovedEvent, about_to_be_removed)
    scene.AddObserver(scene.EndImportEvent, imported, EARLY)
    scene.AddObserver(scene.EndCloseEvent, closed)


def add(scene: slicer.vtkMRMLScene, node) -> None:
    """Give a data node an item under the scene, unless it has one or is hidden."""
    if node.GetHideFromEditors() or not any(node.IsA(kind) for kind in DATA_NODES):
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if not hierarchy.GetItemByDataNode(node):
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
