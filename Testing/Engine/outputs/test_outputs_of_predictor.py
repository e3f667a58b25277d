from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from phantom_head import make_prediction

pytest.importorskip("torch")

from BrainFMEngine.image.volume import Volume
from BrainFMEngine.inference.predictor import Predictor
from BrainFMEngine.outputs import OutputOptions, write_results
from tiny_networks import HEADS, tiny_network


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    """A network that knows nothing."""
    network = tiny_network(heads={**HEADS, "segmentation": 56})
    network.info = replace(network.info, sha256="0" * 64)
    return Predictor(network, device="cpu", threads=1)


@pytest.mark.parametrize("grid", ["native", "1mm"])
def test_real_predictions_are_written_whatever_the_network_says(
    predictor: Predictor, tmp_path: Path, grid: str
) -> None:
    phantom = make_prediction(None, (10, 9, 10), (5.0, 5.0, 5.0))
    image = phantom.image + np.linspace(0, 300, 9, dtype=np.float32)[:, None]
    scan = Volume(image, phantom.grid.affine_ras)
    prediction = predictor.predict(scan, grid=grid, posteriors=True, features=True)
    files = write_results(prediction, tmp_path, "a", OutputOptions(posteriors=True, features=True))
    report = json.loads(files["report"].read_text(encoding="utf-8"))
    assert report["verdict"] in ("check", "fail") and report["model"]["name"] == "ignorant"
    for kind in ("T1w", "CT", "dseg", "lp", "biasfield", "corrected", "probseg"):
        written = nib.load(files[kind])
        assert written.shape[:3] == prediction.grid.shape
        np.testing.assert_allclose(written.affine, prediction.grid.affine_ras, atol=1e-4)
    assert nib.load(files["features"]).shape[:3] == prediction.conformed.volume.grid.shape
