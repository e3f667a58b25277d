"""What to make from the scan: tick boxes, and the options of a run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from slicer.i18n import tr as _

from BrainFMLib.Parameters import TASK_GROUPS


class TasksPanel:
    """Sections "What to make from it" and "Options".

    Attributes:
        onDeviceChosen: called with the name of a device when the user chooses one.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self._devices: list[str] = []
        self._offered: frozenset[str] = frozenset()
        self.onDeviceChosen: Callable[[str], None] = lambda name: None
        self.setDevices(())
        ui.deviceComboBox.connect("activated(int)", self._onDevice)

    def setDevices(self, devices: Sequence[tuple[str, str]]) -> None:
        """Offer these devices.

        Args:
            devices: name for the engine and title for people; "auto" and "cpu" are always there.
        """
        chosen = self.device()
        known = {"auto": _("Best that is there (automatic)"), **dict(devices)}
        known.setdefault("cpu", _("Processor (CPU)"))
        if chosen:
            known.setdefault(chosen, _("{device} (not found here)").format(device=chosen))
        self._devices = list(known)
        combo = self._ui.deviceComboBox
        wasBlocked = combo.blockSignals(True)
        combo.clear()
        combo.addItems(list(known.values()))
        combo.currentIndex = self._devices.index(chosen or "auto")
        combo.blockSignals(wasBlocked)

    def device(self) -> str:
        """Return the chosen device."""
        index = self._ui.deviceComboBox.currentIndex
        return self._devices[index] if 0 <= index < len(self._devices) else ""

    def showDevice(self, name: str) -> None:
        """Choose a device."""
        if name not in self._devices:
            titles = [self._ui.deviceComboBox.itemText(index) for index in range(len(self._devices))]
            self._devices.append(name)
            self._ui.deviceComboBox.clear()
            self._ui.deviceComboBox.addItems([*titles, _("{device} (not found here)").format(device=name)])
        self._ui.deviceComboBox.currentIndex = self._devices.index(name)

    def setOffered(self, tasks: Collection[str]) -> None:
        """Switch off the boxes whose tasks the model does not offer.

        Args:
            tasks: the engine's task names; empty: unknown, everything stays on.
        """
        self._offered = frozenset(tasks)
        for group in TASK_GROUPS:
            enabled = self.offers(group)
            box, label = getattr(self._ui, f"{group}CheckBox"), getattr(self._ui, f"{group}Label")
            box.enabled = label.enabled = enabled
            box.toolTip = "" if enabled else _("The chosen model does not offer this.")

    def offers(self, group: str) -> bool:
        """Return whether the model can make something of this group."""
        return not self._offered or any(name in self._offered for name in TASK_GROUPS[group])

    def setEnabled(self, enabled: bool) -> None:
        """Let the user change tasks and options, or not (during a run)."""
        self._ui.tasksCollapsibleButton.enabled = enabled
        self._ui.optionsCollapsibleButton.enabled = enabled

    def _onDevice(self, index: int) -> None:
        self.onDeviceChosen(self._devices[index])
