"""The whole way with the real engine, where BRAINFM_PYTHON or the tests' own Python has torch and the rest."""

import importlib.util
import os
import subprocess
import sys

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib.ResultSet import ResultSet

pytestmark = pytest.mark.gui
PYTHON = os.environ.get("BRAINFM_PYTHON") or (sys.executable if importlib.util.find_spec("torch") else "")
NEEDED = "torch, nibabel, safetensors, typer, rich"
SHAPE, AFFINE = (40, 44, 42), np.diag([-1.0, -1.0, 1.1, 1.0])
MADE = {"T1w", "T2w", "FLAIR", "CT", "dseg", "lp", "lw", "rp", "rw", "biasfield", "corrected", "volumes", "qc"}
WAIT_S = 400


def reason_to_skip() -> str:
    """Why the real engine cannot be run here, "" if it can."""
    if not PYTHON:
        return f"BRAINFM_PYTHON does not name a Python with {NEEDED}"
    found = subprocess.run([PYTHON, "-c", f"import {NEEDED}"], capture_output=True, text=True)
    return "" if found.returncode == 0 else f"{PYTHON} lacks one of {NEEDED}: {found.stderr.strip().splitlines()[-1]}"


@pytest.fixture
def module(scene, open_module, pump):
    """The module as users have it, with its own checks and the real engine."""
    reason = reason_to_skip()
    if reason:
        pytest.skip(reason)
    module_bed.clear_settings()
    yield open_module("BrainFM").module
    module_bed.clear_settings()


@pytest.mark.timeout(WAIT_S * 2)
def test_from_a_scan_to_results_with_the_real_engine(module, pump):
    ui = module.ui
    volume = module_bed.head("Real", SHAPE, AFFINE)
    assert pump(lambda: module.setup.ready, 120), ui.setupSummaryLabel.text
    ui.inputSelector.setCurrentNode(volume)
    assert pump(lambda: "GB" in ui.statusLabel.text, 60)
    told = []
    ui.applyButton.click()
    while module.controller.busy:
        pump(timeout_s=0.5)
        told.append(ui.progressLabel.text)
        assert len(told) < WAIT_S * 2
    assert not module_bed.shown(ui.noticeFrame), ui.noticeLabel.text
    found = ResultSet.of(volume)
    assert set(found.kinds()) >= MADE
    for kind in ("T1w", "CT", "lp", "biasfield", "corrected"):
        array = slicer.util.arrayFromVolume(found.get(kind))
        assert array.shape == SHAPE[::-1] and np.isfinite(array).all(), kind
    assert any("Running the network" in text for text in told)
    assert ui.volumesTable.rowCount > 20
    assert found.model == "compact"
    assert pump(lambda: not module_bed.run_folders(), 5)
