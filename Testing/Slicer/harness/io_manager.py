"""`slicer.app.ioManager()` over the storage nodes of slicer-core: what slicer.util's loading and saving calls."""

from __future__ import annotations

from pathlib import Path

import slicer
from PySide6 import QtGui

from harness.facade import behaviour

FILE_TYPES = {
    "SegmentationFile": (".seg.nrrd", ".seg.nhdr"),
    "VolumeFile": (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr"),
    "SceneFile": (".mrb", ".mrml"),
    "TransformFile": (".h5", ".tfm", ".mat"),
    "ModelFile": (".vtk", ".vtp", ".ply", ".stl", ".obj"),
    "TableFile": (".csv", ".tsv"),
    "TextFile": (".txt", ".json", ".xml"),
}
NODES = {
    "TransformFile": ("vtkMRMLTransformNode", "vtkMRMLTransformStorageNode"),
    "ModelFile": ("vtkMRMLModelNode", "vtkMRMLModelStorageNode"),
    "TableFile": ("vtkMRMLTableNode", "vtkMRMLTableStorageNode"),
    "TextFile": ("vtkMRMLTextNode", "vtkMRMLTextStorageNode"),
}


def file_type(name: str) -> str:
    """Slicer's file type of a file name; NoFile when it is not known."""
    lower = name.lower()
    return next((kind for kind, ends in FILE_TYPES.items() if lower.endswith(ends)), "NoFile")


@behaviour
class qSlicerCoreIOManager:
    DEFAULTS = {"defaultMaximumFileNameLength": 50, "defaultSceneFileType": "MRB (Medical Reality Bundle)"}

    def _bind(self, application_logic, logics):
        self.own.application_logic, self.own.logics = application_logic, logics

    def fileType(self, name):
        return file_type(str(name))

    def loadNodes(self, kind, properties, loaded=None, messages=None):
        path = str(properties["fileName"])
        if not Path(path).exists():
            return False
        if kind == "SceneFile":
            return self.loadScene(path, clear=properties.get("clear", False))
        node = self._node(kind, path, properties.get("name") or Path(path).name.split(".")[0], properties)
        if node is None:
            return False
        if loaded is not None:
            loaded.AddItem(node)
        self.newFileLoaded.emit(dict(properties))
        return True

    def _node(self, kind, path, name, properties):
        if kind == "VolumeFile":
            options = 1 if properties.get("labelmap") else 0
            return self.own.logics["Volumes"].AddArchetypeVolume(path, name, options)
        if kind == "SegmentationFile":
            return self.own.logics["Segmentations"].LoadSegmentationFromFile(path, True, name)
        if kind not in NODES:
            return None
        node_class, storage_class = NODES[kind]
        node = slicer.mrmlScene.AddNewNodeByClass(node_class, name)
        storage = getattr(slicer, storage_class)()
        storage.SetFileName(path)
        if not storage.ReadData(node):
            slicer.mrmlScene.RemoveNode(node)
            return None
        if node.IsA("vtkMRMLDisplayableNode"):
            node.CreateDefaultDisplayNodes()
        return node

    def loadScene(self, path, clear=True, messages=None):
        if clear:
            slicer.mrmlScene.Clear(0)
        if path.lower().endswith(".mrb"):
            return bool(slicer.mrmlScene.ReadFromMRB(path, clear))
        slicer.mrmlScene.SetURL(path)
        return bool(slicer.mrmlScene.Connect() if clear else slicer.mrmlScene.Import())

    def saveScene(self, path, picture=None, messages=None):
        if picture is not None and not isinstance(picture, QtGui.QImage):
            raise TypeError("saveScene takes a QImage")
        if path.lower().endswith(".mrb"):
            return bool(slicer.mrmlScene.WriteToMRB(path))
        slicer.mrmlScene.SetURL(path)
        return bool(slicer.mrmlScene.Commit(path))

    def fileWriterFileType(self, node, extension=""):
        storage = node.GetStorageNode() or node.CreateDefaultStorageNode()
        return file_type("." + (extension or storage.GetDefaultWriteFileExtension()).lstrip("."))

    def saveNodes(self, kind, properties, messages=None, scene=None):
        if kind == "SceneFile":
            return self.saveScene(str(properties["fileName"]))
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        node.AddDefaultStorageNode(properties["fileName"])
        storage = node.GetStorageNode()
        storage.SetFileName(properties["fileName"])
        if "useCompression" in properties:
            storage.SetUseCompression(properties["useCompression"])
        done = bool(storage.WriteData(node))
        if done:
            self.fileSaved.emit(dict(properties))
        return done

    def addDefaultStorageNodes(self):
        for node in slicer.util.getNodesByClass("vtkMRMLStorableNode"):
            node.AddDefaultStorageNode()


@behaviour
class qSlicerIOManager:
    def loadNodes(self, kind, properties, loaded=None, messages=None):
        return super(type(self), self).loadNodes(kind, properties, loaded, messages)
