"""What goes on in the section "Runs": which runs there are, how they go, their curves and pictures, stop and resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
from BrainFMLib.StepRunner import StepRunner

from BrainFMTrainLib import TrainingViews
from BrainFMTrainLib.FollowedRuns import FollowedRuns
from BrainFMTrainLib.LossPlot import LossPlot
from BrainFMTrainLib.ResumeChoice import ResumeChoice
from BrainFMTrainLib.RunFollower import RunFollower
from BrainFMTrainLib.RunList import RunRow, readRun, runSteps
from BrainFMTrainLib.TrainerProcess import TrainerProcess
from BrainFMTrainLib.ValidationPicture import ValidationPicture, titleOf
from BrainFMTrainLib.Widgets.RunsPanel import RunsPanel

LOOK_MS, HURRY_MS = 250, 25
"""Between two looks; while there is much to read the looks are closer."""
SHOW_SECONDS, PLOT_SECONDS, LIST_SECONDS = 0.25, 1.0, 2.0
"""At most so often the panel, the plots and the list of runs are brought up to date."""


class RunsSection:
    """Everything behind the section.

    Attributes:
        panel: what the user sees.
        plot: the charts.
        onRuns: called with the runs that are listed.
        onProblem: called with a sentence.
        isBusy: tells whether something is being started or installed.

    Args:
        ui: the form's widgets by name.
        training: TrainingPanel; knows the folder for runs.
        controller: TrainingController.
        notice: NoticePanel.
    """

    def __init__(self, ui: Any, training: Any, controller: Any, notice: Any):
        self._training, self._controller = training, controller
        self.panel, self.plot, self._runs = RunsPanel(ui), LossPlot(), FollowedRuns()
        self._picture, self._resume = ValidationPicture(), ResumeChoice(controller, training, notice)
        self.onRuns: Callable[[Sequence[RunRow]], None] = lambda rows: None
        self.onProblem: Callable[[str], None] = lambda text: None
        self.isBusy: Callable[[], bool] = lambda: False
        self._lister: StepRunner | None = None
        self._shown = self._plotted = self._listed = 0.0
        self._clock = qt.QTimer()
        self._clock.interval = LOOK_MS
        self._clock.timeout.connect(self.look)
        panel = self.panel
        panel.onSelected, panel.onStop = self.follow, self._onStop
        panel.onResume = self._resume.resume
        panel.onShowPlot, panel.onShowPicture = self._onShowPlot, self._picture.showView
        panel.curves.onChanged, panel.table.onTicked = self._drawPlot, self._onTicked
        self._picture.onSmall = panel.showPicture

    def start(self) -> None:
        """Begin to look."""
        self.list()
        self._clock.start()

    def stop(self) -> None:
        """The module goes away."""
        self._clock.stop()
        self._picture.stop()
        if self._lister is not None:
            self._lister.stop()

    @property
    def follower(self) -> RunFollower | None:
        """The selected run, None if there is none."""
        return self._runs.selected

    def runs(self) -> list[RunFollower]:
        """Return the runs whose curves are shown, the selected one first."""
        return self._runs.all()

    def follow(self, folder: Path | None) -> None:
        """Follow the run in a folder, whoever started it; None for none."""
        self._runs.select(folder)
        if self.follower is not None:
            self.follower.row = readRun(self.follower.folder)
        self.panel.select(folder)
        self.show()

    def look(self) -> None:
        """Hear what the trainings say and see how the runs are."""
        self._controller.look()
        self._runs.look()
        if self.follower is not None and not self.follower.row.alive:
            self._controller.ended(self.follower.folder)
        now = time.monotonic()
        if now - self._shown >= SHOW_SECONDS:
            self.show()
        if self._runs.changed and now - self._plotted >= PLOT_SECONDS:
            self._drawPlot()
        if now - self._listed >= LIST_SECONDS:
            self.list()
        interval = LOOK_MS if self._runs.caughtUp else HURRY_MS
        if self._clock.interval != interval:
            self._clock.interval = interval

    def list(self) -> None:
        """Read the folder of runs, a run at a time; those that were started here are always listed."""
        if self._lister is None:
            self._listed = time.monotonic()
            own = [process.folder for process in TrainerProcess.running()]
            steps = runSteps(self._training.runsFolder, own)
            self._lister = StepRunner(steps, lambda row: None, self._onRuns, self._onListError)

    def show(self) -> None:
        """Bring the panel up to date with the selected run."""
        self._shown = time.monotonic()
        run = self.follower
        stopping = run is not None and self._controller.isStopping(run.folder)
        ours = run is not None and TrainerProcess.of(run.folder) is not None
        self.panel.showRun(run, stopping, self.isBusy(), ours)
        path = run.newestPicture() if run is not None else None
        self._picture.show(path, titleOf(run.folder.name, path) if run is not None else "")

    def chartsAreGone(self) -> None:
        """The scene was closed: draw the charts anew."""
        self._runs.changed = True

    def _onRuns(self, rows: list[RunRow]) -> None:
        self._lister = None
        self.panel.showRuns(rows)
        self._showColors()
        self.onRuns(rows)
        if self.follower is None:
            alive = next((row.folder for row in rows if row.alive), None)
            if alive is not None:
                self.follow(alive)

    def _onListError(self, error: Exception) -> None:
        self._lister = None
        self.onProblem(str(error))

    def _onStop(self, folder: Path) -> None:
        self._controller.stop(folder)
        self.show()

    def _onTicked(self) -> None:
        self._runs.overlay(self.panel.table.ticked())
        self._showColors()
        self._drawPlot()

    def _showColors(self) -> None:
        runs = self._runs.all()
        colors = {run.folder: self.plot.color(run.folder) for run in runs} if len(runs) > 1 else {}
        self.panel.table.showColors(colors)

    def _drawPlot(self) -> None:
        runs = [run for run in self._runs.all() if run.curves.names]
        if not runs or slicer.mrmlScene.IsBatchProcessing():
            return
        self._runs.changed, self._plotted = False, time.monotonic()
        self.panel.curves.offer(runs)
        self.plot.show(runs, self.panel.curves.choice())
        TrainingViews.putChart(TrainingViews.LOSSES_VIEW, self.plot.losses.node())
        TrainingViews.putChart(TrainingViews.SCORES_VIEW, self.plot.scores.node())

    def _onShowPlot(self) -> None:
        TrainingViews.showPlots()
        self._drawPlot()
