"""What the stand-in for `brainfm preview` makes: samples of a few voxels, each target in the form of the real one."""

from __future__ import annotations

import struct
from pathlib import Path

from stub_results import tiny_nifti

EDGE = 8
WITHOUT_BIAS = 2
"""Index of the sample that is as a CT: it has no bias field."""
SHARED = ("segmentation", "distance", "registration", "deformation_grid")
_CODES = {"h": 4, "f": 16, "B": 2}


def sample_files(folder: Path, index: int, seed: int, targets: list[str]) -> dict[str, str]:
    """Write a sample and the targets that it has; return kind -> path.

    Args:
        folder: is there.
        index: of the sample.
        seed: the image is uniform, with a value that follows from it.
        targets: names as in requests.
    """
    image = folder / f"sample-{index}.nii"
    image.write_bytes(tiny_nifti(seed % 5 + 1))
    files = {"image": image}
    for name in targets:
        if name == "bias_field_log" and index == WITHOUT_BIAS:
            continue
        stem = f"target_{name}" if name in SHARED else f"sample-{index}_{name}"
        files[name] = folder / f"{stem}.nii"
        files[name].write_bytes(_target(name, index))
    return {kind: str(path.absolute()) for kind, path in files.items()}


def sample_parameters(index: int, severity: float) -> list[dict]:
    """Return what was drawn: a rotation that samples share, noise that they don't."""
    rows = [
        ("deformation.affine.rotation_deg", "shape", "Rotation", "°", [12.9, 1.85, -13.3], "12.9 / 1.85 / -13.3 °"),
        ("corruption.noise.std", "noise", "Noise", "0–255", 10 * severity, f"{10 * severity:.3g} 0–255"),
        ("contrast.kind", "contrast", "Contrast", "", "t1", "t1"),
    ]
    if index == WITHOUT_BIAS:
        rows.append(("corruption.spikes.strength", "artefacts", "Strength of stripes", "0–1", 0.5, "0.5 0–1"))
    return [dict(zip(("path", "group", "title", "unit", "value", "text"), row, strict=True)) for row in rows]


def _target(name: str, index: int) -> bytes:
    places = [(x, y, z) for z in range(EDGE) for y in range(EDGE) for x in range(EDGE)]
    if name == "segmentation":
        return _nifti("h", [[0, 2, 3, 17][x // 2] for x, _y, _z in places])
    if name == "distance":
        return _nifti("f", *([x - 2.0 - number for x, _y, _z in places] for number in range(4)))
    if name == "registration":
        return _nifti("f", *([10.0 * place[axis] - 30 for place in places] for axis in range(3)))
    if name == "deformation_grid":
        return _nifti("B", [1 + (x // 4 + y // 4 + z // 4) % 2 for x, y, z in places])
    return _nifti("f", [(index + 1) * (x - 3.5) / 10 for x, _y, _z in places])


def _nifti(kind: str, *components: list) -> bytes:
    header = bytearray(tiny_nifti(1)[:352])
    sizes = (4, EDGE, EDGE, EDGE, len(components)) if len(components) > 1 else (3, EDGE, EDGE, EDGE, 1)
    struct.pack_into("<8h", header, 40, *sizes, 1, 1, 1)
    struct.pack_into("<hh", header, 70, _CODES[kind], 8 * struct.calcsize(kind))
    values = [value for component in components for value in component]
    return bytes(header) + struct.pack(f"<{len(values)}{kind}", *values)
