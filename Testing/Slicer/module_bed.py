"""Helpers of the tests that drive the module's panel with a worker that behaves as told."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import qt
import slicer
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMLib.Health import DeviceState, Health, PackageState

STUB = Path(__file__).parent / "workers" / "stub_worker.py"
SHAPE = (20, 24, 22)
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
READY = Health(
    python="3.12.10",
    packages=(PackageState("torch", ">=2.6", "2.7.1", "", ""), PackageState("nibabel", ">=5.2", "5.3", "", "")),
    torchVersion="2.7.1",
    devices=(DeviceState("cuda:0", "Test GPU", 8 << 30, ""), DeviceState("cpu", "Processor", None, "")),
    device="cuda:0",
    reason="it is the fastest",
)
MISSING = Health(
    python="3.12.10",
    packages=(PackageState("torch", ">=2.6", None, "not installed", ""),),
    devices=(),
)
HEALTH_LINE = {
    "event": "health",
    "python": "3.12.10",
    "packages": [{"name": "torch", "needed": ">=2.6", "installed": "2.7.1", "ok": True, "problem": ""}],
    "torch": {"version": "2.7.1", "ok": True, "problem": ""},
    "devices": [
        {"name": "cuda:0", "title": "Test GPU", "memory_bytes": 8 << 30},
        {"name": "cpu", "title": "Processor", "memory_bytes": None},
    ],
    "device": "cuda:0",
    "reason": "it is the fastest",
}
ESTIMATE_LINE = {
    "event": "estimate",
    "memory_bytes": 3_100_000_000,
    "free_bytes": 9_800_000_000,
    "device": "cuda:0",
    "plan": "whole",
    "fits": True,
}


def says(line: dict) -> list[str]:
    """Command of a process that prints one JSON line and ends."""
    return [sys.executable, "-c", f"print({json.dumps(json.dumps(line))})"]


def stub(*words: object) -> EngineProcess:
    """A process that behaves as told, see workers/stub_worker.py."""
    return EngineProcess([sys.executable, str(STUB), *(str(word) for word in words)])


def head(name="Head", shape=SHAPE, affine=AFFINE):
    """A volume node with something like a head in it; (X, Y, Z) voxels."""
    z, y, x = (np.linspace(-1, 1, n) for n in shape[::-1])
    away = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    noise = np.random.default_rng(0).normal(0, 8, away.shape)
    voxels = (np.clip(1.1 - away, 0, None) * 600 + np.abs(noise)).astype(np.float32)
    volume = slicer.util.addVolumeFromArray(voxels, ijkToRAS=np.asarray(affine, float), name=name)
    volume.CreateDefaultDisplayNodes()
    return volume


def nodes() -> set[str]:
    """Ids of the nodes that a run could leave behind: no views, no parameters."""
    scene = slicer.mrmlScene
    every = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    beside = ("vtkMRMLAbstractViewNode", "vtkMRMLSliceCompositeNode", "vtkMRMLScriptedModuleNode", "vtkMRMLCameraNode")
    beside += ("vtkMRMLSliceDisplayNode", "vtkMRMLSliceLogicNode", "vtkMRMLModelNode", "vtkMRMLModelDisplayNode")
    rest = [node for node in every if not any(node.IsA(name) for name in beside)]
    return {node.GetID() for node in rest if not (node.IsA("vtkMRMLTransformNode") and node.GetHideFromEditors())}


def run_folders() -> list[Path]:
    """Temporary folders of runs."""
    return sorted(Path(slicer.app.temporaryPath).glob("BrainFM-*"))


def shown(widget) -> bool:
    """Whether a widget is meant to be seen, whatever holds it."""
    return not widget.isHidden()


def press(button) -> None:
    """Click as a user does: a disabled button does nothing."""
    button.click()


def key(widget, code) -> None:
    """Press and release a key."""
    for kind in (qt.QEvent.KeyPress, qt.QEvent.KeyRelease):
        qt.QApplication.sendEvent(widget, qt.QKeyEvent(kind, code, qt.Qt.NoModifier))


def clear_settings() -> None:
    """Forget what the module remembered."""
    settings = qt.QSettings()
    settings.remove("BrainFM")


def remove(folder: Path) -> None:
    """Delete a folder that was kept on purpose."""
    shutil.rmtree(folder)
