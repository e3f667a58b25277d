"""Models as the module lists, downloads, imports and deletes them; the server is on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from BrainFMLib.EngineCommand import engineFolder
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMLib.ModelManager import ModelManager
from file_server import CONTENT, SHA256, FileServer

WORKER = Path(__file__).parent / "workers" / "model_worker.py"
pytestmark = pytest.mark.usefixtures("scene")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A private folder for models."""
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def server():
    with FileServer() as server:
        yield server


class Run:
    """A manager whose downloads come from the server, and what it told."""

    def __init__(self, url: str, sha256: str):
        self.manager = ModelManager(EngineProcess([sys.executable, str(WORKER), url, sha256]))
        self.progress, self.outcomes = [], []

    def download(self, name: str = "brainfm") -> None:
        self.manager.download(name, lambda *told: self.progress.append(told), self.outcomes.append)

    def importFile(self, path: Path, **options) -> None:
        self.manager.importFile(path, lambda *told: self.progress.append(told), self.outcomes.append, **options)

    @property
    def url(self) -> str:
        return next(row.url for row in self.manager.list() if row.name == "brainfm")

    def state(self, name: str) -> str:
        return next((row.state for row in self.manager.list() if row.name == name), "")


@pytest.fixture
def make_run(server):
    made = []

    def make(url: str = server.url, sha256: str = SHA256) -> Run:
        made.append(Run(url, sha256))
        return made[-1]

    yield make
    for run in made:
        run.manager.discard()


def test_list_tells_what_users_want_to_know(home):
    compact, brainfm = ModelManager().list()
    assert (compact.name, compact.state, compact.removable, compact.downloadable) == (
        "compact",
        "bundled",
        False,
        False,
    )
    assert compact.tasks and compact.sizeBytes > 1e6 and compact.licence and compact.trainedOn and compact.folder
    assert (brainfm.state, brainfm.downloadable, brainfm.folder) == ("missing", True, None)
    assert brainfm.url.startswith("https://") and len(brainfm.sha256) == 64 and brainfm.sizeBytes > 1e9
    assert brainfm.evidence and brainfm.licence == "not established"
    assert ModelManager().folder() == home / "models"


def test_listing_is_fast_and_loads_nothing_heavy():
    code = "import sys, time; sys.path.insert(0, sys.argv[1]); from BrainFMEngine.models.listing import list_facts\n"
    code += "list_facts(); start = time.perf_counter(); list_facts(); print(time.perf_counter() - start)\n"
    code += "print(*sorted({'torch', 'nibabel', 'numpy', 'SimpleITK'} & set(sys.modules)))"
    command = [sys.executable, "-c", code, str(engineFolder())]
    seconds, loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[:2]
    assert float(seconds) < 0.5 and loaded == ""


def test_download(make_run, server, home, pump):
    server.seconds_a_piece = 0.01
    run = make_run()
    run.download()
    assert run.manager.busy and run.outcomes == []
    assert pump(lambda: run.outcomes, 60)
    assert run.outcomes[0].state == "done", run.outcomes[0].details
    assert not run.manager.busy and run.state("brainfm") == "installed"
    texts, fractions = zip(*run.progress, strict=True)
    assert fractions == tuple(sorted(fractions)) and fractions[-1] == 1.0
    assert any("of 1 MB" in text for text in texts) and texts[-1] == "Done"
    assert next(row for row in run.manager.list() if row.name == "brainfm").removable


def test_cancelled_download_goes_on_next_time(make_run, server, home, pump):
    server.seconds_a_piece = 0.02
    run = make_run()
    run.download()
    part = home / "downloads" / "model.pth.part"
    assert pump(lambda: part.exists() and part.stat().st_size > 100_000, 60)
    start = time.monotonic()
    run.manager.cancel()
    assert pump(lambda: run.outcomes, 10) and time.monotonic() - start < 2.5
    assert run.outcomes[0].state == "cancelled" and run.state("brainfm") == "missing"
    server.seconds_a_piece = 0.0
    run.download()
    assert pump(lambda: len(run.outcomes) == 2, 60)
    assert run.outcomes[1].state == "done" and run.state("brainfm") == "installed"
    assert server.ranges[0] is None and server.ranges[-1].startswith("bytes=")


def test_lost_connection_is_told_and_the_download_goes_on(make_run, server, pump):
    server.cut_after = [300_000]
    run = make_run()
    run.download()
    assert pump(lambda: run.outcomes, 60) and run.outcomes[0].state == "done"
    assert any("trying again" in text for text, _ in run.progress)


@pytest.mark.parametrize("content", [b"other weights" * 1000, b"<html>Please log in</html>"])
def test_another_file_is_refused_and_import_is_offered(make_run, server, home, pump, content):
    server.content = content
    run = make_run()
    run.download()
    assert pump(lambda: run.outcomes, 60)
    outcome = run.outcomes[0]
    assert outcome.state == "failed" and "did not give the expected file" in outcome.message
    assert "Import file…" in outcome.hint and run.url in outcome.hint and "brainfm models" not in outcome.hint
    assert run.state("brainfm") == "missing" and not list((home / "downloads").iterdir())


def test_without_a_network_import_is_offered(make_run, server, pump):
    server.statuses = [404]
    run = make_run()
    run.download()
    assert pump(lambda: run.outcomes, 60)
    assert run.outcomes[0].state == "failed" and "404" in run.outcomes[0].message
    assert "Import file…" in run.outcomes[0].hint and run.url in run.outcomes[0].hint


def test_one_at_a_time(make_run, server, tmp_path, pump):
    server.seconds_a_piece = 0.05
    run = make_run()
    run.download()
    with pytest.raises(RuntimeError):
        run.download()
    with pytest.raises(RuntimeError):
        run.importFile(tmp_path / "file.pth")


def test_discarded_download_tells_nothing(make_run, server, home, pump):
    server.seconds_a_piece = 0.02
    run = make_run()
    run.download()
    assert pump(lambda: server.ranges, 60)
    run.manager.discard()
    told = len(run.progress)
    assert not run.manager.busy
    assert not pump(lambda: run.outcomes or len(run.progress) > told, 1.0)


def test_import_names_the_model_after_its_file(make_run, tmp_path, pump):
    (tmp_path / "My Model.pth").write_bytes(CONTENT)
    run = make_run()
    for expected in ("my-model", "my-model-2"):
        run.outcomes.clear()
        run.importFile(tmp_path / "My Model.pth")
        assert pump(lambda: run.outcomes, 60) and run.outcomes[0].state == "done", run.outcomes[0].details
        assert run.state(expected) == "installed"
    assert run.progress[-1] == ("Done", 1.0)


def test_import_never_takes_the_name_of_the_bundled_model(make_run, tmp_path, pump):
    (tmp_path / "compact.pth").write_bytes(CONTENT)
    run = make_run()
    run.importFile(tmp_path / "compact.pth")
    assert pump(lambda: run.outcomes, 60) and run.outcomes[0].state == "done"
    assert run.state("compact") == "bundled" and run.state("compact-2") == "installed"


def test_refused_file_is_explained(make_run, tmp_path, pump):
    (tmp_path / "page.pth").write_text("<html>")
    run = make_run()
    run.importFile(tmp_path / "page.pth", name="page")
    assert pump(lambda: run.outcomes, 60)
    assert run.outcomes[0].state == "failed" and "web page" in run.outcomes[0].message and run.state("page") == ""


def test_remove(make_run, tmp_path, pump):
    (tmp_path / "mine.pth").write_bytes(CONTENT)
    run = make_run()
    run.importFile(tmp_path / "mine.pth")
    assert pump(lambda: run.outcomes, 60)
    run.manager.remove("mine")
    assert run.state("mine") == ""
    with pytest.raises(Exception, match="bundled") as caught:
        run.manager.remove("compact")
    assert caught.value.message and hasattr(caught.value, "hint")


def test_damaged_model_is_told(make_run, tmp_path, pump):
    (tmp_path / "mine.pth").write_bytes(CONTENT)
    run = make_run()
    run.importFile(tmp_path / "mine.pth")
    assert pump(lambda: run.outcomes, 60)
    row = next(row for row in run.manager.list() if row.name == "mine")
    os.truncate(row.folder / "model.safetensors", 1000)
    row = next(row for row in run.manager.list() if row.name == "mine")
    assert row.state == "damaged" and "cut short" in row.problem and row.removable
