"""FreeSurfer's subjects directory: `<subject>/mri/*.mgz` and `<subject>/surf/`."""

from __future__ import annotations

from pathlib import Path

from BrainFMEngine.dataset.source_subject import SourceSubject, first_image, safe_name

SEGMENTATIONS = ("aparc+aseg", "aparc.DKTatlas+aseg", "aseg", "wmparc", "aseg.auto", "synthseg")
HEAD_SEGMENTATIONS = ("generation_labels", "seg.headtissue", "samseg", "supersynth")
"""Maps that also label what is around the brain; samples made from the others look skull-stripped."""

SCANS = {"T1": ("nu", "T1", "orig", "rawavg"), "T2": ("T2",), "FLAIR": ("FLAIR",), "CT": ("CT",)}
SURFACES = {"lp": "lh.pial", "lw": "lh.white", "rp": "rh.pial", "rw": "rh.white"}
TEMPLATES = ("fsaverage", "fsaverage3", "fsaverage4", "fsaverage5", "fsaverage6", "fsaverage_sym", "cvs_avg35")


def find_freesurfer(source: Path) -> list[SourceSubject]:
    """Find the subjects of a subjects directory; SOURCE may also be one subject."""
    folders = [source] if (source / "mri").is_dir() else sorted(path for path in source.iterdir() if path.is_dir())
    collection = safe_name((source.parent if folders == [source] else source).resolve().name)
    found = (freesurfer_subject(folder, collection) for folder in folders if folder.name not in TEMPLATES)
    return [subject for subject in found if subject is not None]


def freesurfer_subject(folder: Path, collection: str) -> SourceSubject | None:
    """Return the subject of one folder; None where it is none, or not segmented."""
    labels = first_image(folder / "mri", *HEAD_SEGMENTATIONS, *SEGMENTATIONS)
    if labels is None:
        return None
    scans = {contrast: first_image(folder / "mri", *stems) for contrast, stems in SCANS.items()}
    surfaces = {name: folder / "surf" / file for name, file in SURFACES.items()}
    return SourceSubject(
        name=safe_name(folder.resolve().name),
        collection=collection,
        person=safe_name(folder.resolve().name.split(".long.")[0].split("_ses-")[0]),
        labels=labels,
        images={contrast: path for contrast, path in scans.items() if path is not None},
        surfaces=surfaces if all(path.is_file() for path in surfaces.values()) else {},
    )
