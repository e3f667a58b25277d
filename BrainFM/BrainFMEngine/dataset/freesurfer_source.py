"""FreeSurfer's subjects directory: `<subject>/mri/*.mgz` and `<subject>/surf/`; also FastSurfer's, and SAMSEG's.

A time point of the longitudinal stream, its `.long.` folder and the base that they share are one person. SAMSEG alone
writes `<subject>/seg.mgz` and does not tell which contrast its inputs had: its subjects have labels only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from BrainFMEngine.dataset.source_subject import SourceSubject, first_image, safe_name

SEGMENTATIONS = (
    "aparc+aseg",
    "aparc.DKTatlas+aseg",
    "aparc.DKTatlas+aseg.mapped",
    "aparc.DKTatlas+aseg.deep.withCC",
    "aparc.DKTatlas+aseg.deep",
    "aparc.a2009s+aseg",
    "aseg",
    "wmparc",
    "aseg.presurf",
    "aseg.auto",
    "aseg.auto_noCCseg",
    "synthseg",
    "synthseg.rca",
)
"""The cortex in parcels first: from those, its two sides are certain."""
HEAD_SEGMENTATIONS = ("generation_labels", "seg.headtissue", "samseg", "samseg/seg", "supersynth")
"""Maps that also label what is around the brain; samples made from the others look skull-stripped."""
SAMSEG_ALONE = "seg"

SCANS = {
    "T1": ("nu", "orig_nu", "T1", "orig", "rawavg", "norm", "brain"),
    "T2": ("T2", "T2.prenorm", "orig/T2raw"),
    "FLAIR": ("FLAIR", "FLAIR.prenorm", "orig/FLAIRraw"),
    "CT": ("CT",),
}
SURFACES = {"lp": "lh.pial", "lw": "lh.white", "rp": "rh.pial", "rw": "rh.white"}
TEMPLATES = ("fsaverage", "cvs_avg35", "V1_average")
"""Beginnings of the names of FreeSurfer's own subjects."""
LONGITUDINAL = ".long."


def is_freesurfer(source: Path) -> bool:
    """Tell whether a folder is a subjects directory, or one subject."""
    if _is_subject(source):
        return True
    return any(_is_subject(folder) for folder in source.iterdir() if folder.is_dir())


def find_freesurfer(source: Path) -> list[SourceSubject]:
    """Find the subjects of a subjects directory; SOURCE may also be one subject."""
    single = _is_subject(source)
    folders = [source] if single else sorted(path for path in source.iterdir() if path.is_dir())
    collection = safe_name((source.parent if single else source).resolve().name)
    bases = _bases(folder.name for folder in folders)
    found = (
        freesurfer_subject(folder, collection, bases)
        for folder in folders
        if not folder.name.startswith(TEMPLATES) or single
    )
    return [subject for subject in found if subject is not None]


def freesurfer_subject(folder: Path, collection: str, bases: Mapping[str, str] | None = None) -> SourceSubject | None:
    """Return the subject of one folder; None where it is none, or not segmented.

    Args:
        folder: of the subject.
        collection: that it belongs to.
        bases: time point -> base of the longitudinal stream.
    """
    mri = folder / "mri"
    labels = first_image(mri, *HEAD_SEGMENTATIONS, *SEGMENTATIONS) or first_image(folder, SAMSEG_ALONE)
    if labels is None:
        return None
    scans = {contrast: first_image(mri, *stems) for contrast, stems in SCANS.items()}
    surfaces = {name: folder / "surf" / file for name, file in SURFACES.items()}
    name = folder.resolve().name
    return SourceSubject(
        name=safe_name(name),
        collection=collection,
        person=safe_name(_person(name, bases or {})),
        labels=labels,
        images={contrast: path for contrast, path in scans.items() if path is not None},
        surfaces=surfaces if all(path.is_file() for path in surfaces.values()) else {},
    )


def _is_subject(folder: Path) -> bool:
    return (folder / "mri").is_dir() or ((folder / "seg.mgz").is_file() and any(folder.glob("mode*_bias_corrected.*")))


def _bases(names: Iterable[str]) -> dict[str, str]:
    pairs = (name.split(LONGITUDINAL, 1) for name in names if LONGITUDINAL in name)
    return dict(pair for pair in pairs)


def _person(name: str, bases: Mapping[str, str]) -> str:
    if LONGITUDINAL in name:
        name = name.split(LONGITUDINAL, 1)[1]
    return bases.get(name, name).split("_ses-")[0]
