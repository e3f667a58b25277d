"""One subject as found in a source, and how the parts of its name are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from BrainFMEngine.errors import InputImageError

IMAGE_ENDINGS = (".nii.gz", ".nii", ".mgz", ".mgh", ".nrrd", ".nhdr", ".mha", ".mhd")
ATLAS_SPACE_WORD = "atlas-space"
CONTRAST_NAMES = {"T1w": "T1", "T2w": "T2", "FLAIR": "FLAIR", "CT": "CT", "ct": "CT"}


@dataclass(frozen=True)
class SourceSubject:
    """Where the files of a subject are.

    Attributes:
        name: becomes the name of its files in the dataset.
        collection: the data set it belongs to.
        person: the same for all scans of one person; the name where a layout does not tell.
        labels: label map, or None.
        images: contrast ("T1", "T2", "FLAIR", "CT") -> scan.
        coordinates: one, two or three files (`generator.read_coordinates`); empty where it must be registered.
        in_atlas_space: the world of its files is the atlas's, so nothing is registered either.
        surfaces: "lp", "lw", "rp", "rw" -> surface; empty where distances are measured from labels.
        distances: "lp", "lw", "rp", "rw" -> coded distance map.
        part: of the split that the source asks for.
    """

    name: str
    collection: str
    person: str
    labels: Path | None = None
    images: Mapping[str, Path] = field(default_factory=dict)
    coordinates: tuple[Path, ...] = ()
    in_atlas_space: bool = False
    surfaces: Mapping[str, Path] = field(default_factory=dict)
    distances: Mapping[str, Path] = field(default_factory=dict)
    part: str | None = None

    @property
    def files(self) -> dict[str, Path]:
        """Kind -> every file that the subject is made from."""
        files = {"labels": self.labels} if self.labels else {}
        files |= dict(self.images) | {f"surface_{name}": path for name, path in self.surfaces.items()}
        files |= {f"distance_{name}": path for name, path in self.distances.items()}
        return files | {f"coordinates_{index}": path for index, path in enumerate(self.coordinates)}

    def contents(self) -> list[str]:
        """Return what it has, a phrase each: its label map by name, its contrasts, and what is known beside them."""
        words = [f"labels ({self.labels.name})"] if self.labels else []
        words += self.images
        words += ["surfaces"] if self.surfaces else []
        words += ["distances"] if self.distances else []
        return words + (["atlas coordinates"] if self.coordinates or self.in_atlas_space else [])


def safe_name(text: str) -> str:
    """Return a name that is a file name on every system: letters, digits, dots, hyphens and underscores."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")
    if not name:
        raise InputImageError(f"{text!r} cannot name a subject", "Use letters and digits.")
    is_device = re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)
    return f"subject-{name}" if is_device else name


def stem_of(path: Path) -> str | None:
    """Return a file's name without its ending, None where it is no image."""
    ending = next((ending for ending in IMAGE_ENDINGS if path.name.lower().endswith(ending)), None)
    return path.name[: -len(ending)] if ending and not path.name.startswith(".") else None


def images_in(folder: Path) -> dict[str, Path]:
    """Return name without ending -> image of a folder, sorted; nothing where there is no such folder."""
    if not folder.is_dir():
        return {}
    pairs = ((stem_of(path), path) for path in sorted(folder.iterdir()) if path.is_file())
    return {stem: path for stem, path in pairs if stem}


def first_image(folder: Path, *stems: str) -> Path | None:
    """Return the first of the named images that a folder has; a name may begin with a folder in it."""
    there: dict[Path, dict[str, Path]] = {}
    for stem in stems:
        place = (folder / stem).parent
        if place not in there:
            there[place] = images_in(place)
        found = there[place].get(stem.rpartition("/")[2])
        if found is not None:
            return found
    return None
