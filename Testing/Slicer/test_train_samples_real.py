"""Samples and targets of the engine itself, where BRAINFM_PYTHON names a Python with PyTorch."""

import subprocess

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib.EngineCommand import pythonExecutable
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMTrainLib import SampleNodes, SampleOverlays
from shown_samples import generate, layers, outlined, record, samples, tick
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui
LONG_S = 240
SIZE, COUNT, SEED = 96, 3, 7


@pytest.fixture
def real(trainer):  # noqa: F811
    """The panel with the engine's own worker."""
    code = "import importlib.util as util, sys; sys.exit(util.find_spec('torch') is None)"
    if subprocess.run([pythonExecutable(), "-c", code], check=False).returncode:
        pytest.skip("no PyTorch here (name a Python that has it in BRAINFM_PYTHON)")
    ui, module = trainer.ui, trainer.module
    module.preview.worker.makeEngine = lambda: EngineProcess(finalEvent="")
    ui.sizeSpinBox.value, ui.samplesSpinBox.value, ui.previewSeedSpinBox.value = SIZE, COUNT, SEED
    ui.seedLockButton.checked = ui.coronalCheckBox.checked = True
    ui.deviceComboBox.currentIndex = [choice.name for choice in module.training._devices].index("cpu")
    for name in ("data", "training", "runs"):
        getattr(ui, f"{name}CollapsibleButton").collapsed = True
    ui.previewCollapsibleButton.collapsed = False
    return trainer


def test_targets_of_the_engine_cover_its_samples(real, screenshot):
    generate(real, LONG_S)
    assert not real.notice and len(samples()) == COUNT
    before = [slicer.util.arrayFromVolume(node).copy() for node in samples()]
    assert before[0].shape == (SIZE,) * 3
    sent = record(real)
    for name in ("outline", "bias", "grid", "clean", "distance"):
        tick(real, name, timeout_s=LONG_S)
    asked = [request["targets"] for request in sent]
    assert asked == [[t] for t in ("segmentation", "bias_field_log", "deformation_grid", "clean", "distance")]
    assert all(
        np.array_equal(slicer.util.arrayFromVolume(node), old) for node, old in zip(samples(), before, strict=True)
    )
    assert outlined(0) and "Distance to the nearest surface, mm" in dict(layers(0))
    same_place(real)
    assert 2 in SampleOverlays.presentLabels() and 17 in SampleOverlays.presentLabels()
    distance = slicer.util.arrayFromVolume(SampleNodes.find("distance"))
    assert -3 <= distance.min() < 0 < distance.max() <= 3
    tick(real, "clean", "grid", on=False)
    real.pump(timeout_s=0.5)
    assert screenshot("samples").is_file()


def same_place(trainer):  # noqa: F811
    """Samples and targets lie on one grid, centred on a brain."""
    bounds = [0.0] * 6
    samples()[0].GetRASBounds(bounds)
    for key in ("segmentation", "distance", "clean-1", "deformation_grid"):
        other = [0.0] * 6
        SampleNodes.find(key).GetRASBounds(other)
        assert other == bounds
    assert [bounds[2 * axis + 1] - bounds[2 * axis] for axis in range(3)] == [SIZE] * 3 and bounds[0] != 0


def test_the_table_tells_what_the_engine_drew(real):
    generate(real, LONG_S)
    rows = {row.name: row for row in real.module.preview.display.parameters._rows}
    assert rows["Rotation (°)"].values[0].count("/") == 2 and not rows["Rotation (°)"].differs
    assert rows["Noise (0–255)"].differs and len(rows["Noise (0–255)"].values) == COUNT
    assert {row.group for row in rows.values()} >= {"shape", "contrast", "noise", "resolution"}
    module_bed.press(real.ui.sampleCopyButton)
