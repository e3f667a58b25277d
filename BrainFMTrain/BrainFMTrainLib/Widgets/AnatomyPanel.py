"""The head that samples are made from: bundled, in the scene or in a file; and real images of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import slicer
from BrainFMEngine.anatomy.sample_head import SAMPLE_HEAD, SAMPLE_HEAD_CREDIT, SAMPLE_HEAD_TITLE
from BrainFMEngine.errors import UsageError
from BrainFMLib.Steps import FractionSteps, part
from slicer.i18n import tr as _

from BrainFMTrainLib.SceneInputs import SceneInputs

CONTRASTS = ("T1", "T2", "FLAIR", "CT")
SCENE, FILE = "scene", "file"
_OPTION = "--map-labels"
MOST_NAMED = 6
"""So many segments that are not known are named."""


class AnatomyPanel:
    """Part "Anatomy" of the preview.

    Args:
        ui: the form's widgets by name.

    Attributes:
        onChanged: called when the user chose something else.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.onChanged: Callable[[], None] = lambda: None
        self._inputs = SceneInputs()
        self._bundled = [{"title": SAMPLE_HEAD_TITLE, "credit": SAMPLE_HEAD_CREDIT, "path": str(SAMPLE_HEAD)}]
        self._fill("")
        ui.anatomyComboBox.connect("currentIndexChanged(int)", self._onChanged)
        ui.anatomySelector.connect("currentNodeChanged(vtkMRMLNode*)", self._onNode)
        ui.anatomyFileEdit.currentPathChanged.connect(self._onChanged)
        for name in CONTRASTS:
            self._selector(name).connect("currentNodeChanged(vtkMRMLNode*)", self._onChanged)
            self._fileEdit(name).currentPathChanged.connect(self._onChanged)
        self._showKind()

    @property
    def kind(self) -> str:
        """`SCENE`, `FILE`, or the title of a bundled head."""
        index = self._ui.anatomyComboBox.currentIndex
        return self._kinds()[index] if index >= 0 else self._kinds()[0]

    def setBundled(self, anatomies: Sequence[Mapping[str, str]]) -> None:
        """Offer the heads that come with the engine."""
        if anatomies and list(anatomies) != self._bundled:
            chosen, self._bundled = self.kind, [dict(anatomy) for anatomy in anatomies]
            self._fill(chosen)

    def values(self) -> dict[str, Any]:
        """Return what is chosen, by the names of `PreviewParameterNode`."""
        ui = self._ui
        files = {f"{name.lower()}File": str(self._fileEdit(name).currentPath).strip() for name in CONTRASTS}
        return {"anatomy": self.kind, "anatomyFile": str(ui.anatomyFileEdit.currentPath).strip(), **files}

    def nodes(self) -> dict[str, Any]:
        """Return the chosen nodes by the names of `PreviewParameterNode`, None where there is none."""
        nodes = {f"{name.lower()}Node": self._selector(name).currentNode() for name in CONTRASTS}
        return {"anatomyNode": self._ui.anatomySelector.currentNode(), **nodes}

    def show(self, values: Mapping[str, Any], nodes: Mapping[str, Any]) -> None:
        """Choose what was kept."""
        ui = self._ui
        ui.anatomyFileEdit.currentPath = values["anatomyFile"]
        for name in CONTRASTS:
            self._fileEdit(name).currentPath = values[f"{name.lower()}File"]
            if nodes:
                self._selector(name).setCurrentNode(nodes.get(f"{name.lower()}Node"))
        if nodes:
            ui.anatomySelector.setCurrentNode(nodes.get("anatomyNode"))
        kinds = self._kinds()
        ui.anatomyComboBox.currentIndex = kinds.index(values["anatomy"]) if values["anatomy"] in kinds else 0
        hasImages = any(values[f"{name.lower()}File"] for name in CONTRASTS) or any(
            nodes.get(f"{name.lower()}Node") for name in CONTRASTS
        )
        if hasImages:
            ui.realImagesGroupBox.collapsed = False

    def problem(self) -> str:
        """Return what is missing, "" if nothing is."""
        if self.kind == SCENE and self._ui.anatomySelector.currentNode() is None:
            return _("Choose a label map or a segmentation under “Anatomy”.")
        if self.kind == FILE and not self.values()["anatomyFile"]:
            return _("Choose the file of a label map under “Anatomy”.")
        return ""

    def requestSteps(self, folder: Path) -> FractionSteps[dict[str, Any]]:
        """Write what is in the scene; yields the fraction done, returns the keys of a request.

        Raises:
            BrainFMError: something chosen cannot be used; says why.
            OSError: a file cannot be written.
        """
        request: dict[str, Any] = {}
        self._inputs.names.clear()
        anatomy = yield from part(self._anatomySteps(folder), 0.0, 0.5)
        if anatomy:
            request["anatomy"] = anatomy
        images: dict[str, str] = {}
        for index, name in enumerate(CONTRASTS):
            node, path = self._selector(name).currentNode(), str(self._fileEdit(name).currentPath).strip()
            if node is not None:
                steps = self._inputs.fileSteps(name, node, folder)
                path = str((yield from part(steps, 0.5 + index / 8, 0.5 + (index + 1) / 8)))
            if path:
                images[name] = path
        return {**request, "images": images} if images else request

    def words(self, message: str, hint: str) -> tuple[str, str]:
        """Return what the engine says of its files in words for the panel: nodes by their names, no command line."""
        for file, name in self._inputs.names.items():
            message, hint = message.replace(file, name), hint.replace(file, name)
        if _OPTION in hint:
            hint = _("Is it a scan? Load other labels as a segmentation and name its segments as FreeSurfer does.")
        return message, hint

    def _anatomySteps(self, folder: Path) -> FractionSteps[str]:
        kind, self._inputs.unknown = self.kind, []
        if kind == FILE:
            return self.values()["anatomyFile"]
        if kind != SCENE:
            chosen = next(anatomy for anatomy in self._bundled if anatomy["title"] == kind)
            return "" if chosen is self._bundled[0] else chosen["path"]
        node = self._ui.anatomySelector.currentNode()
        if node is None:
            raise UsageError(self.problem())
        path = yield from self._inputs.fileSteps("anatomy", node, folder)
        self._showHint()
        return str(path)

    def _selector(self, name: str) -> Any:
        return getattr(self._ui, f"real{name}Selector")

    def _fileEdit(self, name: str) -> Any:
        return getattr(self._ui, f"real{name}FileEdit")

    def _kinds(self) -> list[str]:
        return [*(anatomy["title"] for anatomy in self._bundled), SCENE, FILE]

    def _fill(self, chosen: str) -> None:
        combo = self._ui.anatomyComboBox
        wasBlocked = combo.blockSignals(True)
        combo.clear()
        combo.addItems([anatomy["title"] for anatomy in self._bundled])
        combo.addItems([_("Label map or segmentation of the scene"), _("File of a label map")])
        combo.currentIndex = self._kinds().index(chosen) if chosen in self._kinds() else 0
        combo.blockSignals(wasBlocked)

    def _onNode(self, node: Any) -> None:
        """Whoever chooses a node means it; a closing scene takes it away."""
        if node is not None and not slicer.mrmlScene.IsBatchProcessing():
            self._ui.anatomyComboBox.currentIndex = self._kinds().index(SCENE)
        self._onChanged()

    def _onChanged(self, _value: Any = None) -> None:
        self._inputs.unknown = []
        self._showKind()
        self.onChanged()

    def _showKind(self) -> None:
        self._ui.anatomySelector.visible = self.kind == SCENE
        self._ui.anatomyFileEdit.visible = self.kind == FILE
        for name in CONTRASTS:
            self._fileEdit(name).enabled = self._selector(name).currentNode() is None
        self._showHint()

    def _showHint(self) -> None:
        """Say what the user has to know about the anatomy."""
        names = self._inputs.unknown
        text = next((anatomy["credit"] for anatomy in self._bundled if anatomy["title"] == self.kind), "")
        if names:
            listed = ", ".join(f"“{name}”" for name in names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
            text = _("The generator does not know {n} of its segments; there is air instead: {names}").format(
                n=len(names), names=listed
            )
        self._ui.anatomyHintLabel.text, self._ui.anatomyHintLabel.visible = text, bool(text)
