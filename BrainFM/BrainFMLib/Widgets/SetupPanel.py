"""What has to be installed, which device will be used and why, and a self-test."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainFMLib.Dependencies import Dependencies, InstallResult
from BrainFMLib.Health import Health


class SetupPanel:
    """Section "Setup".

    Attributes:
        dependencies: checks and installs.
        onHealth: called with the result of each check.
        onProblem: called with a message.
    """

    def __init__(self, ui: Any, dependencies: Dependencies | None = None):
        self._ui = ui
        self.dependencies = dependencies or Dependencies()
        self.dependencies.onChanged = self._update
        self.onHealth: Callable[[Health], None] = lambda health: None
        self.onProblem: Callable[[str], None] = lambda message: None
        self._onReady: Callable[[], None] | None = None
        self._onNotReady: Callable[[str, str, str], None] | None = None
        ui.setupInstallButton.clicked.connect(self.install)
        ui.setupRepairButton.clicked.connect(self.repair)
        ui.setupCheckButton.clicked.connect(self.check)
        ui.setupSelfTestButton.clicked.connect(self.selfTest)
        self._update()

    @property
    def ready(self) -> bool:
        """Whether the engine is known to be able to run."""
        health = self.dependencies.health
        return health is not None and health.ready

    def checkOnce(self) -> None:
        """Look at the setup if that was not done yet; returns at once."""
        if self.dependencies.health is None and not self.dependencies.checking:
            self.dependencies.check(self._onChecked)

    def check(self) -> None:
        """Look at the setup; returns at once."""
        self.dependencies.check(self._onChecked)

    def selfTest(self) -> None:
        """Look at the setup and run a tiny network; returns at once."""
        self.dependencies.check(self._onChecked, selfTest=True)

    def ensure(self, onReady: Callable[[], None], onNotReady: Callable[[str, str, str], None]) -> None:
        """Call `onReady` when everything is there; for the user's click on Apply.

        What is known to be missing is offered at once, with one question. If nothing is known yet it is looked up
        first, and what is missing is then told by `onNotReady` (message, hint, details) instead of asking out of the
        blue.
        """
        self._onReady, self._onNotReady = onReady, onNotReady
        health = self.dependencies.health
        if health is None:
            self.dependencies.check(self._onChecked)
        elif health.ready:
            self._resume(health)
        else:
            self.install()

    def forget(self) -> None:
        """Do not go on with what `ensure` was called for."""
        self._onReady = self._onNotReady = None

    def install(self) -> None:
        """Install what is missing, after one question."""
        self._bring(self.dependencies.install)

    def repair(self) -> None:
        """Install anew what does not work, after one question."""
        self._bring(self.dependencies.repair)

    def devices(self) -> list[tuple[str, str]]:
        """Return name and title of the devices that were found."""
        health = self.dependencies.health
        rows = health.devices if health is not None else ()
        return [(row.name, f"{row.title} ({row.name})") for row in rows if not row.problem]

    def deviceTitle(self, name: str) -> str:
        """Return what users call a device, "" if it is not known."""
        health = self.dependencies.health
        rows = health.devices if health is not None else ()
        return next((row.title for row in rows if row.name == name), "")

    def stop(self) -> None:
        """End what goes on: the module is going away."""
        self.forget()
        self.dependencies.discard()

    def _bring(self, action: Callable[..., InstallResult]) -> None:
        result = action(slicer.util.mainWindow(), self._onChecked)
        if result.state == "installed":
            return  # the check that follows goes on
        if self._onNotReady is not None:
            onNotReady = self._onNotReady
            self.forget()
            onNotReady(self.dependencies.summary() if result.state == "nothing" else result.message, "", "")
        elif result.state != "declined":
            self.onProblem(result.message)

    def _onChecked(self, health: Health) -> None:
        self._update()
        self.onHealth(health)
        self._resume(health)

    def _resume(self, health: Health) -> None:
        onReady, onNotReady = self._onReady, self._onNotReady
        if onReady is None or onNotReady is None:
            return
        self.forget()
        if health.ready:
            onReady()
        else:
            onNotReady(health.summary(), "", health.details())

    def _update(self) -> None:
        dependencies, health = self.dependencies, self.dependencies.health
        checking, ready = dependencies.checking, self.ready
        if checking or health is None:
            state = _("being checked") if checking else _("not checked yet")
        else:
            state = _("ready") if ready else _("something is missing")
        self._ui.setupCollapsibleButton.text = _("Setup: {state}").format(state=state)
        self._ui.setupSummaryLabel.text = f"<b>{html.escape(dependencies.summary())}</b>"
        self._ui.setupDetailsLabel.text = _detailsOf(health) if health is not None else ""
        self._ui.setupProgressBar.visible = checking
        self._ui.setupInstallButton.enabled = not checking and health is not None and bool(health.missing)
        self._ui.setupRepairButton.enabled = not checking and health is not None and bool(health.damaged)
        self._ui.setupCheckButton.enabled = not checking
        self._ui.setupSelfTestButton.enabled = not checking and ready


def _detailsOf(health: Health) -> str:
    """Return device, packages and self-test as lines of rich text."""
    lines = [health.deviceSentence(), health.selfTestSentence()]
    for row in health.packages:
        mark = "✓" if not row.problem else "○" if row.optional else "✗"
        lines.append(f"{mark} {row.title} {row.problem or row.installed or ''}")
    return "<br>".join(html.escape(line) for line in lines if line)
