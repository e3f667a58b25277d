"""A result folder as the engine leaves it, made from formulas: small, and every value known. Only numpy is needed.

    results = ResultFolder(tmp_path, "scan", grid=(20, 24, 22), affine=A)
    results.write()                      # all kinds; write(tasks={"t1", "seg"}) for some
    results.folder, results.stem

The "head" is an ellipsoid around the world point `centre`; its coordinates in the atlas are `atlas_of(points)`.
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CODES = {"uint8": (2, 8), "int16": (4, 16), "int32": (8, 32), "float32": (16, 32), "float64": (64, 64)}
TO_ATLAS = np.array([[1.04, 0.05, 0.0, 3.0], [-0.04, 1.02, 0.06, -14.0], [0.0, -0.05, 1.1, 9.0], [0, 0, 0, 1]])
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
STRUCTURES = {
    2: "Left-Cerebral-White-Matter",
    3: "Left-Cerebral-Cortex",
    4: "Left-Lateral-Ventricle",
    17: "Left-Hippocampus",
    24: "CSF",
    41: "Right-Cerebral-White-Matter",
    42: "Right-Cerebral-Cortex",
    911: "Skin",
}
ALL_TASKS = frozenset({"t1", "t2", "flair", "ct", "seg", "distance", "bias", "registration"})
SURFACES = {"lp": "hemi-L_pial", "lw": "hemi-L_white", "rp": "hemi-R_pial", "rw": "hemi-R_white"}
FINDINGS = ["the field of view cuts the brain (21 cm² on its border)", 'odd: "quoted"; a = b']


@dataclass
class ResultFolder:
    """Where results of one scan go and what they show.

    Attributes:
        parent: the output folder; results go to `parent/stem`.
        stem: of the scan.
        shape: voxels of the scan, (X, Y, Z).
        affine: voxel index to world RAS mm of the scan.
        result_grid: shape and affine of the results where they are not on the scan's grid.
        ending: ".nii" or ".nii.gz".
        centre: middle of the head, world RAS mm; by default not quite the middle of the scan.
        radius_mm: of the head.
    """

    parent: Path
    stem: str = "scan"
    shape: tuple[int, int, int] = (20, 24, 22)
    affine: np.ndarray = field(default_factory=lambda: np.diag([2.0, 2.0, 2.0, 1.0]))
    result_grid: tuple[tuple[int, int, int], np.ndarray] | None = None
    ending: str = ".nii"
    centre: np.ndarray | None = None
    radius_mm: float = 16.0

    def __post_init__(self):
        if self.centre is None:
            self.centre = (self.affine @ [*((n - 1) / 2 for n in self.shape), 1])[:3] + [1.5, -1.0, 0.7]
        self.folder = Path(self.parent) / self.stem
        self.grid = self.result_grid or (self.shape, self.affine)

    def points(self) -> np.ndarray:
        """World RAS mm of every voxel of the results, (X, Y, Z, 3)."""
        shape, affine = self.grid
        index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
        return index @ affine[:3, :3].T + affine[:3, 3]

    def atlas_of(self, points: np.ndarray) -> np.ndarray:
        """Atlas RAS mm of world RAS mm: an affine and a smooth deformation of up to 2 mm."""
        return points @ TO_ATLAS[:3, :3].T + TO_ATLAS[:3, 3] + 2.0 * np.sin(points[..., [1, 2, 0]] / 30.0)

    def images(self) -> dict[str, np.ndarray]:
        """Every image by its name."""
        points = self.points()
        away = np.linalg.norm(points - self.centre, axis=-1) / self.radius_mm
        is_left = points[..., 0] < self.centre[0]
        labels = np.zeros(away.shape, np.int16)
        for limit, left, right in ((1.1, 911, 911), (1.0, 24, 24), (0.9, 3, 42), (0.7, 2, 41), (0.25, 4, 17)):
            labels = np.where(away < limit, np.where(is_left, left, right), labels).astype(np.int16)
        t1 = np.where(labels > 0, 2.0 - away, 0.0).astype(np.float32)
        bias = np.exp(0.004 * (points[..., 0] - self.centre[0])).astype(np.float32)
        coordinates = self.atlas_of(points).astype(np.float32)
        shifts = {"lp": (-5, 10), "lw": (-5, 8), "rp": (5, 10), "rw": (5, 8)}
        return {
            "T1w": t1,
            "T2w": t1 * 0.5,
            "FLAIR": t1 * t1,
            "CT": np.where(labels > 0, 40 * t1, -1000).astype(np.int16),
            "dseg": labels,
            **{name: self.distance(points, *shift) for name, shift in shifts.items()},
            "biasfield": bias,
            "corrected": 100 * t1,
            "atlas": 50 * t1,
            "atlas_coordinates": coordinates,
            "atlas_warp": ((coordinates - points) * [-1, -1, 1]).astype(np.float32)[:, :, :, None, :],
        }

    def distance(self, points: np.ndarray, shift_mm: float, size_mm: float) -> np.ndarray:
        """Distance in mm to a sphere beside the middle, cut at 3 mm."""
        centre = self.centre + [shift_mm, 0, 0]
        return np.clip(np.linalg.norm(points - centre, axis=-1) - size_mm, -3, 3).astype(np.float32)

    def write(self, tasks: frozenset[str] | set[str] = ALL_TASKS, surfaces: bool = False) -> ResultFolder:
        """Write the files of these tasks."""
        self.folder.mkdir(parents=True, exist_ok=True)
        images = self.images()
        for name in self._image_names(tasks):
            write_nifti(self.path(f"{name}{self.ending}"), images[name], self.grid[1])
        if "seg" in tasks:
            self.path("volumes.csv").write_text(self._volumes(images["dseg"]), encoding="utf-8")
        if "registration" in tasks:
            self.path("atlas_affine.tfm").write_text(itk_affine(TO_ATLAS), encoding="ascii")
        if "distance" in tasks and surfaces:
            for name, ending in SURFACES.items():
                write_gifti(self.path(f"{ending}.surf.gii"), *octahedron(self.centre, 10.0 if name[1] == "p" else 8.0))
        self._write_json("qc.json", self.quality())
        self._write_json("report.json", self.report())
        return self

    def path(self, ending: str) -> Path:
        """Path of one file."""
        return self.folder / f"{self.stem}_{ending}"

    def quality(self) -> dict:
        """Content of `qc.json`."""
        return {
            "verdict": "check",
            "findings": FINDINGS,
            "warnings": ["a doubt of the reader", *FINDINGS],
            "measurements": {"brain_volume_l": 1.25, "left_right_ratio": 0.99, "folded_fraction": None},
            "confidence": {"Left-Cerebral-Cortex": 0.9},
            "low_confidence": [],
        }

    def report(self) -> dict:
        """Content of `report.json`, as far as Slicer reads it."""
        shape, affine = self.grid
        return {
            "format": 1,
            "model": {"name": "phantom", "title": "Phantom", "sha256": "ab" * 32},
            "options": {"grid": "native" if self.result_grid is None else "1mm", "surfaces": False},
            "input": {
                "name": "input.nrrd",
                "grid": {"shape": list(self.shape), "affine_ras": self.affine.tolist()},
            },
            "grid": {"shape": list(shape), "affine_ras": affine.tolist()},
            "verdict": "check",
        }

    def _image_names(self, tasks) -> list[str]:
        of_task = {
            "t1": ["T1w"],
            "t2": ["T2w"],
            "flair": ["FLAIR"],
            "ct": ["CT"],
            "seg": ["dseg"],
            "distance": list(SURFACES),
            "bias": ["biasfield", "corrected"],
            "registration": ["atlas_coordinates", "atlas", "atlas_warp"],
        }
        return [name for task in sorted(tasks) for name in of_task[task]]

    def _volumes(self, labels: np.ndarray) -> str:
        voxel_mm3 = abs(np.linalg.det(self.grid[1][:3, :3]))
        lines, inside = ["id,name,soft_mm3,hard_mm3,confidence"], 0.0
        for label, name in [*STRUCTURES.items(), (77, "WM-hypointensities")]:
            volume = np.count_nonzero(labels == label) * voxel_mm3
            inside += volume if label < 900 else 0.0
            confidence = "" if not volume else "0.4100" if label == 17 else "0.9000"
            lines.append(f"{label},{name},{volume + 0.5:.1f},{volume:.1f},{confidence}")
        return "\n".join([*lines, f",Intracranial-Total,{inside:.1f},{inside:.1f},0.8500", ""])

    def _write_json(self, ending: str, content: dict) -> None:
        self.path(ending).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def write_nifti(path: Path, array: np.ndarray, affine: np.ndarray, order: str = "<", scale=(float("nan"), 0.0)) -> None:
    """Write an array (X, Y, Z, ...) as NIfTI-1, compressed where the name says so."""
    code, bits = CODES[array.dtype.name]
    header = bytearray(352)
    struct.pack_into(f"{order}i", header, 0, 348)
    sizes = [array.ndim, *array.shape, *[1] * (7 - array.ndim)]
    struct.pack_into(f"{order}8h", header, 40, *sizes)
    struct.pack_into(f"{order}hh", header, 70, code, bits)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    struct.pack_into(f"{order}8f", header, 76, 1.0, *spacing, 1, 1, 1, 1)
    struct.pack_into(f"{order}3f", header, 108, 352.0, *scale)
    struct.pack_into(f"{order}hh", header, 252, 0, 1)
    struct.pack_into(f"{order}12f", header, 280, *affine[:3].ravel())
    header[344:348] = b"n+1\0"
    data = bytes(header) + array.astype(array.dtype.newbyteorder(order)).tobytes(order="F")
    path.write_bytes(gzip.compress(data, 1) if path.name.endswith(".gz") else data)


def itk_affine(matrix_ras: np.ndarray) -> str:
    """The ITK transform file of a RAS matrix."""
    matrix = LPS @ matrix_ras @ LPS
    values = " ".join(f"{value:.17g}" for value in (*matrix[:3, :3].ravel(), *matrix[:3, 3]))
    return (
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {values}\nFixedParameters: 0 0 0\n"
    )


def octahedron(centre: np.ndarray, size_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and outward triangles."""
    vertices = np.concatenate([np.eye(3), -np.eye(3)]) * size_mm + centre
    faces = [(x, y, z) if (x < 3) ^ (y < 3) ^ (z < 3) else (x, z, y) for x in (0, 3) for y in (1, 4) for z in (2, 5)]
    return vertices.astype(np.float32), np.array(faces, np.int32)


def write_gifti(path: Path, vertices: np.ndarray, faces: np.ndarray, encoding: str = "GZipBase64Binary") -> None:
    """Write a surface as GIfTI."""
    parts = []
    for intent, kind, array in (("POINTSET", "FLOAT32", vertices), ("TRIANGLE", "INT32", faces)):
        data = array.tobytes()
        if encoding == "ASCII":
            text = " ".join(str(value) for value in array.ravel().tolist())
        else:
            text = base64.b64encode(zlib.compress(data) if encoding.startswith("GZip") else data).decode()
        parts.append(
            f'<DataArray Intent="NIFTI_INTENT_{intent}" DataType="NIFTI_TYPE_{kind}" Dimensionality="2" '
            f'ArrayIndexingOrder="RowMajorOrder" Encoding="{encoding}" Endian="LittleEndian" Dim0="{len(array)}" '
            f'Dim1="3"><Data>{text}</Data></DataArray>'
        )
    path.write_text(f'<?xml version="1.0"?><GIFTI Version="1.0">{"".join(parts)}</GIFTI>', encoding="utf-8")
