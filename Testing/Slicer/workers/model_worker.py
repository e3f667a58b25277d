"""Stands in for the engine when models are downloaded or imported: the real download and events, without PyTorch.

model_worker.py ADDRESS SHA256 models download|import NAME|FILE [--name NAME] --progress json --stdin

Only checking and converting is played: the bundled model is stored under the wanted name.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from BrainFMEngine.cli import model_runs
from BrainFMEngine.cli.interrupt import interruptible
from BrainFMEngine.errors import ModelFileError
from BrainFMEngine.models import catalogue
from BrainFMEngine.models.store import bundled_folder, models_folder
from BrainFMEngine.network.info import read_info


def store_bundled(file: Path, name: str, head: Path | None):
    """Store the bundled model under a name, unless the file is a web page."""
    if file.is_file() and file.read_bytes().startswith(b"<"):
        raise ModelFileError(f"model refused ({file}): it is a web page")
    folder = models_folder() / name
    shutil.copytree(bundled_folder() / "compact", folder)
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps({**description, "name": name}), encoding="utf-8")
    return read_info(folder)


def main() -> int:
    """Do what the arguments say; return the exit code."""
    url, sha256, _models, action, what, *options = sys.argv[1:]
    assert options[-3:] == ["--progress", "json", "--stdin"], options
    entry = replace(catalogue.find_entry("brainfm"), url=url, sha256=sha256)
    model_runs.store_model = store_bundled
    model_runs.NEEDED_PACKAGES = ()
    model_runs.find_entry = lambda name: entry

    def work(reporter):
        if action == "import":
            reporter.stage("checking and converting", 0.0)
            return store_bundled(Path(what), options[options.index("--name") + 1], None)
        return model_runs.download_and_import(model_runs.check_download(what), reporter, reporter.received)

    with interruptible():
        return model_runs.run_with_events(what, work, "kept", stdin=True)


if __name__ == "__main__":
    sys.exit(main())
