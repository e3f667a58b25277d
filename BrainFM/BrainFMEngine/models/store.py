"""Where models live: the bundled folder, read-only, and a user folder with one folder for each model. Torch-free.

The user folder is `models` in BRAINFM_HOME or, without that variable, in the platform's folder for application data.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from BrainFMEngine.errors import BrainFMError, FileAccessError, ModelFileError, UsageError, nearest_name
from BrainFMEngine.models.catalogue import catalogue
from BrainFMEngine.network.info import INFO_FILE, WEIGHTS_FILE, ModelInfo, check_name, read_info

PICKLE_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".pkl", ".tar")


@dataclass(frozen=True)
class StoredModel:
    """One model folder; `info` is None where its description is refused, and `problem` says why."""

    name: str
    folder: Path
    bundled: bool
    info: ModelInfo | None
    problem: str = ""


def home_folder() -> Path:
    """Return the folder for BrainFM's own data; it need not exist."""
    chosen = os.environ.get("BRAINFM_HOME")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "BrainFM"


def models_folder() -> Path:
    """Return the folder of the user's models."""
    return home_folder() / "models"


def bundled_folder() -> Path:
    """Return the folder of the models that come with this software."""
    return Path(__file__).parent / "bundled"


def list_models() -> list[StoredModel]:
    """Return bundled and installed models, sorted by name; damaged ones too, with their problem."""
    return [*_read_folder(bundled_folder(), bundled=True), *_read_folder(models_folder(), bundled=False)]


def _read_folder(parent: Path, bundled: bool) -> list[StoredModel]:
    try:
        folders = sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
    except OSError:
        return []
    models = []
    for folder in folders:
        try:
            models.append(StoredModel(folder.name, folder, bundled, read_info(folder)))
        except BrainFMError as error:
            models.append(StoredModel(folder.name, folder, bundled, None, str(error)))
    return models


def find_model(name: str) -> Path | None:
    """Return the folder of a bundled or installed model, None if there is none of that name."""
    check_name(name)
    for parent in (bundled_folder(), models_folder()):
        if (parent / name).is_dir():
            return parent / name
    return None


def resolve_model(path_or_name: str | Path) -> Path:
    """Return the model folder that the user means.

    Args:
        path_or_name: a model name, a folder with model.json, or the model.safetensors in it.

    Raises:
        ModelFileError: there is no such model, or the file must be imported first.
    """
    text = str(path_or_name)
    path = Path(path_or_name).expanduser()
    if isinstance(path_or_name, str) and _looks_like_name(text):
        folder = find_model(text)
        if folder or not path.exists():
            return folder or _unknown(text)
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise ModelFileError(
            f"{path.name} is not in a format that is run directly", f"Import it once: brainfm models import {path}"
        )
    if path.is_file() and path.name == WEIGHTS_FILE:
        path = path.parent
    if (path / INFO_FILE).is_file():
        return path
    if not path.exists():
        raise ModelFileError(f"no model at {path}", "Give a model name, or a folder that holds model.json.")
    raise ModelFileError(f"{path} is not a model: there is no {INFO_FILE} beside {WEIGHTS_FILE}")


def _looks_like_name(text: str) -> bool:
    try:
        return check_name(text) == text and Path(text).suffix.lower() not in (*PICKLE_SUFFIXES, ".safetensors")
    except ModelFileError:
        return False


def _unknown(name: str) -> Path:
    entry = next((entry for entry in catalogue() if entry.name == name), None)
    if entry is not None and entry.bundled:
        raise ModelFileError(f"the bundled model {name!r} is missing", "Reinstall BrainFM.")
    if entry is not None:
        raise ModelFileError(f"the model {name!r} is not installed", f"Get it with: brainfm models download {name}")
    raise ModelFileError(f"no model is called {name!r}", nearest_name(name, {model.name for model in list_models()}))


def default_name(path: str | Path, head: str | Path | None = None) -> str:
    """Return a valid model name made from the file name(s)."""
    path = Path(path)
    if path.name == WEIGHTS_FILE:
        path = path.parent
    words = [path.stem, *([Path(head).stem] if head else [])]
    name = re.sub(r"[^a-z0-9._-]+", "-", "-".join(words).lower()).strip("-._")
    return name[:64].rstrip("-._") or "model"


def free_name(name: str) -> str:
    """Return the name, with a number behind it if a model of that name is here or comes with BrainFM."""
    taken = {entry.name for entry in catalogue() if entry.bundled} | {model.name for model in list_models()}
    numbered = (f"{name[:60]}-{number}" for number in range(2, len(taken) + 3))
    return next(choice for choice in (name, *numbered) if choice not in taken)


def new_model_folder(name: str) -> Path:
    """Return the folder for a new model; UsageError if the name is taken or reserved."""
    check_name(name)
    if any(entry.bundled and entry.name == name for entry in catalogue()):
        raise UsageError(f"{name!r} is the name of a bundled model", "Choose another with --name.")
    if find_model(name) is not None:
        raise UsageError(f"a model called {name!r} is installed already", f"brainfm models remove {name}, or --name.")
    return models_folder() / name


def remove_model(name: str) -> None:
    """Delete an installed model.

    Raises:
        UsageError: it is bundled or not installed.
        FileAccessError: it cannot be deleted.
    """
    check_name(name)
    folder = models_folder() / name
    if (bundled_folder() / name).is_dir():
        raise UsageError(f"{name!r} is bundled with BrainFM and cannot be removed")
    if not folder.is_dir() or folder.is_symlink():
        raise UsageError(f"no installed model is called {name!r}", "See: brainfm models list")
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-", suffix=".removed") as scratch:
            os.replace(folder, Path(scratch) / name)
            shutil.rmtree(Path(scratch) / name)
    except OSError as error:
        raise FileAccessError(f"cannot remove {folder}: {error.strerror or error}") from error
