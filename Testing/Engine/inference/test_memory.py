"""What a run will need is estimated well, and what is free is known on every system."""

from __future__ import annotations

import subprocess
import sys

import pytest
from BrainFMEngine.inference import available
from BrainFMEngine.inference.memory import result_bytes, run_bytes
from BrainFMEngine.network.config import NetworkConfig

MEASURE = r"""
import re, sys, torch
from pathlib import Path
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.network.build import build_network
from BrainFMEngine.inference.lean import lean_features
torch.set_num_threads(1)
f_maps, levels, edge = map(int, sys.argv[1:])
network = build_network(NetworkConfig({"T1": 1}, f_maps=f_maps, num_levels=levels)).eval()
network.to(memory_format=torch.channels_last_3d)
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
with torch.inference_mode():
    lean_features(network.backbone, torch.rand(1, 1, 32, 32, 32), lambda fraction: None)
    before = peak()
    lean_features(network.backbone, torch.rand(1, 1, edge, edge, edge), lambda fraction: None)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process exactly")
@pytest.mark.parametrize(("f_maps", "levels", "edge"), [(16, 5, 96), (32, 4, 64)])
def test_estimate_is_near_the_measured_peak(f_maps, levels, edge):
    command = [sys.executable, "-c", MEASURE, str(f_maps), str(levels), str(edge)]
    measured = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    estimated = run_bytes(NetworkConfig({"T1": 1}, f_maps=f_maps, num_levels=levels), (edge, edge, edge))
    # How much a convolution needs beside its maps differs between CPUs; too little would end a run, too much not.
    assert 0.8 * measured <= estimated <= 1.4 * measured


def test_estimate_grows_with_everything():
    config = NetworkConfig({"T1": 1, "segmentation": 56})
    base = run_bytes(config, (96, 96, 96))
    assert run_bytes(config, (192, 96, 96)) == pytest.approx(2 * base, rel=0.01)
    assert run_bytes(config, (96, 96, 96), passes=2) > base
    assert result_bytes(config, ["T1", "segmentation"], (96, 96, 96), windows=True) > result_bytes(
        config, ["T1", "segmentation"], (96, 96, 96), windows=False
    )


def test_free_memory_is_plausible():
    assert 2**27 < available.host_available_bytes() < 2**46


def test_without_psutil(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert 2**27 < available.host_available_bytes() < 2**46


def test_unknown_system_assumes_little(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setattr(available, "_SYSTEM_SOURCES", {})
    assert available.host_available_bytes() == available.UNKNOWN_BYTES


def test_meminfo(tmp_path):
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 100 kB\nMemAvailable:     64 kB\n")
    assert available._from_meminfo(path) == 65536


def test_limit_of_a_container(tmp_path):
    assert available._container_limit(tmp_path) == float("inf")
    for name, text in {"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": "inactive_file 100\n"}.items():
        (tmp_path / name).write_text(text)
    assert available._container_limit(tmp_path) == 400
    (tmp_path / "memory.max").write_text("max\n")
    assert available._container_limit(tmp_path) == float("inf")
