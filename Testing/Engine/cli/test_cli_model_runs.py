"""`brainfm models download|import --progress json --stdin`, as the module in Slicer runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from file_server import FileServer

torch = pytest.importorskip("torch")

LAUNCH = """
import json, sys
from dataclasses import replace
from BrainFMEngine.models import catalogue

changes = json.loads(sys.argv.pop(1))
entries = tuple(replace(entry, **changes) if entry.url else entry for entry in catalogue.catalogue())
catalogue.catalogue = lambda: entries

from BrainFMEngine.cli import main
sys.exit(main())
"""
"""The command line with another address in its catalogue."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A small checkpoint as the authors' code saves it."""
    from BrainFMEngine.network.build import build_network
    from BrainFMEngine.network.config import NetworkConfig

    torch.manual_seed(1)
    network = build_network(NetworkConfig({"T1": 1, "distance": 4}, f_maps=16, num_levels=4))
    path = tmp_path_factory.mktemp("checkpoint") / "model.pth"
    torch.save({"model": network.state_dict(), "epoch": 3}, path)
    return path


@pytest.fixture
def home(tmp_path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def server(checkpoint):
    with FileServer(checkpoint.read_bytes()) as server:
        yield server


class Run:
    """One child process and the events it has sent so far."""

    def __init__(self, home: Path, changes: dict, *arguments: object):
        command = [sys.executable, "-c", LAUNCH, json.dumps(changes), *map(str, arguments)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = {**os.environ, "BRAINFM_HOME": str(home), "XDG_STATE_HOME": str(home)}
        self.events: list[dict] = []
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)

    def until(self, condition) -> None:
        """Read events until one fulfils a condition."""
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if condition(self.events[-1]):
                return
        raise AssertionError(f"{self.events} {self.process.stderr.read()}")

    def finish(self) -> int:
        """Read to the end and return the exit code."""
        rest, errors = self.process.communicate(timeout=120)
        self.events += [json.loads(line) for line in rest.splitlines()]
        assert "Traceback" not in errors
        return self.process.returncode

    def of(self, kind: str) -> list[dict]:
        return [event for event in self.events if event["event"] == kind]


@pytest.fixture
def download(home, server):
    """Function that starts a download of the model `brainfm` from the server."""
    runs = []

    def start(**changes) -> Run:
        changes = {"url": server.url, "sha256": server.sha256, "max_bytes": 10_000_000, **changes}
        runs.append(Run(home, changes, "models", "download", "brainfm", "--progress", "json", "--stdin"))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait()


def installed(home: Path) -> list[str]:
    folder = home / "models"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_download_tells_fraction_and_bytes_and_stores_the_model(download, server, home):
    server.seconds_a_piece = 0.005
    run = download()
    run.until(lambda event: event["event"] == "done")
    assert run.finish() == 0
    start, done = run.events[0], run.events[-1]
    assert start["event"] == "start" and start["inputs"] == ["brainfm"]
    assert done["code"] == 0 and done["results"][0]["folder"] == str(home / "models" / "brainfm")
    told = run.of("progress")
    assert [event["fraction"] for event in told] == sorted(event["fraction"] for event in told)
    arrived = [event["bytes"] for event in told if event["bytes"]]
    assert len(arrived) > 3 and {event["bytes_total"] for event in told if event["bytes"]} == {len(server.content)}
    assert told[-1]["fraction"] == 1 and "checking and converting" in {event["stage"] for event in told}
    assert installed(home) == ["brainfm"] and list((home / "downloads").iterdir()) == []


@pytest.mark.parametrize("way", ["line", "end", "kill"])
def test_cancelled_download_goes_on_next_time(download, server, home, way):
    server.seconds_a_piece = 0.02
    run = download()
    run.until(lambda event: event.get("bytes", 0) > 100_000)
    if way == "line":
        run.process.stdin.write("stop\n")
        run.process.stdin.flush()
    elif way == "kill":
        run.process.kill()
    assert run.finish() == (130 if way != "kill" else run.process.returncode) != 0
    if way != "kill":
        assert run.of("error")[0]["code"] == 130 and "goes on from there" in run.of("error")[0]["hint"]
        assert run.events[-1]["event"] == "done"
    assert installed(home) == []
    server.seconds_a_piece = 0.0
    again = download()
    again.until(lambda event: event.get("stage") == "checking and converting")
    assert server.ranges[0] is None and server.ranges[1].startswith("bytes=")


def test_another_file_is_refused(download, home):
    run = download(sha256="0" * 64)
    run.until(lambda event: event["event"] == "done")
    assert run.finish() == 3
    (error,) = run.of("error")
    assert "SHA-256 differs" in error["message"] and "models import FILE" in error["hint"] and error["code"] == 3
    assert installed(home) == [] and list((home / "downloads").iterdir()) == []


def test_no_connection_is_told_while_it_tries_again(download, home):
    run = download(url="http://127.0.0.1:9/model.pth")
    run.until(lambda event: event["event"] == "warning" and "trying again" in event["message"])
    run.process.stdin.write("stop\n")  # it would try again for half a minute
    run.process.stdin.flush()
    run.until(lambda event: event["event"] == "done")
    assert run.finish() == 130 and installed(home) == []


def test_refused_weights_are_kept_and_their_path_is_told(download, server, home):
    server.content = b"<html>please log in</html>"
    run = download()
    run.until(lambda event: event["event"] == "done")
    assert run.finish() == 4 and installed(home) == []
    assert str(home / "downloads" / "model.pth") in run.of("error")[0]["hint"]


@pytest.mark.parametrize(("name", "said"), [("compact", "needs no download"), ("brainfn", "'brainfm'")])
def test_what_cannot_be_downloaded_is_told_as_an_event(home, name, said):
    run = Run(home, {}, "models", "download", name, "--progress", "json")
    assert run.finish() == 2
    (error,) = run.of("error")
    assert said in f"{error['message']} {error['hint']}" and run.events[-1]["code"] == 2


def test_import_is_told_as_events(home, checkpoint):
    run = Run(home, {}, "models", "import", checkpoint, "--name", "mine", "--progress", "json", "--stdin")
    run.until(lambda event: event["event"] == "done")
    assert run.finish() == 0
    assert run.events[0]["inputs"] == [str(checkpoint)] and run.of("progress")[-1]["fraction"] == 1
    assert run.events[-1]["results"][0]["folder"] == str(home / "models" / "mine") and installed(home) == ["mine"]


def test_refused_import_is_told_as_an_event(home, tmp_path):
    (tmp_path / "page.pth").write_text("<html>")
    run = Run(home, {}, "models", "import", tmp_path / "page.pth", "--progress", "json")
    assert run.finish() == 4 and run.of("error")[0]["code"] == 4 and installed(home) == []


def test_missing_packages_are_told_before_the_download(brainfm, monkeypatch):
    from BrainFMEngine.cli import model_runs

    find = model_runs.importlib.util.find_spec
    monkeypatch.setattr(model_runs.importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    outcome = brainfm("models", "download", "brainfm", "--progress", "json")
    assert outcome.code == 2 and "torch must be installed first" in outcome.of("error")[0]["message"]
