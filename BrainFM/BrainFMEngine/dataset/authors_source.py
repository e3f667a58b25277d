"""The layouts of the published code: BrainFM's flat folder, and Brain-ID's folders with one file name a subject.

```
BrainFM                                          Brain-ID
SOURCE/<COLLECTION>.<subject>.T1w.nii            SOURCE/T1/<name>.nii
                             .T2w.nii, ...       SOURCE/label_maps_segmentation/<name>.nii
                             .brainseg_with_extracerebral.nii
                             .generation_labels.nii
                             .lp_dist_map.nii, ...
                             .mni_reg.x.nii, .y, .z
SOURCE/train.txt, test.txt                       (paths of T1w files, one a line)
```

A map with a label for each structure serves both as generation labels and as segmentation, so it is preferred:
`generation_labels` (which do not tell left from right) are used where there is no other.
"""

from __future__ import annotations

from pathlib import Path

from BrainFMEngine.dataset.source_subject import CONTRAST_NAMES, SourceSubject, images_in, safe_name
from BrainFMEngine.errors import FileAccessError

FLAT_LABELS = ("brainseg_with_extracerebral", "brainseg", "generation_labels")
SURFACES = ("lp", "lw", "rp", "rw")
FOLDER_LABELS = ("label_maps_segmentation", "label_maps_generation")
FOLDER_SCANS = ("T1", "T2", "FLAIR", "CT")
LISTS = {"train.txt": "train", "validation.txt": "validation", "test.txt": "test"}


def is_flat(source: Path) -> bool:
    """Tell whether a folder has files of BrainFM's flat layout."""
    suffixes = {*CONTRAST_NAMES, *FLAT_LABELS}
    return any(stem.count(".") >= 2 and stem.rpartition(".")[2] in suffixes for stem in images_in(source))


def find_flat(source: Path) -> list[SourceSubject]:
    """Find the subjects of BrainFM's flat folder; the collection is what is before the first dot."""
    kinds: dict[str, dict[str, Path]] = {}
    for stem, path in images_in(source).items():
        collection, _, rest = stem.partition(".")
        subject, _, kind = rest.partition(".")
        if kind:
            kinds.setdefault(f"{collection}.{subject}", {})[kind] = path
    parts = _parts(source)
    found = (_flat_subject(prefix, files, parts.get(prefix)) for prefix, files in kinds.items())
    return [subject for subject in found if subject.labels or subject.images]


def _flat_subject(prefix: str, files: dict[str, Path], part: str | None) -> SourceSubject:
    axes = [files[kind] for kind in ("mni_reg.x", "mni_reg.y", "mni_reg.z") if kind in files]
    maps = {name: files[f"{name}_dist_map"] for name in SURFACES if f"{name}_dist_map" in files}
    return SourceSubject(
        name=safe_name(prefix),
        collection=safe_name(prefix.partition(".")[0]),
        person=safe_name(prefix),
        labels=next((files[kind] for kind in FLAT_LABELS if kind in files), None),
        images={contrast: files[kind] for kind, contrast in CONTRAST_NAMES.items() if kind in files},
        coordinates=tuple(axes) if len(axes) == 3 else (),
        distances=maps if len(maps) == len(SURFACES) else {},
        part=part,
    )


def _parts(source: Path) -> dict[str, str]:
    """Return prefix -> part of the split, from the lists beside the files; a prefix in two lists keeps the last."""
    parts = {}
    for file, part in LISTS.items():
        if (source / file).is_file():
            try:
                lines = (source / file).read_text(encoding="utf-8").splitlines()
            except (OSError, ValueError) as error:
                raise FileAccessError(f"cannot read {source / file}", str(error)) from error
            for line in filter(None, map(str.strip, lines)):
                name = line.replace("\\", "/").rpartition("/")[2]
                parts[".".join(name.split(".")[:2])] = part
    return parts


def is_folders(source: Path) -> bool:
    """Tell whether a folder has Brain-ID's layout."""
    return any((source / name).is_dir() for name in FOLDER_LABELS)


def find_folders(source: Path) -> list[SourceSubject]:
    """Find the subjects of Brain-ID's layout: the same file name in every folder."""
    labels: dict[str, Path] = {}
    for folder in FOLDER_LABELS[::-1]:
        labels |= images_in(source / folder)
    scans = {contrast: images_in(source / contrast) for contrast in FOLDER_SCANS}
    names = sorted({*labels, *(name for files in scans.values() for name in files)})
    return [
        SourceSubject(
            name=safe_name(name),
            collection=safe_name(name.partition(".")[0] if "." in name else source.resolve().name),
            person=safe_name(name),
            labels=labels.get(name),
            images={contrast: files[name] for contrast, files in scans.items() if name in files},
        )
        for name in names
    ]
