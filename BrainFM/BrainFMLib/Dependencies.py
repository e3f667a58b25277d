"""What the engine needs: checked in a child process, installed and repaired after one clear question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainFMLib import PackageInstaller
from BrainFMLib.EngineCommand import engineFolder, healthCommand
from BrainFMLib.EngineProcess import EngineProcess, Outcome
from BrainFMLib.Health import TORCH, Health, PackageState
from BrainFMLib.PackageInstaller import InstallError

HEALTH_EVENT = "health"


@dataclass(frozen=True)
class InstallResult:
    """How an installation went.

    Attributes:
        state: "installed", "declined", "nothing" (there was nothing to do), or "failed".
        message: a sentence for the user.
    """

    state: str
    message: str


class Dependencies:
    """Knows the last check, starts new ones, installs and repairs. For the main thread.

    Attributes:
        health: the last check, None before the first.
        onChanged: called when a check starts or ends.
        ask: asks the user one question, given text and parent; returns whether the answer is yes.

    Args:
        command: program and arguments of the check; that of the engine if None.
        requirements: file that lists the packages beside PyTorch; the module's if None.
    """

    def __init__(self, command: list[str] | None = None, requirements: Path | None = None):
        self.health: Health | None = None
        self.onChanged: Callable[[], None] = lambda: None
        self.ask: Callable[[str, Any], bool] = askUser
        self.requirements = requirements or engineFolder() / "Resources" / "requirements.txt"
        self._process = EngineProcess(command or healthCommand(), finalEvent=HEALTH_EVENT)
        self._process.onEvent, self._process.onFinished = self._onEvent, self._onFinished
        self._waiting: list[Callable[[Health], None]] = []
        self._found: Health | None = None
        self._again: bool | None = None

    @property
    def checking(self) -> bool:
        """Whether a check is going on."""
        return self._process.running

    def check(self, callback: Callable[[Health], None] | None = None, selfTest: bool = False) -> None:
        """Start a check; the callback gets the result. While one is going on, another follows it if it asks for more.

        Args:
            callback: called with the result.
            selfTest: also run a small network.
        """
        if callback is not None:
            self._waiting.append(callback)
        if self._process.running:
            self._again = selfTest if selfTest else self._again
            return
        self._found = None
        self._process.start(["--self-test"] if selfTest else [])
        self.onChanged()

    def discard(self) -> None:
        """Forget a check that is going on; nobody is called any more."""
        self._waiting.clear()
        self._again = None
        self._process.discard()

    def summary(self) -> str:
        """Return the state in a sentence, for a panel."""
        if self.checking:
            return _("Checking what is installed…")
        return _("Not checked yet.") if self.health is None else self.health.summary()

    def deviceSentence(self) -> str:
        """Return which device will be used and why, "" before the first check."""
        return "" if self.health is None else self.health.deviceSentence()

    def question(self, packages: Sequence[PackageState], repair: bool = False) -> str:
        """Return the one question that is asked before anything is installed."""
        head = _("BrainFM needs these Python packages again:") if repair else _("BrainFM needs these Python packages:")
        lines = [f"• {_describe(row)}" for row in packages]
        free = PackageInstaller.freeBytes()
        text = _("They are downloaded from the internet into Slicer's own Python ({free:.0f} GB are free there).")
        tail = [text.format(free=free / 1e9)]
        if any(row.name == TORCH for row in packages):
            tail.append(_("This takes some minutes, and Slicer waits meanwhile."))
            if free < PackageInstaller.TORCH_GPU_SPACE:
                text = _(
                    "With support for an NVIDIA GPU about {needed:.0f} GB are needed: this may be too little room."
                )
                tail.append(text.format(needed=PackageInstaller.TORCH_GPU_SPACE / 1e9))
        tail.append(_("Install now?"))
        return "\n".join([head, *lines, "", *tail])

    def install(self, parent: Any = None, callback: Callable[[Health], None] | None = None) -> InstallResult:
        """Install what is missing after one question, then check again; only on the user's click.

        Args:
            parent: widget that the question belongs to.
            callback: called with the result of the check.
        """
        packages = self._installable(() if self.health is None else self.health.missing)
        return self._bring(packages, parent, callback, repair=False)

    def repair(self, parent: Any = None, callback: Callable[[Health], None] | None = None) -> InstallResult:
        """Install anew what does not work, and what is missing, after one question; only on the user's click.

        Args:
            parent: widget that the question belongs to.
            callback: called with the result of the check.
        """
        health = self.health or Health()
        return self._bring(self._installable((*health.damaged, *health.missing)), parent, callback, repair=True)

    def _bring(
        self,
        packages: list[PackageState],
        parent: Any,
        callback: Callable[[Health], None] | None,
        repair: bool,
    ) -> InstallResult:
        if not packages:
            return InstallResult("nothing", self._nothingSentence())
        try:
            PackageInstaller.checkPossible(packages)
            if not self.ask(self.question(packages, repair), parent):
                return InstallResult("declined", _("Nothing was installed. BrainFM can be set up at any time."))
            self._installAll(packages)
        except InstallError as error:
            self.check(callback)
            return InstallResult("failed", f"{error.message}. {error.hint}".strip())
        self.check(callback)
        return InstallResult("installed", _("Installed: {names}.").format(names=_namesOf(packages)))

    def _nothingSentence(self) -> str:
        unusable = () if self.health is None else self.health.unusable
        if not unusable:
            return _("There is nothing to install.")
        return _("{names} belongs to Slicer itself: install Slicer again.").format(names=_namesOf(unusable))

    def _installAll(self, packages: list[PackageState]) -> None:
        old = {row.name for row in packages if self.health is not None and row in self.health.damaged}
        others = [row.name for row in packages if row.name != TORCH]
        PackageInstaller.reinstallPackages(self.requirements, [name for name in others if name in old])
        PackageInstaller.installPackages(self.requirements, [name for name in others if name not in old])
        for row in packages:  # at most one: the largest comes last
            if row.name == TORCH and TORCH in old:
                PackageInstaller.reinstallTorch(row.needed)
            elif row.name == TORCH:
                PackageInstaller.installTorch(row.needed)

    def _installable(self, packages: Sequence[PackageState]) -> list[PackageState]:
        """Leave out what this module does not install: packages that are part of Slicer."""
        listed = PackageInstaller.readRequirements(self.requirements)
        return [row for row in packages if row.name == TORCH or PackageInstaller.isListed(row.name, listed)]

    def _onEvent(self, event: dict[str, Any]) -> None:
        if event.get("event") == HEALTH_EVENT:
            self._found = Health.fromReport(event)

    def _onFinished(self, outcome: Outcome) -> None:
        if outcome.state != "done" or self._found is None:
            self._found = Health(problem=outcome.sentence or _("it said nothing"))
        self.health = self._found
        if self._again is not None:
            selfTest, self._again = self._again, None
            self.check(selfTest=selfTest)
            return
        waiting, self._waiting = self._waiting, []
        self.onChanged()
        for callback in waiting:
            callback(self.health)


def askUser(text: str, parent: Any = None) -> bool:
    """Ask in a dialog; under Slicer's testing mode the answer is no."""
    if slicer.app.testingEnabled():
        return False
    return bool(slicer.util.confirmOkCancelDisplay(text, windowTitle=_("BrainFM setup"), parent=parent))


def _describe(row: PackageState) -> str:
    if row.name == TORCH:
        size = _("about 200 MB, with support for an NVIDIA GPU up to 2.5 GB")
    else:
        size = _("about {count} MB").format(count=PackageInstaller.MEGABYTES.get(row.name, 10))
    return f"{row.title} {row.needed.removeprefix('>=')}+ ({size})"


def _namesOf(packages: Sequence[PackageState]) -> str:
    return ", ".join(row.title for row in packages)
