"""Checkpoint files, a model folder, and a private folder for models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from BrainFMEngine.network.checkpoint import ModelInfo, save_model  # noqa: E402
from BrainFMEngine.network.config import NetworkConfig  # noqa: E402
from checkpoint_makers import SMALL, authors_content, weights  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private BRAINFM_HOME."""
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Writes a `.pth` file: `checkpoint(state=..., key=value)`; keys replace what training would save."""

    def write(state: dict | None = None, name: str = "authors.pth", config: NetworkConfig = SMALL, **changes) -> Path:
        path = tmp_path / name
        torch.save(authors_content(weights(config) if state is None else state, config, **changes), path)
        return path

    return write


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A valid model folder."""
    save_model(tmp_path / "model", weights(), ModelInfo("model", SMALL, label_protocol="brainfm-56"))
    return tmp_path / "model"
