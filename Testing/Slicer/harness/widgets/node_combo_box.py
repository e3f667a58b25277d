"""qMRMLNodeComboBox on the real scene.

Selection follows Slicer. When the scene is set, the first node is selected, or "None" where that is an entry. A node
that comes later is selected only by a box that had no entry at all, not even "Create new". When the selected node goes,
the entry above it is selected, else the first. A node made by the box itself is selected. Importing a scene, and
closing it, loses the selection.
"""

from __future__ import annotations

import vtk
from PySide6 import QtCore, QtWidgets

from harness.facade import behaviour
from harness.observers import Observers
from harness.widgets.boxes import row_layout

CheckState = QtCore.Qt.CheckState
Combo = QtWidgets.QComboBox
COMMANDS = {"addEnabled": "Create new...", "renameEnabled": "Rename...", "removeEnabled": "Delete..."}


def with_node(slot):
    """An observer that gets the node of a scene event."""

    def observer(_scene, _event, node):
        slot(node)

    observer.CallDataType = vtk.VTK_OBJECT
    return observer


def refreshing(name):
    """A property whose change lists the nodes anew."""

    def put(self, value):
        self._values[name] = value
        self._list()

    return property(lambda self: self._values[name], put)


@behaviour
class qMRMLNodeComboBox:
    DEFAULTS = {"nodeTypes": (), "hideChildNodeTypes": (), "noneEnabled": False, "addEnabled": True, "baseName": ""}
    DEFAULTS |= {"removeEnabled": True, "editEnabled": False, "renameEnabled": False, "selectNodeUponCreation": True}
    DEFAULTS |= {"showHidden": False, "showChildNodeTypes": True, "noneDisplay": "None", "sizeAdjustPolicy": 0}
    DEFAULTS |= {"interactionNodeSingletonTag": "Singleton"}

    def setUp(self, *ignored):
        own = self.own
        own.scene, own.current, own.requested, own.ids, own.attributes = None, None, None, [], []
        own.scene_observers, own.node_observers, own.labels = Observers(self), Observers(self), {}
        own.combo = Combo(self)
        own.combo.setEnabled(False)
        row_layout(self).addWidget(own.combo)
        own.combo.activated.connect(self._activated)

    nodeTypes = refreshing("nodeTypes")
    hideChildNodeTypes = refreshing("hideChildNodeTypes")
    noneEnabled = refreshing("noneEnabled")
    noneDisplay = refreshing("noneDisplay")
    showHidden = refreshing("showHidden")
    showChildNodeTypes = refreshing("showChildNodeTypes")
    addEnabled = refreshing("addEnabled")
    removeEnabled = refreshing("removeEnabled")
    renameEnabled = refreshing("renameEnabled")

    # the scene

    def mrmlScene(self):
        return self.own.scene

    def setMRMLScene(self, scene):
        own = self.own
        if scene is own.scene:
            return
        own.scene_observers.clear()
        own.node_observers.clear()
        own.scene = scene
        own.combo.setEnabled(scene is not None)
        if scene is not None:
            own.scene_observers.add(scene, scene.NodeAddedEvent, with_node(self._added))
            own.scene_observers.add(scene, scene.NodeRemovedEvent, with_node(self._removed))
            for event in (scene.EndImportEvent, scene.EndCloseEvent):
                own.scene_observers.add(scene, event, lambda *_: self._list_anew())
        self._list()
        nodes = self._nodes()
        first = nodes[0].GetID() if nodes and not self._values["noneEnabled"] else None
        self._choose(own.requested if own.requested in own.ids else first)
        own.requested = None

    def _added(self, node):
        """A box without any entry selects the first node that comes; others leave the choice to the user."""
        if self._fits(node) and not self.own.scene.IsImporting():
            was_empty = self.own.combo.count == 0
            self._list()
            if was_empty:
                self._choose(node.GetID())

    def _removed(self, node):
        if node.GetID() in self.own.ids and not self.own.scene.IsClosing():
            self._list()

    def _list_anew(self):
        """After an import or the end of a scene every entry is taken out and put in again: the selection is lost."""
        self._choose(None)
        self.own.combo.clear()
        self.own.ids = []
        others = self._values["noneEnabled"] or any(self._values[key] for key in COMMANDS)
        self._list()
        nodes = self._nodes()
        if nodes and not others:
            self._choose(nodes[0].GetID())

    # which nodes

    def nodeCount(self):
        return len(self._nodes())

    def nodeFromIndex(self, index):
        nodes = self._nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def addAttribute(self, node_type, name, value=None):
        self.own.attributes.append((node_type, name, value))
        self._list()

    def removeAttribute(self, node_type, name):
        self.own.attributes = [entry for entry in self.own.attributes if entry[:2] != (node_type, name)]
        self._list()

    def _nodes(self):
        scene = self.own.scene
        nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())] if scene is not None else []
        return [node for node in nodes if self._fits(node)]

    def _fits(self, node):
        values = self._values
        if node.GetHideFromEditors() and not values["showHidden"]:
            return False
        children = values["showChildNodeTypes"]
        if not any(node.IsA(kind) if children else node.GetClassName() == kind for kind in values["nodeTypes"]):
            return False
        if any(node.IsA(kind) for kind in values["hideChildNodeTypes"]):
            return False
        wanted = [(name, value) for kind, name, value in self.own.attributes if node.IsA(kind)]
        return all(
            node.GetAttribute(name) is not None and (value is None or node.GetAttribute(name) == str(value))
            for name, value in wanted
        )

    def _list(self):
        """Fill the box from the scene and keep the selection, or select the neighbour of what is gone."""
        own, values = self.own, self._values
        before, nodes = own.ids, self._nodes()
        own.ids = ([None] if values["noneEnabled"] else []) + [node.GetID() for node in nodes]
        own.node_observers.clear()
        for node in nodes:
            own.node_observers.add(node, vtk.vtkCommand.ModifiedEvent, self._renamed)
        own.combo.blockSignals(True)
        own.combo.clear()
        own.combo.addItems([values["noneDisplay"]] if values["noneEnabled"] else [])
        own.combo.addItems([node.GetName() or "" for node in nodes])
        own.combo.addItems([text for key, text in COMMANDS.items() if values[key]])
        own.combo.blockSignals(False)
        self._choose(own.current if own.current in own.ids else self._neighbour(before))

    def _neighbour(self, before):
        """What is selected once the current entry is gone: the one above it, else the first."""
        own = self.own
        if own.current is None or own.current not in before:
            return None
        above = [identifier for identifier in before[: before.index(own.current)] if identifier in own.ids]
        return above[-1] if above else own.ids[0] if own.ids else None

    def _renamed(self, node, _event):
        own = self.own
        if node.GetID() in own.ids:
            index = own.ids.index(node.GetID())
            if own.combo.itemText(index) != (node.GetName() or ""):
                own.combo.setItemText(index, node.GetName() or "")
                if node.GetID() == own.current:
                    self.currentNodeRenamed.emit(node.GetName())

    # the current node

    def _choose(self, identifier):
        own = self.own
        own.combo.setCurrentIndex(own.ids.index(identifier) if identifier in own.ids else -1)
        if identifier == own.current:
            return
        own.current = identifier
        node = self.currentNode()
        self.currentNodeChanged.emit(node, arguments=("vtkMRMLNode*",))
        self.currentNodeChanged.emit(node is not None, arguments=("bool",))
        self.currentNodeIDChanged.emit(identifier or "")

    def currentNode(self):
        own = self.own
        return own.scene.GetNodeByID(own.current) if own.scene is not None and own.current else None

    def setCurrentNodeID(self, identifier):
        self.own.requested = identifier if self.own.scene is None else None
        self._choose(identifier if identifier in self.own.ids else None)

    def setCurrentNode(self, node):
        self.setCurrentNodeID(node if isinstance(node, str) or node is None else node.GetID())

    def setCurrentNodeIndex(self, index):
        self.setCurrentNode(self.nodeFromIndex(index))

    currentNodeID = property(lambda self: self.own.current or "", setCurrentNodeID)
    currentNodeId = property(lambda self: self.own.current or "", setCurrentNodeID)

    # what the user can do in the list

    def _activated(self, index):
        if index < len(self.own.ids):
            self._choose(self.own.ids[index])
            self.nodeActivated.emit(self.currentNode())
            return
        command = self.own.combo.itemText(index)
        self.own.combo.setCurrentIndex(self.own.ids.index(self.own.current) if self.own.current in self.own.ids else -1)
        if command.startswith("Create"):
            node = self.addNode()
            if hasattr(self, "nodeAddedByUserAction"):  # new in Slicer 5.12
                self.nodeAddedByUserAction.emit(node)
        elif command.startswith("Delete"):
            self.removeCurrentNode()

    def addNode(self, kind=None):
        scene, values = self.own.scene, self._values
        node = scene.CreateNodeByClass(kind or values["nodeTypes"][0])
        node.UnRegister(None)
        node.SetName(scene.GenerateUniqueName(values["baseName"] or node.GetNodeTagName()))
        for node_type, name, value in self.own.attributes:
            if node.IsA(node_type):
                node.SetAttribute(name, "" if value is None else str(value))
        node = scene.AddNode(node)
        if values["selectNodeUponCreation"]:
            self.setCurrentNode(node)
        self.nodeAdded.emit(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self):
        node = self.currentNode()
        if node is not None:
            self.nodeAboutToBeRemoved.emit(node)
            self.own.scene.RemoveNode(node)

    def nodeTypeLabel(self, kind):
        return self.own.labels.get(kind, "")

    def setNodeTypeLabel(self, label, kind):
        self.own.labels[kind] = label
