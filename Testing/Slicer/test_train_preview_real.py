"""The preview's form with the engine itself, where BRAINFM_PYTHON names a Python with PyTorch."""

import os
import subprocess

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMEngine.anatomy.sample_head import SAMPLE_HEAD
from BrainFMLib.EngineCommand import engineEnvironment, pythonExecutable
from BrainFMLib.EngineProcess import EngineProcess
from test_train_preview import generate, samples
from test_train_ranges import write
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui
LONG_S = 240
RANGES = 62
TRAINS = """
import sys
from pathlib import Path
import numpy as np
from BrainFMEngine.anatomy.sample_head import SAMPLE_HEAD
from BrainFMEngine.generator.read_subject import read_subject
from BrainFMEngine.training.feed import TrainingFeed
from BrainFMEngine.training.recipe import recipe_from_json
recipe = recipe_from_json(Path(sys.argv[1]))
batch = TrainingFeed([read_subject(SAMPLE_HEAD, {})], recipe).batch(0)
np.savez(sys.argv[2], *(sample.image[0].numpy() for sample in batch))
"""


@pytest.fixture
def real(trainer, monkeypatch):  # noqa: F811
    """The panel with the real engine for the preview; one thread, because another number gives other roundings."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code = "import importlib.util as util, sys; sys.exit(util.find_spec('torch') is None)"
    if subprocess.run([pythonExecutable(), "-c", code], check=False).returncode:
        pytest.skip("no PyTorch here (name a Python that has it in BRAINFM_PYTHON)")
    preview = trainer.module.preview
    preview.worker.makeEngine = lambda: EngineProcess(finalEvent="")
    preview.ranges.description.makeEngine = lambda: EngineProcess(finalEvent="description")
    ui = trainer.ui
    ui.deviceComboBox.currentIndex = [choice.name for choice in trainer.module.training._devices].index("cpu")
    return trainer


def sample_head_as_segmentation():
    """The bundled head as Slicer imports a label map without names: its segments are called Label_2, Label_3…"""
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Labels")
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(SAMPLE_HEAD))
    assert storage.ReadData(labels)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Head")
    slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(labels, node)
    return node


def test_the_recipe_that_is_saved_makes_the_samples_that_were_shown(real, tmp_path, dialogs):
    """Every range is there; some are changed; the samples on the screen are bit for bit those of training.

    The same head as a segmentation of the scene gives the same samples, and what cannot be written is said in words.
    """
    ui, preview = real.ui, real.module.preview
    ui.previewCollapsibleButton.collapsed = ui.rangesCollapsibleButton.collapsed = False
    real.until(lambda: len(preview.ranges.rows) == RANGES, LONG_S)
    assert all(row.option.title and row.option.kind for row in preview.ranges.rows.values())
    write(preview.ranges.rows["corruption.noise.std"], "2", "30")
    write(preview.ranges.rows["contrast.mean"], "40", "200")
    ui.sizeSpinBox.value, ui.samplesSpinBox.value, ui.previewSeedSpinBox.value = 32, 2, 11
    generate(real, LONG_S)
    assert not real.notice, real.notice
    shown = [slicer.util.arrayFromVolume(node).transpose(2, 1, 0).copy() for node in samples()]
    dialogs.answer(str(tmp_path / "mine.json"))
    module_bed.press(ui.saveRecipeButton)
    real.until(lambda: "The recipe is in" in real.notice, LONG_S)
    paths = [str(tmp_path / name) for name in ("mine.json", "trained.npz")]
    subprocess.run([pythonExecutable(), "-c", TRAINS, *paths], check=True, env={**os.environ, **engineEnvironment()})
    with np.load(paths[1]) as trained:
        batch = [trained[name] for name in trained.files]
    assert len(batch) == len(shown) == 2 and shown[0].shape == (32, 32, 32)
    assert all(np.array_equal(*pair) for pair in zip(shown, batch, strict=True))
    ui.anatomySelector.setCurrentNode(sample_head_as_segmentation())
    generate(real, LONG_S)
    assert not real.notice and "does not know" not in ui.anatomyHintLabel.text
    again = [slicer.util.arrayFromVolume(node).transpose(2, 1, 0) for node in samples()]
    assert all(np.array_equal(*pair) for pair in zip(again, batch, strict=True))
    (tmp_path / "file").touch()
    dialogs.answer(str(tmp_path / "file" / "mine.json"))
    module_bed.press(ui.saveRecipeButton)
    real.until(lambda: "annot" in real.notice, LONG_S)
    dialogs.answer(str(tmp_path / "file"))
    module_bed.press(ui.exportButton)
    real.until(lambda: "cannot be written" in real.notice, LONG_S)
    preview.ranges.setChanges({"pathology.velocity": 12.0, "protocol": "brainfm-56"})
    generate(real, LONG_S)
    assert "channels" in real.notice
