"""What users want to know about every model that is here or could be: bundled, installed, downloadable. Torch-free.

Fast, so that a window can show it: descriptions are read, and of the weights only how many bytes they promise.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from BrainFMEngine.models import store
from BrainFMEngine.models.card import Card, card_of
from BrainFMEngine.models.catalogue import CatalogueEntry, catalogue
from BrainFMEngine.network.info import WEIGHTS_FILE, ModelInfo

BUNDLED, INSTALLED, MISSING, DAMAGED = "bundled", "installed", "missing", "damaged"
_MAX_HEADER_BYTES = 8 << 20


@dataclass(frozen=True)
class ModelFacts:
    """One row of `brainfm models list`.

    Attributes:
        name: what `--model` takes.
        title, description: what users read.
        state: "bundled", "installed", "missing" or "damaged".
        tasks: names of the tasks it offers.
        size_bytes: of its folder; of a missing one roughly what it will take, None if that is not known.
        licence: of the weights, in words.
        trained_on: the training images, in words.
        problem: why it is damaged, else "".
        folder: where it is, "" if it is missing.
        downloadable: whether `brainfm models download` can get it now.
        removable: whether `brainfm models remove` can delete it.
        url: where the download comes from, "" if there is none.
        evidence: who vouches for address and checksum of the download, or for the imported file.
        sha256: of the weights that are here, or of the file that would be downloaded; "" if not known.
        card: what one should know before using it, see `card`; empty if it is missing or damaged.
    """

    name: str
    title: str
    description: str
    state: str
    tasks: tuple[str, ...]
    size_bytes: int | None
    licence: str
    trained_on: str
    problem: str
    folder: str
    downloadable: bool
    removable: bool
    url: str
    evidence: str
    sha256: str
    card: Card = ()


def list_facts() -> list[ModelFacts]:
    """Return every model: the catalogue in its order, then the user's own by name."""
    here = {model.name: model for model in reversed(store.list_models())}
    known = {entry.name: entry for entry in catalogue()}
    rows = [_present(here.pop(name), entry) if name in here else _absent(entry) for name, entry in known.items()]
    return rows + [_present(here[name], None) for name in sorted(here)]


def _present(model: store.StoredModel, entry: CatalogueEntry | None) -> ModelFacts:
    info = model.info or None
    problem = model.problem or _weights_problem(model.folder)
    description = entry.description if entry else ""
    return ModelFacts(
        name=model.name,
        title=(info.title if info else "") or (entry.title if entry else model.name),
        description=description,
        state=DAMAGED if problem else BUNDLED if model.bundled else INSTALLED,
        tasks=info.tasks if info else (),
        size_bytes=_folder_bytes(model.folder),
        licence=_said(info, entry, "licence"),
        trained_on=_said(info, entry, "trained_on"),
        problem=problem,
        folder=str(model.folder),
        downloadable=False,
        removable=not model.bundled,
        url=entry.url if entry else "",
        evidence=info.provenance.get("verified", "") if info else "",
        sha256=info.sha256 if info else "",
        card=card_of(info, entry.evidence if entry else "") if info else (),
    )


def _absent(entry: CatalogueEntry) -> ModelFacts:
    return ModelFacts(
        name=entry.name,
        title=entry.title,
        description=entry.description,
        state=MISSING,
        tasks=tuple(entry.tasks),
        size_bytes=entry.size_bytes or None,
        licence=entry.licence,
        trained_on=entry.trained_on,
        problem="",
        folder="",
        downloadable=bool(entry.url),
        removable=False,
        url=entry.url,
        evidence=entry.evidence,
        sha256=entry.sha256,
    )


def _said(info: ModelInfo | None, entry: CatalogueEntry | None, key: str) -> str:
    """Return what the model says itself, or else the catalogue."""
    said = [getattr(source, key) for source in (info, entry) if source is not None]
    return next((text for text in said if text and text != "not established"), said[0] if said else "")


def _folder_bytes(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        return 0


def _weights_problem(folder: Path) -> str:
    """Tell whether the weights are missing or have another length than their header promises; "" if all is well."""
    path = folder / WEIGHTS_FILE
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            header_bytes = int.from_bytes(stream.read(8), "little")
            if size < 8 or header_bytes > min(size - 8, _MAX_HEADER_BYTES):
                return f"{path} is cut short"
            header = json.loads(stream.read(header_bytes))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except FileNotFoundError:
        return f"{path} is missing"
    except OSError as error:
        return f"cannot read {path}: {error.strerror or error}"
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return f"{path} is not a weights file"
    return "" if 8 + header_bytes + max(ends, default=0) == size else f"{path} is cut short"
