"""The catalogue, the folder of models and the commands on them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from BrainFMEngine.cli.models import app
from BrainFMEngine.errors import DownloadError, ModelFileError, UsageError
from BrainFMEngine.models import DEFAULT_MODEL, store
from BrainFMEngine.models.catalogue import catalogue, find_entry
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
    assert {"name": "mine", "state": "installed", "tasks": "t1 seg distance"}.items() <= next(
        row for row in rows if row["name"] == "mine"
    ).items()
    assert "mine" in run("list").stdout
    described = json.loads(run("inspect", "mine", "--json").stdout)
    assert described["network"]["f_maps"] == 8 and described["provenance"]["source_file"] == path.name
    assert "brainfm-56" in run("inspect", path).stdout
    assert run("remove", "mine").exit_code == 0
    assert not [model for model in list_models() if model.name == "mine"]


def test_damaged_installed_model_is_listed_as_refused(home, model_folder):
    folder = home / "models" / "broken"
    shutil.copytree(model_folder, folder)
    (folder / "model.json").write_text("{}")
    rows = json.loads(run("list", "--json").stdout)
    assert next(row for row in rows if row["name"] == "broken")["state"].startswith("refused")


def test_errors_reach_the_caller(home, tmp_path):
    (tmp_path / "page.pth").write_text("<html>")
    assert isinstance(run("import", tmp_path / "page.pth").exception, ModelFileError)
    assert isinstance(run("download", "compact").exception, UsageError)
    assert isinstance(run("inspect", "nothing").exception, ModelFileError)


def test_download_verifies_converts_and_cleans_up(home, checkpoint, monkeypatch):
    source = checkpoint()
    entry = replace(find_entry("brainfm"), sha256=hashlib.sha256(source.read_bytes()).hexdigest())
    monkeypatch.setattr("BrainFMEngine.models.catalogue.find_entry", lambda name: entry)
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
