"""The module BrainFM: what Slicer has to know of it. What it does is in BrainFMLib; BrainFMEngine computes."""

from __future__ import annotations

from typing import Any

import slicer
from BrainFMLib.FormWidget import FormWidget
from BrainFMLib.Logic import PredictionLogic
from BrainFMLib.Parameters import BrainFMParameterNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)


class BrainFM(ScriptedLoadableModule):
    """Name, category and texts of the module."""

    def __init__(self, parent: Any):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("BrainFM: brain MRI and CT")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Neuroimaging")]
        self.parent.dependencies = []
        self.parent.contributors = ["BrainFM developers"]
        self.parent.helpText = _(
            "Makes T1w, T2w, FLAIR and CT versions, a segmentation with volumes, cortical surfaces and distances, the "
            "bias field and the registration to the MNI152 atlas from one head scan of any contrast. Choose a scan, "
            "press Apply, look. Computation runs in a separate process on this computer; nothing is sent anywhere. "
            "Research use only: not a medical device, not for diagnosis or treatment."
        )
        self.parent.acknowledgementText = _(
            "Please cite: Liu P, Puonti O, Hu X, Gopinath K, Sorby-Adams A, Alexander DC, Kimberly WT, Iglesias JE. "
            "A Modality-agnostic Multi-task Foundation Model for Human Brain Imaging. {brainfm}, 2025; and: Liu P, "
            "Puonti O, Hu X, Alexander DC, Iglesias JE. Brain-ID: Learning Contrast-agnostic Anatomical "
            "Representations for Brain Imaging. ECCV 2024. This module is an independent implementation."
        ).format(brainfm='<a href="https://arxiv.org/abs/2509.00549">arXiv:2509.00549</a>')
        slicer.app.connect("startupCompleted()", onStartupCompleted)


def onStartupCompleted() -> None:
    """Offer the sample data, and make the layouts known so that saved scenes open with them."""
    from BrainFMLib.Layouts import registerLayouts
    from BrainFMLib.SampleData import registerSampleData

    registerSampleData()
    registerLayouts()


class BrainFMWidget(FormWidget):
    """The module's panel; `ModuleWidget` does the work."""

    PACKAGE = "BrainFMLib"

    def makeModule(self, ui: Any) -> Any:
        """Return what does the work."""
        from BrainFMLib.Widget import ModuleWidget

        self.logic = BrainFMLogic()
        return ModuleWidget(ui, self.logic)


class BrainFMLogic(ScriptedLoadableModuleLogic, PredictionLogic):
    """What scripts use; needs no widget.

    >>> from BrainFM import BrainFMLogic                                    # doctest: +SKIP
    >>> results = BrainFMLogic().process(volumeNode, tasks=["anatomy"])     # doctest: +SKIP
    >>> results.get("dseg"), results.get("volumes")                         # doctest: +SKIP
    """

    def __init__(self, parent: Any = None):
        ScriptedLoadableModuleLogic.__init__(self, parent)
        PredictionLogic.__init__(self)

    def getParameterNode(self) -> BrainFMParameterNode:
        """Return the module's parameters in the scene."""
        return BrainFMParameterNode(super().getParameterNode())


class BrainFMTest(ScriptedLoadableModuleTest):
    """A self-test that needs neither PyTorch nor data: press "Reload and Test" in developer mode."""

    def runTest(self) -> None:
        """Run the tests, each in an empty scene."""
        for test in (self.test_input_is_described, self.test_run_without_scan_is_refused, self.test_layouts_are_known):
            slicer.mrmlScene.Clear()
            test()

    def test_input_is_described(self) -> None:
        """A volume is recognised, a single slice is refused."""
        import numpy as np
        from BrainFMLib.InputCheck import checkInput

        ramp = np.linspace(0, 1000, 32**3, dtype=np.float32).reshape(32, 32, 32)
        report = checkInput(slicer.util.addVolumeFromArray(ramp))
        self.assertTrue(report.usable, report.reason)
        self.assertIn("32", report.summary)
        self.assertFalse(checkInput(slicer.util.addVolumeFromArray(ramp[:1])).usable)

    def test_run_without_scan_is_refused(self) -> None:
        """The logic explains what is missing instead of starting."""
        logic = BrainFMLogic()
        self.assertRaises(RuntimeError, logic.process, None)
        self.assertFalse(logic.running)

    def test_layouts_are_known(self) -> None:
        """Every layout can be shown."""
        from BrainFMLib import LayoutPlans, Layouts, ResultKinds

        Layouts.registerLayouts()
        for name in LayoutPlans.NAMES:
            plan = LayoutPlans.planFor(name, ResultKinds.KINDS)
            self.assertTrue(Layouts.layoutNode().IsLayoutDescription(plan.layoutID), name)
