"""How samples are drawn: severity, how many, contrast, size and seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMTrainLib.Recipes import Choice

LEVELS = {"clean": 0.0, "mild": 1 / 3, "medium": 2 / 3, "severe": 1.0}
"""Name of a severity, as the engine calls it -> its place on the slider."""
SPREAD = "mild-to-severe"
LARGEST_SEED = 2**31 - 1
DICE = Path(__file__).resolve().parents[2] / "Resources" / "Icons" / "Dice.png"
_NEAR = 0.005
"""The slider shows hundredths."""


class SamplesForm:
    """Part of the preview's form.

    Args:
        ui: the form's widgets by name.

    Attributes:
        onSeverity: called when the user chose another severity.
        onChanged: called when the user changed anything else.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.onSeverity: Callable[[], None] = lambda: None
        self.onChanged: Callable[[], None] = lambda: None
        self._showing = False
        self._contrasts = [
            Choice("", _("as the recipe: painted, real and mixed")),
            Choice("random", _("random")),
            Choice("t1", _("like T1")),
            Choice("mprage", _("like MP-RAGE")),
            Choice("t2", _("like T2")),
            Choice("flair", _("like FLAIR")),
            Choice("ct", _("like CT")),
        ]
        ui.contrastComboBox.clear()
        ui.contrastComboBox.addItems([choice.title for choice in self._contrasts])
        ui.newSeedButton.icon = qt.QIcon(str(DICE))
        self._presets = {name: getattr(ui, f"{name}Button") for name in LEVELS}
        for name, button in self._presets.items():
            button.clicked.connect(self._presetAction(name))
        ui.severitySlider.valueChanged.connect(self._onSlider)
        ui.mildToSevereCheckBox.toggled.connect(self._onSpread)
        ui.wholeHeadCheckBox.toggled.connect(self._onOther)
        ui.seedLockButton.toggled.connect(self._onOther)
        ui.contrastComboBox.connect("currentIndexChanged(int)", self._onOther)
        for box in (ui.samplesSpinBox, ui.sizeSpinBox):
            box.connect("valueChanged(int)", self._onOther)
        ui.previewSeedSpinBox.connect("valueChanged(int)", self._onSeed)
        self._showState()

    @property
    def severity(self) -> float | str:
        """Of all samples: a level's name, or 0 to 1; `SPREAD` for from mild to severe."""
        if self._ui.mildToSevereCheckBox.checked:
            return SPREAD
        value = float(self._ui.severitySlider.value)
        return next((name for name, level in LEVELS.items() if abs(level - value) < _NEAR), value)

    def severities(self) -> tuple[float, ...]:
        """Return the mildest and the severest sample's severity, 0 to 1."""
        severity = self.severity
        if severity == SPREAD:
            return (LEVELS["medium"],) if self._ui.samplesSpinBox.value == 1 else (LEVELS["mild"], LEVELS["severe"])
        return (LEVELS[severity] if isinstance(severity, str) else severity,)

    def request(self) -> dict[str, Any]:
        """Return what the form says, as `brainfm preview` takes it."""
        ui = self._ui
        request: dict[str, Any] = {"samples": ui.samplesSpinBox.value, "seed": ui.previewSeedSpinBox.value}
        request["severity"] = self.severity
        request["shape"] = "full" if ui.wholeHeadCheckBox.checked else ui.sizeSpinBox.value
        contrast = self.values()["contrast"]
        return {**request, "contrast": contrast} if contrast else request

    def values(self) -> dict[str, Any]:
        """Return what is chosen, by the names of `PreviewParameterNode`."""
        ui = self._ui
        return {
            "severity": float(ui.severitySlider.value),
            "mildToSevere": ui.mildToSevereCheckBox.checked,
            "samples": ui.samplesSpinBox.value,
            "size": ui.sizeSpinBox.value,
            "wholeHead": ui.wholeHeadCheckBox.checked,
            "contrast": self._contrasts[max(ui.contrastComboBox.currentIndex, 0)].name,
            "seed": ui.previewSeedSpinBox.value,
            "seedLocked": ui.seedLockButton.checked,
        }

    def show(self, values: Mapping[str, Any]) -> None:
        """Choose what was kept; nothing is called."""
        ui, self._showing = self._ui, True
        names = [choice.name for choice in self._contrasts]
        ui.severitySlider.value = values["severity"]
        ui.mildToSevereCheckBox.checked = values["mildToSevere"]
        ui.samplesSpinBox.value, ui.sizeSpinBox.value = values["samples"], values["size"]
        ui.wholeHeadCheckBox.checked = values["wholeHead"]
        ui.contrastComboBox.currentIndex = names.index(values["contrast"]) if values["contrast"] in names else 0
        ui.previewSeedSpinBox.value, ui.seedLockButton.checked = values["seed"], values["seedLocked"]
        self._showing = False
        self._showState()

    def drawSeed(self) -> None:
        """Show another seed."""
        self._showing = True
        self._ui.previewSeedSpinBox.value = random.randrange(LARGEST_SEED)
        self._showing = False
        self.onChanged()

    @property
    def seedLocked(self) -> bool:
        """Whether Generate keeps the seed."""
        return self._ui.seedLockButton.checked

    def _presetAction(self, name: str) -> Callable[[], None]:
        def choose() -> None:
            self._choose(LEVELS[name])

        return choose

    def _choose(self, severity: float) -> None:
        """One severity for all samples."""
        self._showing = True
        self._ui.severitySlider.value = severity
        self._ui.mildToSevereCheckBox.checked = False
        self._showing = False
        self._showState()
        self.onSeverity()

    def _onSlider(self, value: float) -> None:
        if not self._showing:
            self._choose(value)

    def _onSpread(self, _checked: bool) -> None:
        if not self._showing:
            self._showState()
            self.onSeverity()

    def _onSeed(self, value: int) -> None:
        """Whoever writes a seed wants to keep it."""
        if not self._showing:
            self._ui.seedLockButton.checked = True
            self._onOther(value)

    def _onOther(self, _value: Any) -> None:
        if not self._showing:
            self._showState()
            self.onChanged()

    def _showState(self) -> None:
        ui, severity = self._ui, self.severity
        for name, button in self._presets.items():
            button.checked = name == severity
        ui.sizeSpinBox.enabled = not ui.wholeHeadCheckBox.checked
        locked = ui.seedLockButton.checked
        ui.seedLockButton.text = _("Locked") if locked else _("Lock")
