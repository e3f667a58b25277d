"""What is known about a prepared subject beside its arrays: `subjects/<name>.json`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SourceFile:
    """A file that a subject was made from: its name (without folder) and SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True)
class SubjectChecks:
    """What was measured while preparing.

    Attributes:
        brain_ml: volume of the brain with its ventricles, None without labels.
        volumes_ml: label id -> volume of the structure.
        registration_error_mm: median distance between the structures' centroids and the atlas's; None where the labels
            do not tell the structures.
        folded: fraction of the brain in which atlas coordinates fold; None without coordinates.
        moved_mm: contrast -> how far rigid alignment moved the scan, at most, within the head.
        warnings: what is doubtful.
    """

    brain_ml: float | None = None
    volumes_ml: dict[str, float] = field(default_factory=dict)
    registration_error_mm: float | None = None
    folded: float | None = None
    moved_mm: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SubjectInfo:
    """One subject of a dataset.

    Attributes:
        name: also of its files.
        collection: the data set it comes from, the unit of the papers' train/test setups.
        person: the same for all scans of one person, so that they stay in one part of the split.
        sources: kind ("labels", "T1", ...) -> the file it was made from.
        scheme: what its labels are rows of, None without labels.
        shape: (X, Y, Z) voxels of 1 mm.
        contrasts: of its own images.
        targets: "segmentation", "distance", "registration", as far as it has them.
        inputs: hash of sources and options; the same means that nothing has to be done again.
        sha256: of its .npz file.
        checks: what was measured.
    """

    name: str
    collection: str
    person: str
    sources: dict[str, SourceFile]
    scheme: str | None
    shape: tuple[int, int, int]
    contrasts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    inputs: str = ""
    sha256: str = ""
    checks: SubjectChecks = field(default_factory=SubjectChecks)
