"""The catalogue, the folder of models and the commands on them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from BrainFMEngine.cli.models import app
from BrainFMEngine.errors import DownloadError, ModelFileError, UsageError
from BrainFMEngine.models import DEFAULT_MODEL, store
from BrainFMEngine.models.catalogue import catalogue, find_entry
from BrainFMEngine.models.listing import list_facts
from BrainFMEngine.models.store import home_folder, list_models, remove_model, resolve_model
from typer.testing import CliRunner


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_catalogue_is_sound():
    assert catalogue()[0].name == DEFAULT_MODEL and catalogue()[0].bundled
    for entry in catalogue():
        assert entry.bundled or entry.url.startswith("https://")
        assert entry.bundled or (re.fullmatch("[0-9a-f]{64}", entry.sha256) and entry.max_bytes > 0)
    assert "third parties" in find_entry("brainfm").evidence
    with pytest.raises(UsageError, match="'brainfm'"):
        find_entry("brainfn")


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_DATA_HOME", "BrainFM"),
        ("win32", "LOCALAPPDATA", "BrainFM"),
    ],
)
def test_home_follows_the_platform(monkeypatch, tmp_path, platform, variable, expected):
    monkeypatch.delenv("BRAINFM_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert home_folder() == tmp_path / expected
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path / "mine"))
    assert home_folder() == tmp_path / "mine"


def test_listing_needs_no_torch():
    code = "import sys; from BrainFMEngine.cli.models import _rows; _rows(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def bundled(monkeypatch, tmp_path, model_folder):
    """A bundled folder with a model called compact."""
    folder = tmp_path / "bundled"
    shutil.copytree(model_folder, folder / "compact")
    monkeypatch.setattr(store, "bundled_folder", lambda: folder)
    return folder / "compact"


def test_bundled_models_are_found_and_stay(home, bundled):
    assert resolve_model("compact") == bundled
    with pytest.raises(UsageError, match="bundled"):
        remove_model("compact")
    assert bundled.is_dir()


def test_missing_bundled_model_is_explained(home, monkeypatch, tmp_path):
    monkeypatch.setattr(store, "bundled_folder", lambda: tmp_path)
    with pytest.raises(ModelFileError, match="'compact' is missing"):
        resolve_model("compact")


def test_remove_only_removes_installed_models(home):
    for name in ("nothing", "brainfm"):
        with pytest.raises(UsageError, match="no installed model"):
            remove_model(name)
    with pytest.raises(ModelFileError, match="not a model name"):
        remove_model("../home")


def test_import_list_inspect_remove(home, checkpoint):
    path = checkpoint()
    assert run("import", path, "--name", "mine").exit_code == 0
    rows = json.loads(run("list", "--json").stdout)
    row = next(row for row in rows if row["name"] == "mine")
    assert row["state"] == "installed" and row["tasks"] == ["t1", "seg", "distance"]
    assert row["folder"] == str(home / "models" / "mine") and len(row["sha256"]) == 64 and row["size_bytes"] > 0
    assert "unverified" in row["evidence"] and not row["downloadable"] and not row["problem"]
    assert "mine" in run("list").stdout
    described = json.loads(run("inspect", "mine", "--json").stdout)
    assert described["network"]["f_maps"] == 8 and described["provenance"]["source_file"] == path.name
    assert "brainfm-56" in run("inspect", path).stdout
    assert run("remove", "mine").exit_code == 0
    assert not [model for model in list_models() if model.name == "mine"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "model.json").write_text("{}"), "no format version"),
        (lambda folder: (folder / "model.safetensors").unlink(), "missing"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"12"), "cut short"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\2" + bytes(7) + b"[]"), "not a weights file"),
        (lambda folder: os.truncate(folder / "model.safetensors", 2000), "cut short"),
    ],
    ids=["description", "no weights", "stub", "other file", "cut"],
)
def test_damaged_model_is_listed_with_its_problem(home, model_folder, damage, said):
    folder = home / "models" / "broken"
    shutil.copytree(model_folder, folder)
    damage(folder)
    row = next(row for row in json.loads(run("list", "--json").stdout) if row["name"] == "broken")
    assert row["state"] == "damaged" and said in row["problem"] and row["folder"] == str(folder)
    assert "damaged" in run("list").stdout


def test_list_tells_everything_about_the_catalogue(home):
    compact, brainfm = json.loads(run("list", "--json").stdout)
    assert compact["name"] == "compact" and compact["state"] == "bundled" and compact["trained_on"]
    assert compact["licence"] == "Apache-2.0" and compact["size_bytes"] > 1e6 and "seg" in compact["tasks"]
    assert brainfm["state"] == "missing" and brainfm["downloadable"] and not brainfm["folder"]
    assert brainfm["sha256"] == find_entry("brainfm").sha256 and brainfm["size_bytes"] > 1e9
    assert {"t1", "seg", "registration"} <= set(brainfm["tasks"]) and "third parties" in brainfm["evidence"]


def test_listing_is_fast(home):
    list_facts()
    start = time.perf_counter()
    list_facts()
    assert time.perf_counter() - start < 0.05


def test_errors_reach_the_caller(home, tmp_path):
    (tmp_path / "page.pth").write_text("<html>")
    assert isinstance(run("import", tmp_path / "page.pth").exception, ModelFileError)
    assert isinstance(run("download", "compact").exception, UsageError)
    assert isinstance(run("inspect", "nothing").exception, ModelFileError)


def test_download_verifies_converts_and_cleans_up(home, checkpoint, monkeypatch):
    source = checkpoint()
    entry = replace(find_entry("brainfm"), sha256=hashlib.sha256(source.read_bytes()).hexdigest())
    monkeypatch.setattr("BrainFMEngine.cli.model_runs.find_entry", lambda name: entry)
    monkeypatch.setattr("BrainFMEngine.models.authors.catalogue", lambda: (entry,))
    monkeypatch.setattr("BrainFMEngine.models.importing.catalogue", lambda: (entry,))

    def fake_download(url, target, sha256, options, progress):
        assert (url, sha256) == (entry.url, entry.sha256)
        target.parent.mkdir(parents=True)
        shutil.copy(source, target)

    monkeypatch.setattr("BrainFMEngine.models.download.download", fake_download)
    done = run("download", "brainfm")
    assert done.exit_code == 0 and "third parties" in done.stdout
    assert "third parties" in run("inspect", "brainfm").stdout.replace("\n", " ")
    assert list((home / "downloads").iterdir()) == []
    assert isinstance(run("download", "brainfm").exception, UsageError)


def test_failed_download_installs_nothing(home, monkeypatch):
    def fake_download(*arguments):
        raise DownloadError("no network")

    monkeypatch.setattr("BrainFMEngine.models.download.download", fake_download)
    assert isinstance(run("download", "brainfm").exception, DownloadError)
    assert list_models() == [model for model in list_models() if model.bundled]
