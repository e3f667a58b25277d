"""How a run ended, for the whole and for each scan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from BrainFMLib.ResultSet import ResultSet

DONE, PARTLY, FAILED, CANCELLED = "done", "partly", "failed", "cancelled"
_TOLD = 3


@dataclass
class ScanOutcome:
    """How one scan ended.

    Attributes:
        name: of the scan.
        state: "waiting", "running", "importing", "done", "failed" or "cancelled".
        message, hint: why it failed, and what can be done.
        warnings: what the engine found doubtful.
        resultSet: what came into the scene.
        file, folder: where scan and results lie, for those that are not loaded.
    """

    name: str
    state: str = "waiting"
    message: str = ""
    hint: str = ""
    warnings: list[str] = field(default_factory=list)
    resultSet: ResultSet | None = None
    file: Path | None = None
    folder: Path | None = None

    def fail(self, message: str, hint: str = "") -> None:
        """Note why there is no result; the first reason counts."""
        if self.state not in (FAILED, DONE):
            self.state, self.message, self.hint = FAILED, message, hint

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen to this scan."""
        return self.state in (DONE, FAILED, CANCELLED)


@dataclass(frozen=True)
class PredictionOutcome:
    """How the run ended.

    Attributes:
        state: "done", "partly", "failed" or "cancelled".
        message, hint: one sentence for people, and what they can do; empty when all is done.
        scans: one for each source, in order.
        log: last lines of the engine's log.
        keptFolder: the temporary folder, if it was kept to find out why the engine crashed.
    """

    state: str
    message: str
    hint: str
    scans: tuple[ScanOutcome, ...]
    log: str = ""
    keptFolder: Path | None = None

    @property
    def resultSets(self) -> list[ResultSet]:
        """The results that came into the scene."""
        return [scan.resultSet for scan in self.scans if scan.resultSet is not None]

    def details(self) -> str:
        """Return everything there is to know, for a report."""
        lines = [self.message, self.hint]
        lines += [f"{scan.name}: {scan.state} {scan.message} {scan.hint}".rstrip() for scan in self.scans]
        if self.keptFolder is not None:
            lines.append(_("Kept for inspection: {folder}").format(folder=self.keptFolder))
        return "\n".join([*(line for line in lines if line), "", self.log]).strip()


def summarise(scans: list[ScanOutcome], reason: tuple[str, str] = ("", "")) -> tuple[str, str, str]:
    """Return state, message and hint of a run.

    Args:
        scans: all settled.
        reason: why the engine ended, if it did not end well.
    """
    states = {scan.state for scan in scans}
    done = sum(scan.state == DONE for scan in scans)
    failed = [scan for scan in scans if scan.state == FAILED]
    if states == {DONE}:
        return DONE, "", ""
    if CANCELLED in states:
        if not done:
            return CANCELLED, reason[0] or _("Cancelled. Nothing was changed."), reason[1]
        message = _("Cancelled. {done} of {count} scans are done.").format(done=done, count=len(scans))
        return CANCELLED, message, ""
    if len(scans) == 1 or not failed:
        return FAILED, failed[0].message if failed else reason[0], failed[0].hint if failed else reason[1]
    state = PARTLY if done else FAILED
    message = _("{done} of {count} scans are done, {failed} failed").format(
        done=done, count=len(scans), failed=len(failed)
    )
    reasons = [f"{scan.name}: {scan.message}. {scan.hint}".strip() for scan in failed[:_TOLD]]
    return state, message, " ".join(reasons)
