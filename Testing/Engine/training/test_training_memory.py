"""What a step will need is estimated well."""

from __future__ import annotations

import subprocess
import sys

import pytest
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.training.estimate import estimate_run
from BrainFMEngine.training.memory import step_bytes
from BrainFMEngine.training.recipe import with_values
from BrainFMEngine.training.recipes import named_recipe

MEASURE = r"""
import re, sys, torch
from pathlib import Path
from BrainFMEngine.network.build import build_network
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.training.level_checkpoints import checkpoint_levels
torch.set_num_threads(1)
network = build_network(NetworkConfig({"T1": 1}, f_maps=16, num_levels=4))
network.to(memory_format=torch.channels_last_3d)
if sys.argv[1] == "True":
    checkpoint_levels(network)
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
def step(edge):
    network.zero_grad()
    image = torch.rand(1, 1, edge, edge, edge).to(memory_format=torch.channels_last_3d)
    features = network.backbone(image, keep_levels=False)[-1]
    network.head(features, image)["T1"].square().mean().backward()
step(16)
before = peak()
step(80)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process exactly")
@pytest.mark.parametrize("checkpointing", [False, True])
def test_estimate_is_near_the_measured_peak(checkpointing):
    command = [sys.executable, "-c", MEASURE, str(checkpointing)]
    measured = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    estimated = step_bytes(NetworkConfig({"T1": 1}, f_maps=16, num_levels=4), (80,) * 3, False, checkpointing)
    # What convolutions need beside their maps differs between CPUs and from run to run.
    assert 0.5 * measured <= estimated <= 2 * measured


def test_the_published_network_fits_a_gpu_of_24_gb_with_checkpointing():
    changes = {"network.num_levels": 6, "checkpointing": True}
    recipe = with_values(named_recipe("brainfm", "paper"), changes)
    assert recipe.generator.shape == (128, 128, 128) and recipe.network.f_maps == 64
    assert estimate_run(recipe, []).step_bytes < 24e9
    without = with_values(recipe, {"checkpointing": False})
    assert estimate_run(without, []).step_bytes > estimate_run(recipe, []).step_bytes
