"""What the network would learn from: samples of the generator, side by side."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from BrainFMLib import Settings
from slicer.i18n import tr as _

from BrainFMTrainLib import SampleViews
from BrainFMTrainLib.PreviewWorker import PreviewWorker
from BrainFMTrainLib.Recipes import Choice

_PREFIX = "Train/preview"
LABELS = ("segmentation", "deformation_grid")
"""Targets that are label maps."""


def overlays() -> list[Choice]:
    """Return what can cover the samples: targets of one value a voxel."""
    return [
        Choice("", _("nothing")),
        Choice("segmentation", _("outlines of the anatomy")),
        Choice("deformation_grid", _("deformation grid")),
        Choice("clean", _("clean image")),
        Choice("bias_field_log", _("bias field")),
        Choice("high_res_residual", _("lost detail")),
    ]


_LARGEST_SEED = 2**31 - 1


class PreviewPanel:
    """Section "Preview".

    Args:
        ui: the form's widgets by name.
        setup: SetupPanel; knows whether everything is installed.
        notice: NoticePanel.

    Attributes:
        device: gives the device to compute on.
        recipe: gives recipe and preset, as `brainfm preview` takes them, that samples are made for.
        onRecipeSaved: called with the path of a recipe that the user wants to train with.
        worker: makes the samples.
    """

    def __init__(self, ui: Any, setup: Any, notice: Any):
        self._ui, self._setup, self._notice = ui, setup, notice
        self.device: Callable[[], str] = lambda: "auto"
        self.recipe: Callable[[], dict[str, str]] = dict
        self.onRecipeSaved: Callable[[str], None] = lambda path: None
        self.worker = PreviewWorker()
        self._samples: list[dict[str, Any]] = []
        self._overlays = overlays()
        self._contrasts = [
            Choice("", _("as the recipe: painted, real and mixed")),
            Choice("random", _("random")),
            Choice("t1", _("like T1")),
            Choice("t2", _("like T2")),
            Choice("flair", _("like FLAIR")),
            Choice("ct", _("like CT")),
        ]
        ui.overlayComboBox.clear()
        ui.overlayComboBox.addItems([choice.title for choice in self._overlays])
        ui.contrastComboBox.clear()
        ui.contrastComboBox.addItems([choice.title for choice in self._contrasts])
        ui.anatomyFileEdit.currentPath = Settings.read(_PREFIX + "File")
        ui.mildToSevereCheckBox.toggled.connect(self._onKind)
        ui.generateButton.clicked.connect(self._onGenerate)
        ui.newSeedButton.clicked.connect(self._onNewSeed)
        ui.saveRecipeButton.clicked.connect(self._onSaveRecipe)
        ui.exportButton.clicked.connect(self._onExport)
        ui.previewProgressBar.visible = False
        self.worker.onStage, self.worker.onSample = self._onStage, self._onSample
        self.worker.onDone, self.worker.onProblem = self._onDone, self._onProblem
        self._onKind()

    def request(self) -> dict[str, Any]:
        """Return what the form says, as `brainfm preview` takes it."""
        ui = self._ui
        request: dict[str, Any] = {"samples": ui.samplesSpinBox.value, "seed": ui.previewSeedSpinBox.value}
        request["severity"] = "mild-to-severe" if ui.mildToSevereCheckBox.checked else ui.severitySlider.value
        request["shape"] = "full" if ui.wholeHeadCheckBox.checked else ui.sizeSpinBox.value
        contrast = self._contrasts[max(ui.contrastComboBox.currentIndex, 0)].name
        anatomy = self._anatomy()
        chosen = {key: value for key, value in (("contrast", contrast), ("anatomy", anatomy)) if value}
        return {**self.recipe(), **request, **chosen}

    def stop(self) -> None:
        """End the worker: the module is going away."""
        self.worker.stop()

    def _overlay(self) -> str:
        """Return the target that covers the samples, "" for none."""
        return self._overlays[max(self._ui.overlayComboBox.currentIndex, 0)].name

    def _anatomy(self) -> str:
        """Return the label map's file, written if it is in the scene; "" for the sample head."""
        node = self._ui.anatomySelector.currentNode()
        if node is None:
            path = self._ui.anatomyFileEdit.currentPath.strip()
            Settings.write(_PREFIX + "File", path)
            return path
        path = self.worker.folder() / "anatomy.nii"
        storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
        storage.SetFileName(str(path))
        if not storage.WriteData(node):
            raise OSError(str(path))
        return str(path)

    def _onKind(self, _checked: bool = True) -> None:
        self._ui.severitySlider.enabled = not self._ui.mildToSevereCheckBox.checked

    def _onNewSeed(self) -> None:
        self._ui.previewSeedSpinBox.value = random.randrange(_LARGEST_SEED)
        self._onGenerate()

    def _onGenerate(self) -> None:
        self._samples = []
        SampleViews.removeOverlays()
        overlay = self._overlay()
        self._ask({"targets": [overlay]} if overlay else {})

    def _onSaveRecipe(self) -> None:
        """Write what training has to draw from to draw these samples."""
        window, folder = slicer.util.mainWindow(), Settings.read(_PREFIX + "Recipes")
        path = qt.QFileDialog.getSaveFileName(window, _("Save recipe"), folder, _("Recipe (*.json)"))
        if path:
            path = str(path) if str(path).endswith(".json") else f"{path}.json"
            Settings.write(_PREFIX + "Recipes", path)
            self._ask({"save_recipe": path, "overwrite": True})

    def _onExport(self) -> None:
        """Write the samples, with everything drawn for them, to keep them."""
        window, folder = slicer.util.mainWindow(), Settings.read(_PREFIX + "Exports")
        path = str(qt.QFileDialog.getExistingDirectory(window, _("Export samples"), folder))
        if path:
            Settings.write(_PREFIX + "Exports", path)
            self._ask({"export": path})

    def _ask(self, more: dict[str, Any]) -> None:
        self._notice.clearNotice()
        self._setup.ensure(lambda: self._send(more), self._notice.notice)

    def _send(self, more: dict[str, Any]) -> None:
        try:
            request = self.request()
        except OSError as error:
            self._notice.notice(_("The label map cannot be written to {path}").format(path=error))
            return
        self._onStage(_("Starting; the first samples take a little longer"), 0.0)
        self.worker.ask({**request, **more}, self.device())

    def _onStage(self, stage: str, fraction: float) -> None:
        self._ui.previewProgressBar.visible = True
        self._ui.previewProgressBar.value = int(fraction * self._ui.previewProgressBar.maximum)
        self._ui.previewLabel.text = stage

    def _onSample(self, sample: dict[str, Any]) -> None:
        try:
            index = int(sample["index"])
            name = _("Sample {n}, severity {severity:.2f}").format(n=index + 1, severity=float(sample["severity"]))
            SampleViews.showSample(Path(sample["files"]["image"]), index, name)
            for target in set(sample["files"]) & {choice.name for choice in self._overlays}:
                labels = target in LABELS
                SampleViews.showOverlay(Path(sample["files"][target]), index, f"{name}, {target}", labels)
        except OSError as error:
            self._onProblem(_("A sample cannot be read: {path}").format(path=error), "", "")
            return
        self._samples.append(sample)

    def _onDone(self, event: dict[str, Any]) -> None:
        self._ui.previewProgressBar.visible = False
        self._ui.previewLabel.text = ""
        if "recipe" in event:
            path = str(event["recipe"])
            action = (_("Train with it"), lambda: self.onRecipeSaved(path))
            self._notice.notice(_("The recipe is in {path}").format(path=path), severity="information", action=action)
        elif "samples" not in event and "folder" in event:
            text = _("The samples are in {path}").format(path=event["folder"])
            self._notice.notice(text, severity="information")
        elif self._samples:
            self._showSamples()

    def _showSamples(self) -> None:
        self._samples.sort(key=lambda sample: sample["index"])
        lines = [
            f"{sample['index'] + 1}: {_('severity')} {sample['severity']:.2f} · {sample.get('summary') or ''}"
            for sample in self._samples
        ]
        self._ui.previewLabel.text = "\n".join(lines)
        boxes = (self._ui.axialCheckBox, self._ui.coronalCheckBox, self._ui.sagittalCheckBox)
        chosen = [name for name, box in zip(SampleViews.ORIENTATIONS, boxes, strict=True) if box.checked]
        labels = [f"{sample['index'] + 1}: {sample['severity']:.2f}" for sample in self._samples]
        SampleViews.arrange(labels, chosen or ["Axial"])

    def _onProblem(self, message: str, hint: str, details: str) -> None:
        self._ui.previewProgressBar.visible = False
        self._ui.previewLabel.text = ""
        self._notice.notice(message, hint, details)
