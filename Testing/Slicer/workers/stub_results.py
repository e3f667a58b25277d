"""Results that the stub worker writes: copies of a given folder, or a tiny image, labels, a table and a report."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from pathlib import Path

TASK_IMAGES = ("T1w", "dseg")
EDGE = 8


def write_results(folder: Path, stem: str, source: Path | None) -> dict[str, Path]:
    """Write results named after `stem`; return the files by kind, the report last."""
    folder.mkdir(parents=True, exist_ok=True)
    if source is not None:
        return _copy_results(source, folder, stem)
    files = {kind: folder / f"{stem}_{kind}.nii.gz" for kind in TASK_IMAGES}
    for kind, path in files.items():
        path.write_bytes(gzip.compress(tiny_nifti(1 if kind == "T1w" else 2)))
    files["volumes"] = folder / f"{stem}_volumes.csv"
    files["volumes"].write_text("index,name,volume_mm3\n2,Left-Cerebral-White-Matter,1000.0\n", encoding="utf-8")
    files["report"] = folder / f"{stem}_report.json"
    files["report"].write_text(json.dumps({"model": {"name": "stub"}}), encoding="utf-8")
    return files


def stem_of(path: Path) -> str:
    """Return an input's name without its ending."""
    name = path.name
    return next((name[: -len(end)] for end in (".nii.gz", ".nii", ".nrrd") if name.endswith(end)), name)


def _copy_results(source: Path, folder: Path, stem: str) -> dict[str, Path]:
    """Copy files named after their folder; they get the input's name instead."""
    files = {}
    for path in sorted(source.iterdir(), key=lambda path: path.name.endswith("_report.json")):
        ending = path.name.removeprefix(f"{source.name}_")
        target = folder / f"{stem}_{ending}"
        shutil.copyfile(path, target)
        files[ending.split(".")[0]] = target
    return files


def tiny_nifti(code: int) -> bytes:
    """Return an image of 8 x 8 x 8 bytes, 1 mm, with the value `code` in the middle."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, EDGE, EDGE, EDGE, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 2, 8)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<hh", header, 252, 0, 1)
    for row in range(3):
        struct.pack_into("<4f", header, 280 + 16 * row, *(float(row == column) for column in range(3)), 0.0)
    header[344:348] = b"n+1\0"
    voxels = bytearray(EDGE**3)
    for x, y, z in ((x, y, z) for x in range(2, 6) for y in range(2, 6) for z in range(2, 6)):
        voxels[x + EDGE * (y + EDGE * z)] = code
    return bytes(header + voxels)
