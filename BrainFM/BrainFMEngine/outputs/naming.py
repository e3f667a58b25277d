"""Names of results: the stem taken from the input's name, and the kinds of files that can follow it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from BrainFMEngine.tasks import TASKS

SURFACES = {
    "lp": "hemi-L_pial.surf.gii",
    "lw": "hemi-L_white.surf.gii",
    "rp": "hemi-R_pial.surf.gii",
    "rw": "hemi-R_white.surf.gii",
}
REPORT = "report.json"
COMPRESSED, UNCOMPRESSED = ".nii.gz", ".nii"
_IMAGES = (
    *(entry.name for task in TASKS for entry in task.maps),
    *("corrected", "atlas", "atlas_warp", "probseg", "features"),
)
RESULT_ENDINGS: tuple[str, ...] = (
    *(f"{image}{ending}" for image in _IMAGES for ending in (COMPRESSED, UNCOMPRESSED)),
    *("atlas_affine.tfm", "dseg.tsv", "volumes.csv", "qc.json", "overview.png"),
    *SURFACES.values(),
    REPORT,
)

_IMAGE_ENDINGS = (".nii.gz", ".nii", ".mgz", ".mgh", ".mgh.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_LONGEST_STEM_BYTES = 190
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def stem_of(path: str | Path) -> str:
    """Return the input's file name without its image ending, as a name that every file system accepts.

    Names so long that result names would not fit are cut and completed by a hash, so different names stay different.
    """
    name = Path(path).name
    ending = max((end for end in _IMAGE_ENDINGS if name.lower().endswith(end)), key=len, default="")
    stem = name[: len(name) - len(ending)].rstrip(". ") or "scan"
    if stem.split(".")[0].lower() in _RESERVED:
        stem = f"scan-{stem}"
    encoded = stem.encode("utf-8", "surrogateescape")
    if len(encoded) <= _LONGEST_STEM_BYTES:
        return stem
    digest = hashlib.sha256(encoded).hexdigest()[:10]
    return f"{encoded[: _LONGEST_STEM_BYTES - 11].decode('utf-8', 'ignore')}-{digest}"


def stems_of(paths: Sequence[str | Path]) -> list[str]:
    """Return one stem per input, all different even where file names ignore case.

    Inputs of the same stem get the name of their folder in front, and a number if that is not enough.
    """
    stems = [stem_of(path) for path in paths]
    shared = _shared(stems)
    stems = [
        stem_of(f"{Path(path).absolute().parent.name}-{stem}.nii") if stem.casefold() in shared else stem
        for path, stem in zip(paths, stems, strict=True)
    ]
    return _numbered(stems)


def _shared(stems: Sequence[str]) -> set[str]:
    return {stem for stem, count in Counter(stem.casefold() for stem in stems).items() if count > 1}


def _numbered(stems: Sequence[str]) -> list[str]:
    taken = {stem.casefold() for stem in stems}
    seen: set[str] = set()
    result = []
    for stem in stems:
        name, number = stem, 1
        while name.casefold() in seen or (number > 1 and name.casefold() in taken):
            number += 1
            name = f"{stem}-{number}"
        seen.add(name.casefold())
        result.append(name)
    return result
