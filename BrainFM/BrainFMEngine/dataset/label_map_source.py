"""A folder of label maps, as SynthSeg is trained on, with what other folders beside them have under the same names.

```
SOURCE/*.nii.gz                     label maps; or SOURCE/labels/, SOURCE/label_maps/
SOURCE/coordinates/<name>.nii.gz    three components, atlas mm
SOURCE/T1w/<name>.nii.gz            scans of the same head; also T2w, FLAIR, CT
```
"""

from __future__ import annotations

from pathlib import Path

from BrainFMEngine.dataset.source_subject import CONTRAST_NAMES, SourceSubject, images_in, safe_name

LABEL_FOLDERS = ("labels", "label_maps", ".")
COORDINATES = "coordinates"


def find_label_maps(source: Path) -> list[SourceSubject]:
    """Find the label maps of a folder; empty where it has none."""
    maps = next((found for folder in LABEL_FOLDERS if (found := images_in(source / folder))), {})
    coordinates = images_in(source / COORDINATES)
    scans = {contrast: images_in(source / folder) for folder, contrast in CONTRAST_NAMES.items()}
    collection = safe_name(source.resolve().name)
    return [
        SourceSubject(
            name=safe_name(stem),
            collection=collection,
            person=safe_name(stem),
            labels=path,
            images={contrast: files[stem] for contrast, files in scans.items() if stem in files},
            coordinates=(coordinates[stem],) if stem in coordinates else (),
        )
        for stem, path in maps.items()
    ]
