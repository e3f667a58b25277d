"""The subjects that previews are made from, kept in memory from one request to the next."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from BrainFMEngine.anatomy.sample_head import SAMPLE_HEAD
from BrainFMEngine.dataset.atlas_registration import register_to_atlas
from BrainFMEngine.dataset.dataset import Dataset
from BrainFMEngine.errors import BrainFMError, FileAccessError, UsageError, nearest_name
from BrainFMEngine.generator.label_maps import read_label_map_csv
from BrainFMEngine.generator.read_subject import read_subject, with_distances
from BrainFMEngine.generator.subject import Subject, is_brain
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.preview.request import PreviewRequest
from BrainFMEngine.preview.told import Told

KEPT = 2
Key = tuple[tuple[str, str, int, int], ...]


class Anatomies:
    """Reads subjects, and gives them again as long as their files do not change.

    What costs seconds and few previews show, distances and atlas coordinates, is made when it is first asked for.

    Args:
        device: where the subjects are wanted.
    """

    def __init__(self, device: torch.device):
        self.device = device
        self._kept: OrderedDict[Key, Subject] = OrderedDict()

    def get(self, request: PreviewRequest, name: str | None, wanted: frozenset[str], told: Told) -> tuple[Key, Subject]:
        """Return the subject of a request and what it is kept under.

        Args:
            request: whose anatomy is wanted.
            name: of the subject, if it is one of a data set.
            wanted: "distance" and "registration", as far as they are wanted.
            told: told each stage.

        Raises:
            FileAccessError, InputImageError, UsageError: as of `read_subject` and `Dataset`.
        """
        key = tuple(_state(kind, path) for kind, path in source_files(request, name).items())
        subject = self._kept.pop(key, None)
        told = told.for_anatomy()
        try:
            if subject is None:
                while len(self._kept) >= KEPT:
                    self._kept.popitem(last=False)
                subject = _read(request, name, told).to(self.device)
            made_here = request.subject is None  # training takes those of a data set as they are
            if made_here and "distance" in wanted and subject.distance is None:
                told.stage("measuring distances", 0.2)
                subject = with_distances(subject)
            if made_here and "registration" in wanted and subject.atlas_mm is None:
                told.stage("registering with the atlas", 0.3)
                subject = _registered(subject, told)
        finally:
            if subject is not None:
                self._kept[key] = subject
        return key, subject

    def clear(self) -> None:
        """Forget every subject: memory is short."""
        self._kept.clear()


def source_files(request: PreviewRequest, name: str | None) -> dict[str, Path]:
    """Return kind -> every file that a request's subject is made from."""
    if request.subject is not None:
        return {"subject": Dataset(Path(request.subject.dataset)).file(name or "")}
    files = {"labels": Path(request.anatomy) if request.anatomy else SAMPLE_HEAD}
    files |= {contrast: Path(path) for contrast, path in request.images.items()}
    others = {"coordinates": request.coordinates, "map_labels": request.map_labels}
    return files | {kind: Path(path) for kind, path in others.items() if path}


def source_record(request: PreviewRequest, name: str | None) -> dict[str, dict[str, str]]:
    """Return names and checksums of those files, as `brainfm generate` records them."""
    files = source_files(request, name)
    return {kind: {"name": path.name, "sha256": file_sha256(path)} for kind, path in files.items()}


def _state(kind: str, path: Path) -> tuple[str, str, int, int]:
    try:
        facts = path.stat()
    except OSError as error:
        hint = "Check the path; the file may have been moved or deleted."
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}", hint) from error
    return kind, str(path.absolute()), facts.st_mtime_ns, facts.st_size


def _read(request: PreviewRequest, name: str | None, told: Told) -> Subject:
    if request.subject is not None:
        told.stage(f"reading {name}", 0.0)
        return Dataset(Path(request.subject.dataset)).load(name or "")
    files = source_files(request, None)
    images: Mapping[str, Path] = {contrast: files[contrast] for contrast in request.images}
    overrides = None if request.map_labels is None else read_label_map_csv(files["map_labels"])
    return read_subject(files["labels"], images, files.get("coordinates"), overrides, progress=told, measure=False)


def _registered(subject: Subject, told: Told) -> Subject:
    """Return the subject with atlas coordinates; as it is, with a warning, where they cannot be found."""
    if subject.rows is not None and not bool(is_brain(subject.rows, subject.scheme).any()):
        told.warning("there is no brain to register with the atlas")
        return subject
    try:
        found = register_to_atlas(subject.to("cpu"))
    except BrainFMError as error:
        told.warning(f"atlas coordinates cannot be found: {error}")
        return subject
    return replace(subject, atlas_mm=found.atlas_mm.to(subject.device))


def check_subject_name(dataset: Dataset, name: str) -> None:
    """Raise UsageError, with the nearest name, if a data set has no such subject."""
    names = dataset.names()
    if name not in names:
        raise UsageError(f"{dataset.folder} has no subject {name!r}", nearest_name(name, names))
