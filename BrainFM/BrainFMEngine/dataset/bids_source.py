"""A BIDS folder: scans in `sub-*/[ses-*/]anat` (CT in `ct`), label maps in `derivatives/*`; or one derivative.

Label maps are, in this order: `*_desc-<name>_dseg` (or `_synthseg`, `_aparcaseg`, `_aseg`) of a derivative in the
scan's own space, then the segmentation of `derivatives/freesurfer` or the like (or `sourcedata/freesurfer` within a
derivative). A `_dseg` without `desc` of three tissue classes, as fMRIPrep writes it, has no structures and is not used.
Of several runs or acquisitions that are taken which have the label map's; without one, the first by name.
"""

from __future__ import annotations

import re
from pathlib import Path

from BrainFMEngine.dataset.freesurfer_source import freesurfer_subject
from BrainFMEngine.dataset.source_subject import CONTRAST_NAMES, SourceSubject, images_in, safe_name

PREFERRED = ("synthseg", "supersynth", "aparcaseg", "aseg")
LABEL_SUFFIXES = ("dseg", "synthseg", "aparcaseg", "aseg")
OWN_SPACES = {None, "T1w", "orig", "individual", "native", "scanner"}
SCAN_FOLDERS = ("anat", "ct")
FREESURFER_FOLDERS = ("derivatives/*surfer*", "derivatives/*/sourcedata/*surfer*", "sourcedata/*surfer*", ".")
TELL_APART = ("acq", "ce", "rec", "run")
"""Entities of scans of one contrast and session."""


def find_bids(source: Path) -> list[SourceSubject]:
    """Find every session of every participant that has a scan or a label map."""
    subjects = []
    for participant in sorted(path for path in source.glob("sub-*") if path.is_dir()):
        sessions = sorted(path for path in participant.glob("ses-*") if path.is_dir()) or [participant]
        found = (_session(source, participant.name, folder, len(sessions) == 1) for folder in sessions)
        subjects += [subject for subject in found if subject.labels or subject.images]
    return subjects


def _session(source: Path, participant: str, folder: Path, only: bool) -> SourceSubject:
    """Return one session; if it is the `only` one, what derivatives have of the participant is of it."""
    session = None if folder.name == participant else folder.name
    parts = [participant] + ([session] if session else [])
    places = [parts, [participant]] if only and session else [parts]
    freesurfer = next(filter(None, (_freesurfer(source, place) for place in places)), None)
    derived = [item for place in places for item in _derived(source, place)]
    labels = _labels(derived)
    return SourceSubject(
        name=safe_name("_".join(parts)),
        collection=safe_name(source.resolve().name),
        person=safe_name(participant),
        labels=labels or (freesurfer.labels if freesurfer else None),
        images=_scans(folder, labels) or (freesurfer.images if freesurfer else {}),
        coordinates=_coordinates(derived),
        surfaces=freesurfer.surfaces if freesurfer else {},
    )


def _scans(folder: Path, labels: Path | None) -> dict[str, Path]:
    """Return contrast -> the scan of it that the label map is of, else the first by name."""
    wanted = _entities(labels.name) if labels else {}
    candidates: dict[str, list[tuple[bool, int, str, Path]]] = {}
    for place in SCAN_FOLDERS:
        for stem, path in images_in(folder / place).items():
            contrast, entities = CONTRAST_NAMES.get(stem.rpartition("_")[2]), _entities(stem)
            if contrast and "space" not in entities:
                others = sum(wanted.get(key) != entities.get(key) for key in TELL_APART) if wanted else 0
                candidates.setdefault(contrast, []).append((entities.get("desc") == "brain", others, stem, path))
    return {contrast: min(found)[3] for contrast, found in candidates.items()}


def _labels(derived: list[tuple[str, Path]]) -> Path | None:
    candidates = []
    for stem, path in derived:
        entities, suffix = _entities(stem), stem.rpartition("_")[2]
        if suffix not in LABEL_SUFFIXES or entities.get("space") not in OWN_SPACES:
            continue
        description = suffix if suffix != "dseg" else entities.get("desc", entities.get("seg", "")).lower()
        rank = PREFERRED.index(description) if description in PREFERRED else len(PREFERRED)
        if description:
            candidates.append((rank, str(path), path))
    return min(candidates)[2] if candidates else None


def _coordinates(derived: list[tuple[str, Path]]) -> tuple[Path, ...]:
    """Return the atlas coordinates that `brainfm predict` writes, if a derivative has them."""
    return next(((path,) for stem, path in derived if stem.endswith("atlas_coordinates")), ())


def _derived(source: Path, parts: list[str]) -> list[tuple[str, Path]]:
    """Return name without ending and path of what derivatives have; SOURCE itself may be one."""
    inside = "/".join(parts)
    bases = [*sorted(source.glob(f"derivatives/*/{inside}")), source / inside]
    folders = [place for base in bases for place in (base, base / "anat")]
    return [item for folder in folders for item in images_in(folder).items()]


def _freesurfer(source: Path, parts: list[str]) -> SourceSubject | None:
    for pattern in FREESURFER_FOLDERS:
        for name in dict.fromkeys(("_".join(parts), "/".join(parts))):
            for folder in sorted(source.glob(f"{pattern}/{name}")):
                subject = freesurfer_subject(folder, "")
                if subject is not None:
                    return subject
    return None


def _entities(stem: str) -> dict[str, str]:
    """Return the key-value pairs of a BIDS name."""
    return dict(re.findall(r"([a-zA-Z]+)-([a-zA-Z0-9]+)", stem))
