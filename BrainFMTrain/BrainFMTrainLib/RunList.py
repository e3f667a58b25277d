"""Which runs a folder holds, and how each of them is."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from BrainFMEngine.errors import BrainFMError
from BrainFMEngine.training.run_folder import ENDED, SILENT_SECONDS, STATE_NAME, ObservedRun, read_state
from slicer.i18n import tr as _

from BrainFMTrainLib.TrainerProcess import TrainerProcess

MODEL_NAME = "model"
MAX_RUNS = 500


@dataclass(frozen=True)
class RunRow:
    """One run.

    Attributes:
        folder: of the run.
        seen: what its state file and its lock say, None if they cannot be read.
        problem: why they cannot.
        hasModel: whether it has weights to use.
        starting: whether a process begins here that has not written anything yet.
    """

    folder: Path
    seen: ObservedRun | None
    problem: str = ""
    hasModel: bool = False
    starting: bool = False

    @property
    def alive(self) -> bool:
        """Whether a process trains."""
        return self.seen is not None and self.seen.alive

    @property
    def died(self) -> bool:
        """Whether its process ended without saying so: it was killed, or the computer went off."""
        ended = self.seen is None or self.seen.alive or self.seen.state.state in ENDED
        return not ended and not self.starting

    @property
    def resumable(self) -> bool:
        """Whether it can go on; where its state cannot be read, its checkpoints and a data set are enough."""
        if self.seen is None:
            return self.hasModel and not self.starting
        return not self.seen.alive and self.seen.state.state != "finished"

    def steps(self) -> str:
        """Return how far it is, such as "120 / 20000"."""
        return f"{self.seen.state.step} / {self.seen.state.steps}" if self.seen is not None else ""

    def stateTitle(self) -> str:
        """Return its state in a word or two."""
        if self.starting:
            return _("starting")
        if self.seen is None:
            return _("cannot be read")
        if self.died:
            return _("died")
        if self.alive and self.seen.silent_s > SILENT_SECONDS:
            return _("silent")
        titles = {
            "starting": _("starting"),
            "running": _("running"),
            "stopping": _("stopping"),
            "finished": _("finished"),
            "stopped": _("stopped"),
            "failed": _("failed"),
        }
        return titles.get(self.seen.state.state, self.seen.state.state)

    def sentence(self) -> str:
        """Return its state in a sentence, with what can be done."""
        if self.starting:
            return _("It is starting.")
        if self.seen is None:
            return f"{self.problem} {_('Resume goes on from them.')}" if self.resumable else self.problem
        state = self.seen.state
        if self.died:
            text = _("Its process ended without saving after step {step}. {resume}")
            return text.format(step=state.step, resume=self._resumeSentence())
        if self.alive and self.seen.silent_s > SILENT_SECONDS:
            text = _(
                "It has given no sign of life for {n:.0f} seconds; process {pid} on {host} still holds the folder."
            )
            return text.format(n=self.seen.silent_s, pid=state.pid, host=state.host)
        sentences = {
            "starting": _("It is starting: reading the data set."),
            "running": _("It is running."),
            "stopping": _("It finishes its step, saves and stops."),
            "finished": _("All steps are done."),
            "stopped": _("It was stopped and saved; Resume goes on."),
            "failed": _("It failed. {resume}").format(resume=self._resumeSentence()),
        }
        if state.state == "stopped" and state.message:
            return _("It was stopped and saved ({reason}); Resume goes on.").format(reason=state.message)
        text = sentences.get(state.state, state.state)
        return f"{text} {state.message}".strip() if state.message else text

    def _resumeSentence(self) -> str:
        if self.hasModel:
            return _("Resume goes on from its last checkpoint.")
        return _("It was not saved before; Resume begins it anew.")


def listRuns(folder: Path | None) -> Iterator[Path]:
    """Yield the folders of the runs in a folder, and the folder itself if it is one. Ends quietly if it is gone."""
    if folder is None:
        return
    if (folder / STATE_NAME).is_file():
        yield folder
    try:
        inside = sorted(path for path in folder.iterdir() if path.is_dir())[:MAX_RUNS]
    except OSError:
        return
    for path in inside:
        if (path / STATE_NAME).is_file():
            yield path


def readRun(folder: Path) -> RunRow:
    """Look at one run; what cannot be read is a row that says so."""
    weights = [folder / MODEL_NAME, *(folder / "checkpoints" / f"{name}.pt" for name in ("best", "last"))]
    hasModel = any(path.exists() for path in weights)
    try:
        seen = read_state(folder)
    except BrainFMError as error:
        return RunRow(folder, None, str(error), hasModel, TrainerProcess.startsIn(folder, None))
    starting = not seen.alive and TrainerProcess.startsIn(folder, seen.state.started)
    return RunRow(folder, seen, hasModel=hasModel, starting=starting)


def runSteps(folder: Path | None, others: Iterable[Path] = ()) -> Generator[RunRow, None, list[RunRow]]:
    """Yield one run after the other, as work in steps; the newest first.

    Args:
        folder: whose runs are read; None for none.
        others: folders of further runs.
    """
    rows = []
    for path in dict.fromkeys([*listRuns(folder), *others]):
        rows.append(readRun(path))
        yield rows[-1]
    return sorted(rows, key=lambda row: row.seen.state.started if row.seen else 0.0, reverse=True)
