"""The preview of BrainFMTrain: samples side by side, from a worker that stays."""

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMTrainLib import SampleViews
from train_panel import QUICK_S, SLOW_S, trainer  # noqa: F401

pytestmark = pytest.mark.gui


def generate(trainer, timeout_s=QUICK_S):  # noqa: F811
    module_bed.press(trainer.ui.generateButton)
    trainer.until(lambda: trainer.module.preview.worker.busy or bool(trainer.notice))
    trainer.until(lambda: not trainer.module.preview.worker.busy, timeout_s)


def samples():
    nodes = (SampleViews.sampleNode(index) for index in range(8))
    return [node for node in nodes if node is not None]


def test_samples_stand_side_by_side_in_linked_views(trainer):  # noqa: F811
    layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    before = layout.GetViewArrangement()
    trainer.ui.coronalCheckBox.checked = True
    generate(trainer)
    assert [node.GetName() for node in samples()][0] == "Sample 1, severity 0.25" and len(samples()) == 4
    manager = slicer.app.layoutManager()
    views = [f"BrainFMTrain{row}-{column}" for row in (1, 2) for column in (1, 2, 3, 4)]
    assert set(views) <= set(manager.sliceViewNames())
    for number, name in enumerate(views):
        composite = manager.sliceWidget(name).sliceLogic().GetSliceCompositeNode()
        assert composite.GetLinkedControl() and composite.GetBackgroundVolumeID() == samples()[number % 4].GetID()
    assert "4: severity 1.00" in trainer.ui.previewLabel.text
    trainer.module.exit()
    assert layout.GetViewArrangement() == before


def test_the_worker_stays_and_volumes_are_used_again(trainer):  # noqa: F811
    generate(trainer)
    engine, first = trainer.module.preview.worker._engine, samples()[0]
    before = slicer.util.arrayFromVolume(first).copy()
    module_bed.press(trainer.ui.newSeedButton)
    trainer.until(lambda: not trainer.module.preview.worker.busy)
    trainer.ui.mildToSevereCheckBox.checked = False
    trainer.ui.severitySlider.value = 0.75
    trainer.ui.previewSeedSpinBox.value = 1
    generate(trainer)
    assert trainer.module.preview.worker._engine is engine and samples()[0] is first and len(samples()) == 4
    assert "severity 0.75" in first.GetName()
    assert np.array_equal(slicer.util.arrayFromVolume(first), before)


def test_targets_cover_the_samples(trainer):  # noqa: F811
    composite = None
    for index, isLabels in ((1, True), (4, False), (0, False)):
        trainer.ui.overlayComboBox.currentIndex = index
        generate(trainer)
        composite = slicer.app.layoutManager().sliceWidget("BrainFMTrain1-2").sliceLogic().GetSliceCompositeNode()
        overlay = SampleViews.overlayNode(1)
        shown = (composite.GetLabelVolumeID() or None, composite.GetForegroundVolumeID() or None)
        wanted = overlay.GetID() if overlay is not None else None
        assert shown == ((wanted, None) if isLabels else (None, wanted))
        assert (overlay is None) == (index == 0)


def test_a_label_map_of_the_scene_is_handed_over(trainer):  # noqa: F811
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    slicer.util.updateVolumeFromArray(node, np.ones((4, 4, 4), np.int16))
    trainer.ui.anatomySelector.setCurrentNode(node)
    assert trainer.module.preview.request()["anatomy"].endswith("anatomy.nii")
    generate(trainer)
    assert not trainer.notice and len(samples()) == 4


def test_what_is_wrong_is_told_and_the_worker_goes_on(trainer):  # noqa: F811
    trainer.ui.anatomyFileEdit.currentPath = "/nowhere/labels.nii"
    generate(trainer)
    assert "There is no" in trainer.notice and not samples()
    trainer.ui.anatomyFileEdit.currentPath = ""
    generate(trainer)
    assert len(samples()) == 4 and not trainer.notice


def test_a_worker_that_dies_is_told_and_started_again(trainer):  # noqa: F811
    trainer.behave("--crash")
    generate(trainer)
    trainer.until(lambda: bool(trainer.notice))
    trainer.behave()
    generate(trainer)
    assert len(samples()) == 4


def test_a_saved_recipe_is_trained_with(trainer, tmp_path, dialogs):  # noqa: F811
    dialogs.answer(str(tmp_path / "mine"))
    module_bed.press(trainer.ui.saveRecipeButton)
    trainer.until(lambda: "The recipe is in" in trainer.notice)
    module_bed.press(trainer.ui.noticeActionButton)
    request = trainer.module.training.request()
    assert request.recipe == str(tmp_path / "mine.json") and request.seed is None
    assert not trainer.ui.presetComboBox.enabled and trainer.ui.nameEdit.text.startswith("mine-")
    assert trainer.module.preview.request()["recipe"] == request.recipe


def test_samples_are_exported(trainer, tmp_path, dialogs):  # noqa: F811
    dialogs.answer(str(tmp_path))
    module_bed.press(trainer.ui.exportButton)
    trainer.until(lambda: "The samples are in" in trainer.notice)
    dialogs.answer("")
    module_bed.press(trainer.ui.exportButton)
    assert not trainer.module.preview.worker.busy


def test_the_worker_ends_with_the_module(trainer):  # noqa: F811
    generate(trainer)
    folder = trainer.module.preview.worker.folder()
    trainer.widget.cleanup()
    assert trainer.pump(lambda: not folder.exists(), SLOW_S)
