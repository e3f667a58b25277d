"""A scan and a tiny model on disk, and a way to call the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from BrainFMEngine.cli import main

HEADS = {"T1": 1, "bias_field_log": 1, "segmentation": 40, "distance": 4, "registration": 3}


@dataclass(frozen=True)
class Outcome:
    """What a call of the command line left."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict]:
        """Every line of standard output as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, event: str) -> list[dict]:
        """The events of one kind."""
        return [entry for entry in self.events if entry["event"] == event]


@pytest.fixture
def brainfm(capsys, monkeypatch, tmp_path):
    """Function that runs `brainfm ARGUMENTS...` in this process."""
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path / "brainfm home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def call(*arguments) -> Outcome:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory) -> Path:
    """A model folder whose network knows nothing."""
    pytest.importorskip("torch")
    from BrainFMEngine.network.checkpoint import save_model
    from tiny_networks import tiny_network

    network = tiny_network(heads=HEADS, num_levels=3)
    folder = tmp_path_factory.mktemp("models") / "ignorant"
    save_model(folder, network, network.info)
    return folder


def write_scan(path: Path, shape: tuple[int, int, int] = (12, 14, 11)) -> Path:
    axes = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    radius = np.sqrt((axes**2).sum(0))
    texture = np.random.default_rng(3).random(shape)
    array = np.where(radius < 0.9, 100 * (2 - radius) + 40 * texture, 0).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, np.diag([-3.0, 3.0, 3.0, 1.0])), path)
    return path


@pytest.fixture
def make_scan(tmp_path):
    """Function that writes a small scan under a name in the test's folder."""
    return lambda name="scan.nii.gz": write_scan(tmp_path / name)
