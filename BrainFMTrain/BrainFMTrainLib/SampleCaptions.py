"""What was drawn for a sample, in a corner of its views.

Slicer's own corner texts belong to its Data Probe, which writes them anew with every movement.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk

_FONT_SIZE, _BACKGROUND = 11, 0.45
_UPPER_LEFT = (0.02, 0.98)


class SampleCaptions:
    """The texts of all views; `clear` takes them away."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[Any, Any]] = {}

    def show(self, viewName: str, text: str) -> None:
        """Write a text into the upper left corner of a slice view; "" for none."""
        widget = slicer.app.layoutManager().sliceWidget(viewName)
        if widget is None:
            return
        view = widget.sliceView()
        if viewName not in self._shown and text:
            actor, renderer = _actor(), _topRenderer(view.renderWindow())
            renderer.AddViewProp(actor)
            self._shown[viewName] = (renderer, actor)
        if viewName in self._shown:
            self._shown[viewName][1].SetInput(text)
            view.scheduleRender()

    def clear(self) -> None:
        """Take all texts away."""
        for renderer, actor in self._shown.values():
            renderer.RemoveViewProp(actor)
        self._shown.clear()


def _actor() -> vtk.vtkTextActor:
    actor = vtk.vtkTextActor()
    style = actor.GetTextProperty()
    style.SetFontSize(_FONT_SIZE)
    style.SetColor(1.0, 1.0, 1.0)
    style.SetBackgroundColor(0.0, 0.0, 0.0)
    style.SetBackgroundOpacity(_BACKGROUND)
    style.SetVerticalJustificationToTop()
    actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
    actor.SetPosition(*_UPPER_LEFT)
    return actor


def _topRenderer(window: Any) -> Any:
    renderers = window.GetRenderers()
    every = [renderers.GetItemAsObject(number) for number in range(renderers.GetNumberOfItems())]
    return max(every, key=lambda renderer: renderer.GetLayer())
