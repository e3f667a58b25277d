"""The phantom as fixtures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from BrainFMEngine.inference.prediction import Prediction
from phantom_head import make_prediction


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Prediction:
    """The phantom with every task."""
    return make_prediction(tmp_path_factory.mktemp("scan") / "häd 1.nii.gz")


@pytest.fixture
def small(phantom: Prediction) -> Prediction:
    """The phantom with one task only, for tests about files and folders."""
    return replace(phantom, maps={"T1w": phantom.maps["T1w"]}, options={"tasks": ["t1"]})
