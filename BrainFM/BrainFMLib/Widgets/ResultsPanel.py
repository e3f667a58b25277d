"""Looking at results: layouts, overlay, flipping, quality, the table of volumes."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainFMLib import Checkerboard, Layouts, Navigation, Settings, VolumesTable
from BrainFMLib.LayoutPlans import NAMES, available, planFor
from BrainFMLib.QualityReport import QCReport
from BrainFMLib.SegmentSurfaces import hasSurfaces, surfaceSteps
from BrainFMLib.StepRunner import StepRunner
from BrainFMLib.SurfaceProcess import makeInChild
from BrainFMLib.Widgets.Icons import setIcon
from BrainFMLib.Widgets.StructureTable import StructureTable

_MANY = 6
_FIT_MS = (0, 150)
_QC_SUFFIX = "…_QC"


class ResultsPanel:
    """Section "Results".

    Attributes:
        current: the ResultSet that is looked at, None without one.
        onProblem: called with a message and a hint.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self._sets: list[Any] = []
        self.current: Any | None = None
        self.onProblem: Callable[[str, str], None] = lambda message, hint: None
        self.table = StructureTable(ui.volumesTable, ui.structureFilter)
        self.table.onStructure = self._onStructure
        self._filled: tuple = ()
        self._surfaces: StepRunner | None = None
        self._checkerboard: StepRunner | None = None
        ui.resultSelector.currentIndexChanged.connect(self._onSelected)
        for name in NAMES:
            self._layoutButton(name).clicked.connect(self._opener(name))
        ui.restoreLayoutButton.clicked.connect(self.restoreLayout)
        ui.previousResultButton.clicked.connect(lambda: self.flip(-1))
        ui.nextResultButton.clicked.connect(lambda: self.flip(1))
        ui.overlaySlider.valueChanged.connect(self._onOverlay)
        ui.checkerboardCheckBox.toggled.connect(self._onCheckerboard)
        ui.show3DButton.toggled.connect(self._onShow3D)
        ui.copyTableButton.clicked.connect(self._onCopy)
        ui.exportTableButton.clicked.connect(self._onExport)
        self.showSets([])

    def showSets(self, sets: Sequence[Any], chosen: Any | None = None) -> None:
        """Offer these results.

        Args:
            sets: all that are in the scene, the newest first.
            chosen: which one to look at; None: the first.
        """
        self._sets = list(sets)
        combo = self._ui.resultSelector
        wasBlocked = combo.blockSignals(True)
        combo.clear()
        combo.addItems([titleOf(resultSet) for resultSet in self._sets])
        combo.visible = len(self._sets) > 1
        combo.currentIndex = self._sets.index(chosen) if chosen in self._sets else min(len(self._sets), 1) - 1
        combo.blockSignals(wasBlocked)
        self._onSelected()

    def showLayout(self, name: str) -> None:
        """Show the results that are looked at in a layout."""
        if self.current is None or planFor(name, self.current.kinds()) is None:
            return
        self._stopCheckerboard()
        plan = Layouts.showLayout(name, self.current, self._opacityOf(name))
        for wait in _FIT_MS:
            qt.QTimer.singleShot(wait, lambda: self._fit(plan))
        self._updateLayout()
        if plan.segments3D and self.current.get("dseg") is not None:
            self._ui.show3DButton.checked = True

    def _fit(self, plan: Any) -> None:
        """Fit once more: new views have their size only when they are drawn."""
        if Layouts.currentLayout() == plan.name:
            Layouts.fit(plan)

    def showFirst(self, names: Sequence[str]) -> None:
        """Show the results in the first of these layouts that they can fill."""
        offered = available(self.current.kinds()) if self.current is not None else ()
        name = next((name for name in names if name in offered), None)
        if name is not None:
            self.showLayout(name)

    def restoreLayout(self) -> None:
        """Give the user's own layout back."""
        self._stopCheckerboard()
        Layouts.restoreLayout()
        self._updateLayout()

    def flip(self, step: int) -> None:
        """Show the next (1) or the previous (-1) result in place of the scan."""
        if self.current is None:
            return
        title, number, count = Navigation.flipThrough(self.current, step)
        self._ui.flipLabel.text = _("{title} ({n} of {count})").format(title=title, n=number, count=count)

    def stop(self) -> None:
        """End what goes on: the module is going away."""
        self._stopCheckerboard()
        if self._surfaces is not None:
            self._surfaces.stop()

    # What is looked at

    def _onSelected(self) -> None:
        index = self._ui.resultSelector.currentIndex
        self.current = self._sets[index] if 0 <= index < len(self._sets) else None
        self._ui.resultsCollapsibleButton.enabled = self.current is not None
        self._updateQuality()
        self._updateTable()
        self._updateLayout()

    def _updateQuality(self) -> None:
        report = QCReport.of(self.current.get("qc")) if self.current is not None else None
        self._ui.qcFrame.visible = report is not None
        if report is None:
            return
        icons = {"pass": qt.QStyle.SP_DialogApplyButton, "fail": qt.QStyle.SP_MessageBoxCritical}
        setIcon(self._ui.qcIcon, icons.get(report.verdict, qt.QStyle.SP_MessageBoxWarning))
        sentences = list(dict.fromkeys((*report.findings, *report.warnings)))
        lines = [html.escape(sentence[:1].upper() + sentence[1:]) for sentence in sentences[:_MANY]]
        if len(sentences) > _MANY:
            lines.append(_("and {n} more, in the node {name}").format(n=len(sentences) - _MANY, name=_QC_SUFFIX))
        self._ui.qcLabel.text = "<br>• ".join((f"<b>{html.escape(report.headline)}</b>", *lines))

    def _updateTable(self) -> None:
        node = self.current.get("volumes") if self.current is not None else None
        self._ui.volumesFrame.visible = node is not None
        looks = (node.GetID(), node.GetTable().GetMTime()) if node is not None else ()
        if node is not None and looks != self._filled:
            self.table.fill(VolumesTable.rowsOf(node), _colorsOf(self.current.get("dseg")))
        self._filled = looks
        self._update3D()

    def _update3D(self) -> None:
        """Let the button say whether the surfaces are shown."""
        segmentation = self.current.get("dseg") if self.current is not None else None
        self._ui.show3DButton.visible = segmentation is not None
        if segmentation is not None:
            display = segmentation.GetDisplayNode()
            shown = hasSurfaces(segmentation) and display is not None and bool(display.GetVisibility3D())
            wasBlocked = self._ui.show3DButton.blockSignals(True)
            self._ui.show3DButton.checked = shown or self._making
            self._ui.show3DButton.blockSignals(wasBlocked)

    @property
    def _making(self) -> bool:
        return self._surfaces is not None and self._surfaces.running

    # Layouts

    def _layoutButton(self, name: str) -> Any:
        return getattr(self._ui, f"{name.lower()}LayoutButton")

    def _opener(self, name: str) -> Callable[[], None]:
        return lambda: self.showLayout(name)

    def _updateLayout(self) -> None:
        """Let the buttons and the slider say what the views show."""
        kinds = self.current.kinds() if self.current is not None else ()
        shown, offered = Layouts.currentLayout(), available(kinds)
        for name in NAMES:
            self._layoutButton(name).enabled = name in offered
            self._layoutButton(name).checked = name == shown
        plan = planFor(shown, kinds) if shown else None
        hasOverlay = plan is not None and bool(plan.overlay)
        self._ui.restoreLayoutButton.enabled = bool(shown)
        self._ui.overlayLabel.visible = self._ui.overlaySlider.visible = hasOverlay
        self._ui.checkerboardCheckBox.visible = shown == "Atlas"
        self._update3D()
        if hasOverlay:
            self._ui.overlayLabel.text = plan.overlay
            wasBlocked = self._ui.overlaySlider.blockSignals(True)
            self._ui.overlaySlider.value = self._opacityOf(shown)
            self._ui.overlaySlider.blockSignals(wasBlocked)

    def _opacityOf(self, name: str) -> float:
        plan = planFor(name, self.current.kinds())
        return Settings.readFloat(f"opacity/{name}", plan.opacity)

    def _onOverlay(self, value: float) -> None:
        name = Layouts.currentLayout()
        if not name or self.current is None:
            return
        Settings.write(f"opacity/{name}", round(value, 3))
        Layouts.setOverlay(planFor(name, self.current.kinds()), self.current, value)

    def _onCheckerboard(self, on: bool) -> None:
        if not on:
            self._stopCheckerboard()
            return
        if Layouts.currentLayout() != "Atlas" or self.current is None:
            return
        plan, steps = planFor("Atlas", self.current.kinds()), Checkerboard.steps(self.current.get("atlas"))
        self._checkerboard = StepRunner(
            steps,
            lambda step: None,
            lambda node: Checkerboard.show(node, plan),
            lambda error: self.onProblem(_("The checkerboard cannot be made"), str(error)),
        )

    def _stopCheckerboard(self) -> None:
        if self._checkerboard is not None:
            self._checkerboard.stop()
            self._checkerboard = None
        if self._ui.checkerboardCheckBox.checked:
            self._ui.checkerboardCheckBox.checked = False
            return  # which brings us here again
        Checkerboard.removeAll()
        if Layouts.currentLayout() == "Atlas" and self.current is not None:
            Layouts.showOverlays(planFor("Atlas", self.current.kinds()), self.current, self._opacityOf("Atlas"))

    # Structures

    def _onStructure(self, name: str) -> None:
        if self.current is not None:
            Navigation.jumpToStructure(self.current, name)

    def _onShow3D(self, on: bool) -> None:
        segmentation = self.current.get("dseg") if self.current is not None else None
        if segmentation is None:
            return
        if self._surfaces is not None:
            self._surfaces.stop()
        if not on:
            segmentation.GetDisplayNode().SetVisibility3D(False)
            return
        shown = Layouts.currentLayout()
        if shown and not planFor(shown, self.current.kinds()).segments3D:
            self.showLayout("Anatomy")  # the others have no view for them
            return
        self._surfaces = StepRunner(
            surfaceSteps(segmentation, makeInChild),
            lambda step: slicer.util.showStatusMessage(step[0], 2000),
            lambda value: None,
            lambda error: self.onProblem(_("The surfaces cannot be made"), str(error)),
        )

    def _onCopy(self) -> None:
        qt.QApplication.clipboard().setText(VolumesTable.asText(self.current.get("volumes")))

    def _onExport(self) -> None:
        table = self.current.get("volumes")
        suggestion = str(Path(Settings.read("exportFolder")) / f"{table.GetName()}.csv")
        title = _("Save the volumes")
        path = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, suggestion, "CSV (*.csv)")
        if path:
            self.exportTable(Path(path))

    def exportTable(self, path: Path) -> None:
        """Write the volumes to a CSV file."""
        try:
            VolumesTable.exportCsv(self.current.get("volumes"), path)
        except Exception as error:
            self.onProblem(getattr(error, "message", str(error)), getattr(error, "hint", ""))
            return
        Settings.write("exportFolder", path.parent)


def titleOf(resultSet: Any) -> str:
    """Return what users read for a result: scan, model, and which of several it is."""
    title = _("{scan} · {model}").format(scan=resultSet.inputName, model=resultSet.model)
    return title if resultSet.number == 1 else _("{title} · {n}").format(title=title, n=resultSet.number)


def _colorsOf(segmentationNode: Any | None) -> dict[str, tuple[float, float, float]]:
    if segmentationNode is None:
        return {}
    segmentation = segmentationNode.GetSegmentation()
    segments = [segmentation.GetNthSegment(index) for index in range(segmentation.GetNumberOfSegments())]
    return {segment.GetName(): segment.GetColor() for segment in segments}
