"""What a run uses of the machine is told, and never stands in its way."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from BrainFMEngine.training import resources, run_folder
from BrainFMEngine.training.resources import ResourceMeter, rss_bytes
from BrainFMEngine.training.run_folder import RunFolder, read_state

KEYS = {"cpu_percent", "rss_bytes", "device_bytes", "device_total_bytes", "device_percent"}


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_busy_and_idle_differ():
    now = [0.0]
    meter = ResourceMeter("cpu", clock=lambda: now[0])
    spin(0.05)
    now[0] += 0.05 / resources.usable_cores()  # as if every core had been busy
    assert meter.read()["cpu_percent"] > 90
    now[0] += 1000.0
    idle = meter.read()
    assert 0 <= idle["cpu_percent"] < 10
    assert set(idle) == KEYS and idle["device_bytes"] is None


def test_the_machine_is_looked_at_once_a_second(monkeypatch):
    now, looks = [0.0], []
    monkeypatch.setattr(resources, "rss_bytes", lambda: looks.append(now[0]))
    meter = ResourceMeter("cpu", clock=lambda: now[0])
    for _ in range(100):
        now[0] += 0.05
        meter.read()
    assert 4 <= len(looks) <= 6


def test_memory_is_that_of_the_process():
    before = rss_bytes()
    block = bytearray(64 << 20)
    block[::4096] = b"x" * len(block[::4096])
    assert rss_bytes() - before > 32 << 20


def test_a_machine_that_tells_nothing_is_no_error(monkeypatch):
    def refuse():
        raise OSError("no")

    monkeypatch.setitem(resources._RSS_SOURCES, sys.platform, refuse)
    monkeypatch.setattr(resources, "_cuda", refuse)
    found = ResourceMeter("cuda").read()
    assert found["rss_bytes"] is None and found["device_total_bytes"] is None


def test_a_gpu_is_looked_at(monkeypatch):
    values = {"device_bytes": 5, "device_total_bytes": 9, "device_percent": 70.0}
    monkeypatch.setattr(resources, "_cuda", lambda: values)
    assert ResourceMeter("cuda").read().items() >= values.items()
    assert ResourceMeter("cpu").read()["device_bytes"] is None


def test_it_needs_no_torch():
    code = (
        "import sys; from BrainFMEngine.training.resources import ResourceMeter as M; M().read(); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" not in loaded and "numpy" not in loaded


def test_the_state_file_tells_what_a_run_uses(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "HEARTBEAT_SECONDS", 0.05)
    used = {"cpu_percent": 50.0}
    with RunFolder.create(tmp_path, "abc", 5) as run:
        assert read_state(tmp_path).state.resources is None
        run.watch(lambda: dict(used))
        run.update("running")
        assert read_state(tmp_path).state.resources == {"cpu_percent": 50.0}
        used["cpu_percent"] = 10.0
        deadline = time.monotonic() + 20
        while read_state(tmp_path).state.resources != used and time.monotonic() < deadline:
            time.sleep(0.02)
        assert read_state(tmp_path).state.resources == used


def test_a_run_of_an_older_version_is_read(tmp_path):
    RunFolder.create(tmp_path, "abc", 5, tmp_path / "data").end("stopped", "asked to")
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["dataset"] == str(tmp_path / "data")
    del record["dataset"], record["resources"]
    (tmp_path / "run.json").write_text(json.dumps(record))
    state = read_state(tmp_path).state
    assert (state.dataset, state.resources, state.message) == (None, None, "asked to")
    with RunFolder.attach(tmp_path, "abc", 5, dataset=tmp_path / "elsewhere") as run:
        run.update("running")
    assert read_state(tmp_path).state.dataset == str(tmp_path / "elsewhere")
    RunFolder.attach(tmp_path, "abc", 5).end("stopped")
    assert read_state(tmp_path).state.dataset == str(tmp_path / "elsewhere")
