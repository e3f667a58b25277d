"""The module BrainFMTrain: what Slicer has to know of it. What it does is in BrainFMTrainLib; BrainFMEngine trains."""

from __future__ import annotations

from typing import Any

import slicer
from BrainFMLib.FormWidget import FormWidget
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)


class BrainFMTrain(ScriptedLoadableModule):
    """Name, category and texts of the module."""

    def __init__(self, parent: Any):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("BrainFM Train: train the network")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Neuroimaging")]
        self.parent.dependencies = ["BrainFM"]
        self.parent.contributors = ["BrainFM developers"]
        self.parent.helpText = _(
            "Trains the networks of BrainFM and Brain-ID on your own data. Choose a data set that “brainfm prepare” "
            "made, check it, choose a recipe, press Start training, and watch the losses. A training runs in a process "
            "of its own: it saves and stops when Slicer closes, or goes on if you want that. Runs that another program "
            "started are listed and followed, too. Nothing is sent anywhere. Research use only."
        )
        self.parent.acknowledgementText = _("Please cite the papers that the module BrainFM names.")


class BrainFMTrainWidget(FormWidget):
    """The module's panel; `TrainWidget` does the work. Trainings outlive it, and a reload."""

    PACKAGE = "BrainFMTrainLib"
    KEPT = ("BrainFMTrainLib", "BrainFMTrainLib.TrainerProcess")

    def makeModule(self, ui: Any) -> Any:
        """Return what does the work."""
        from BrainFMTrainLib.Widget import TrainWidget

        return TrainWidget(ui)


class BrainFMTrainLogic(ScriptedLoadableModuleLogic):
    """What scripts use; needs no widget.

    >>> from BrainFMTrain import BrainFMTrainLogic                     # doctest: +SKIP
    >>> [row.stateTitle() for row in BrainFMTrainLogic.runs("runs")]   # doctest: +SKIP
    """

    @staticmethod
    def runs(folder: Any) -> list[Any]:
        """Return the runs in a folder, see `RunList.RunRow`."""
        from pathlib import Path

        from BrainFMTrainLib.RunList import listRuns, readRun

        return [readRun(path) for path in listRuns(Path(folder))]


class BrainFMTrainTest(ScriptedLoadableModuleTest):
    """A self-test that needs neither PyTorch nor data: press "Reload and Test" in developer mode."""

    def runTest(self) -> None:
        """Run the tests, each in an empty scene."""
        for test in (self.test_long_curves_stay_small, self.test_a_request_without_data_is_refused):
            slicer.mrmlScene.Clear()
            test()

    def test_long_curves_stay_small(self) -> None:
        """However many steps, there are few points."""
        from BrainFMTrainLib.LossCurves import MAX_POINTS, LossCurves

        curves = LossCurves()
        for step in range(1, 10001):
            curves.add({"step": step, "loss": 1.0})
        steps, values = curves.points("loss")
        self.assertLessEqual(len(steps), MAX_POINTS)
        self.assertEqual(float(values[0]), 1.0)

    def test_a_request_without_data_is_refused(self) -> None:
        """The form explains what is missing."""
        from BrainFMTrainLib.TrainingRequest import TrainingRequest

        self.assertTrue(TrainingRequest(None, None, "run").problem())
