"""Views for the results: one call shows a layout, one gives the user's own back.

Nothing is kept in Python: the user's former layout and how the results were displayed before are written into the
nodes themselves, so that reloading the module or leaving it in mid-way loses nothing.
"""

from __future__ import annotations

from typing import Any

import slicer

from BrainFMLib import ShownState, ViewPlaces
from BrainFMLib.LayoutPlans import INPUT, NAMES, OTHER_VIEWS, VIEW_GROUP, Pane, Plan, planFor, viewName

FORMER = "BrainFM.FormerLayout"
SHOWN = "BrainFM.Layout"
POSITION = "BrainFM.Position"
_BAND_MM = 2.0
DISTANCES = ("lp", "lw", "rp", "rw")
LEGENDS = (*DISTANCES, "biasfield")
SURFACES = ("pialLeft", "pialRight", "whiteLeft", "whiteRight")


def layoutNode() -> Any:
    """Return the node that says which layout is shown."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def currentLayout() -> str:
    """Return the name of the layout of this module that is shown, "" if it is another."""
    node = layoutNode()
    shown = node.GetAttribute(SHOWN) if node is not None else None
    plan = shown if shown in NAMES else ""
    return plan if plan and node.GetViewArrangement() == Plan(plan, (), ()).layoutID else ""


def registerLayouts() -> None:
    """Make the layouts known, so that a scene that was saved with one of them opens with it."""
    from BrainFMLib.ResultKinds import KINDS

    for name in NAMES:
        _describe(planFor(name, KINDS))


def showLayout(name: str, resultSet: Any, opacity: float | None = None) -> Plan:
    """Show results in one of the layouts "Contrasts", "Anatomy", "Cortex", "Bias" and "Atlas".

    Args:
        name: of the layout.
        resultSet: what to show.
        opacity: of the overlay, 0..1; None: the layout's own.

    Raises:
        ValueError: the results lack what the layout shows.
    """
    plan = planFor(name, resultSet.kinds())
    if plan is None:
        raise ValueError(f"these results have nothing for the layout {name!r}")
    node, scan = layoutNode(), inputOf(resultSet)
    former = _formerPosition()
    position = ViewPlaces.position(scan, resultSet.get("dseg"), former) if scan is not None else None
    if not currentLayout():
        node.SetAttribute(FORMER, str(node.GetViewArrangement()))
    _describe(plan)
    node.SetAttribute(SHOWN, name)
    if position is not None:
        node.SetAttribute(POSITION, " ".join(f"{value:.3f}" for value in position))
    node.SetViewArrangement(plan.layoutID)
    _showResults(plan, resultSet)
    _showTable(resultSet)
    _tidy3D()
    showOverlays(plan, resultSet, plan.opacity if opacity is None else opacity)
    fit(plan, position)
    return plan


def showOverlays(plan: Plan, resultSet: Any, opacity: float) -> None:
    """Give every slice view of a layout its images."""
    for number, pane in enumerate(plan.panes):
        _fill(viewName(number), pane, resultSet)
    for kind in LEGENDS:
        place = next((n for n, pane in enumerate(plan.panes) if pane.overlay == kind and pane.legend), None)
        _showLegend(resultSet.get(kind), viewName(place) if place is not None else "")
    setOverlay(plan, resultSet, opacity)


def restoreLayout() -> None:
    """Give the user's own layout back, and show the results as they were before; does nothing in other layouts."""
    node = layoutNode()
    if node is None or not currentLayout():
        return
    ShownState.restoreAll()
    former = node.GetAttribute(FORMER) or ""
    fourUp = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    node.SetViewArrangement(int(former) if former.isdigit() else fourUp)
    node.RemoveAttribute(SHOWN)
    node.RemoveAttribute(FORMER)
    node.RemoveAttribute(POSITION)


def setOverlay(plan: Plan, resultSet: Any, opacity: float) -> None:
    """Let results cover the scan: 0 not at all, 1 fully."""
    for number, pane in enumerate(plan.panes):
        composite = compositeNode(viewName(number)) if pane.overlay else None
        if composite is not None:
            composite.SetForegroundOpacity(opacity)
    segmentation = resultSet.get("dseg")
    if plan.segmentation and segmentation is not None:
        display = segmentation.GetDisplayNode()
        display.SetVisibility2D(opacity > 0)
        display.SetOpacity2DFill(opacity)
        display.SetOpacity2DOutline(min(opacity * 2, 1.0))


def compositeNode(name: str) -> Any:
    """Return the node that says what slice view `name` shows."""
    logic = slicer.app.applicationLogic().GetSliceLogicByLayoutName(name)
    return logic.GetSliceCompositeNode() if logic is not None else None


def sliceNode(name: str) -> Any:
    """Return the node of slice view `name`."""
    return slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLSliceNode")


def inputOf(resultSet: Any) -> Any | None:
    """Return the scan; where it is gone, the image that is most like it."""
    nodes = (resultSet.inputNode, *(resultSet.get(kind) for kind in ("corrected", "T1w", "T2w", "CT", "atlas")))
    return next((node for node in nodes if node is not None), None)


def fit(plan: Plan, position: tuple[float, float, float] | None = None) -> None:
    """Zoom each view onto its image, and go to a position (RAS mm)."""
    for number in range(len(plan.panes)):
        logic = slicer.app.applicationLogic().GetSliceLogicByLayoutName(viewName(number))
        if logic is None:
            continue
        offset = logic.GetSliceOffset()
        logic.FitSliceToBackground()
        if position is not None:
            sliceNode(viewName(number)).JumpSliceByOffsetting(*position)
        else:
            logic.SetSliceOffset(offset)
    ViewPlaces.fit3D()


def _formerPosition() -> tuple[float, ...]:
    """Return where the layout that is shown was, () in other layouts: not every layout has all three orientations."""
    text = layoutNode().GetAttribute(POSITION) if currentLayout() else None
    return tuple(float(value) for value in (text or "").split())


def _describe(plan: Plan) -> None:
    node = layoutNode()
    if node.IsLayoutDescription(plan.layoutID):
        node.SetLayoutDescription(plan.layoutID, plan.xml())
    else:
        node.AddLayoutDescription(plan.layoutID, plan.xml())


def _fill(name: str, pane: Pane, resultSet: Any) -> None:
    composite, view = compositeNode(name), sliceNode(name)
    if composite is None or view is None:
        return  # there are no views without a window
    background = inputOf(resultSet) if pane.background == INPUT else resultSet.get(pane.background)
    overlay = resultSet.get(pane.overlay) if pane.overlay else None
    composite.SetDoPropagateVolumeSelection(False)
    composite.SetLinkedControl(True)
    composite.SetHotLinkedControl(True)
    composite.SetBackgroundVolumeID(background.GetID() if background is not None else None)
    composite.SetForegroundVolumeID(overlay.GetID() if overlay is not None else None)
    composite.SetLabelVolumeID(None)
    if overlay is None:
        composite.SetForegroundOpacity(0.0)
    view.SetOrientation(pane.orientation)
    view.SetLayoutLabel(pane.label)
    view.SetViewGroup(VIEW_GROUP)


def _showLegend(volume: Any | None, place: str) -> None:
    """Show an overlay's colour legend in one view only, or not at all.

    A view that is younger than the legend learns of it only when its layers change as if by hand.
    """
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(volume) if volume is not None else None
    if legend is None:
        return
    view, composite = (sliceNode(place), compositeNode(place)) if place else (None, None)
    ShownState.remember(legend)
    legend.SetVisibility(view is not None)
    legend.SetViewNodeIDs([view.GetID()] if view is not None else [])
    if composite is not None:
        composite.SetInteractionFlags(slicer.vtkMRMLSliceCompositeNode.ForegroundVolumeFlag)
        composite.Modified()
        composite.SetInteractionFlags(0)
        legend.Modified()


def _showResults(plan: Plan, resultSet: Any) -> None:
    segmentation = resultSet.get("dseg")
    if segmentation is not None:
        display = segmentation.GetDisplayNode()
        ShownState.remember(display)
        display.SetVisibility(True)
        display.SetVisibility2D(plan.segmentation)
        display.SetVisibility3D(plan.segments3D)
    for kind in DISTANCES if plan.surfaces else ():
        volume = resultSet.get(kind)
        if volume is not None:
            display = volume.GetDisplayNode()
            ShownState.remember(display)
            display.SetThreshold(-_BAND_MM, _BAND_MM)  # farther away the maps say little
    for kind in SURFACES:
        model = resultSet.get(kind)
        if model is not None:
            display = model.GetDisplayNode()
            ShownState.remember(display)
            display.SetVisibility(True)
            display.SetVisibility2D(plan.surfaces)
            display.SetVisibility3D(plan.surfaces)


def _tidy3D() -> None:
    """No box and no letters around the brain."""
    view = slicer.mrmlScene.GetSingletonNode(OTHER_VIEWS, "vtkMRMLViewNode")
    if view is not None:
        view.SetBoxVisible(False)
        view.SetAxisLabelsVisible(False)


def _showTable(resultSet: Any) -> None:
    table, view = resultSet.get("volumes"), slicer.mrmlScene.GetSingletonNode(OTHER_VIEWS, "vtkMRMLTableViewNode")
    if table is not None and view is not None:
        view.SetTableNodeID(table.GetID())
