"""A BIDS folder: scans in `sub-*/[ses-*/]anat` (CT in `ct`), label maps in `derivatives/*`.

Label maps are, in this order: `*_desc-<name>_dseg` of a derivative in the scan's own space, then the segmentation of
`derivatives/freesurfer` (or `sourcedata/freesurfer` within a derivative). A `_dseg` without `desc` of three tissue
classes, as fMRIPrep writes it, has no structures and is not used.
"""

from __future__ import annotations

import re
from pathlib import Path

from BrainFMEngine.dataset.freesurfer_source import freesurfer_subject
from BrainFMEngine.dataset.source_subject import CONTRAST_NAMES, SourceSubject, images_in, safe_name

PREFERRED = ("synthseg", "supersynth", "aparcaseg", "aseg")
OWN_SPACES = {None, "T1w", "orig", "individual", "native", "scanner"}
SCAN_FOLDERS = ("anat", "ct")
FREESURFER_FOLDERS = ("derivatives/freesurfer", "derivatives/*/sourcedata/freesurfer", "sourcedata/freesurfer")


def find_bids(source: Path) -> list[SourceSubject]:
    """Find every session of every participant that has a scan or a label map."""
    subjects = []
    for participant in sorted(path for path in source.glob("sub-*") if path.is_dir()):
        sessions = sorted(path for path in participant.glob("ses-*") if path.is_dir()) or [participant]
        found = (_session(source, participant.name, folder) for folder in sessions)
        subjects += [subject for subject in found if subject.labels or subject.images]
    return subjects


def _session(source: Path, participant: str, folder: Path) -> SourceSubject:
    session = None if folder.name == participant else folder.name
    parts = [participant] + ([session] if session else [])
    freesurfer = _freesurfer(source, parts)
    return SourceSubject(
        name=safe_name("_".join(parts)),
        collection=safe_name(source.resolve().name),
        person=safe_name(participant),
        labels=_labels(source, parts) or (freesurfer.labels if freesurfer else None),
        images=_scans(folder),
        coordinates=_coordinates(source, parts),
        surfaces=freesurfer.surfaces if freesurfer else {},
    )


def _scans(folder: Path) -> dict[str, Path]:
    """Return contrast -> the first scan of it; runs and acquisitions in the order of their names."""
    scans: dict[str, Path] = {}
    for place in SCAN_FOLDERS:
        for stem, path in images_in(folder / place).items():
            contrast = CONTRAST_NAMES.get(stem.rpartition("_")[2])
            if contrast and "space" not in _entities(stem):
                scans.setdefault(contrast, path)
    return scans


def _labels(source: Path, parts: list[str]) -> Path | None:
    candidates = []
    for stem, path in _derived(source, parts):
        entities = _entities(stem)
        if not stem.endswith("_dseg") or entities.get("space") not in OWN_SPACES:
            continue
        description = entities.get("desc", entities.get("seg", "")).lower()
        rank = PREFERRED.index(description) if description in PREFERRED else len(PREFERRED)
        if description:
            candidates.append((rank, str(path), path))
    return min(candidates)[2] if candidates else None


def _coordinates(source: Path, parts: list[str]) -> tuple[Path, ...]:
    """Return the atlas coordinates that `brainfm predict` writes, if a derivative has them."""
    return next(((path,) for stem, path in _derived(source, parts) if stem.endswith("atlas_coordinates")), ())


def _derived(source: Path, parts: list[str]) -> list[tuple[str, Path]]:
    pattern = "derivatives/*/" + "/".join(parts)
    folders = [place for base in sorted(source.glob(pattern)) for place in (base, base / "anat")]
    return [item for folder in folders for item in images_in(folder).items()]


def _freesurfer(source: Path, parts: list[str]) -> SourceSubject | None:
    for pattern in FREESURFER_FOLDERS:
        for name in ("_".join(parts), parts[0]):
            for folder in sorted(source.glob(f"{pattern}/{name}")):
                subject = freesurfer_subject(folder, "")
                if subject is not None:
                    return subject
    return None


def _entities(stem: str) -> dict[str, str]:
    """Return the key-value pairs of a BIDS name."""
    return dict(re.findall(r"([a-zA-Z]+)-([a-zA-Z0-9]+)", stem))
