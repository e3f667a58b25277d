"""From a volume of the scene through the real engine and back; needs BRAINFM_PYTHON, an interpreter that has it."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import slicer
from BrainFMLib.InputExport import exportSteps
from BrainFMLib.Placement import ijkToRas
from BrainFMLib.QualityReport import QCReport
from BrainFMLib.VolumesTable import rowsOf
from result_folder import ResultFolder
from scene_results import add_scan, finish, import_results, put_under, turn

pytestmark = pytest.mark.scene
ENGINE = Path(__file__).resolve().parents[2] / "BrainFM"
AFFINE = turn(8, (30.0, 30.0, -20.0)) @ np.diag([-1.2, -1.1, 1.3, 1.0])
SHAPE = (44, 46, 40)


@pytest.fixture
def python():
    path = os.environ.get("BRAINFM_PYTHON")
    if not path:
        pytest.skip("BRAINFM_PYTHON does not name an interpreter with the engine")
    return path


def predict(python, path, folder, *options):
    command = [python, "-m", "BrainFMEngine", "predict", path, "-o", folder, "--device", "cpu", "--threads", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ENGINE)}
    subprocess.run([*map(str, command), *options], env=environment, check=True, capture_output=True, timeout=300)


def head() -> np.ndarray:
    """An array (Z, Y, X): skull, fluid and two tissues as ellipsoids."""
    grids = np.meshgrid(*(np.linspace(-1.1, 1.1, n) for n in SHAPE[::-1]), indexing="ij")
    radius = np.sqrt(sum(grid**2 for grid in grids))
    array = np.select([radius < 0.6, radius < 0.8, radius < 0.85, radius < 1], [800, 500, 150, 900], 0)
    return (array * (1 + 0.05 * np.random.default_rng(0).random(radius.shape))).astype(np.int16)


@pytest.mark.parametrize("options", [("--uncompressed",), ("--grid", "1mm")], ids=["native", "1mm"])
def test_there_and_back(scene, tmp_path, python, options):
    scan = add_scan(AFFINE, array=head())
    parent = put_under(scan, turn())
    path = finish(exportSteps(scan, tmp_path)).path
    predict(python, path, tmp_path / "out", "--progress", "none", *options)
    results = ResultFolder(tmp_path / "out", "input")
    found = import_results(results, scan)
    assert {"T1w", "CT", "dseg", "lp", "biasfield", "corrected", "volumes", "qc"} <= set(found.kinds())
    assert found.model == "compact" and QCReport.of(found.get("qc")).verdict in ("check", "fail")
    assert rowsOf(found.get("volumes"))[-1].id is None
    for kind in ("T1w", "corrected", "lp"):
        node = found.get(kind)
        assert node.GetParentTransformNode() is parent
        if "--uncompressed" in options:
            np.testing.assert_allclose(ijkToRas(node), AFFINE, atol=1e-6)
            assert node.GetImageData().GetDimensions() == SHAPE
    corrected, bias = (slicer.util.arrayFromVolume(found.get(kind)) for kind in ("corrected", "biasfield"))
    if "--uncompressed" in options:
        assert np.allclose(corrected * bias, head(), atol=0.5)
