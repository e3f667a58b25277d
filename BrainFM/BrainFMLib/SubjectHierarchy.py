"""Where results appear in Slicer's data tree: in a folder beside their input, under its patient and study."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import slicer


def treeOf(scene: Any) -> Any:
    """Return the subject hierarchy of a scene."""
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def itemOf(scene: Any, node: Any) -> int:
    """Return the item of a node, made at the top if it has none."""
    tree = treeOf(scene)
    item = tree.GetItemByDataNode(node)
    return item if item != tree.GetInvalidItemID() else tree.CreateItem(tree.GetSceneItemID(), node)


def parentOf(scene: Any, inputNode: Any | None) -> int:
    """Return the item that the input is under (its study, its folder), or the top without an input."""
    tree = treeOf(scene)
    item = tree.GetItemByDataNode(inputNode) if inputNode is not None else tree.GetInvalidItemID()
    parent = tree.GetItemParent(item) if item != tree.GetInvalidItemID() else tree.GetInvalidItemID()
    return parent if parent != tree.GetInvalidItemID() else tree.GetSceneItemID()


def folderOf(scene: Any, nodes: Iterable[Any]) -> int | None:
    """Return the folder that holds the first of these nodes that is in one, None if none is."""
    tree = treeOf(scene)
    for node in nodes:
        item = tree.GetItemByDataNode(node)
        parent = tree.GetItemParent(item) if item != tree.GetInvalidItemID() else tree.GetInvalidItemID()
        if parent != tree.GetInvalidItemID() and _isFolder(tree, parent):
            return parent
    return None


def createFolder(scene: Any, parent: int, name: str) -> int:
    """Make a folder under an item."""
    return treeOf(scene).CreateFolderItem(parent, name)


def moveInto(scene: Any, node: Any, folder: int) -> None:
    """Put a node into a folder."""
    treeOf(scene).SetItemParent(itemOf(scene, node), folder)


def removeItem(scene: Any, node: Any) -> None:
    """Take a node out of the tree before it leaves the scene."""
    tree = treeOf(scene)
    item = tree.GetItemByDataNode(node)
    if item != tree.GetInvalidItemID():
        tree.RemoveItem(item, False)


def removeFolder(scene: Any, folder: int | None) -> None:
    """Remove a folder if nothing is in it."""
    tree = treeOf(scene)
    if folder is not None and _isFolder(tree, folder) and not tree.GetNumberOfItemChildren(folder):
        tree.RemoveItem(folder)


def dicomModality(scene: Any, node: Any) -> str:
    """Return the DICOM modality of a volume that came from DICOM, else ""."""
    tree = treeOf(scene)
    item = tree.GetItemByDataNode(node)
    return tree.GetItemAttribute(item, "DICOM.Modality") if item != tree.GetInvalidItemID() else ""


def _isFolder(tree: Any, item: int) -> bool:
    folder = slicer.vtkMRMLSubjectHierarchyConstants.GetSubjectHierarchyLevelFolder()
    return item != tree.GetSceneItemID() and tree.GetItemLevel(item) == folder
