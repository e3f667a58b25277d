"""Ticks for what covers the samples, each with its opacity and a legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from BrainFMEngine.anatomy.structures import structures
from BrainFMLib import Settings
from slicer.i18n import tr as _

from BrainFMTrainLib import SampleColors, SampleOverlays
from BrainFMTrainLib.SampleOverlays import ATLAS, BIAS, CLEAN, DISTANCE, GRID, SEGMENTATION, Looks

_PREFIX = "Train/preview"
SPACINGS_MM = (10, 20)
_PARTS = 11
_WIDGETS = {
    SEGMENTATION: "segmentation",
    DISTANCE: "distance",
    ATLAS: "atlas",
    BIAS: "bias",
    CLEAN: "clean",
    GRID: "grid",
}


class SampleTargets:
    """The ticks of section "Preview".

    Args:
        ui: the form's widgets by name.

    Attributes:
        onChanged: called when other targets, or others of their colours, are wanted.
        onOpacity: called when only opacities have changed.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.onChanged: Callable[[], None] = lambda: None
        self.onOpacity: Callable[[], None] = lambda: None
        self._unknown: set[str] = set()
        self._present: list[int] = []
        self._reach = 0.0
        self._boxes = {target: getattr(ui, f"{name}CheckBox") for target, name in _WIDGETS.items()}
        self._sliders = {target: getattr(ui, f"{name}OpacitySlider") for target, name in _WIDGETS.items()}
        self._surfaces = list(SampleOverlays.surfaces().items())
        ui.surfaceComboBox.clear()
        ui.surfaceComboBox.addItems([title for _number, title in self._surfaces])
        ui.spacingComboBox.clear()
        ui.spacingComboBox.addItems([_("every {mm} mm").format(mm=spacing) for spacing in SPACINGS_MM])
        ui.spacingComboBox.currentIndex = len(SPACINGS_MM) - 1
        ticked = Settings.read(_PREFIX + "Targets").split()
        ui.outlineCheckBox.checked = "outline" in ticked
        for target, box in self._boxes.items():
            box.checked = target in ticked
            box.toggled.connect(self._onTick)
            self._sliders[target].valueChanged.connect(self._onSlider)
        ui.outlineCheckBox.toggled.connect(self._onTick)
        ui.surfaceComboBox.currentIndexChanged.connect(self._onTick)
        ui.spacingComboBox.currentIndexChanged.connect(self._onTick)
        self._show()

    @property
    def chosen(self) -> list[str]:
        """The targets that are needed for what is ticked, as `brainfm preview` names them."""
        needed = {target for target, box in self._boxes.items() if box.checked}
        if self._ui.outlineCheckBox.checked:
            needed.add(SEGMENTATION)
        return [target for target in SampleOverlays.TARGETS if target in needed]

    def looks(self) -> Looks:
        """Return how samples are to be covered."""
        ui = self._ui
        return Looks(
            shown=tuple(target for target, box in self._boxes.items() if box.checked),
            opacities={target: slider.value / slider.maximum for target, slider in self._sliders.items()},
            outline=ui.outlineCheckBox.checked,
            surface=self._surfaces[max(ui.surfaceComboBox.currentIndex, 0)][0],
            spacing=SPACINGS_MM[max(ui.spacingComboBox.currentIndex, 0)],
        )

    def tell(self, unknown: Sequence[str], present: Sequence[int], reach: float) -> None:
        """Say in the legends what is shown.

        Args:
            unknown: targets that nobody knows of this head.
            present: labels of its segmentation.
            reach: of the strongest bias field, a logarithm; 0 if there is none.
        """
        self._unknown, self._present, self._reach = set(unknown), list(present), reach
        self._show()

    def _onTick(self, _value: Any = None) -> None:
        ticked = [target for target, box in self._boxes.items() if box.checked]
        Settings.write(_PREFIX + "Targets", " ".join(ticked + ["outline"] * self._ui.outlineCheckBox.checked))
        self._show()
        self.onChanged()

    def _onSlider(self, _value: int) -> None:
        self.onOpacity()

    def _show(self) -> None:
        for target, name in _WIDGETS.items():
            ticked = self._boxes[target].checked
            label = getattr(self._ui, f"{name}LegendLabel")
            label.text = self._legend(target) if ticked else ""
            label.visible = bool(label.text)
            self._sliders[target].enabled = ticked
        self._ui.surfaceComboBox.enabled = self._boxes[DISTANCE].checked
        self._ui.spacingComboBox.enabled = self._boxes[ATLAS].checked

    def _legend(self, target: str) -> str:
        if target in self._unknown:
            return _("Nobody knows this for this head.")
        if target == SEGMENTATION:
            return _structures(self._present)
        if target == DISTANCE:
            reach = SampleOverlays.DISTANCE_MM
            return _bar(
                "Distance", _("inside, {mm:.0f} mm").format(mm=-reach), _("{mm:.0f} mm, outside").format(mm=reach)
            )
        if target == BIAS and self._reach:
            low, high = (f"× {math.exp(reach):.2f}" for reach in (-self._reach, self._reach))
            return _bar("Bias", _("darker, {factor}").format(factor=low), _("{factor}, brighter").format(factor=high))
        if target == ATLAS:
            titles = zip((_("left–right"), _("back–front"), _("bottom–top")), SampleColors.AXES, strict=True)
            marks = " ".join(_mark(SampleColors.AXIS_COLORS[axis], title) for title, axis in titles)
            return marks + " · " + _("thick at 0 mm")
        return (
            _mark(SampleColors.GRID_COLOR, _("cubes of 10 mm of the head, as they are bent")) if target == GRID else ""
        )


def _bar(key: str, low: str, high: str) -> str:
    """Return a colour bar as rich text."""
    stops = SampleColors.ramp(key)
    cells = []
    for number in range(_PARTS):
        place = number / (_PARTS - 1) * (len(stops) - 1)
        first = min(int(place), len(stops) - 2)
        pairs = zip(stops[first], stops[first + 1], strict=True)
        color = [round(one + (two - one) * (place - first)) for one, two in pairs]
        cells.append(f'<span style="background-color: rgb{tuple(color)}">&nbsp;&nbsp;</span>')
    return f"{low} {''.join(cells)} {high}"


def _mark(color: Sequence[int], text: str) -> str:
    return f'<span style="color: rgb{tuple(color)}">■</span>&nbsp;{text.replace(" ", "&nbsp;")}'


def _structures(present: Sequence[int]) -> str:
    """Return colours and names of structures; both sides have one entry where they have one colour."""
    known, marks = structures(), {}
    for number in present:
        structure = known.get(number)
        if structure is not None:
            name = structure.name.removeprefix("Left-").removeprefix("Right-").replace("-", " ")
            marks[structure.colour, name] = _mark(structure.colour, name)
    return " ".join(marks.values())
